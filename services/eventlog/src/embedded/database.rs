//! Opening the folder and its SQLite files.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

/// Why the folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another instance in this one, has it open.
    #[error("{} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Another version of the software wrote the file.
    #[error("{} has format {found}; this version of the software knows format {known}", file.display())]
    OtherFormat {
        /// The file.
        file: PathBuf,
        /// The format it has.
        found: i64,
        /// The format that is understood here.
        known: i64,
    },
    /// It is a database of something else.
    #[error("{} is a database, but not of this software", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be opened.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{}: {source}", file.display())]
    Database {
        /// What was to be opened.
        file: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// What a file holds and how it is set up.
pub(super) struct Layout {
    /// Counts the formats from 1; kept as `user_version`.
    pub(super) format: i64,
    /// Bytes of a page; fixed when the file is created.
    pub(super) page_size: u32,
    /// Creates the tables.
    pub(super) tables: &'static [&'static str],
    /// Settings of the connection that writes, beside those that all share.
    pub(super) settings: &'static str,
}

/// How long a statement waits for a lock of the file. Held for moments only, by checkpoints and by visiting auditors.
const PATIENCE: Duration = Duration::from_secs(10);

/// Creates the folder if it is not there, for its owner only.
pub(super) fn create_folder(folder: &Path) -> Result<(), OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| OpenError::Io { path: folder.to_owned(), source })
}

/// Locks the folder until the file is closed, which the operating system does when the process ends in whatever way.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| OpenError::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// Opens the file for the thread that writes it, creating it if it is not there.
pub(super) fn open_to_write(file: &Path, layout: &Layout) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { file: file.to_owned(), source };
    let mut connection = Connection::open(file).map_err(failed)?;
    share(&connection).map_err(failed)?;
    // Looked at before anything is written: a file that is not ours stays as it is.
    let format: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if format == 0 && !is_empty(&connection).map_err(failed)? {
        return Err(OpenError::Foreign { file: file.to_owned() });
    }
    if format != 0 && format != layout.format {
        return Err(OpenError::OtherFormat { file: file.to_owned(), found: format, known: layout.format });
    }
    prepare(&mut connection, layout, format == 0).map_err(failed)?;
    sync_folder(file)?;
    Ok(connection)
}

/// Makes the name of a new file durable; SQLite does so only for its journals.
fn sync_folder(file: &Path) -> Result<(), OpenError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| OpenError::Io { path: folder.to_owned(), source })
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn prepare(connection: &mut Connection, layout: &Layout, create: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", layout.page_size)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit reaches the disk before it is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.execute_batch(layout.settings)?;
    if create {
        let transaction = connection.transaction()?;
        layout.tables.iter().try_for_each(|tables| transaction.execute_batch(tables))?;
        transaction.pragma_update(None, "user_version", layout.format)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Opens the file for the thread that moves the write-ahead log into it.
pub(super) fn open_to_checkpoint(file: &Path) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { file: file.to_owned(), source };
    let connection = Connection::open(file).map_err(failed)?;
    share(&connection).map_err(failed)?;
    // Both files are synced before the write-ahead log is written over.
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    Ok(connection)
}

/// Opens the file for a thread that only reads it.
pub(super) fn open_to_read(file: &Path) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { file: file.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    share(&connection).map_err(failed)?;
    Ok(connection)
}

/// What every connection is set to.
fn share(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // Without this a statement with a range in it is compiled again each time it is given other parameters, in case
    // statistics of the table suggest another plan for them. There are none.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Whether SQLite found the file damaged, as opposed to out of reach.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::{Error, ErrorCode};
    match error {
        Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch)
        }
        Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::QueryReturnedNoRows
        | Error::Utf8Error(..) => true,
        _ => false,
    }
}
