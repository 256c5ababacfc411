//! Lists of things in a table of their own, compared with a plain list that does the same in the simplest way.

use std::collections::BTreeSet;

use rusqlite::params;
use schema::OrganizationId;
use uuid::Uuid;

use super::*;
use crate::{
    index::Edits,
    search::{Terms, fold},
    tenants,
};

static KIND: Facet = Facet { tag: 1, source: Source::Column("kind") };
static STATE: Facet = Facet { tag: 2, source: Source::Column("state") };
static MARK: Facet = Facet {
    tag: 3,
    source: Source::Other {
        select: "SELECT thing, mark FROM marks WHERE thing BETWEEN ?1 AND ?2",
        exists: "EXISTS (SELECT 1 FROM marks m WHERE m.thing = t.id AND m.mark = ?)",
    },
};
static BY_NAME: SortColumn = SortColumn { tag: 1, column: "search_text", kept_sorted: true };
static BY_SIZE: SortColumn = SortColumn { tag: 2, column: "size", kept_sorted: false };
static THINGS: Listing = Listing {
    table: "things",
    columns: "t.id",
    facets: &[&KIND, &STATE, &MARK],
    ranges: &["made_at"],
    sorts: &[&BY_NAME, &BY_SIZE],
};
const STATES: [i64; 3] = [0, 1, 2];

struct Id(i64);

impl FromRow for Id {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        row.get("id").map(Self)
    }
}

#[derive(Clone)]
struct Thing {
    id: i64,
    name: String,
    kind: Option<&'static str>,
    state: i64,
    size: i64,
    made_at: i64,
    marks: BTreeSet<i64>,
}

/// What to look for.
#[derive(Clone, Default, Debug)]
struct Look {
    search: &'static str,
    kind: Option<&'static str>,
    state: Option<i64>,
    mark: Option<i64>,
    made: Option<(i64, i64)>,
}

impl Look {
    fn conditions(&self) -> Vec<Condition> {
        let has = |facet: &'static Facet, value: Option<Value>| value.map(|value| Condition::Has(facet, value));
        let made = self.made.map(|(from, until)| Condition::Within { column: "made_at", from, until });
        let kind = has(&KIND, self.kind.map(|kind| kind.to_owned().into()));
        [kind, has(&STATE, self.state.map(Into::into)), has(&MARK, self.mark.map(Into::into)), made]
            .into_iter()
            .flatten()
            .collect()
    }

    fn fits(&self, thing: &Thing) -> bool {
        self.search.split(' ').all(|word| thing.name.contains(word))
            && self.kind.is_none_or(|kind| thing.kind == Some(kind))
            && self.state.is_none_or(|state| thing.state == state)
            && self.mark.is_none_or(|mark| thing.marks.contains(&mark))
            && self.made.is_none_or(|(from, until)| (from..until).contains(&thing.made_at))
    }
}

/// Numbers that look like chance, the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

struct Shelf {
    rows: Connection,
    organization: OrganizationId,
    things: Vec<Thing>,
    draws: Draws,
}

impl Shelf {
    fn new() -> Self {
        let rows = Connection::open_in_memory().unwrap();
        rows.set_prepared_statement_cache_capacity(64);
        let table =
            "CREATE TABLE things (id INTEGER PRIMARY KEY, organization INTEGER NOT NULL, search_text TEXT NOT NULL,
            kind TEXT, state INTEGER NOT NULL, size INTEGER NOT NULL, made_at INTEGER NOT NULL) STRICT;
            CREATE TABLE marks (thing INTEGER, mark INTEGER, PRIMARY KEY (thing, mark)) STRICT, WITHOUT ROWID;";
        rows.execute_batch(&[tenants::SCHEMA, &THINGS.schema(), table, &THINGS.indexes()].concat()).unwrap();
        let organization = OrganizationId(Uuid::from_u128(7));
        // Rows of others lie before and after.
        for other in [1, 7, 9] {
            tenants::find_or_add(&rows, OrganizationId(Uuid::from_u128(other))).unwrap();
        }
        Self { rows, organization, things: Vec::new(), draws: Draws(1) }
    }

    fn name(&mut self) -> String {
        let first = self.draws.pick(&["anna", "anne", "zoë", "josé", "田中", "мария"]);
        fold(&format!("{first} {} {}", self.draws.pick(&["smith", "smythe", "太郎"]), self.draws.below(400)))
    }

    fn add(&mut self, edits: &mut Edits, organization: OrganizationId) {
        let (tenant, id) = edits.new_row(&self.rows, organization).unwrap();
        let thing = Thing {
            id,
            name: self.name(),
            kind: self.draws.pick(&[None, Some("wide"), Some("wide"), Some("tall")]),
            state: self.draws.below(3) as i64,
            size: self.draws.below(50) as i64,
            // Nearly in the order in which they are added.
            made_at: id - self.draws.below(30) as i64,
            marks: BTreeSet::new(),
        };
        self.rows
            .prepare_cached("INSERT INTO things VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            .unwrap()
            .execute(params![id, tenant.number(), thing.name, thing.kind, thing.state, thing.size, thing.made_at])
            .unwrap();
        if organization == self.organization {
            self.things.push(thing);
        }
    }

    /// Something happens to one of them.
    fn happen(&mut self, edits: &mut Edits) {
        let number = self.draws.below(self.things.len());
        let (name, kind, state, mark) = (
            self.name(),
            self.draws.pick(&[None, Some("tall")]),
            self.draws.below(3) as i64,
            self.draws.below(4) as i64,
        );
        let thing = &mut self.things[number];
        let id = thing.id;
        let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            self.rows.prepare_cached(sql).unwrap().execute(values).unwrap();
        };
        match self.draws.below(12) {
            0 => {
                edits.will_change(&self.rows, &THINGS, id).unwrap();
                execute("DELETE FROM things WHERE id = ?1", &[&id]);
                self.things.remove(number);
            }
            1..4 => {
                edits.will_change(&self.rows, &THINGS, id).unwrap();
                execute("UPDATE things SET search_text = ?2 WHERE id = ?1", &[&id, &name]);
                thing.name = name;
            }
            4..9 => {
                edits.will_change(&self.rows, &THINGS, id).unwrap();
                execute(
                    "UPDATE things SET kind = ?2, state = ?3, size = size + 1 WHERE id = ?1",
                    &[&id, &kind, &state],
                );
                (thing.kind, thing.state, thing.size) = (kind, state, thing.size + 1);
            }
            _ => {
                let gains = thing.marks.insert(mark);
                if gains {
                    execute("INSERT INTO marks VALUES (?1, ?2)", &[&id, &mark]);
                } else {
                    thing.marks.remove(&mark);
                    execute("DELETE FROM marks WHERE thing = ?1 AND mark = ?2", &[&id, &mark]);
                }
                edits.has(&self.rows, &THINGS, id, (&MARK, &mark.into()), gains).unwrap();
            }
        }
    }

    fn expected(&self, look: &Look, order: Order) -> Vec<i64> {
        let mut fitting: Vec<&Thing> = self.things.iter().filter(|thing| look.fits(thing)).collect();
        fitting.sort_by_key(|thing| {
            let (text, number) = match order.tag {
                1 => (thing.name.as_str(), 0),
                2 => ("", thing.size),
                3 => ("", 0),
                _ => ("", thing.state),
            };
            (text, number, thing.id)
        });
        if order.descending {
            fitting.reverse();
        }
        fitting.into_iter().map(|thing| thing.id).collect()
    }

    /// Compares the pages from one end to the other.
    fn compare(&self, look: &Look, order: Order, backward: bool) {
        let terms = Terms::parse(look.search);
        let tenant = tenants::find(&self.rows, self.organization).unwrap().unwrap();
        let wanted = Wanted { tenant, conditions: look.conditions(), terms: &terms };
        let mut expected = self.expected(look, order);
        let count = THINGS.count(&self.rows, &wanted).unwrap();
        assert_eq!(count, Count { rows: expected.len() as u64, or_more: false }, "{look:?}");
        if backward {
            expected.reverse();
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let paging = if backward {
                Paging::Backward { last: 150, before: cursor.take() }
            } else {
                Paging::Forward { first: 150, after: cursor.take() }
            };
            let page = THINGS.page::<Id>(&self.rows, &wanted, order, &paging).unwrap();
            let ids = page.edges.iter().map(|edge| edge.node.0);
            let (more, last) = if backward {
                seen.extend(ids.rev());
                (page.has_previous, page.edges.first())
            } else {
                seen.extend(ids);
                (page.has_next, page.edges.last())
            };
            // The first pages tell enough.
            if !more || seen.len() > 1_500 {
                assert_eq!(more, seen.len() < expected.len(), "{look:?} {order:?}");
                break;
            }
            cursor = last.map(|edge| edge.cursor.clone());
        }
        expected.truncate(seen.len());
        assert!(seen == expected, "{look:?} {order:?} {backward}");
    }

    fn compare_all(&self) {
        let look = Look::default;
        let middle = self.things[self.things.len() / 2].made_at;
        // Among the last that were added to the first chunk.
        let edge = index::first_row(index::chunk_of(middle)) - 10;
        let looks = [
            look(),
            Look { search: "zoe", ..look() },
            Look { search: "anna smith", ..look() },
            Look { search: "1 太郎", ..look() },
            Look { search: "anna nobody", ..look() },
            Look { search: "мар", kind: Some("tall"), ..look() },
            Look { kind: Some("wide"), ..look() },
            Look { kind: Some("tall"), state: Some(2), ..look() },
            Look { mark: Some(1), ..look() },
            Look { mark: Some(2), state: Some(0), search: "an", ..look() },
            Look { made: Some((middle - 3_000, middle + 700)), ..look() },
            Look { made: Some((i64::MIN, middle)), search: "jose", ..look() },
            Look { made: Some((edge, i64::MAX)), ..look() },
            Look { made: Some((i64::MIN, edge)), ..look() },
            Look { kind: Some("none such"), ..look() },
        ];
        let by = [By::Column(&BY_NAME), By::Column(&BY_SIZE), By::Addition, By::Groups(&STATE, &STATES)];
        for (number, look) in looks.iter().enumerate() {
            for (tag, by) in (1..).zip(by) {
                let turn = number + usize::from(tag);
                let order = Order { tag, by, descending: turn.is_multiple_of(2) };
                self.compare(look, order, turn.is_multiple_of(3));
            }
        }
    }
}

#[test]
fn pages_and_counts_are_as_a_plain_list_has_them_whatever_happens_to_the_rows() {
    let mut shelf = Shelf::new();
    let strangers = [1, 9].map(|other| OrganizationId(Uuid::from_u128(other)));
    for batch in 0..12 {
        let mut edits = Edits::default();
        shelf.rows.execute_batch("BEGIN").unwrap();
        // Batches of many rows, of few and of none; two chunks are sealed in the end, and a rest is not.
        for _ in 0..[2_500, 1, 0, 700][batch % 4] {
            shelf.add(&mut edits, shelf.organization);
            if shelf.draws.below(100) == 0 {
                shelf.add(&mut edits, strangers[batch % 2]);
            }
        }
        for _ in 0..[0, 300, 900, 40][batch % 4] {
            shelf.happen(&mut edits);
        }
        edits.write(&shelf.rows, &THINGS).unwrap();
        shelf.rows.execute_batch("COMMIT").unwrap();
        if [2, 3, 11].contains(&batch) {
            shelf.compare_all();
        }
    }
    let sealed: i64 = shelf.rows.query_row("SELECT count(*) FROM things_chunks", [], |row| row.get(0)).unwrap();
    assert_eq!(sealed, 2);
}
