//! What events are about.

use std::{fmt, str::FromStr};

use schema::{
    AccountId, Actor, CommandId, DeviceId, DomainId, Event, ImportId, InvalidId, OrganizationId, PairingId,
    RecordedEvent, RoleId, SessionId, SsoProviderId, SupportRequestId,
    events::{
        DeviceEvent, ImportEvent, OrganizationEvent, PairingEvent, RoleEvent, SessionEvent, SingleSignOnEvent,
        SsoAnswerEvent, SupportEvent,
    },
};
use smallvec::{SmallVec, smallvec};

macro_rules! subjects {
    ($($(#[$doc:meta])* $kind:ident($id:ty) = $tag:literal,)*) => {
        /// Something that has an id and that events are about. Written as its id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Subject {
            $($(#[$doc])* $kind($id),)*
        }

        impl Subject {
            /// How the view marks it: what kind of thing, and its id.
            pub(crate) fn tag(self) -> (u8, uuid::Uuid) {
                match self { $(Self::$kind(id) => ($tag, id.0),)* }
            }
        }

        impl fmt::Display for Subject {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$kind(id) => id.fmt(f),)* }
            }
        }

        impl FromStr for Subject {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.split_once('_').map(|(prefix, _)| prefix) {
                    $(Some(<$id>::PREFIX) => text.parse().map(Self::$kind),)*
                    _ => Err(InvalidId { prefix: "acc, dev, role, dom, imp, org, cmd, ses, pair, sup or sso" }),
                }
            }
        }

        $(impl From<$id> for Subject {
            fn from(id: $id) -> Self {
                Self::$kind(id)
            }
        })*
    };
}

// The tags stand in the view's files: a change of one is a new version of the view.
subjects! {
    /// An organization.
    Organization(OrganizationId) = b'o',
    /// A person's account.
    Account(AccountId) = b'a',
    /// An admin role.
    Role(RoleId) = b'r',
    /// A Portal unit.
    Device(DeviceId) = b'd',
    /// A command to a unit.
    Command(CommandId) = b'c',
    /// An email domain.
    Domain(DomainId) = b'm',
    /// A file of people.
    Import(ImportId) = b'i',
    /// A signed-in browser or client.
    Session(SessionId) = b's',
    /// An attempt to connect a unit.
    Pairing(PairingId) = b'p',
    /// A request to the support.
    SupportRequest(SupportRequestId) = b'h',
    /// An identity provider.
    SsoProvider(SsoProviderId) = b'v',
}

/// Some subjects; few enough to need no memory of their own.
pub type Subjects = SmallVec<[Subject; 4]>;

/// What the event is about, without repetition: the thing whose stream it stands in first, then those that it names.
/// Empty for what is in no organization's history.
pub fn subjects(event: &Event, recorded: &RecordedEvent) -> Subjects {
    match event {
        Event::Signup(_) | Event::Reservation(_) | Event::Recovery(_) | Event::Federation(_) => Subjects::new(),
        Event::Organization(e) => of_organization(e, recorded),
        Event::Account(_) => of_stream::<AccountId>(recorded),
        Event::Session(SessionEvent::Started(e)) => smallvec![e.session.into(), e.account.into()],
        Event::Session(SessionEvent::OpenedFrom(_) | SessionEvent::Federated(_)) => {
            with_actor(of_stream::<SessionId>(recorded), recorded)
        }
        Event::Session(SessionEvent::Ended(_)) => with_actor(of_stream::<SessionId>(recorded), recorded),
        Event::Role(e) => of_role(e),
        Event::Pairing(PairingEvent::Approved(e)) => {
            with(of_stream::<PairingId>(recorded), [e.device.into(), e.account.into()])
        }
        Event::Pairing(PairingEvent::Completed(e)) => with(of_stream::<PairingId>(recorded), [e.device.into()]),
        Event::Pairing(_) => of_stream::<PairingId>(recorded),
        Event::Device(e) => of_device(e, recorded),
        Event::Import(ImportEvent::Uploaded(e)) => {
            with(smallvec![e.import.into(), e.account.into()], e.duplicate_of.map(Subject::from))
        }
        Event::Import(_) => of_stream::<ImportId>(recorded),
        Event::Support(SupportEvent::Requested(e)) => smallvec![e.request.into(), e.account.into()],
        Event::SingleSignOn(e) => of_single_sign_on(e, recorded),
        Event::SsoAnswer(SsoAnswerEvent::Accepted(e)) => smallvec![e.provider.into(), e.account.into()],
        Event::SsoAnswer(SsoAnswerEvent::Refused(e)) => smallvec![e.provider.into()],
        Event::SsoAnswer(SsoAnswerEvent::RefusalsSuppressed(e)) => smallvec![e.provider.into()],
    }
}

/// The same, known what the event follows up: the end of a session is also about whose session it was.
pub fn subjects_following(event: &Event, recorded: &RecordedEvent, previous: Option<&Event>) -> Subjects {
    let person = match (event, previous) {
        (Event::Session(_), Some(Event::Session(SessionEvent::Started(e)))) => Some(e.account.into()),
        _ => None,
    };
    with(subjects(event, recorded), person)
}

/// The thing whose stream the event stands in.
fn of_stream<Id: FromStr + Into<Subject>>(recorded: &RecordedEvent) -> Subjects {
    recorded.stream.id().parse::<Id>().ok().into_iter().map(Into::into).collect()
}

fn with(mut subjects: Subjects, more: impl IntoIterator<Item = Subject>) -> Subjects {
    for subject in more {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    subjects
}

fn with_actor(subjects: Subjects, recorded: &RecordedEvent) -> Subjects {
    match &recorded.actor {
        Actor::Account(account) => with(subjects, [(*account).into()]),
        _ => subjects,
    }
}

fn of_organization(event: &OrganizationEvent, recorded: &RecordedEvent) -> Subjects {
    let subjects = of_stream::<OrganizationId>(recorded);
    let more: Option<Subject> = match event {
        OrganizationEvent::Created(e) => Some(e.founder.into()),
        _ => match (recorded.stream.id().parse::<OrganizationId>(), domain_of(event)) {
            (Ok(organization), Some(domain)) => Some(DomainId::of(organization, domain).into()),
            _ => None,
        },
    };
    with(subjects, more)
}

fn of_single_sign_on(event: &SingleSignOnEvent, recorded: &RecordedEvent) -> Subjects {
    match event {
        SingleSignOnEvent::ProviderAdded(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::ProviderUpdated(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::ProviderRemoved(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::TestBegun(e) => smallvec![e.provider.into(), e.account.into()],
        SingleSignOnEvent::TestEnded(e) => smallvec![e.provider.into(), e.transcript.subject().into()],
        SingleSignOnEvent::ProviderActivated(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::ProviderDeactivated(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::CertificateExpiring(e) => smallvec![e.provider.into()],
        SingleSignOnEvent::Required(e) => with(of_stream::<OrganizationId>(recorded), [e.way_back_in.into()]),
        SingleSignOnEvent::DefaultMethodChanged(_) | SingleSignOnEvent::Released(_) => {
            of_stream::<OrganizationId>(recorded)
        }
    }
}

/// The email domain that the event is about, in ASCII form.
pub fn domain_of(event: &OrganizationEvent) -> Option<&str> {
    match event {
        OrganizationEvent::Created(_) | OrganizationEvent::Renamed(_) | OrganizationEvent::LogoChanged(_) => None,
        OrganizationEvent::DomainAllowed(e) => Some(&e.domain),
        OrganizationEvent::DomainVerificationBegun(e) => Some(&e.domain),
        OrganizationEvent::DomainCodeRejected(e) => Some(&e.domain),
        OrganizationEvent::DomainVerified(e) => Some(&e.domain),
        OrganizationEvent::DomainVerificationFailed(e) => Some(&e.domain),
        OrganizationEvent::DomainProofLost(e) => Some(&e.domain),
        OrganizationEvent::DomainProofFound(e) => Some(&e.domain),
        OrganizationEvent::DomainRemoved(e) => Some(&e.domain),
    }
}

fn of_role(event: &RoleEvent) -> Subjects {
    match event {
        RoleEvent::Created(e) => smallvec![e.role.into()],
        RoleEvent::Edited(e) => smallvec![e.role.into()],
        RoleEvent::Deleted(e) => smallvec![e.role.into()],
        RoleEvent::Assigned(e) => smallvec![e.role.into(), e.account.into()],
        RoleEvent::Unassigned(e) => smallvec![e.role.into(), e.account.into()],
        RoleEvent::HolderSuspended(e) => smallvec![e.account.into()],
        RoleEvent::HolderResumed(e) => smallvec![e.account.into()],
    }
}

/// The command that the event is about.
pub(crate) fn command_of(event: &DeviceEvent) -> Option<CommandId> {
    match event {
        DeviceEvent::CommandRequested(e) => Some(e.command),
        DeviceEvent::CommandQueued(e) => Some(e.command),
        DeviceEvent::CommandDispatched(e) => Some(e.command),
        DeviceEvent::CommandReceived(e) => Some(e.command),
        DeviceEvent::CommandSucceeded(e) => Some(e.command),
        DeviceEvent::CommandFailed(e) => Some(e.command),
        DeviceEvent::CommandRejected(e) => Some(e.command),
        DeviceEvent::CommandExpired(e) => Some(e.command),
        DeviceEvent::Enrolled(_)
        | DeviceEvent::Renamed(_)
        | DeviceEvent::Connected(_)
        | DeviceEvent::Disconnected(_)
        | DeviceEvent::StatusReported(_)
        | DeviceEvent::LoggedOut(_) => None,
    }
}

fn of_device(event: &DeviceEvent, recorded: &RecordedEvent) -> Subjects {
    let subjects = of_stream::<DeviceId>(recorded);
    match event {
        DeviceEvent::Enrolled(e) => with(subjects, [e.account.into(), e.pairing.into()]),
        _ => with(subjects, command_of(event).map(Subject::from)),
    }
}
