//! A projection for tests: it notes every event it sees and counts them, so that one applied twice or left out shows.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use engine::{Context, Projection, ProjectionError, Reads, ViewError};
use rusqlite::Connection;
use schema::{
    Event, StreamId,
    events::{AccountEvent, OrganizationEvent},
};

/// An organization of this name stops version 1.
pub const POISON: &str = "poison";

/// While this is set, versions from 3 on wait before they apply an event.
static HELD_UP: AtomicBool = AtomicBool::new(false);

/// Holds up versions from 3 on until dropped.
pub struct Gate;

impl Gate {
    pub fn close() -> Self {
        HELD_UP.store(true, Ordering::SeqCst);
        Self
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        HELD_UP.store(false, Ordering::SeqCst);
    }
}

#[derive(Debug)]
pub struct Tally<const VERSION: u32, const SINCE: u32>;

impl<const VERSION: u32, const SINCE: u32> Projection for Tally<VERSION, SINCE> {
    const NAME: &'static str = "tally";
    const VERSION: u32 = VERSION;
    const READS_SINCE: u32 = SINCE;
    type Change = String;
    type Gathered = ();

    fn schema() -> String {
        "CREATE TABLE seen (number INTEGER PRIMARY KEY, position INTEGER NOT NULL, name TEXT NOT NULL);
         CREATE TABLE total (number INTEGER NOT NULL); INSERT INTO total VALUES (0);"
            .to_owned()
    }

    fn concerns(stream: &StreamId) -> bool {
        matches!(stream.category(), "organization" | "account")
    }

    fn apply(context: &mut Context<'_, String>, event: &Event) -> Result<(), ProjectionError> {
        while VERSION >= 3 && HELD_UP.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        let (organization, name) = match event {
            Event::Organization(OrganizationEvent::Created(e)) if VERSION == 1 && e.name == POISON => {
                // Rows that it had already written are taken back.
                context.rows.execute("UPDATE total SET number = number + 1000", [])?;
                return Err(ProjectionError::Unexpected("poison"));
            }
            Event::Organization(OrganizationEvent::Created(e)) => (e.organization, e.name.clone()),
            Event::Account(AccountEvent::Created(e)) => {
                (e.organization, context.keys.open(&e.email)?.unwrap_or_else(|| "(erased)".into()))
            }
            _ => return Ok(()),
        };
        context.rows.prepare_cached("UPDATE total SET number = number + 1")?.execute([])?;
        context
            .rows
            .prepare_cached("INSERT INTO seen SELECT number, ?1, ?2 FROM total")?
            .execute((context.event.position.commit.cast_signed(), &name))?;
        context.changed(organization, name);
        Ok(())
    }
}

/// The names in the order they were seen.
pub async fn names(reads: &Reads) -> Result<Vec<String>, ViewError> {
    reads
        .read(|rows| {
            let mut select = rows.prepare_cached("SELECT name FROM seen ORDER BY number")?;
            Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
}

/// How many events were counted.
pub fn numbers(rows: &Connection) -> rusqlite::Result<u64> {
    rows.query_row("SELECT number FROM total", [], |row| row.get(0).map(i64::cast_unsigned))
}
