//! Moves what the write-ahead log holds into the file, beside the thread that writes: done by that thread, it would hold
//! up everybody whose append comes next for tens of milliseconds.

use std::{
    path::Path,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use rusqlite::Connection;

use super::{OpenError, Threads, database, spawn};

/// Events between two checkpoints: about 8 MB of write-ahead log.
const EVERY: usize = 2_000;

/// Asks for a checkpoint from time to time. Dropped, it ends the thread.
pub(super) struct Checkpoints {
    due: SyncSender<()>,
    written: usize,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(file: &Path, threads: &mut Threads) -> Result<Self, OpenError> {
        let connection = database::open_to_checkpoint(file)?;
        let (due, asked) = sync_channel(1);
        threads.writers.push(spawn("log-checkpointer", move || run(&connection, &asked))?);
        Ok(Self { due, written: 0 })
    }

    /// Takes note of events that were written.
    pub(super) fn wrote(&mut self, events: usize) {
        self.written += events;
        if self.written >= EVERY {
            self.written = 0;
            // One that is under way or asked for already will do.
            self.due.try_send(()).ok();
        }
    }
}

fn run(connection: &Connection, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        // PASSIVE waits for nobody and nobody waits for it. What it does not get done, the writer does when the
        // write-ahead log has grown large.
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file for now");
        }
    }
}
