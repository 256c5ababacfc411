//! What surrounds every event: where it stands in the log, who caused it, when and why.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{AccountId, DeviceId, OrganizationId, Timestamp, ids::InvalidId};

/// Identifies one event for ever. Deterministic: UUIDv5 of the intent that caused it and its place in the stream, so
/// that a repeated append is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// The id of the event that `intent` appends to `stream` at `revision`.
    pub fn derive(intent: Uuid, stream: &StreamId, revision: u64) -> Self {
        Self(Uuid::new_v5(&intent, format!("{stream}/{revision}").as_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a stream: a category and the id of an aggregate, such as `account-acc_0190…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// Joins category and id.
    pub fn new(category: &str, id: &dyn fmt::Display) -> Self {
        Self(format!("{category}-{id}").into())
    }
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// What stands before the first hyphen: the kind of aggregate.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(category, _)| category)
    }
    /// What stands after the first hyphen: the aggregate's own id.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }
}

impl From<&str> for StreamId {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

/// Where an event stands in the whole log. Ordered; otherwise opaque: the embedded log counts from 1 in `commit`,
/// KurrentDB uses both parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Order of the append.
    pub commit: u64,
    /// Order within the append, where the log tells them apart; otherwise equal to `commit`.
    pub prepare: u64,
}

impl Position {
    /// A position of the embedded log.
    pub const fn at(number: u64) -> Self {
        Self { commit: number, prepare: number }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commit == self.prepare {
            write!(f, "{}", self.commit)
        } else {
            write!(f, "{}-{}", self.commit, self.prepare)
        }
    }
}

/// The text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the log")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let number = |part: &str| {
            let plain = !part.is_empty() && part.len() <= 20 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u64>().ok()).flatten().ok_or(InvalidPosition)
        };
        match text.split_once('-') {
            Some((commit, prepare)) => Ok(Self { commit: number(commit)?, prepare: number(prepare)? }),
            None => number(text).map(Self::at),
        }
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Who caused an event. Written as `account:acc_…`, `device:dev_…`, `system:mailer` or `anonymous`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A signed-in person.
    Account(AccountId),
    /// A Portal unit.
    Device(DeviceId),
    /// A part of the platform acting by itself, by name.
    System(Arc<str>),
    /// Somebody who has not signed in: a sign-up, a unit that is not yet connected.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl FromStr for Actor {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            Some(("account", id)) => id.parse().map(Self::Account),
            Some(("device", id)) => id.parse().map(Self::Device),
            Some(("system", name)) => Ok(Self::System(name.into())),
            _ if text == "anonymous" => Ok(Self::Anonymous),
            _ => Err(InvalidId { prefix: "actor" }),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An event on its way into the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// See [`EventId`].
    pub id: EventId,
    /// Frozen name, such as `account.created`.
    pub event_type: &'static str,
    /// Version of the payload's shape, from 1.
    pub version: u16,
    /// The organization it belongs to; none for what precedes an organization.
    pub organization: Option<OrganizationId>,
    /// Who caused it.
    pub actor: Actor,
    /// When the command was taken up, by the platform's clock.
    pub recorded_at: Timestamp,
    /// The event that this one reacts to.
    pub cause: Option<EventId>,
    /// One id for all that follows from one request.
    pub correlation: Uuid,
    /// JSON.
    pub payload: Vec<u8>,
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// See [`EventId`].
    pub id: EventId,
    /// Frozen name, such as `account.created`.
    pub event_type: Arc<str>,
    /// Version of the payload's shape, from 1.
    pub version: u16,
    /// The stream it was appended to.
    pub stream: StreamId,
    /// Its index in the stream, from 0.
    pub revision: u64,
    /// Its place in the whole log.
    pub position: Position,
    /// The organization it belongs to; none for what precedes an organization.
    pub organization: Option<OrganizationId>,
    /// Who caused it.
    pub actor: Actor,
    /// When the command was taken up, by the platform's clock.
    pub recorded_at: Timestamp,
    /// The event that this one reacts to.
    pub cause: Option<EventId>,
    /// One id for all that follows from one request.
    pub correlation: Uuid,
    /// JSON.
    pub payload: Vec<u8>,
}
