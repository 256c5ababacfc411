//! Writing down what the rows of a chunk have, once they are all there.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
};

use rusqlite::{Connection, Row, types::ValueRef};

use super::{Bits, first_row, offset_of, term, term_of_part};
use crate::{
    listing::{Listing, SortColumn, Source},
    paging::Key,
    search::{self, Part},
};

/// Seals a chunk.
pub(super) fn seal(connection: &Connection, listing: &Listing, chunk: i64) -> rusqlite::Result<()> {
    let table = listing.table;
    let content = Content::read(connection, listing, chunk)?;
    connection.prepare_cached(&format!("INSERT INTO {table}_chunks VALUES (?1, ?2, ?3)"))?.execute((
        chunk,
        content.present.encode(),
        content.bounds(),
    ))?;
    let parts = content.parts.iter().map(|(part, offsets)| (term_of_part(&search::part_text(*part)), offsets));
    let mut terms: Vec<(Vec<u8>, &Vec<u16>)> =
        parts.chain(content.values.iter().map(|(term, offsets)| (term.clone(), offsets))).collect();
    // In the order of the table, whose pages are then filled one after the other.
    terms.sort_unstable();
    let mut insert = connection.prepare_cached(&format!("INSERT INTO {table}_terms VALUES (?1, ?2, ?3)"))?;
    for (term, offsets) in terms {
        insert.execute((chunk, term, Bits::encode_offsets(offsets)))?;
    }
    for (sort, keys) in content.keys {
        write_sorted(connection, listing, chunk, sort, keys)?;
    }
    Ok(())
}

/// Sorts the rows of a sealed chunk anew.
pub(super) fn sort_again(connection: &Connection, listing: &Listing, chunk: i64) -> rusqlite::Result<()> {
    for sort in kept_sorted(listing) {
        let mut select = connection
            .prepare_cached(&format!("SELECT id, {} FROM {} WHERE id BETWEEN ?1 AND ?2", sort.column, listing.table))?;
        let read = |row: &Row<'_>| Ok((Key::read(row.get_ref(1)?)?, offset_of(row.get(0)?)));
        let keys = select.query_map([first_row(chunk), first_row(chunk + 1) - 1], read)?;
        write_sorted(connection, listing, chunk, sort.tag, keys.collect::<rusqlite::Result<_>>()?)?;
    }
    Ok(())
}

fn write_sorted(
    connection: &Connection,
    listing: &Listing,
    chunk: i64,
    sort: u8,
    mut keys: Vec<(Key, u16)>,
) -> rusqlite::Result<()> {
    keys.sort_unstable();
    let offsets: Vec<u8> = keys.into_iter().flat_map(|(_, offset)| offset.to_le_bytes()).collect();
    connection
        .prepare_cached(&format!("INSERT OR REPLACE INTO {}_sorted VALUES (?1, ?2, ?3)", listing.table))?
        .execute((chunk, sort, offsets))
        .map(drop)
}

fn kept_sorted(listing: &Listing) -> impl Iterator<Item = &'static SortColumn> {
    listing.sorts.iter().copied().filter(|sort| sort.kept_sorted)
}

/// What the rows of a chunk have. Offsets are in ascending order.
struct Content {
    present: Bits,
    parts: HashMap<Part, Vec<u16>, PartHashing>,
    values: HashMap<Vec<u8>, Vec<u16>>,
    /// Least and greatest of each range.
    ranges: Vec<(i64, i64)>,
    keys: Vec<(u8, Vec<(Key, u16)>)>,
}

impl Content {
    fn read(connection: &Connection, listing: &Listing, chunk: i64) -> rusqlite::Result<Self> {
        let mut content = Self {
            present: Bits::none(),
            parts: HashMap::default(),
            values: HashMap::new(),
            ranges: vec![(i64::MAX, i64::MIN); listing.ranges.len()],
            keys: kept_sorted(listing).map(|sort| (sort.tag, Vec::new())).collect(),
        };
        let mut columns = "id, search_text".to_owned();
        let facets: Vec<(u8, &str)> = listing.facets.iter().filter_map(|facet| facet.column()).collect();
        let names = facets.iter().map(|(_, column)| *column).chain(listing.ranges.iter().copied());
        names.chain(kept_sorted(listing).map(|sort| sort.column)).for_each(|name| {
            columns.push_str(", ");
            columns.push_str(name);
        });
        let mut select = connection
            .prepare_cached(&format!("SELECT {columns} FROM {} WHERE id BETWEEN ?1 AND ?2", listing.table))?;
        let range = [first_row(chunk), first_row(chunk + 1) - 1];
        let mut rows = select.query(range)?;
        while let Some(row) = rows.next()? {
            content.add(row, &facets)?;
        }
        for facet in listing.facets {
            let Source::Other { select, .. } = facet.source else { continue };
            let mut select = connection.prepare_cached(select)?;
            let mut rows = select.query(range)?;
            while let Some(row) = rows.next()? {
                content.add_value(facet.tag, row.get_ref(1)?, offset_of(row.get(0)?));
            }
        }
        Ok(content)
    }

    fn add(&mut self, row: &Row<'_>, facets: &[(u8, &str)]) -> rusqlite::Result<()> {
        let offset = offset_of(row.get(0)?);
        self.present.insert(offset);
        search::each_part(row.get_ref(1)?.as_str()?, |part| {
            let offsets = self.parts.entry(part).or_default();
            if offsets.last() != Some(&offset) {
                offsets.push(offset);
            }
        });
        let mut column = 2..;
        for ((tag, _), index) in facets.iter().zip(&mut column) {
            self.add_value(*tag, row.get_ref(index)?, offset);
        }
        for (range, index) in self.ranges.iter_mut().zip(&mut column) {
            let value = row.get(index)?;
            *range = (range.0.min(value), range.1.max(value));
        }
        for ((_, keys), index) in self.keys.iter_mut().zip(&mut column) {
            keys.push((Key::read(row.get_ref(index)?)?, offset));
        }
        Ok(())
    }

    fn add_value(&mut self, tag: u8, value: ValueRef<'_>, offset: u16) {
        let Some(term) = term(tag, value) else { return };
        let offsets = self.values.entry(term).or_default();
        // What stands in another table comes in any order.
        if let Err(index) = offsets.binary_search(&offset) {
            offsets.insert(index, offset);
        }
    }

    fn bounds(&self) -> Vec<u8> {
        self.ranges
            .iter()
            .flat_map(|(least, greatest)| [least.to_le_bytes(), greatest.to_le_bytes()].concat())
            .collect()
    }
}

/// Spreads parts, which are numbers, in a fraction of the time of a hash for anything. The seed keeps those who choose
/// their names from choosing where the parts of it go.
struct PartHashing {
    seed: u64,
}

impl Default for PartHashing {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(0) }
    }
}

impl BuildHasher for PartHashing {
    type Hasher = PartHasher;
    fn build_hasher(&self) -> PartHasher {
        PartHasher(self.seed)
    }
}

struct PartHasher(u64);

impl Hasher for PartHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, number: u64) {
        let mixed = u128::from(self.0 ^ number) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (mixed >> 64) as u64 ^ mixed as u64;
    }
}
