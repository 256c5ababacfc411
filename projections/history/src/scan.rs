//! Finding the events that fit a filter.
//!
//! Every condition but the time names one or more lists of places: those of a type, of an actor, of a subject. The places
//! that stand in all of them are found by going through all lists at once, each time leaping in the others to where
//! the last one stands: with as many steps as the shortest list has entries, at most. Lists are read in blocks, so where
//! two long lists leap past each other entry by entry it goes at the speed of reading.
//!
//! Times are nearly in the order of the log, but not quite: clocks differ. So the rows say of each block of events which
//! times it spans. Only blocks that may hold something are gone through, and each event's own time is looked at.

use std::ops::RangeInclusive;

use engine::{columns, tenants::Tenant};
use rusqlite::{Connection, OptionalExtension};
use schema::{Position, Timestamp};

use crate::{
    HistoryFilter, HistoryRow, places,
    projection::{actor_mark, find_mark, subject_mark, type_mark},
};

/// Rows of a list that are read at once: from this, growing while many of their places are used, to that.
const READ: (usize, usize) = (16, 256);
/// One in so many of the places that were read is looked at, or fewer are read next.
const USED: usize = 8;

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the oldest to the newest.
    Up,
    /// From the newest to the oldest.
    Down,
}

impl Direction {
    /// Whether `a` comes before `b`.
    fn is_before(self, a: i64, b: i64) -> bool {
        if self == Self::Up { a < b } else { a > b }
    }
    fn next(self, place: i64) -> i64 {
        if self == Self::Up { place + 1 } else { place - 1 }
    }
    fn start(self, range: &RangeInclusive<i64>) -> i64 {
        if self == Self::Up { *range.start() } else { *range.end() }
    }
}

/// The events of one organization that fit a filter.
pub(crate) struct Scan<'a> {
    rows: &'a Connection,
    tenant: Tenant,
    direction: Direction,
    lists: Vec<Union<'a>>,
    time: Time,
}

/// Times from, and times before which.
#[derive(Debug, Clone, Copy)]
struct Time {
    from: Option<i64>,
    until: Option<i64>,
}

impl Time {
    fn holds(self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
    }
    /// Whether a time in between may hold.
    fn meets(self, earliest: i64, latest: i64) -> bool {
        self.from.is_none_or(|from| latest >= from) && self.until.is_none_or(|until| earliest < until)
    }
}

impl<'a> Scan<'a> {
    /// Looks the filter's lists up; none if nothing can fit.
    pub(crate) fn new(
        rows: &'a Connection,
        tenant: Tenant,
        filter: &HistoryFilter,
        direction: Direction,
    ) -> rusqlite::Result<Option<Self>> {
        let mut marks = Vec::new();
        marks.extend(filter.actor.iter().map(|actor| vec![actor_mark(actor)]));
        marks.extend(filter.subject.iter().map(|subject| vec![subject_mark(*subject)]));
        if !filter.types.is_empty() {
            marks.push(filter.types.iter().map(|event_type| type_mark(event_type)).collect());
        }
        let mut lists = Vec::with_capacity(marks.len());
        for alternatives in marks {
            let mut union = Union(Vec::with_capacity(alternatives.len()));
            for mark in alternatives {
                union.0.extend(find_mark(rows, tenant, &mark)?.map(|mark| List::new(rows, mark, direction)));
            }
            if union.0.is_empty() {
                return Ok(None);
            }
            lists.push(union);
        }
        let micros = |time: Option<Timestamp>| time.map(columns::from_time);
        let time = Time { from: micros(filter.from), until: micros(filter.until) };
        Ok(Some(Self { rows, tenant, direction, lists, time }))
    }

    /// The first `limit` events that fit, of those at the places.
    pub(crate) fn collect(mut self, places: RangeInclusive<i64>, limit: usize) -> rusqlite::Result<Vec<HistoryRow>> {
        let mut found = Vec::with_capacity(limit.min(1_024));
        for range in self.ranges(places)? {
            let mut at = self.direction.start(&range);
            while found.len() < limit
                && let Some(place) = self.seek(at)?
                && range.contains(&place)
            {
                found.extend(self.row(place)?);
                at = self.direction.next(place);
            }
        }
        Ok(found)
    }

    /// The first place from `at` on that stands in all lists.
    fn seek(&mut self, at: i64) -> rusqlite::Result<Option<i64>> {
        let (mut at, mut agreed) = (at, 0);
        while agreed < self.lists.len() {
            agreed = 0;
            for list in &mut self.lists {
                let Some(place) = list.seek(at)? else { return Ok(None) };
                if place != at {
                    at = place;
                    break;
                }
                agreed += 1;
            }
        }
        Ok(Some(at))
    }

    /// The event at a place, if its time fits.
    fn row(&self, place: i64) -> rusqlite::Result<Option<HistoryRow>> {
        let id = self.tenant.first_row() | place;
        let mut select = self.rows.prepare_cached(
            "SELECT commit_position, prepare_offset, recorded_at, previous FROM history_events WHERE id = ?1",
        )?;
        let found = select
            .query_row([id], |row| Ok((read_position(row)?, row.get::<_, i64>(2)?, row.get::<_, Option<i64>>(3)?)));
        let Some((position, time, previous)) = found.optional()? else { return Ok(None) };
        if !self.time.holds(time) {
            return Ok(None);
        }
        let previous = previous.map(|place| position_at(self.rows, self.tenant, place)).transpose()?.flatten();
        Ok(Some(HistoryRow { position, previous }))
    }

    /// The parts of `places` in which times may fit, in the direction of the scan.
    fn ranges(&self, places: RangeInclusive<i64>) -> rusqlite::Result<Vec<RangeInclusive<i64>>> {
        if self.time.from.is_none() && self.time.until.is_none() {
            return Ok(vec![places]);
        }
        let mut select = self.rows.prepare_cached(
            "SELECT last, earliest, latest FROM history_blocks WHERE last BETWEEN ?1 AND ?2 ORDER BY last",
        )?;
        let (first_row, last_row) = (self.tenant.first_row(), self.tenant.last_row());
        let mut blocks = select.query((first_row | *places.start(), last_row))?;
        let mut ranges: Vec<RangeInclusive<i64>> = Vec::new();
        let mut add = |from: i64, to: i64| match ranges.last_mut() {
            Some(range) if *range.end() + 1 == from => *range = *range.start()..=to,
            _ => ranges.push(from..=to),
        };
        // What lies before the first block that is looked at belongs to it.
        let mut open = *places.start();
        while open <= *places.end()
            && let Some(block) = blocks.next()?
        {
            let last = block.get::<_, i64>(0)? - first_row;
            if self.time.meets(block.get(1)?, block.get(2)?) {
                add(open, last.min(*places.end()));
            }
            open = last + 1;
        }
        if open <= *places.end() {
            // The block at the end is not summed up yet.
            add(open, *places.end());
        }
        if self.direction == Direction::Down {
            ranges.reverse();
        }
        Ok(ranges)
    }
}

/// Lists of which one must have the place.
struct Union<'a>(Vec<List<'a>>);

impl Union<'_> {
    fn seek(&mut self, at: i64) -> rusqlite::Result<Option<i64>> {
        let mut nearest: Option<i64> = None;
        for list in &mut self.0 {
            if let Some(place) = list.seek(at)?
                && nearest.is_none_or(|nearest| list.direction.is_before(place, nearest))
            {
                nearest = Some(place);
            }
        }
        Ok(nearest)
    }
}

/// The places of one mark, read in blocks.
struct List<'a> {
    rows: &'a Connection,
    mark: i64,
    direction: Direction,
    block: Vec<i64>,
    /// Of the block, the first place that is not passed yet.
    next: usize,
    /// How many places of the block were looked at.
    used: usize,
    /// How many rows were read at once.
    read: usize,
    /// No place comes after those of the block.
    ended: bool,
}

impl<'a> List<'a> {
    fn new(rows: &'a Connection, mark: i64, direction: Direction) -> Self {
        Self { rows, mark, direction, block: Vec::new(), next: 0, used: 0, read: 0, ended: false }
    }

    /// The first place from `at` on. Never goes back.
    fn seek(&mut self, at: i64) -> rusqlite::Result<Option<i64>> {
        self.pass(at);
        if self.next == self.block.len() && !self.ended {
            self.read_from(at)?;
            self.pass(at);
        }
        self.used += 1;
        Ok(self.block.get(self.next).copied())
    }

    /// Passes what comes before `at`.
    fn pass(&mut self, at: i64) {
        let direction = self.direction;
        let rest = self.block.get(self.next..).unwrap_or_default();
        // Mostly it is none or one.
        let near = rest.iter().take(2).take_while(|place| direction.is_before(**place, at)).count();
        self.next += if near < 2 { near } else { rest.partition_point(|place| direction.is_before(*place, at)) };
    }

    fn read_from(&mut self, at: i64) -> rusqlite::Result<()> {
        // The row that begins before `at` may hold places beyond it.
        let sql = match self.direction {
            Direction::Up => {
                "SELECT first, steps FROM history_postings WHERE mark = ?1 AND first >= coalesce(
                     (SELECT max(first) FROM history_postings WHERE mark = ?1 AND first <= ?2), ?2)
                 ORDER BY first LIMIT ?3"
            }
            Direction::Down => {
                "SELECT first, steps FROM history_postings WHERE mark = ?1 AND first <= ?2
                 ORDER BY first DESC LIMIT ?3"
            }
        };
        let is_used = self.used * USED >= self.block.len();
        self.read = if is_used { (self.read * 2).clamp(READ.0, READ.1) } else { READ.0 };
        self.block.clear();
        (self.next, self.used) = (0, 0);
        let mut select = self.rows.prepare_cached(sql)?;
        let mut rows = select.query((self.mark, at, i64::try_from(self.read).unwrap_or(i64::MAX)))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            let from = self.block.len();
            self.block.extend(places::places(row.get(0)?, row.get_ref(1)?.as_blob()?));
            if self.direction == Direction::Down
                && let Some(added) = self.block.get_mut(from..)
            {
                added.reverse();
            }
        }
        self.ended = read < self.read;
        Ok(())
    }
}

/// The position in the first two columns.
fn read_position(row: &rusqlite::Row<'_>) -> rusqlite::Result<Position> {
    let (commit, offset): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok(Position { commit: commit.cast_unsigned(), prepare: commit.wrapping_add(offset).cast_unsigned() })
}

/// The position of the event at a place.
pub(crate) fn position_at(rows: &Connection, tenant: Tenant, place: i64) -> rusqlite::Result<Option<Position>> {
    rows.prepare_cached("SELECT commit_position, prepare_offset FROM history_events WHERE id = ?1")?
        .query_row([tenant.first_row() | place], read_position)
        .optional()
}

/// How many events of the organization stand at `position` or before: the place of the last of them.
pub(crate) fn places_until(rows: &Connection, tenant: Tenant, position: Position) -> rusqlite::Result<i64> {
    places_while(rows, tenant, |at| at <= position)
}

/// How many events of the organization stand before `position`.
pub(crate) fn places_before(rows: &Connection, tenant: Tenant, position: Position) -> rusqlite::Result<i64> {
    places_while(rows, tenant, |at| at < position)
}

/// Places have no gaps, so this is found by halving.
fn places_while(rows: &Connection, tenant: Tenant, holds: impl Fn(Position) -> bool) -> rusqlite::Result<i64> {
    let (mut low, mut high) = (0, last_place(rows, tenant)?);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        match position_at(rows, tenant, middle)? {
            Some(at) if holds(at) => low = middle,
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

/// The place of the newest event; 0 if there is none.
pub(crate) fn last_place(rows: &Connection, tenant: Tenant) -> rusqlite::Result<i64> {
    engine::tenants::rows_given(rows, tenant).map(|given| i64::try_from(given).unwrap_or(i64::MAX))
}
