//! Which events follow up which: a change follows up the event that set the same thing before, the end of something
//! follows up its beginning. So the history tells what was there before and what an end was the end of.

use schema::{
    Event, RecordedEvent,
    events::{AccountEvent, DeviceEvent, ImportEvent, OrganizationEvent, RoleEvent, SessionEvent, SingleSignOnEvent},
};

use crate::subjects::{Subject, command_of, subjects};

/// A side of a thing that events set. The numbers stand in the view's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Aspect {
    /// That it exists, with all that it has from the beginning.
    Begun = 0,
    /// Name and directory fields of a person.
    Profile = 1,
    /// Language of a person.
    Locale = 2,
    /// Email address of a person.
    Email = 3,
    /// Name of an organization or unit, name and rights of a role.
    Name = 4,
    /// Logo of an organization.
    Logo = 5,
    /// What a unit last reported of itself.
    Status = 6,
    /// How a person signs in.
    LoginMethod = 7,
}

impl Aspect {
    /// As it stands in a column.
    pub(crate) fn number(self) -> i64 {
        self as i64
    }
}

/// How an event relates to others about the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It is the first about this thing.
    Begins(Subject),
    /// It sets an aspect of it anew.
    Sets(Subject, Aspect),
    /// It goes on with it, or ends it, and is understood only with its beginning.
    Continues(Subject),
    /// It ends it for good: nothing follows that is about the thing.
    Ends(Subject),
    /// It takes away what has this aspect.
    Removes(Subject, Aspect),
}

impl Follows {
    /// What the events are about.
    pub(crate) fn thing(self) -> Subject {
        match self {
            Self::Begins(thing)
            | Self::Sets(thing, _)
            | Self::Continues(thing)
            | Self::Ends(thing)
            | Self::Removes(thing, _) => thing,
        }
    }
}

/// How the event relates to others; none if it stands for itself.
pub(crate) fn follows(event: &Event, recorded: &RecordedEvent) -> Option<Follows> {
    let thing = *subjects(event, recorded).first()?;
    match event {
        Event::Organization(OrganizationEvent::Created(_))
        | Event::Account(AccountEvent::Created(_))
        | Event::Session(SessionEvent::Started(_))
        | Event::Role(RoleEvent::Created(_))
        | Event::Device(DeviceEvent::Enrolled(_))
        | Event::SingleSignOn(SingleSignOnEvent::ProviderAdded(_))
        | Event::Import(ImportEvent::Uploaded(_)) => Some(Follows::Begins(thing)),
        Event::SingleSignOn(SingleSignOnEvent::ProviderUpdated(_)) => Some(Follows::Sets(thing, Aspect::Name)),
        Event::SingleSignOn(SingleSignOnEvent::ProviderRemoved(_)) => Some(Follows::Removes(thing, Aspect::Name)),
        Event::Account(AccountEvent::LoginMethodChanged(_)) => Some(Follows::Sets(thing, Aspect::LoginMethod)),
        Event::Session(SessionEvent::OpenedFrom(_) | SessionEvent::Federated(_)) => Some(Follows::Continues(thing)),
        Event::Organization(OrganizationEvent::Renamed(_)) => Some(Follows::Sets(thing, Aspect::Name)),
        Event::Organization(OrganizationEvent::LogoChanged(_)) => Some(Follows::Sets(thing, Aspect::Logo)),
        Event::Account(AccountEvent::ProfileChanged(_)) => Some(Follows::Sets(thing, Aspect::Profile)),
        Event::Account(AccountEvent::LocaleChanged(_)) => Some(Follows::Sets(thing, Aspect::Locale)),
        Event::Account(AccountEvent::EmailChanged(_)) => Some(Follows::Sets(thing, Aspect::Email)),
        Event::Role(RoleEvent::Edited(_)) => Some(Follows::Sets(thing, Aspect::Name)),
        Event::Role(RoleEvent::Deleted(_)) => Some(Follows::Removes(thing, Aspect::Name)),
        Event::Session(SessionEvent::Ended(_)) => Some(Follows::Ends(thing)),
        Event::Device(DeviceEvent::Renamed(_)) => Some(Follows::Sets(thing, Aspect::Name)),
        Event::Device(DeviceEvent::StatusReported(_)) => Some(Follows::Sets(thing, Aspect::Status)),
        Event::Device(DeviceEvent::CommandRequested(e)) => Some(Follows::Begins(e.command.into())),
        Event::Device(e) => command_of(e).map(|command| Follows::Continues(command.into())),
        _ => None,
    }
}

/// The aspect that names a thing of this kind after its beginning has; none if it keeps its name or has none.
pub(crate) fn naming(subject: Subject) -> Option<Aspect> {
    match subject {
        Subject::Organization(_) | Subject::Role(_) | Subject::Device(_) | Subject::SsoProvider(_) => {
            Some(Aspect::Name)
        }
        Subject::Account(_) => Some(Aspect::Profile),
        _ => None,
    }
}
