//! Writing the rows of a batch of events. What the events have in common is looked up and written once.

use std::collections::HashMap;

use engine::{
    columns,
    tenants::{self, Tenant},
};
use rusqlite::{Connection, OptionalExtension};
use schema::OrganizationId;

use crate::{
    follows::{Aspect, Follows},
    places,
    projection::{Entry, Mark, find_mark, subject_mark},
};

/// Events whose times are summed up in one row.
const BLOCK: i64 = 1_024;

/// Writes the rows of the events, which are in the order of the log.
pub(crate) fn all(rows: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    for (organization, entries) in by_organization(entries) {
        let tenant = tenants::find_or_add(rows, organization)?;
        let first = tenants::next_rows(rows, tenant, entries.len())? - tenant.first_row();
        let mut batch =
            Batch { rows, tenant, numbers: HashMap::new(), postings: HashMap::new(), latest: HashMap::new() };
        for (place, entry) in (first..).zip(&entries) {
            batch.add(place, entry)?;
        }
        batch.write()?;
        batch.sum_up(first, first + i64::try_from(entries.len()).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

/// The events of each organization. Organizations are in the order in which the log first names them, so that they get
/// the same numbers in every copy of the view.
fn by_organization(entries: &[Entry]) -> Vec<(OrganizationId, Vec<&Entry>)> {
    let mut indexes: HashMap<OrganizationId, usize> = HashMap::new();
    let mut groups: Vec<(OrganizationId, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        let index = *indexes.entry(entry.organization).or_insert(groups.len());
        match groups.get_mut(index) {
            Some((_, group)) => group.push(entry),
            None => groups.push((entry.organization, vec![entry])),
        }
    }
    groups
}

/// The last event that set an aspect of a thing.
#[derive(Debug, Clone, Copy)]
struct Latest {
    place: i64,
    person: Option<i64>,
}

/// The events of one organization.
struct Batch<'a> {
    rows: &'a Connection,
    tenant: Tenant,
    /// Numbers of marks.
    numbers: HashMap<Mark, i64>,
    /// Places by number of mark, ascending.
    postings: HashMap<i64, Vec<i64>>,
    /// By thing and aspect what is there now, if anything, and whether it has yet to be written.
    latest: HashMap<(i64, Aspect), (Option<Latest>, bool)>,
}

impl Batch<'_> {
    fn add(&mut self, place: i64, entry: &Entry) -> rusqlite::Result<()> {
        for mark in &entry.marks {
            let number = self.number(mark)?;
            self.post(number, place);
        }
        let previous = match entry.follows {
            Some(follows) => self.follow(follows, entry, place)?,
            None => None,
        };
        self.rows.prepare_cached("INSERT INTO history_events VALUES (?1, ?2, ?3, ?4, ?5)")?.execute((
            self.tenant.first_row() | place,
            entry.position.commit.cast_signed(),
            entry.position.prepare.wrapping_sub(entry.position.commit).cast_signed(),
            columns::from_time(entry.recorded_at),
            previous,
        ))?;
        Ok(())
    }

    fn post(&mut self, mark: i64, place: i64) {
        let places = self.postings.entry(mark).or_default();
        if places.last() != Some(&place) {
            places.push(place);
        }
    }

    /// The number of a mark, given now if it is new.
    fn number(&mut self, mark: &Mark) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.get(mark) {
            return Ok(*number);
        }
        let number = match find_mark(self.rows, self.tenant, mark)? {
            Some(number) => number,
            None => {
                self.rows
                    .prepare_cached("INSERT INTO history_marks (organization, mark) VALUES (?1, ?2)")?
                    .execute((self.tenant.number(), mark.as_slice()))?;
                self.rows.last_insert_rowid()
            }
        };
        self.numbers.insert(mark.clone(), number);
        Ok(number)
    }

    /// Finds the place of the event that this one follows up, and notes this one for those that follow it.
    fn follow(&mut self, follows: Follows, entry: &Entry, place: i64) -> rusqlite::Result<Option<i64>> {
        let thing = self.number(&subject_mark(follows.thing()))?;
        let found = match follows {
            Follows::Begins(_) => {
                let person = entry.person.map(|person| self.number(&subject_mark(person.into()))).transpose()?;
                self.note(thing, Aspect::Begun, Some(Latest { place, person }));
                None
            }
            Follows::Sets(_, aspect) => {
                let before = self.set_before(thing, aspect)?;
                self.note(thing, aspect, Some(Latest { place, person: None }));
                before
            }
            Follows::Removes(_, aspect) => self.set_before(thing, aspect)?,
            Follows::Continues(_) => self.latest(thing, Aspect::Begun)?,
            Follows::Ends(_) => {
                let begun = self.latest(thing, Aspect::Begun)?;
                if let Some(person) = begun.and_then(|begun| begun.person) {
                    self.post(person, place);
                }
                self.note(thing, Aspect::Begun, None);
                begun
            }
        };
        Ok(found.map(|latest| latest.place))
    }

    /// The event that set the aspect, if need be the beginning.
    fn set_before(&mut self, thing: i64, aspect: Aspect) -> rusqlite::Result<Option<Latest>> {
        match self.latest(thing, aspect)? {
            Some(latest) => Ok(Some(latest)),
            None => self.latest(thing, Aspect::Begun),
        }
    }

    fn latest(&mut self, thing: i64, aspect: Aspect) -> rusqlite::Result<Option<Latest>> {
        if let Some((latest, _)) = self.latest.get(&(thing, aspect)) {
            return Ok(*latest);
        }
        let mut select =
            self.rows.prepare_cached("SELECT place, person FROM history_latest WHERE thing = ?1 AND aspect = ?2")?;
        let read = |row: &rusqlite::Row<'_>| Ok(Latest { place: row.get(0)?, person: row.get(1)? });
        let latest = select.query_row((thing, aspect.number()), read).optional()?;
        self.latest.insert((thing, aspect), (latest, false));
        Ok(latest)
    }

    fn note(&mut self, thing: i64, aspect: Aspect, latest: Option<Latest>) {
        self.latest.insert((thing, aspect), (latest, true));
    }

    /// Writes what was gathered, in the order of the indexes.
    fn write(&mut self) -> rusqlite::Result<()> {
        let mut postings: Vec<_> = self.postings.drain().collect();
        postings.sort_unstable_by_key(|(mark, _)| *mark);
        let mut post = self.rows.prepare_cached("INSERT INTO history_postings VALUES (?1, ?2, ?3)")?;
        for (mark, all) in &postings {
            for some in all.chunks(places::MOST) {
                let Some(first) = some.first() else { continue };
                post.execute((mark, first, places::steps(some)))?;
            }
        }
        let changed = self.latest.drain().filter(|(_, (_, is_new))| *is_new);
        let mut changed: Vec<_> =
            changed.map(|((thing, aspect), (latest, _))| (thing, aspect.number(), latest)).collect();
        changed.sort_unstable_by_key(|(thing, aspect, _)| (*thing, *aspect));
        let mut note = self.rows.prepare_cached("INSERT OR REPLACE INTO history_latest VALUES (?1, ?2, ?3, ?4)")?;
        let mut forget = self.rows.prepare_cached("DELETE FROM history_latest WHERE thing = ?1 AND aspect = ?2")?;
        for (thing, aspect, latest) in changed {
            match latest {
                Some(latest) => note.execute((thing, aspect, latest.place, latest.person))?,
                None => forget.execute((thing, aspect))?,
            };
        }
        Ok(())
    }

    /// Sums up the times of the blocks that end among the places.
    fn sum_up(&self, first: i64, end: i64) -> rusqlite::Result<()> {
        let mut sum_up = self.rows.prepare_cached(
            "INSERT INTO history_blocks SELECT ?2, min(recorded_at), max(recorded_at) FROM history_events
             WHERE id BETWEEN ?1 AND ?2",
        )?;
        for last in (first..end).filter(|place| place % BLOCK == 0) {
            let last = self.tenant.first_row() | last;
            sum_up.execute((last - BLOCK + 1, last))?;
        }
        Ok(())
    }
}
