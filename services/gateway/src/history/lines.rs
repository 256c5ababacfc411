//! The lines of an export.

use std::sync::Arc;

use chrono::SecondsFormat;
use history::Subject;
use schema::{EventId, OrganizationId, Position, RecordedEvent, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use spreadsheets::CsvWriter;
use uuid::Uuid;

use super::Told;
use crate::errors::Stop;

/// Bytes that a line takes beside its payload, as a rule.
const ENVELOPE: usize = 512;

/// An event in a line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a, P> {
    position: Position,
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'a str,
    version: u16,
    stream: &'a str,
    revision: u64,
    occurred_at: Timestamp,
    organization: Option<OrganizationId>,
    actor: &'a schema::Actor,
    cause_id: Option<EventId>,
    correlation_id: Uuid,
    payload: P,
}

/// The last line of JSON: without it an export is cut off.
#[derive(Serialize)]
struct LastLine {
    complete: bool,
    events: u64,
}

/// Lines of JSON with the payloads exactly as they stand in the log, personal values sealed. `total` stands at the end.
pub(super) fn sealed(events: &[Arc<RecordedEvent>], total: Option<u64>) -> Result<Vec<u8>, Stop> {
    let mut lines = Vec::with_capacity(events.iter().map(|event| event.payload.len() + ENVELOPE).sum());
    for event in events {
        let payload: &RawValue = serde_json::from_slice(&event.payload).map_err(unwritable)?;
        add(&line(event, event.version, payload), &mut lines)?;
    }
    end(lines, total)
}

/// Lines of JSON with payloads as people read them, in the current version of each type. `total` stands at the end.
pub(super) fn opened(events: &[Told], total: Option<u64>) -> Result<Vec<u8>, Stop> {
    let mut lines = Vec::new();
    for told in events {
        add(&line(&told.recorded, told.version(), told.details()?), &mut lines)?;
    }
    end(lines, total)
}

fn line<P>(event: &RecordedEvent, version: u16, payload: P) -> Line<'_, P> {
    Line {
        position: event.position,
        id: event.id,
        event_type: &event.event_type,
        version,
        stream: event.stream.as_str(),
        revision: event.revision,
        occurred_at: event.recorded_at,
        organization: event.organization,
        actor: &event.actor,
        cause_id: event.cause,
        correlation_id: event.correlation,
        payload,
    }
}

fn end(mut lines: Vec<u8>, total: Option<u64>) -> Result<Vec<u8>, Stop> {
    if let Some(events) = total {
        add(&LastLine { complete: true, events }, &mut lines)?;
    }
    Ok(lines)
}

fn add(line: &impl Serialize, lines: &mut Vec<u8>) -> Result<(), Stop> {
    serde_json::to_writer(&mut *lines, line).map_err(unwritable)?;
    lines.push(b'\n');
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "its callers have the error and pass it on")]
fn unwritable(error: serde_json::Error) -> Stop {
    // What it says about the text itself is left out.
    Stop::Fault(format!("an event cannot be exported ({:?})", error.classify()))
}

/// Rows of a table, with its head if they are the first. `total` stands at the end.
pub(super) fn table(events: &[Told], is_first: bool, total: Option<u64>) -> Vec<u8> {
    let mut table = CsvWriter::new();
    if is_first {
        table.row(["Position", "Time", "Type", "Actor", "Actor id", "Subjects", "Summary"]);
    } else {
        // Only a file begins with a byte order mark.
        drop(table.take());
    }
    for told in events {
        let recorded = &told.recorded;
        let actor = super::subject_of(&recorded.actor);
        table.row([
            recorded.position.to_string().as_str(),
            &recorded.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            &recorded.event_type,
            &told.actor_name(),
            &actor.map_or_else(|| recorded.actor.to_string(), |actor| actor.to_string()),
            &told.subjects.iter().map(Subject::to_string).collect::<Vec<_>>().join(" "),
            &told.summary(),
        ]);
    }
    if let Some(events) = total {
        table.row(["complete", "", "", "", "", "", &format!("{events} events")]);
    }
    table.take().into_bytes()
}
