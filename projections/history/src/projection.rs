//! Which rows the events make.

use engine::{Context, Projection, ProjectionError, tenants};
use rusqlite::{Connection, OptionalExtension};
use schema::{AccountId, Actor, Event, EventType, OrganizationId, Position, StreamId, Timestamp, events::SessionEvent};
use smallvec::SmallVec;

use crate::{
    follows::{Follows, follows},
    subjects::{Subject, subjects},
    write,
};

/// Something was appended to an organization's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended;

/// Makes the rows of the history: where the events of each organization stand in the log, and by what they are found.
/// The rows hold nothing personal; what the events say is read from the log itself.
#[derive(Debug)]
pub enum HistoryProjection {}

/// Streams that belong to no organization.
const OF_NOBODY: [&str; 7] = ["signup", "recovery", "email", "user_code", "domain", "hardware", "import_file"];

impl Projection for HistoryProjection {
    const NAME: &'static str = "history";
    const VERSION: u32 = 1;
    const OPENS_PERSONAL_DATA: bool = false;
    type Change = Appended;
    type Gathered = Gathered;

    fn schema() -> String {
        [tenants::SCHEMA, include_str!("schema.sql")].concat()
    }

    fn concerns(stream: &StreamId) -> bool {
        !OF_NOBODY.contains(&stream.category())
    }

    fn apply(context: &mut Context<'_, Appended, Gathered>, event: &Event) -> Result<(), ProjectionError> {
        let recorded = context.event;
        // Some streams come to belong to an organization only later.
        let Some(organization) = recorded.organization else { return Ok(()) };
        let marks = [type_mark(&recorded.event_type), actor_mark(&recorded.actor)];
        let subjects = subjects(event, recorded);
        context.gathered.0.push(Entry {
            organization,
            position: recorded.position,
            recorded_at: recorded.recorded_at,
            marks: marks.into_iter().chain(subjects.into_iter().map(subject_mark)).collect(),
            follows: follows(event, recorded),
            person: match event {
                Event::Session(SessionEvent::Started(e)) => Some(e.account),
                _ => None,
            },
        });
        context.changed(organization, Appended);
        Ok(())
    }

    fn finish(rows: &Connection, gathered: Gathered) -> Result<(), ProjectionError> {
        Ok(write::all(rows, &gathered.0)?)
    }
}

/// The types of events that an organization's history can have.
pub fn event_types() -> impl Iterator<Item = &'static EventType> {
    // The first word of a type is the category of its streams, or a role of it.
    Event::types().filter(|t| !OF_NOBODY.contains(&t.name.split_once('.').map_or(t.name, |(family, _)| family)))
}

/// The events of a batch.
#[derive(Debug, Default)]
pub struct Gathered(Vec<Entry>);

/// What the rows of an event are made from.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) organization: OrganizationId,
    pub(crate) position: Position,
    pub(crate) recorded_at: Timestamp,
    /// Each once.
    pub(crate) marks: SmallVec<[Mark; 6]>,
    pub(crate) follows: Option<Follows>,
    /// Who is concerned as well by what follows this event.
    pub(crate) person: Option<AccountId>,
}

/// The bytes of a mark. Marks of one kind begin with a letter of their own.
pub(crate) type Mark = SmallVec<[u8; 24]>;

/// Marks the events of a type.
pub(crate) fn type_mark(event_type: &str) -> Mark {
    named(b'T', event_type.as_bytes())
}

/// Marks what an actor did.
pub(crate) fn actor_mark(actor: &Actor) -> Mark {
    match actor {
        Actor::Account(account) => named(b'A', account.0.as_bytes()),
        Actor::Device(device) => named(b'D', device.0.as_bytes()),
        Actor::System(name) => named(b'S', name.as_bytes()),
        Actor::Anonymous => named(b'N', &[]),
    }
}

/// Marks what is about a thing.
pub(crate) fn subject_mark(subject: Subject) -> Mark {
    let (tag, id) = subject.tag();
    named(tag, id.as_bytes())
}

fn named(tag: u8, name: &[u8]) -> Mark {
    let mut mark = Mark::from_slice(&[tag]);
    mark.extend_from_slice(name);
    mark
}

/// The number of a mark of an organization, if any event bears it.
pub(crate) fn find_mark(rows: &Connection, tenant: tenants::Tenant, mark: &[u8]) -> rusqlite::Result<Option<i64>> {
    rows.prepare_cached("SELECT number FROM history_marks WHERE organization = ?1 AND mark = ?2")?
        .query_row((tenant.number(), mark), |row| row.get(0))
        .optional()
}
