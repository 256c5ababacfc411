//! The file of a view: where it lies, how it is opened, and how far it has come.
//!
//! A file is called `<name>.v<version>.g<generation>.db`. A rebuild writes the next generation beside the one that
//! serves; nothing is ever renamed, so an open connection always means the file it was opened on.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};
use schema::Position;

use crate::{Projection, projection::ProjectionError, writer::Pace};

/// Statements that one connection keeps prepared: more than all views have.
const STATEMENTS_KEPT: usize = 128;
/// How long a writer waits for a lock. Only the files of a view that has just been stopped can be locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const CHECKPOINT_TABLE: &str = "CREATE TABLE view_checkpoint (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    commit_position INTEGER,
    prepare_position INTEGER,
    events INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    made_by TEXT NOT NULL
)";

/// How far the rows of a file reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Checkpoint {
    /// The last event that the rows contain; none before the first.
    pub(crate) position: Option<Position>,
    /// How many events of concern were applied since the file was new.
    pub(crate) events: u64,
    /// Whether it has once caught up with the log, and so may serve.
    pub(crate) complete: bool,
}

/// A file of a view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ViewFile {
    pub(crate) version: u32,
    pub(crate) generation: u32,
    pub(crate) path: PathBuf,
}

impl ViewFile {
    pub(crate) fn new(folder: &Path, name: &str, version: u32, generation: u32) -> Self {
        Self { version, generation, path: folder.join(format!("{name}.v{version}.g{generation}.db")) }
    }

    /// The files of a view in `folder`, oldest version and generation first.
    pub(crate) fn list(folder: &Path, name: &str) -> io::Result<Vec<Self>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let file_name = entry?.file_name();
            let numbers = file_name.to_str().and_then(|file| numbers(file, name));
            files.extend(numbers.map(|(version, generation)| Self::new(folder, name, version, generation)));
        }
        files.sort();
        Ok(files)
    }

    /// Deletes the file and what SQLite keeps beside it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn numbers(file: &str, name: &str) -> Option<(u32, u32)> {
    let rest = file.strip_prefix(name)?.strip_prefix(".v")?.strip_suffix(".db")?;
    let (version, generation) = rest.split_once(".g")?;
    Some((version.parse().ok()?, generation.parse().ok()?))
}

/// Whether the error says that the file is not a sound database.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Otherwise SQLite looks at the values when it plans, and so plans most statements again for every new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens a file for writing; makes it if it is not there. None if it was made by other SQL or another kind of software.
pub(crate) fn open_writer<P: Projection>(path: &Path) -> rusqlite::Result<Option<(Connection, Checkpoint)>> {
    let connection = Connection::open(path)?;
    prepare(&connection)?;
    // NORMAL: what is committed may be lost in a power cut, and is then read from the log again, but the file stays
    // whole.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -131072;",
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", Pace::Following.pages())?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(CHECKPOINT_TABLE)?;
        transaction.execute_batch(&P::schema())?;
        transaction.execute("INSERT INTO view_checkpoint VALUES (0, NULL, NULL, 0, 0, ?1)", [P::schema()])?;
        transaction.commit()?;
    }
    if made_by(&connection)?.is_none_or(|sql| sql != P::schema()) {
        return Ok(None);
    }
    let checkpoint = read_checkpoint(&connection)?;
    Ok(Some((connection, checkpoint)))
}

/// Folds the write-ahead log in now, and from now on after so many pages.
pub(crate) fn fold_in_every(connection: &Connection, pages: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", pages)?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn made_by(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let known: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'view_checkpoint')",
        [],
        |row| row.get(0),
    )?;
    if !known {
        return Ok(None);
    }
    connection.query_row("SELECT made_by FROM view_checkpoint", [], |row| row.get(0)).optional()
}

/// Opens a file for reading.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    // A read-only connection could not make the shared memory of a file that nobody writes any more; `query_only` keeps
    // it from writing instead.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -16384;",
    )?;
    Ok(connection)
}

/// How far the rows reach.
pub(crate) fn read_checkpoint(connection: &Connection) -> rusqlite::Result<Checkpoint> {
    connection.query_row("SELECT commit_position, prepare_position, events, complete FROM view_checkpoint", [], |row| {
        let commit: Option<i64> = row.get(0)?;
        let prepare: Option<i64> = row.get(1)?;
        let position = commit.zip(prepare);
        Ok(Checkpoint {
            position: position
                .map(|(commit, prepare)| Position { commit: commit.cast_unsigned(), prepare: prepare.cast_unsigned() }),
            events: row.get::<_, i64>(2)?.cast_unsigned(),
            complete: row.get(3)?,
        })
    })
}

/// Writes how far the rows reach; part of the transaction that writes the rows.
pub(crate) fn write_checkpoint(connection: &Connection, checkpoint: &Checkpoint) -> Result<(), ProjectionError> {
    connection
        .prepare_cached(
            "UPDATE view_checkpoint SET commit_position = ?1, prepare_position = ?2, events = ?3, complete = ?4",
        )?
        .execute((
            checkpoint.position.map(|p| p.commit.cast_signed()),
            checkpoint.position.map(|p| p.prepare.cast_signed()),
            checkpoint.events.cast_signed(),
            checkpoint.complete,
        ))?;
    Ok(())
}
