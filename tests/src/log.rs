//! The log as an auditor sees it: the file, opened with nothing but SQLite.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// A row of the log.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// Place in the log.
    pub position: u64,
    /// Id of the event.
    pub id: String,
    /// Stream.
    pub stream: String,
    /// Place in the stream.
    pub revision: u64,
    /// Type.
    pub event_type: String,
    /// Organization, if it has one.
    pub organization: Option<String>,
    /// Who.
    pub actor: String,
    /// The event that it reacts to.
    pub cause: Option<String>,
    /// The request that it follows from.
    pub correlation: String,
    /// What.
    pub payload: Value,
}

/// All events after a position, oldest first. Also while the platform runs.
pub fn read(log: &Path, after: u64) -> Vec<LogRow> {
    let connection = open(log);
    let mut statement = connection
        .prepare(
            "SELECT position, id, stream, revision, type, organization, actor, cause, correlation, payload
             FROM events WHERE position > ?1 ORDER BY position",
        )
        .unwrap();
    let rows = statement.query_map([after.cast_signed()], |row| {
        Ok(LogRow {
            position: row.get::<_, i64>(0)?.cast_unsigned(),
            id: row.get(1)?,
            stream: row.get(2)?,
            revision: row.get::<_, i64>(3)?.cast_unsigned(),
            event_type: row.get(4)?,
            organization: row.get(5)?,
            actor: row.get(6)?,
            cause: row.get(7)?,
            correlation: row.get(8)?,
            payload: serde_json::from_str(&row.get::<_, String>(9)?).unwrap(),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The position of the last event; 0 if there is none.
pub fn head(log: &Path) -> u64 {
    let head = open(log).query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get::<_, i64>(0));
    head.unwrap().cast_unsigned()
}

/// Opens a SQLite file to read it.
pub fn open(file: &Path) -> Connection {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}
