//! The event types, one file per aggregate.
//!
//! To add an event: a struct and a line in the `events!` list of its aggregate's file; then `make schema`.

pub mod account;
pub mod device;
pub mod federation;
pub mod import;
pub mod organization;
pub mod pairing;
pub mod recovery;
pub mod reservation;
pub mod role;
pub mod session;
pub mod signup;
pub mod single_sign_on;
pub mod sso_answer;
pub mod support;

use schemars::Schema;

pub use self::{
    account::AccountEvent, device::DeviceEvent, federation::FederationEvent, import::ImportEvent,
    organization::OrganizationEvent, pairing::PairingEvent, recovery::RecoveryEvent, reservation::ReservationEvent,
    role::RoleEvent, session::SessionEvent, signup::SignupEvent, single_sign_on::SingleSignOnEvent,
    sso_answer::SsoAnswerEvent, support::SupportEvent,
};
use crate::{AccountId, RecordedEvent, upcast};

/// One event type in its current version.
#[derive(Clone, Copy)]
pub struct EventType {
    /// Frozen name, such as `account.created`.
    pub name: &'static str,
    /// Current version, from 1.
    pub version: u16,
    /// The JSON Schema of the payload.
    pub schema: fn() -> Schema,
    /// What the type means.
    pub description: &'static str,
}

/// Why a stored event could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The name belongs to no type that this version of the software knows.
    #[error("unknown event type {0}; the log was written by a newer version of the software")]
    UnknownType(String),
    /// The payload has a newer shape than this version of the software knows.
    #[error("{event_type} has version {stored}, this software knows {known}; the log was written by a newer version")]
    NewerVersion {
        /// Name of the type.
        event_type: &'static str,
        /// Version in the log.
        stored: u16,
        /// Current version here.
        known: u16,
    },
    /// A step between the stored and the current version is missing.
    #[error("no upcaster takes {event_type} from version {from} to the next")]
    MissingUpcaster {
        /// Name of the type.
        event_type: &'static str,
        /// Version that has no upcaster.
        from: u16,
    },
    /// The payload is not of the recorded shape.
    #[error("the payload of {event_type} does not fit its schema (line {line}, column {column})")]
    Payload {
        /// Name of the type.
        event_type: &'static str,
        /// Line of the JSON, from 1. The text itself is left out: it may hold what must not be traced.
        line: usize,
        /// Column of the JSON, from 1.
        column: usize,
    },
}

/// The event could not be written as JSON.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be encoded: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// Events of one aggregate: what `decide` yields and `evolve` folds.
pub trait EventFamily: Clone + std::fmt::Debug + PartialEq + Send + Sync + Sized + 'static {
    /// Every type of the family.
    const TYPES: &'static [EventType];
    /// Frozen name.
    fn event_type(&self) -> &'static str;
    /// Current version of the type.
    fn version(&self) -> u16;
    /// The payload as JSON.
    fn encode(&self) -> Result<Vec<u8>, EncodeError>;
    /// Reads a payload of any version up to the current one.
    fn decode(event_type: &str, version: u16, payload: &[u8]) -> Result<Self, DecodeError>;
}

/// Reads `payload`, upcasting it first if it is older than `current`.
fn read<T: serde::de::DeserializeOwned>(
    event_type: &'static str,
    current: u16,
    stored: u16,
    payload: &[u8],
) -> Result<T, DecodeError> {
    let shape = |e: serde_json::Error| DecodeError::Payload { event_type, line: e.line(), column: e.column() };
    match stored.cmp(&current) {
        std::cmp::Ordering::Equal => serde_json::from_slice(payload).map_err(shape),
        std::cmp::Ordering::Greater => Err(DecodeError::NewerVersion { event_type, stored, known: current }),
        std::cmp::Ordering::Less => {
            let value = serde_json::from_slice(payload).map_err(shape)?;
            serde_json::from_value(upcast::to_version(event_type, stored, current, value)?).map_err(shape)
        }
    }
}

macro_rules! events {
    ($(#[$family_doc:meta])* $family:ident { $($(#[doc = $doc:literal])+ $variant:ident($payload:ty) = $name:literal @ $version:literal,)* }) => {
        $(#[$family_doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $family {
            $($(#[doc = $doc])+ $variant($payload),)*
        }

        impl $crate::events::EventFamily for $family {
            const TYPES: &'static [$crate::EventType] = &[$($crate::EventType {
                name: $name,
                version: $version,
                schema: || schemars::schema_for!($payload),
                description: concat!($($doc),+),
            },)*];
            fn event_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
            fn version(&self) -> u16 {
                match self { $(Self::$variant(_) => $version,)* }
            }
            fn encode(&self) -> Result<Vec<u8>, $crate::events::EncodeError> {
                Ok(match self { $(Self::$variant(payload) => serde_json::to_vec(payload)?,)* })
            }
            fn decode(event_type: &str, version: u16, payload: &[u8]) -> Result<Self, $crate::DecodeError> {
                match event_type {
                    $($name => $crate::events::read($name, $version, version, payload).map(Self::$variant),)*
                    other => Err($crate::DecodeError::UnknownType(other.to_owned())),
                }
            }
        }

        $(impl From<$payload> for $family {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })*
    };
}
use events;

macro_rules! families {
    ($($(#[$doc:meta])* $family:ident($events:ty),)*) => {
        /// Any event of the platform, decoded: what views match on.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $family($events),)*
        }

        impl Event {
            /// Every type of every family.
            pub fn types() -> impl Iterator<Item = &'static EventType> {
                std::iter::empty()$(.chain(<$events>::TYPES))*
            }
            /// Reads a payload of any version up to the current one.
            pub fn decode(event_type: &str, version: u16, payload: &[u8]) -> Result<Self, DecodeError> {
                $(if <$events>::TYPES.iter().any(|t| t.name == event_type) {
                    return <$events>::decode(event_type, version, payload).map(Self::$family);
                })*
                Err(DecodeError::UnknownType(event_type.to_owned()))
            }
            /// The payload as JSON.
            pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
                match self { $(Self::$family(event) => event.encode(),)* }
            }
        }
    };
}

families! {
    /// Of a sign-up.
    Signup(SignupEvent),
    /// Of an organization.
    Organization(OrganizationEvent),
    /// Of an account.
    Account(AccountEvent),
    /// Of a session.
    Session(SessionEvent),
    /// Of an organization's admin roles.
    Role(RoleEvent),
    /// Of a pairing.
    Pairing(PairingEvent),
    /// Of a Portal unit.
    Device(DeviceEvent),
    /// Of what must be unique.
    Reservation(ReservationEvent),
    /// Of a forgotten password.
    Recovery(RecoveryEvent),
    /// Of a file of people.
    Import(ImportEvent),
    /// Of a request to the support.
    Support(SupportEvent),
    /// Of an organization's identity providers.
    SingleSignOn(SingleSignOnEvent),
    /// Of a person at an identity provider.
    Federation(FederationEvent),
    /// Of an answer of an identity provider.
    SsoAnswer(SsoAnswerEvent),
}

impl Event {
    /// The persons whose sealed data the event holds: whose keys are needed to open it. A person may come twice.
    pub fn subjects(&self) -> impl Iterator<Item = AccountId> {
        let (first, second) = match self {
            Self::Signup(SignupEvent::Begun(e)) => (Some(e.email.subject()), None),
            Self::Signup(SignupEvent::Completed(e)) => (Some(e.profile.subject()), None),
            Self::Account(AccountEvent::Created(e)) => (Some(e.email.subject()), Some(e.profile.subject())),
            Self::Account(AccountEvent::ProfileChanged(e)) => (Some(e.profile.subject()), None),
            Self::Account(AccountEvent::EmailChanged(e)) => (Some(e.email.subject()), Some(e.previous.subject())),
            Self::Support(SupportEvent::Requested(e)) => (Some(e.subject.subject()), Some(e.message.subject())),
            Self::Session(SessionEvent::OpenedFrom(e)) => (Some(e.origin.subject()), None),
            Self::Session(SessionEvent::Federated(e)) => (Some(e.name.subject()), None),
            Self::SingleSignOn(SingleSignOnEvent::TestEnded(e)) => (Some(e.transcript.subject()), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

impl TryFrom<&RecordedEvent> for Event {
    type Error = DecodeError;
    fn try_from(event: &RecordedEvent) -> Result<Self, DecodeError> {
        Self::decode(&event.event_type, event.version, &event.payload)
    }
}
