//! Keeping the index as the rows are.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry as BTreeEntry, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, Row, types::Value};
use schema::OrganizationId;

use super::{
    Bits, chunk_of, first_open_chunk, offset_of,
    seal::{seal, sort_again},
    term_of_part, term_of_value,
};
use crate::{
    listing::{Facet, Listing},
    search,
    tenants::{self, Tenant},
};

/// What becomes of the rows of a [`Listing`] in a batch of events: what a view [gathers](crate::Projection::Gathered).
#[derive(Debug, Default)]
pub struct Edits {
    /// Tenants that get rows, and how many they have got.
    numbers: HashMap<OrganizationId, (Tenant, i64)>,
    /// Which chunks were sealed before the batch.
    sealed: HashMap<i64, bool>,
    /// Rows of sealed chunks that change, as they were before the batch.
    before: BTreeMap<i64, Indexed>,
    terms: TermEdits,
}

/// By chunk and term, the rows that it comes to or goes from, in the order of the events.
type TermEdits = BTreeMap<(i64, Vec<u8>), Vec<(u16, bool)>>;

/// What the index knows of a row, apart from what stands in other tables.
#[derive(Debug, PartialEq)]
struct Indexed {
    text: String,
    /// By facet; those in other tables left out.
    values: Vec<(u8, Value)>,
    keys: Vec<Value>,
}

impl Edits {
    /// A number for a new row of the organization, never given twice, and its tenant.
    pub fn new_row(&mut self, rows: &Connection, organization: OrganizationId) -> rusqlite::Result<(Tenant, i64)> {
        let (tenant, given) = match self.numbers.entry(organization) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(new) => {
                let tenant = tenants::find_or_add(rows, organization)?;
                let given = i64::try_from(tenants::rows_given(rows, tenant)?).unwrap_or(i64::MAX);
                new.insert((tenant, given))
            }
        };
        *given += 1;
        Ok((*tenant, tenant.first_row() | *given))
    }

    /// Must be called before a row is changed or deleted.
    pub fn will_change(&mut self, rows: &Connection, listing: &Listing, row: i64) -> rusqlite::Result<()> {
        if self.is_sealed(rows, listing, chunk_of(row))?
            && let BTreeEntry::Vacant(new) = self.before.entry(row)
            && let Some(before) = Indexed::read(rows, listing, row)?
        {
            new.insert(before);
        }
        Ok(())
    }

    /// Must be called when a row gets or loses a value of a facet that stands in another table.
    pub fn has(
        &mut self,
        rows: &Connection,
        listing: &Listing,
        row: i64,
        (facet, value): (&Facet, &Value),
        has: bool,
    ) -> rusqlite::Result<()> {
        if self.is_sealed(rows, listing, chunk_of(row))?
            && let Some(term) = term_of_value(facet.tag, value)
        {
            self.terms.entry((chunk_of(row), term)).or_default().push((offset_of(row), has));
        }
        Ok(())
    }

    /// Whether the chunk was sealed before the batch. What happens in the others shows when they are sealed.
    fn is_sealed(&mut self, rows: &Connection, listing: &Listing, chunk: i64) -> rusqlite::Result<bool> {
        if let Some(known) = self.sealed.get(&chunk) {
            return Ok(*known);
        }
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {}_chunks WHERE chunk = ?1)", listing.table);
        let sealed = rows.prepare_cached(&sql)?.query_row([chunk], |row| row.get(0))?;
        self.sealed.insert(chunk, sealed);
        Ok(sealed)
    }

    /// Brings the index up to date, at the end of the batch.
    pub fn write(mut self, rows: &Connection, listing: &Listing) -> rusqlite::Result<()> {
        let mut to_sort = BTreeSet::new();
        for (row, before) in &self.before {
            match Indexed::read(rows, listing, *row)? {
                None => take_away(rows, listing, *row)?,
                Some(after) => {
                    if before.keys != after.keys {
                        to_sort.insert(chunk_of(*row));
                    }
                    before.differences(&after, *row, &mut self.terms);
                }
            }
        }
        for ((chunk, term), edits) in &self.terms {
            edit(rows, listing, *chunk, term, edits)?;
        }
        to_sort.into_iter().try_for_each(|chunk| sort_again(rows, listing, chunk))?;
        for (tenant, given) in self.numbers.values() {
            tenants::set_rows_given(rows, *tenant, *given)?;
            let open = first_open_chunk(rows, listing, *tenant)?;
            // The chunk of the number that is given next: those before it are complete.
            let end = chunk_of(tenant.first_row() + given + 1);
            (open..end).try_for_each(|chunk| seal(rows, listing, chunk))?;
        }
        Ok(())
    }
}

impl Indexed {
    fn read(rows: &Connection, listing: &Listing, id: i64) -> rusqlite::Result<Option<Self>> {
        let facets: Vec<(u8, &str)> = listing.facets.iter().filter_map(|facet| facet.column()).collect();
        let names = facets.iter().map(|(_, column)| *column).chain(listing.sorts.iter().map(|sort| sort.column));
        let mut sql = "SELECT search_text".to_owned();
        names.for_each(|name| {
            sql.push_str(", ");
            sql.push_str(name);
        });
        sql.push_str(&format!(" FROM {} WHERE id = ?1", listing.table));
        let read = |row: &Row<'_>| {
            let mut column = 1..;
            let values = facets.iter().zip(&mut column).map(|((tag, _), index)| Ok((*tag, row.get(index)?)));
            let values = values.collect::<rusqlite::Result<_>>()?;
            let kept = listing.sorts.iter().zip(&mut column).filter(|(sort, _)| sort.kept_sorted);
            let keys = kept.map(|(_, index)| row.get(index)).collect::<rusqlite::Result<_>>()?;
            Ok(Self { text: row.get(0)?, values, keys })
        };
        rows.prepare_cached(&sql)?.query_row([id], read).optional()
    }

    fn differences(&self, after: &Self, row: i64, edits: &mut TermEdits) {
        let mut note = |term, has| {
            edits.entry((chunk_of(row), term)).or_default().push((offset_of(row), has));
        };
        for ((tag, old), (_, new)) in self.values.iter().zip(&after.values) {
            if old != new {
                term_of_value(*tag, old).into_iter().for_each(|term| note(term, false));
                term_of_value(*tag, new).into_iter().for_each(|term| note(term, true));
            }
        }
        if self.text != after.text {
            let parts = |text| {
                let mut parts = BTreeSet::new();
                search::each_part(text, |part| {
                    parts.insert(part);
                });
                parts
            };
            let (old, new) = (parts(&self.text), parts(&after.text));
            let term = |part: &u64| term_of_part(&search::part_text(*part));
            old.difference(&new).for_each(|part| note(term(part), false));
            new.difference(&old).for_each(|part| note(term(part), true));
        }
    }
}

/// Changes which rows of a sealed chunk have a term.
fn edit(rows: &Connection, listing: &Listing, chunk: i64, term: &[u8], edits: &[(u16, bool)]) -> rusqlite::Result<()> {
    let table = listing.table;
    let mut bits = rows
        .prepare_cached(&format!("SELECT found FROM {table}_terms WHERE chunk = ?1 AND term = ?2"))?
        .query_row((chunk, term), |row| Ok(Bits::decode(row.get_ref(0)?.as_blob()?)))
        .optional()?
        .unwrap_or(Bits::none());
    for (offset, has) in edits {
        if *has {
            bits.insert(*offset);
        } else {
            bits.remove(*offset);
        }
    }
    if bits.is_empty() {
        let delete = format!("DELETE FROM {table}_terms WHERE chunk = ?1 AND term = ?2");
        return rows.prepare_cached(&delete)?.execute((chunk, term)).map(drop);
    }
    let write = format!("INSERT OR REPLACE INTO {table}_terms VALUES (?1, ?2, ?3)");
    rows.prepare_cached(&write)?.execute((chunk, term, bits.encode())).map(drop)
}

/// Takes a row that is gone out of its sealed chunk.
fn take_away(rows: &Connection, listing: &Listing, row: i64) -> rusqlite::Result<()> {
    let (table, chunk) = (listing.table, chunk_of(row));
    let mut present = rows
        .prepare_cached(&format!("SELECT present FROM {table}_chunks WHERE chunk = ?1"))?
        .query_row([chunk], |row| Ok(Bits::decode(row.get_ref(0)?.as_blob()?)))?;
    present.remove(offset_of(row));
    rows.prepare_cached(&format!("UPDATE {table}_chunks SET present = ?2 WHERE chunk = ?1"))?
        .execute((chunk, present.encode()))
        .map(drop)
}
