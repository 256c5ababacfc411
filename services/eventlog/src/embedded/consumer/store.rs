//! What of a group's progress is on disk.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};
use schema::Timestamp;

use super::super::{
    row::{failure, time_from_text, time_to_text},
    stored,
};
use crate::ReadError;

/// The tables. A group has dealt with every event up to its position in `consumers`, but for those in `pending`, which
/// come back, and in `parked`, which were given up. `acknowledged` holds what was dealt with beyond that position.
pub(crate) const TABLES: &str = "
    CREATE TABLE consumers(
        consumer TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pending(
        consumer TEXT NOT NULL,
        position INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        due      TEXT NOT NULL,
        PRIMARY KEY(consumer, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE parked(
        consumer TEXT NOT NULL,
        position INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        reason   TEXT NOT NULL,
        PRIMARY KEY(consumer, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE acknowledged(
        consumer TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY(consumer, position)
    ) STRICT, WITHOUT ROWID;
";

/// What a group has done since the last time it was written.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// By position.
    pub(super) changes: BTreeMap<u64, Change>,
    /// The position up to which the group is then done.
    pub(super) checkpoint: u64,
}

/// What happened to one event.
#[derive(Debug)]
pub(super) enum Change {
    /// Dealt with. `pending`: it had been put off before.
    Acknowledge { pending: bool },
    /// Put off.
    PutOff { attempts: u32, due: Timestamp },
    /// Given up.
    Park { attempts: u32, reason: String },
}

/// Writes progress within the open transaction.
pub(crate) fn write_progress(connection: &Connection, group: &str, progress: &Progress) -> rusqlite::Result<()> {
    for (position, change) in &progress.changes {
        write_change(connection, group, *position, change, progress.checkpoint)?;
    }
    let checkpoint = stored(progress.checkpoint);
    let sql = "INSERT INTO consumers(consumer, position) VALUES(?1, ?2) \
               ON CONFLICT DO UPDATE SET position = max(position, excluded.position)";
    connection.prepare_cached(sql)?.execute(params![group, checkpoint])?;
    let sql = "DELETE FROM acknowledged WHERE consumer = ?1 AND position <= ?2";
    connection.prepare_cached(sql)?.execute(params![group, checkpoint])?;
    Ok(())
}

fn write_change(
    connection: &Connection,
    group: &str,
    position: u64,
    change: &Change,
    checkpoint: u64,
) -> rusqlite::Result<()> {
    let unpend = || {
        let sql = "DELETE FROM pending WHERE consumer = ?1 AND position = ?2";
        connection.prepare_cached(sql)?.execute(params![group, stored(position)])
    };
    match change {
        Change::Acknowledge { pending } => {
            if *pending {
                unpend()?;
            }
            if position > checkpoint {
                let sql = "INSERT OR IGNORE INTO acknowledged(consumer, position) VALUES(?1, ?2)";
                connection.prepare_cached(sql)?.execute(params![group, stored(position)])?;
            }
        }
        Change::PutOff { attempts, due } => {
            let sql = "INSERT OR REPLACE INTO pending(consumer, position, attempts, due) VALUES(?1, ?2, ?3, ?4)";
            let row = params![group, stored(position), attempts, time_to_text(*due)];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        Change::Park { attempts, reason } => {
            unpend()?;
            let sql = "INSERT OR REPLACE INTO parked(consumer, position, attempts, reason) VALUES(?1, ?2, ?3, ?4)";
            connection.prepare_cached(sql)?.execute(params![group, stored(position), attempts, reason])?;
        }
    }
    Ok(())
}

/// What a group starts from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    /// Position up to which the group is done.
    pub(super) checkpoint: u64,
    /// Put off: when it is due, its position, and how often it was delivered.
    pub(super) pending: BTreeMap<(Timestamp, u64), u32>,
    /// Acknowledged, put off or parked beyond the checkpoint: not to be delivered as new.
    pub(super) settled: BTreeSet<u64>,
}

/// Reads a group's progress, all of it at one moment.
pub(super) fn load(connection: &Connection, group: &str) -> Result<Loaded, ReadError> {
    let transaction = connection.unchecked_transaction().map_err(failure)?;
    let checkpoint = checkpoint(&transaction, group).map_err(failure)?;
    let pending = pending(&transaction, group)?;
    let settled = settled(&transaction, group, checkpoint).map_err(failure)?;
    Ok(Loaded { checkpoint: unsigned(checkpoint), pending, settled })
}

fn checkpoint(connection: &Connection, group: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT position FROM consumers WHERE consumer = ?1";
    Ok(connection.query_row(sql, [group], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn pending(connection: &Connection, group: &str) -> Result<BTreeMap<(Timestamp, u64), u32>, ReadError> {
    let sql = "SELECT position, attempts, due FROM pending WHERE consumer = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = statement.query_map([group], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)));
    let mut pending = BTreeMap::new();
    for row in rows.map_err(failure)? {
        let (position, attempts, due) = row.map_err(failure)?;
        let damaged = || ReadError::Damaged(format!("the time at which {group} is due position {position}"));
        pending.insert((time_from_text(&due).ok_or_else(damaged)?, unsigned(position)), attempts);
    }
    Ok(pending)
}

fn settled(connection: &Connection, group: &str, checkpoint: i64) -> rusqlite::Result<BTreeSet<u64>> {
    let sql = "SELECT position FROM acknowledged WHERE consumer = ?1 AND position > ?2 \
               UNION SELECT position FROM pending WHERE consumer = ?1 AND position > ?2 \
               UNION SELECT position FROM parked WHERE consumer = ?1 AND position > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![group, checkpoint], |row| row.get(0).map(unsigned))?;
    rows.collect()
}

fn unsigned(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}
