//! A sentence for each event.

use std::collections::HashMap;

use engine::{PersonKeys, ProjectionError};
use schema::{
    AccountId, AccountOrigin, Actor, CommandKind, Event, LoginMethod, Profile, RecordedEvent, SsoCheck,
    VerificationMethod,
    events::{
        AccountEvent, DeviceEvent, ImportEvent, OrganizationEvent, PairingEvent, RoleEvent, SessionEvent,
        SingleSignOnEvent, SsoAnswerEvent, SupportEvent,
    },
};

use crate::subjects::{Subject, subjects};

/// Stands for somebody whose data was erased.
const ERASED: &str = "an erased person";

/// What things are called now, for those who read the history.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<Subject, String>);

impl Names {
    /// Notes what a thing is called.
    pub fn insert(&mut self, thing: Subject, name: String) {
        self.0.insert(thing, name);
    }

    /// What the thing is called, if it is known.
    pub fn get(&self, thing: Subject) -> Option<&str> {
        self.0.get(&thing).map(String::as_str)
    }

    /// What the actor is called: a name, a part of the platform, or `Somebody`.
    pub fn actor(&self, actor: &Actor) -> String {
        begin(self.who(actor))
    }

    /// The name, or failing that the id.
    fn of(&self, thing: impl Into<Subject>) -> String {
        let thing = thing.into();
        self.get(thing).map_or_else(|| thing.to_string(), str::to_owned)
    }

    fn who(&self, actor: &Actor) -> String {
        match actor {
            Actor::Account(account) => self.of(*account),
            Actor::Device(device) => format!("the Portal {}", self.of(*device)),
            Actor::System(_) => "the platform".to_owned(),
            Actor::Anonymous => "somebody".to_owned(),
        }
    }
}

/// What the event calls the thing that its stream is of, or the role in it. None if it says nothing about that.
///
/// # Errors
/// A key that is needed was not fetched, or does not fit.
pub fn name_of(event: &Event, keys: &PersonKeys) -> Result<Option<String>, ProjectionError> {
    let person = |profile: Option<Profile>| match profile {
        Some(profile) => format!("{} {}", profile.given_name, profile.family_name).trim().to_owned(),
        None => ERASED.to_owned(),
    };
    Ok(Some(match event {
        Event::Account(AccountEvent::Created(e)) => person(keys.open(&e.profile)?),
        Event::Account(AccountEvent::ProfileChanged(e)) => person(keys.open(&e.profile)?),
        Event::Organization(OrganizationEvent::Created(e)) => e.name.clone(),
        Event::Organization(OrganizationEvent::Renamed(e)) => e.name.clone(),
        Event::Role(RoleEvent::Created(e)) => e.name.clone(),
        Event::Role(RoleEvent::Edited(e)) => e.name.clone(),
        Event::Device(DeviceEvent::Enrolled(e)) => e.name.clone(),
        Event::Device(DeviceEvent::Renamed(e)) => e.name.clone(),
        Event::SingleSignOn(SingleSignOnEvent::ProviderAdded(e)) => e.name.clone(),
        Event::SingleSignOn(SingleSignOnEvent::ProviderUpdated(e)) => e.name.clone(),
        _ => return Ok(None),
    }))
}

/// Tells the event in a sentence. `previous` is the event that it follows up.
pub fn describe(event: &Event, recorded: &RecordedEvent, previous: Option<&Event>, names: &Names) -> String {
    let telling = Telling { recorded, previous, names, actor: names.who(&recorded.actor) };
    let text = match event {
        Event::Organization(e) => telling.organization(e),
        Event::Account(e) => telling.account(event, e),
        Event::Session(e) => telling.session(e),
        Event::Role(e) => telling.role(e),
        Event::Pairing(e) => telling.pairing(e),
        Event::Device(e) => telling.device(event, e),
        Event::Import(e) => telling.import(e),
        Event::Support(SupportEvent::Requested(_)) => format!("{} asked the support for help.", telling.actor),
        Event::SingleSignOn(e) => telling.single_sign_on(e),
        Event::SsoAnswer(SsoAnswerEvent::Accepted(e)) => {
            format!("{} vouched for {}.", telling.names.of(e.provider), telling.names.of(e.account))
        }
        Event::SsoAnswer(SsoAnswerEvent::Refused(e)) => {
            let provider = telling.names.of(e.provider);
            let check = word(&e.check);
            let came = if e.actual.is_empty() { String::new() } else { format!(", but came: {}", e.actual) };
            format!("An answer of {provider} was refused ({check}): expected was {}{came}.", e.expected)
        }
        Event::SsoAnswer(SsoAnswerEvent::RefusalsSuppressed(e)) => {
            let (provider, kind) = (telling.names.of(e.provider), if e.asked { "answers" } else { "unasked answers" });
            format!("So many {kind} of {provider} were refused that further ones are not noted for up to an hour.")
        }
        // In no organization's history; whoever reads the whole log is told what the type means.
        Event::Signup(_) | Event::Reservation(_) | Event::Recovery(_) | Event::Federation(_) => {
            telling.type_description()
        }
    };
    begin(text)
}

/// A check as the log writes it.
fn word(check: &SsoCheck) -> String {
    serde_json::to_value(check).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Our own words for somebody or something begin a sentence with a capital letter; names stay as they are.
fn begin(mut text: String) -> String {
    let is_ours = [ERASED, "the ", "somebody"].iter().any(|words| text.starts_with(words));
    if is_ours && let Some(initial) = text.get_mut(..1) {
        initial.make_ascii_uppercase();
    }
    text
}

/// What surrounds the event that is told.
struct Telling<'a> {
    recorded: &'a RecordedEvent,
    previous: Option<&'a Event>,
    names: &'a Names,
    /// Who did it.
    actor: String,
}

impl Telling<'_> {
    fn type_description(&self) -> String {
        let mut types = Event::types().filter(|t| *t.name == *self.recorded.event_type);
        types.next().map(|t| t.description.trim().to_owned()).unwrap_or_default()
    }

    fn organization(&self, event: &OrganizationEvent) -> String {
        let actor = &self.actor;
        match event {
            OrganizationEvent::Created(e) => {
                format!("{} set up the organization {}.", self.names.of(e.founder), e.name)
            }
            OrganizationEvent::DomainAllowed(e) => format!("{actor} added the domain {}.", e.domain),
            OrganizationEvent::Renamed(e) => match self.previous_name() {
                Some(previous) => format!("{actor} renamed the organization from {previous} to {}.", e.name),
                None => format!("{actor} renamed the organization to {}.", e.name),
            },
            OrganizationEvent::LogoChanged(_) => format!("{actor} changed the logo of the organization."),
            OrganizationEvent::DomainVerificationBegun(e) => {
                let domain = &e.domain;
                let how = match (e.method, &e.mailbox) {
                    (VerificationMethod::Email, Some(mailbox)) => format!("a code mailed to {mailbox}@{domain}"),
                    (VerificationMethod::Email, None) => "a mailed code".to_owned(),
                    (VerificationMethod::HtmlFile, _) => "a file on its website".to_owned(),
                    (VerificationMethod::DnsTxt, _) => "a record in the DNS".to_owned(),
                };
                format!("{actor} began to verify the domain {domain} by {how}.")
            }
            OrganizationEvent::DomainCodeRejected(e) => format!("{actor} entered a wrong code for {}.", e.domain),
            OrganizationEvent::DomainVerified(e) => format!("{actor} verified the domain {}.", e.domain),
            OrganizationEvent::DomainVerificationFailed(e) => {
                format!("The domain {} could not be verified ({}).", e.domain, e.code)
            }
            OrganizationEvent::DomainProofLost(e) => {
                format!("The proof of the domain {} is no longer there. It stays verified.", e.domain)
            }
            OrganizationEvent::DomainProofFound(e) => {
                format!("The proof of the domain {} is there again.", e.domain)
            }
            OrganizationEvent::DomainRemoved(e) => format!("{actor} removed the domain {}.", e.domain),
        }
    }

    /// The name that the event before gave to a thing that is not a person.
    fn previous_name(&self) -> Option<String> {
        name_of(self.previous?, &PersonKeys::default()).ok().flatten()
    }

    fn account(&self, event: &Event, account: &AccountEvent) -> String {
        let Some(Subject::Account(id)) = subjects(event, self.recorded).first().copied() else {
            return self.type_description();
        };
        let (actor, person) = (&self.actor, self.names.of(id));
        match account {
            AccountEvent::Created(e) => match e.origin {
                AccountOrigin::Signup => format!("{person} signed up."),
                AccountOrigin::Admin => format!("{actor} added {person}."),
                AccountOrigin::Import => format!("{actor} imported {person}."),
            },
            AccountEvent::ActivationLinkIssued(e) if e.mailed => {
                format!("{person} was sent a link that activates the account.")
            }
            AccountEvent::ActivationLinkIssued(_) => {
                format!("{actor} made a link that activates the account of {person}.")
            }
            AccountEvent::Activated(_) => format!("{person} activated the account."),
            AccountEvent::Abandoned(_) => format!("The account of {person} was not created after all."),
            AccountEvent::ProfileChanged(_) => format!("{actor} changed the details of {}.", self.whom(id)),
            AccountEvent::LocaleChanged(e) => {
                format!("{actor} changed the language of {} to {}.", self.whom(id), e.locale)
            }
            AccountEvent::EmailChangeBegun(_) => {
                format!("{actor} began to change the email address of {}.", self.whom(id))
            }
            AccountEvent::EmailChangeAbandoned(_) => {
                format!("The change of the email address of {person} was given up.")
            }
            AccountEvent::EmailChanged(_) => format!("{actor} changed the email address of {}.", self.whom(id)),
            AccountEvent::Deactivated(_) => format!("{actor} deactivated the account of {person}."),
            AccountEvent::Reactivated(_) => format!("{actor} reactivated the account of {person}."),
            AccountEvent::LoggedOutEverywhere(_) => format!("{actor} logged {} out everywhere.", self.whom(id)),
            AccountEvent::SessionsEnded(_) => format!("{person} signed out everywhere."),
            AccountEvent::StatusSetToCreated(_) => format!("{actor} set the account of {person} back to created."),
            AccountEvent::PasswordResetForced(_) => format!("{actor} made {person} choose a new password."),
            AccountEvent::PasswordResetLinkIssued(_) => {
                format!("{person} was sent a link to choose a new password.")
            }
            AccountEvent::PasswordChanged(_) => format!("{person} chose a new password."),
            AccountEvent::ActivatedBySso(e) => {
                format!("{person} activated the account by signing in at {}.", self.names.of(e.provider))
            }
            AccountEvent::LoginMethodChanged(e) => match e.method {
                LoginMethod::Password => format!("{actor} let {} sign in with a password.", self.whom(id)),
                LoginMethod::SingleSignOn => {
                    format!("{actor} let {} sign in at the identity provider.", self.whom(id))
                }
            },
            AccountEvent::SubjectLinked(e) => {
                format!("{} told its own name for {person}, which has to stay the same.", self.names.of(e.provider))
            }
        }
    }

    /// The person something was done to, who may have done it.
    fn whom(&self, person: AccountId) -> String {
        match self.recorded.actor {
            Actor::Account(actor) if actor == person => "themselves".to_owned(),
            _ => self.names.of(person),
        }
    }

    fn session(&self, event: &SessionEvent) -> String {
        match (event, self.previous, &self.recorded.actor) {
            (SessionEvent::Started(e), ..) => match e.method {
                LoginMethod::Password => format!("{} signed in.", self.names.of(e.account)),
                LoginMethod::SingleSignOn => {
                    format!("{} signed in at the identity provider.", self.names.of(e.account))
                }
            },
            (SessionEvent::OpenedFrom(_), ..) => "It was noted from where the person signed in.".to_owned(),
            (SessionEvent::Federated(_), ..) => "The session began with one at the identity provider.".to_owned(),
            (SessionEvent::Ended(_), _, Actor::System(name)) if **name == *"single-sign-on" => {
                "The session ended, as the identity provider asked.".to_owned()
            }
            (SessionEvent::Ended(_), _, Actor::Account(_)) => format!("{} signed out.", self.actor),
            (SessionEvent::Ended(_), Some(Event::Session(SessionEvent::Started(e))), _) => {
                format!("The session of {} ended, as it was not used.", self.names.of(e.account))
            }
            (SessionEvent::Ended(_), ..) => "The session ended, as it was not used.".to_owned(),
        }
    }

    fn single_sign_on(&self, event: &SingleSignOnEvent) -> String {
        let (actor, names) = (&self.actor, self.names);
        match event {
            SingleSignOnEvent::ProviderAdded(e) => format!("{actor} added the identity provider {}.", e.name),
            SingleSignOnEvent::ProviderUpdated(e) => format!("{actor} configured the identity provider {}.", e.name),
            SingleSignOnEvent::ProviderRemoved(e) => {
                format!("{actor} removed the identity provider {}.", names.of(e.provider))
            }
            SingleSignOnEvent::TestBegun(e) => {
                format!("{actor} began a test of the identity provider {}.", names.of(e.provider))
            }
            SingleSignOnEvent::TestEnded(e) => match &e.failed {
                None => format!("The test of the identity provider {} has passed.", names.of(e.provider)),
                Some(check) => {
                    format!("The test of the identity provider {} has failed ({}).", names.of(e.provider), word(check))
                }
            },
            SingleSignOnEvent::ProviderActivated(e) => {
                format!("{actor} activated the identity provider {}.", names.of(e.provider))
            }
            SingleSignOnEvent::ProviderDeactivated(e) => {
                format!("{actor} deactivated the identity provider {}.", names.of(e.provider))
            }
            SingleSignOnEvent::CertificateExpiring(e) => {
                let day = e.ends_at.format("%Y-%m-%d");
                format!("A certificate of the identity provider {} ends on {day}.", names.of(e.provider))
            }
            SingleSignOnEvent::DefaultMethodChanged(e) => match e.method {
                LoginMethod::Password => format!("{actor} let new people sign in with a password."),
                LoginMethod::SingleSignOn => format!("{actor} let new people sign in at the identity provider."),
            },
            SingleSignOnEvent::Required(e) => {
                let spared = names.of(e.way_back_in);
                format!("{actor} has everybody sign in at the identity provider; {spared} keeps a password.")
            }
            SingleSignOnEvent::Released(_) => format!("{actor} let everybody sign in by their own method again."),
        }
    }

    fn role(&self, event: &RoleEvent) -> String {
        let (actor, names) = (&self.actor, self.names);
        match event {
            RoleEvent::Created(e) => format!("{actor} created the role {}.", e.name),
            RoleEvent::Edited(e) => match self.previous_name().filter(|previous| *previous != e.name) {
                Some(previous) => format!("{actor} edited the role {previous}, which is now {}.", e.name),
                None => format!("{actor} edited the role {}.", e.name),
            },
            RoleEvent::Deleted(e) => {
                format!("{actor} deleted the role {}.", self.previous_name().unwrap_or_else(|| names.of(e.role)))
            }
            RoleEvent::Assigned(e) => {
                format!("{actor} gave {} the role {}.", names.of(e.account), names.of(e.role))
            }
            RoleEvent::Unassigned(e) => {
                format!("{actor} took the role {} from {}.", names.of(e.role), names.of(e.account))
            }
            RoleEvent::HolderSuspended(e) => format!("The roles of {} were suspended.", names.of(e.account)),
            RoleEvent::HolderResumed(e) => format!("The roles of {} are in force again.", names.of(e.account)),
        }
    }

    fn pairing(&self, event: &PairingEvent) -> String {
        match event {
            PairingEvent::Requested(e) => format!("A Portal ({}) asked to be connected.", e.serial),
            PairingEvent::Approved(e) => format!("{} connected the Portal {}.", self.names.of(e.account), e.name),
            PairingEvent::Completed(e) => format!("The Portal {} took up the connection.", self.names.of(e.device)),
            PairingEvent::Expired(_) => "The Portal was not connected in time.".to_owned(),
        }
    }

    fn device(&self, event: &Event, device: &DeviceEvent) -> String {
        let Some(Subject::Device(id)) = subjects(event, self.recorded).first().copied() else {
            return self.type_description();
        };
        let (actor, name, command) = (&self.actor, self.names.of(id), self.command());
        match device {
            DeviceEvent::Enrolled(e) => {
                format!("{} set up the Portal {} ({}).", self.names.of(e.account), e.name, e.serial)
            }
            DeviceEvent::Renamed(e) => {
                format!("{actor} renamed the Portal {} to {}.", self.previous_name().unwrap_or(name), e.name)
            }
            DeviceEvent::Connected(_) => format!("The Portal {name} came online."),
            DeviceEvent::Disconnected(_) => format!("The Portal {name} went offline."),
            DeviceEvent::StatusReported(_) => format!("The Portal {name} reported its status."),
            DeviceEvent::CommandRequested(e) => format!("{actor} asked the Portal {name} to {}.", verb(e.kind)),
            DeviceEvent::CommandQueued(_) => format!("{command} waits for the Portal {name}."),
            DeviceEvent::CommandDispatched(e) if e.attempt > 1 => {
                format!("{command} was sent to the Portal {name} again (attempt {}).", e.attempt)
            }
            DeviceEvent::CommandDispatched(_) => format!("{command} was sent to the Portal {name}."),
            DeviceEvent::CommandReceived(_) => format!("The Portal {name} received {command}."),
            DeviceEvent::CommandSucceeded(_) => format!("The Portal {name} carried out {command}."),
            DeviceEvent::CommandFailed(e) => format!("The Portal {name} could not carry out {command} ({}).", e.code),
            DeviceEvent::CommandRejected(e) => format!("The Portal {name} refused {command} ({}).", e.code),
            DeviceEvent::CommandExpired(_) => format!("{command} expired before the Portal {name} carried it out."),
            DeviceEvent::LoggedOut(_) => format!("The Portal {name} was logged out."),
        }
    }

    /// The command that the event goes on with.
    fn command(&self) -> String {
        match self.previous {
            Some(Event::Device(DeviceEvent::CommandRequested(e))) => format!("the command to {}", verb(e.kind)),
            _ => "the command".to_owned(),
        }
    }

    fn import(&self, event: &ImportEvent) -> String {
        let actor = &self.actor;
        match event {
            ImportEvent::Uploaded(e) => format!("{actor} uploaded a file of {}.", counted(e.rows, "person", "people")),
            // People count from 1.
            ImportEvent::RowEdited(e) => format!("{actor} edited entry {} of an import.", u64::from(e.row) + 1),
            ImportEvent::RowRemoved(e) => format!("{actor} removed entry {} of an import.", u64::from(e.row) + 1),
            ImportEvent::Confirmed(_) => format!("{actor} confirmed an import."),
            ImportEvent::Progressed(e) => {
                let (created, refused) = (counted(e.created, "account", "accounts"), e.refused.len());
                match refused {
                    0 => format!("The import created {created} more."),
                    _ => format!("The import created {created} more and refused {refused} entries."),
                }
            }
            ImportEvent::InvitationsProgressed(e) => {
                format!("The people up to entry {} of an import were sent their links.", e.through)
            }
            ImportEvent::Finished(e) => {
                let created = counted(e.created, "account", "accounts");
                let refused = counted(e.refused, "entry", "entries");
                format!("The import ended: {created} created, {refused} refused.")
            }
            ImportEvent::Cancelled(_) => format!("{actor} cancelled an import."),
            ImportEvent::Discarded(_) => "The file of an import was deleted.".to_owned(),
        }
    }
}

fn verb(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::Reboot => "reboot",
    }
}

fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
