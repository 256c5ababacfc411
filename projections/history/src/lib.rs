//! The event history of each organization: who did what, to whom, when.
//!
//! The view is small and holds nothing personal. It knows where the events of an organization stand in the log and by
//! what they are found: type, actor, subjects, time. What an event says is read from the log when somebody asks and
//! told by the pure functions of this crate: [`describe`] writes a sentence, [`changes`] tells what was there before and
//! after, [`details`] shows the payload. So an erased person is erased here as well, and another wording needs no
//! rebuild.

mod changes;
mod describe;
mod details;
mod follows;
mod places;
mod projection;
mod scan;
mod subjects;
mod write;

use std::collections::HashMap;

use engine::{
    Reads, ViewError,
    paging::{Edge, InvalidCursor, LARGEST_PAGE, Page, Paging},
    tenants::Tenant,
};
use rusqlite::{Connection, OptionalExtension};
use schema::{Actor, OrganizationId, Position, Timestamp};

pub use self::{
    changes::{FieldChange, changes},
    describe::{Names, describe, name_of},
    details::details,
    projection::{Appended, Gathered, HistoryProjection, event_types},
    subjects::{Subject, Subjects, domain_of, subjects, subjects_following},
};
use self::{
    follows::Aspect,
    scan::{Direction, Scan},
};

/// Which events. What is none, or empty, does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Who caused them.
    pub actor: Option<Actor>,
    /// What they are about.
    pub subject: Option<Subject>,
    /// Of which types, by their frozen names; one of these.
    pub types: Vec<String>,
    /// Recorded then or later.
    pub from: Option<Timestamp>,
    /// Recorded before then.
    pub until: Option<Timestamp>,
}

/// An event of the history: where to find it in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRow {
    /// The event.
    pub position: Position,
    /// The event that it follows up: the one that set the same thing before, or that began what it ends.
    pub previous: Option<Position>,
}

/// Answers queries about the history. Cheap to clone.
#[derive(Debug, Clone)]
pub struct History {
    reads: Reads,
}

impl History {
    /// Reads a view of [`HistoryProjection`].
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// One page, newest first. A cursor is the position of an event.
    ///
    /// # Errors
    /// A cursor that is no position, a page of another size than 1 to [`LARGEST_PAGE`], or the view cannot answer.
    pub async fn page(
        &self,
        organization: OrganizationId,
        filter: HistoryFilter,
        paging: Paging,
    ) -> Result<Page<HistoryRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| page(rows, tenant, &filter, &paging)).await
    }

    /// The first `limit` events that fit after `after` (from the start if none) up to `until` (to the end if none),
    /// oldest first.
    ///
    /// # Errors
    /// The view cannot answer.
    pub async fn following(
        &self,
        organization: OrganizationId,
        filter: HistoryFilter,
        (after, until): (Option<Position>, Option<Position>),
        limit: usize,
    ) -> Result<Vec<HistoryRow>, ViewError> {
        let read = move |rows: &_, tenant| {
            let Some(scan) = Scan::new(rows, tenant, &filter, Direction::Up)? else { return Ok(Vec::new()) };
            let first = after.map_or(Ok(0), |after| scan::places_until(rows, tenant, after))? + 1;
            let last = until
                .map_or_else(|| scan::last_place(rows, tenant), |until| scan::places_until(rows, tenant, until))?;
            Ok(scan.collect(first..=last, limit)?)
        };
        self.reads.read_of(organization, read).await
    }

    /// Where the organization's history ends; none if it is empty.
    ///
    /// # Errors
    /// The view cannot answer.
    pub async fn end(&self, organization: OrganizationId) -> Result<Option<Position>, ViewError> {
        let read = |rows: &_, tenant| Ok(scan::position_at(rows, tenant, scan::last_place(rows, tenant)?)?);
        self.reads.read_of(organization, read).await
    }

    /// For each of `things` the event that last gave it its name, for [`name_of`]. What has no name is left out.
    ///
    /// # Errors
    /// The view cannot answer.
    pub async fn named_by(
        &self,
        organization: OrganizationId,
        things: Vec<Subject>,
    ) -> Result<HashMap<Subject, Position>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| named_by(rows, tenant, &things)).await
    }
}

fn page(
    rows: &Connection,
    tenant: Tenant,
    filter: &HistoryFilter,
    paging: &Paging,
) -> Result<Page<HistoryRow>, ViewError> {
    let (size, cursor, direction) = match paging {
        Paging::Forward { first, after } => (*first, after, Direction::Down),
        Paging::Backward { last, before } => (*last, before, Direction::Up),
    };
    if size == 0 || size > LARGEST_PAGE {
        return Err(ViewError::PageSize);
    }
    let cursor = cursor.as_deref().map(|text| text.parse::<Position>().map_err(|_| InvalidCursor)).transpose()?;
    let Some(scan) = Scan::new(rows, tenant, filter, direction)? else { return Ok(Page::default()) };
    let places = match (cursor, direction) {
        (None, _) => 1..=scan::last_place(rows, tenant)?,
        (Some(cursor), Direction::Up) => {
            scan::places_until(rows, tenant, cursor)? + 1..=scan::last_place(rows, tenant)?
        }
        (Some(cursor), Direction::Down) => 1..=scan::places_before(rows, tenant, cursor)?,
    };
    let mut found = scan.collect(places, size + 1)?;
    let more = found.len() > size;
    found.truncate(size);
    let (has_next, has_previous) = match direction {
        Direction::Down => (more, cursor.is_some()),
        Direction::Up => {
            found.reverse();
            (cursor.is_some(), more)
        }
    };
    let edges = found.into_iter().map(|row| Edge { cursor: row.position.to_string(), node: row }).collect();
    Ok(Page { edges, has_next, has_previous })
}

fn named_by(rows: &Connection, tenant: Tenant, things: &[Subject]) -> Result<HashMap<Subject, Position>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT place FROM history_latest WHERE thing = ?1 AND aspect IN (?2, ?3) ORDER BY aspect DESC LIMIT 1",
    )?;
    let mut named = HashMap::with_capacity(things.len());
    for thing in things {
        let Some(aspect) = follows::naming(*thing) else { continue };
        let Some(mark) = projection::find_mark(rows, tenant, &projection::subject_mark(*thing))? else { continue };
        let key = (mark, aspect.number(), Aspect::Begun.number());
        let place = select.query_row(key, |row| row.get(0)).optional()?;
        let position = place.map(|place| scan::position_at(rows, tenant, place)).transpose()?.flatten();
        named.extend(position.map(|position| (*thing, position)));
    }
    Ok(named)
}
