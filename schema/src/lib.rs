//! The contracts of the platform: ids, the event envelope, the event types and how they are stored.
//!
//! Everything else depends on this crate and it depends on nothing of ours. Event names and versions are frozen: a
//! shape that has been appended once is never changed, a new version is added beside an [upcaster](upcast).

pub mod envelope;
pub mod events;
pub mod generate;
pub mod ids;
pub mod personal;
pub mod sso;
pub mod upcast;
pub mod values;

pub use envelope::{Actor, EventId, NewEvent, Position, RecordedEvent, StreamId};
pub use events::{DecodeError, Event, EventType};
pub use ids::*;
pub use personal::{OpenError, PersonKey, Personal};
pub use sso::{SamlBinding, SsoCheck, SsoCheckResult, SsoConfiguration};
pub use values::*;

/// A moment in UTC. Stored and shown as RFC 3339 with microseconds.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
