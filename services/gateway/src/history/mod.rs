//! The event history: rows of its view, told with what the log says at their positions.

pub(crate) mod export;
mod lines;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use commands::Platform;
use engine::{PersonKeys, ProjectionError};
use eventlog::ReadError;
use history::{FieldChange, History, HistoryRow, Names, Subject, Subjects};
use schema::{Actor, Event, OrganizationId, Position, RecordedEvent};
use serde_json::Value;

use crate::errors::Stop;

/// An event with all that it takes to tell it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) recorded: Arc<RecordedEvent>,
    pub(crate) subjects: Subjects,
    event: Arc<Event>,
    /// The event that it follows up.
    previous: Option<Arc<Event>>,
    shared: Arc<Shared>,
}

/// What the events of a page have in common.
#[derive(Debug, Default)]
struct Shared {
    names: Names,
    keys: PersonKeys,
}

impl Told {
    /// What the actor is called.
    pub(crate) fn actor_name(&self) -> String {
        self.shared.names.actor(&self.recorded.actor)
    }

    /// What a subject is called, if it has a name.
    pub(crate) fn subject_name(&self, subject: Subject) -> Option<&str> {
        match (subject, &*self.event) {
            (Subject::Domain(_), Event::Organization(event)) => history::domain_of(event),
            _ => self.shared.names.get(subject),
        }
    }

    /// The event in a sentence.
    pub(crate) fn summary(&self) -> String {
        history::describe(&self.event, &self.recorded, self.previous.as_deref(), &self.shared.names)
    }

    /// The current version of its type, in which the payload is told.
    pub(crate) fn version(&self) -> u16 {
        let current = Event::types().find(|t| *t.name == *self.recorded.event_type);
        current.map_or(self.recorded.version, |current| current.version)
    }

    /// What was there before and after.
    pub(crate) fn changes(&self) -> Result<Vec<FieldChange>, Stop> {
        let changes = history::changes(&self.event, &self.recorded, self.previous.as_deref(), &self.shared.keys);
        changes.map_err(unreadable)
    }

    /// The payload as a person reads it.
    pub(crate) fn details(&self) -> Result<Value, Stop> {
        history::details(&self.event, &self.shared.keys).map_err(unreadable)
    }
}

/// The events of rows, in their order, as they stand in the log.
pub(crate) async fn recorded(platform: &Platform, rows: &[HistoryRow]) -> Result<Vec<Arc<RecordedEvent>>, Stop> {
    let positions: Vec<_> = rows.iter().map(|row| row.position).collect();
    at(platform, &positions).await
}

/// Reads what rows point at, with the names of all that is in it and the keys to open it.
pub(crate) async fn tell(
    platform: &Platform,
    history: &History,
    organization: OrganizationId,
    rows: &[HistoryRow],
) -> Result<Vec<Told>, Stop> {
    let positions = rows.iter().flat_map(|row| [Some(row.position), row.previous]).flatten();
    let log = decoded(platform, positions.collect()).await?;
    let mut told = Vec::with_capacity(rows.len());
    let (mut things, mut people) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let (recorded, event) = log.get(&row.position).ok_or_else(missing)?;
        let previous = row.previous.map(|position| log.get(&position).ok_or_else(missing)).transpose()?;
        let previous = previous.map(|(_, event)| event.clone());
        let subjects = history::subjects_following(event, recorded, previous.as_deref());
        things.extend(subjects.iter().copied());
        things.extend(subject_of(&recorded.actor));
        people.extend(event.subjects().chain(previous.iter().flat_map(|previous| previous.subjects())));
        told.push((recorded.clone(), subjects, event.clone(), previous));
    }
    let naming = history.named_by(organization, things.into_iter().collect()).await?;
    let names = decoded(platform, naming.values().copied().collect()).await?;
    people.extend(names.values().flat_map(|(_, event)| event.subjects()));
    let mut shared = Shared::default();
    for (person, key) in platform.people().many(people).await? {
        shared.keys.insert(person, key.as_deref().cloned());
    }
    for (thing, position) in naming {
        let (_, event) = names.get(&position).ok_or_else(missing)?;
        if let Some(name) = history::name_of(event, &shared.keys).map_err(unreadable)? {
            shared.names.insert(thing, name);
        }
    }
    let shared = Arc::new(shared);
    let told = told.into_iter().map(|(recorded, subjects, event, previous)| Told {
        recorded,
        subjects,
        event,
        previous,
        shared: shared.clone(),
    });
    Ok(told.collect())
}

/// The thing that an actor is.
pub(crate) fn subject_of(actor: &Actor) -> Option<Subject> {
    match actor {
        Actor::Account(account) => Some((*account).into()),
        Actor::Device(device) => Some((*device).into()),
        Actor::System(_) | Actor::Anonymous => None,
    }
}

async fn decoded(
    platform: &Platform,
    mut positions: Vec<Position>,
) -> Result<HashMap<Position, (Arc<RecordedEvent>, Arc<Event>)>, Stop> {
    positions.sort_unstable();
    positions.dedup();
    let events = at(platform, &positions).await?.into_iter().map(|recorded| {
        let event = Event::try_from(&*recorded).map_err(|error| Stop::Fault(error.to_string()))?;
        Ok((recorded.position, (recorded, Arc::new(event))))
    });
    events.collect()
}

async fn at(platform: &Platform, positions: &[Position]) -> Result<Vec<Arc<RecordedEvent>>, Stop> {
    let found = platform.log().events_at(positions).await.map_err(|error| match error {
        ReadError::Unavailable(reason) => Stop::Unavailable(reason),
        ReadError::Damaged(reason) => Stop::Fault(reason),
    })?;
    found.into_iter().collect::<Option<_>>().ok_or_else(missing)
}

fn missing() -> Stop {
    Stop::Fault("the log has no event where the history says".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "its callers have the error and pass it on")]
fn unreadable(error: ProjectionError) -> Stop {
    Stop::Fault(error.to_string())
}
