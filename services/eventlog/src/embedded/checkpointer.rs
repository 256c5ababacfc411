//! Moves what the write-ahead log holds into the file, beside the thread that writes: done by that thread, it would hold
//! up everybody whose append comes next for tens of milliseconds.

use std::{
    ffi::c_int,
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};

use super::{OpenError, Threads, database, spawn};

/// Pages between two checkpoints: 16 MiB of write-ahead log. The more there are, the more of them are the same page
/// written again, which is moved only once.
const EVERY: c_int = 4 << 10;

/// Pages in the write-ahead log, 64 MiB, from which on the writer itself moves what is left, which is little. Only when
/// nothing is left the write-ahead log starts again from its beginning.
const MOST: c_int = 16 << 10;

/// Asks for a checkpoint from time to time. Dropped, together with the connections it watches, it ends the thread.
pub(super) struct Checkpoints {
    due: SyncSender<()>,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(file: &Path, threads: &mut Threads) -> Result<Self, OpenError> {
        let connection = database::open_to_checkpoint(file)?;
        let (due, asked) = sync_channel(1);
        threads.writers.push(spawn("log-checkpointer", move || run(&connection, &asked))?);
        Ok(Self { due })
    }

    /// Takes note of what this connection writes from now on.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let due = self.due.clone();
        let mut asked = 0;
        connection.wal_hook(Some(move |log: &mut Wal, pages: c_int| {
            asked = asked.min(pages);
            if pages >= MOST {
                log.checkpoint_v2(CheckpointMode::PASSIVE).map_or_else(warn, drop);
            } else if pages - asked >= EVERY {
                asked = pages;
                // One that is under way or asked for already will do.
                due.try_send(()).ok();
            }
            // The transaction is committed, whatever became of its pages.
            Ok(())
        }))
    }
}

fn run(connection: &Connection, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        // PASSIVE waits for nobody and nobody waits for it.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_or_else(warn, drop);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it ends an error")]
fn warn(error: rusqlite::Error) {
    tracing::warn!(%error, "the write-ahead log could not be moved into the file for now");
}
