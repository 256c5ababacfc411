//! How an event stands in a row of the table: plain columns that an auditor can read, and a checksum over them.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use rusqlite::{CachedStatement, Row, params};
use schema::{Actor, EventId, NewEvent, Position, RecordedEvent, StreamId, Timestamp};
use uuid::Uuid;

use super::{database::is_damage, stored};
use crate::ReadError;

/// The table. Positions count from 1 without gaps. The checksum is CRC-32 and finds accidents, not forgery.
///
/// Every column is text as a person would write it; `start` is the position of the first event of the same stream. The two
/// unique indexes are what an append must decide on: the end of its stream, and whether its events are there already.
/// They hold `start` in place of the stream's name, so that the entries of new streams come last: an index in the order of
/// random names has a page rewritten for each of its entries, which is most of what would be written at all.
pub(super) const TABLE: &str = "
    CREATE TABLE events(
        position     INTEGER PRIMARY KEY,
        id           TEXT NOT NULL,
        stream       TEXT NOT NULL,
        start        INTEGER NOT NULL,
        revision     INTEGER NOT NULL,
        type         TEXT NOT NULL,
        version      INTEGER NOT NULL,
        organization TEXT,
        actor        TEXT NOT NULL,
        recorded_at  TEXT NOT NULL,
        cause        TEXT,
        correlation  TEXT NOT NULL,
        payload      TEXT NOT NULL,
        checksum     INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_by_stream ON events(start, revision);
    CREATE UNIQUE INDEX events_by_id ON events(start, id);
";

/// Writes one row.
pub(super) const INSERT: &str = "INSERT INTO events(position, id, stream, start, revision, type, version, organization, actor, \
    recorded_at, cause, correlation, payload, checksum) \
    VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// What [`Decoder::decode`] reads, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT position, id, stream, revision, type, version, organization, actor, recorded_at, cause, \
             correlation, payload, checksum, start FROM events ",
            $rest
        )
    };
}
pub(super) use select;

/// Where an event stands: the position of the first event of its stream, its revision there, its position in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) revision: u64,
    pub(super) position: u64,
}

/// An event made ready for its row by the task that appends it, so that the one thread that writes has less to do.
pub(super) struct Prepared {
    /// Its place in stream and log is not known yet.
    event: RecordedEvent,
    id: String,
    organization: Option<String>,
    actor: String,
    recorded_at: String,
    cause: Option<String>,
    correlation: String,
    checksum: Checksum,
}

impl Prepared {
    /// None if the payload is not text.
    pub(super) fn new(stream: &StreamId, event: NewEvent) -> Option<Self> {
        let event = RecordedEvent {
            id: event.id,
            event_type: event.event_type.into(),
            version: event.version,
            stream: stream.clone(),
            revision: 0,
            position: Position::at(0),
            organization: event.organization,
            actor: event.actor,
            recorded_at: event.recorded_at.trunc_subsecs(6),
            cause: event.cause,
            correlation: event.correlation,
            payload: event.payload,
        };
        let id = event.id.to_string();
        let organization = event.organization.map(|id| id.to_string());
        let actor = event.actor.to_string();
        let recorded_at = time_to_text(event.recorded_at);
        let cause = event.cause.map(|id| id.to_string());
        let correlation = event.correlation.to_string();
        let checksum = Checksum::of(&Columns {
            id: &id,
            stream: event.stream.as_str(),
            event_type: &event.event_type,
            version: event.version,
            organization: organization.as_deref(),
            actor: &actor,
            recorded_at: &recorded_at,
            cause: cause.as_deref(),
            correlation: &correlation,
            payload: std::str::from_utf8(&event.payload).ok()?,
        });
        Some(Self { event, id, organization, actor, recorded_at, cause, correlation, checksum })
    }

    /// The id as it stands in the row.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes the row.
    pub(super) fn insert(&mut self, statement: &mut CachedStatement<'_>, place: Place) -> rusqlite::Result<()> {
        let Place { start, revision, position } = place;
        self.event.revision = revision;
        self.event.position = Position::at(position);
        let payload = std::str::from_utf8(&self.event.payload)?;
        statement.execute(params![
            stored(position),
            self.id,
            self.event.stream.as_str(),
            stored(start),
            stored(revision),
            &*self.event.event_type,
            self.event.version,
            self.organization,
            self.actor,
            self.recorded_at,
            self.cause,
            self.correlation,
            payload,
            self.checksum.clone().at(place),
        ])?;
        Ok(())
    }

    /// The event as it was written.
    pub(super) fn into_event(self) -> RecordedEvent {
        self.event
    }
}

/// The columns that are known before the event has its place.
struct Columns<'a> {
    id: &'a str,
    stream: &'a str,
    event_type: &'a str,
    version: u16,
    organization: Option<&'a str>,
    actor: &'a str,
    recorded_at: &'a str,
    cause: Option<&'a str>,
    correlation: &'a str,
    payload: &'a str,
}

#[derive(Clone)]
struct Checksum(crc32fast::Hasher);

impl Checksum {
    fn of(columns: &Columns<'_>) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        let texts = [
            Some(columns.id),
            Some(columns.stream),
            Some(columns.event_type),
            columns.organization,
            Some(columns.actor),
            Some(columns.recorded_at),
            columns.cause,
            Some(columns.correlation),
            Some(columns.payload),
        ];
        // A zero byte, which none of these texts holds, ends each, so that no two rows run together to the same bytes.
        for text in texts {
            hasher.update(text.unwrap_or_default().as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(&columns.version.to_le_bytes());
        Self(hasher)
    }

    fn at(mut self, place: Place) -> u32 {
        for number in [place.start, place.revision, place.position] {
            self.0.update(&number.to_le_bytes());
        }
        self.0.finalize()
    }
}

/// Reads rows back.
#[derive(Default)]
pub(super) struct Decoder {
    /// The names of types that were met, to share instead of copy.
    types: HashMap<Box<str>, Arc<str>>,
}

/// The most names kept; far more than there are types.
const MAX_TYPES: usize = 1024;

impl Decoder {
    /// Reads a row of a `select!`.
    pub(super) fn decode(&mut self, row: &Row<'_>) -> Result<RecordedEvent, ReadError> {
        let position = number(row, 0)?;
        let damaged = || ReadError::Damaged(format!("the event at position {position} is not what was written"));
        let place = Place { start: number(row, 13)?, revision: number(row, 3)?, position };
        let columns = Columns {
            id: text(row, 1)?.ok_or_else(damaged)?,
            stream: text(row, 2)?.ok_or_else(damaged)?,
            event_type: text(row, 4)?.ok_or_else(damaged)?,
            version: row.get(5).map_err(failure)?,
            organization: text(row, 6)?,
            actor: text(row, 7)?.ok_or_else(damaged)?,
            recorded_at: text(row, 8)?.ok_or_else(damaged)?,
            cause: text(row, 9)?,
            correlation: text(row, 10)?.ok_or_else(damaged)?,
            payload: text(row, 11)?.ok_or_else(damaged)?,
        };
        if u64::from(Checksum::of(&columns).at(place)) != number(row, 12)? {
            return Err(damaged());
        }
        self.parse(&columns, place).ok_or_else(damaged)
    }

    fn parse(&mut self, columns: &Columns<'_>, place: Place) -> Option<RecordedEvent> {
        let cause = columns.cause.map(|id| Uuid::try_parse(id).map(EventId)).transpose();
        Some(RecordedEvent {
            id: EventId(Uuid::try_parse(columns.id).ok()?),
            event_type: self.event_type(columns.event_type),
            version: columns.version,
            stream: columns.stream.into(),
            revision: place.revision,
            position: Position::at(place.position),
            organization: columns.organization.map(str::parse).transpose().ok()?,
            actor: columns.actor.parse::<Actor>().ok()?,
            recorded_at: time_from_text(columns.recorded_at)?,
            cause: cause.ok()?,
            correlation: Uuid::try_parse(columns.correlation).ok()?,
            payload: columns.payload.as_bytes().to_vec(),
        })
    }

    fn event_type(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.types.get(name) {
            return known.clone();
        }
        if self.types.len() >= MAX_TYPES {
            self.types.clear();
        }
        let shared: Arc<str> = name.into();
        self.types.insert(name.into(), shared.clone());
        shared
    }
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, ReadError> {
    let number: i64 = row.get(column).map_err(failure)?;
    u64::try_from(number).map_err(|_| ReadError::Damaged("a number is negative".into()))
}

fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<Option<&'row str>, ReadError> {
    let value = row.get_ref(column).map_err(failure)?;
    value.as_str_or_null().map_err(|_| ReadError::Damaged("a column is not text".into()))
}

/// What a failed query means to whoever reads.
#[expect(clippy::needless_pass_by_value, reason = "its callers have the error and pass it on")]
pub(super) fn failure(error: rusqlite::Error) -> ReadError {
    if is_damage(&error) { ReadError::Damaged(error.to_string()) } else { ReadError::Unavailable(error.to_string()) }
}

/// The last second that RFC 3339 can write: it has four digits for the year.
const LAST_SECOND: i64 = 253_402_300_799;

/// RFC 3339 in UTC with microseconds. A time that it cannot write becomes the nearest that it can.
pub(super) fn time_to_text(time: Timestamp) -> String {
    let last = DateTime::from_timestamp(LAST_SECOND, 0).unwrap_or(Timestamp::MAX_UTC);
    time.clamp(Timestamp::UNIX_EPOCH, last).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads what [`time_to_text`] wrote.
pub(super) fn time_from_text(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}
