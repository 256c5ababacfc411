//! Moves what the write-ahead log holds into the file, beside the thread that writes: done by that thread, it would hold
//! up everybody whose append comes next for tens of milliseconds.
//!
//! Only when nothing is left to move does the write-ahead log start again from its beginning, and while there is writing
//! there is always something left. So the last bit, which is small by then, is moved by the thread that writes.

use std::{
    ffi::c_int,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};

use super::{OpenError, Threads, database, spawn};

/// Pages in the write-ahead log, 32 MiB, from which on they are moved. The more there are, the more of them are the same
/// page written again, which is moved only once.
const ENOUGH: c_int = 8 << 10;

/// Pages in the write-ahead log, 128 MiB, from which on the thread that writes moves them all, whatever it takes.
const TOO_MANY: c_int = 32 << 10;

/// How often the thread beside moves what has come meanwhile before it leaves the rest.
const PASSES: usize = 3;

/// Asks for a checkpoint from time to time. Dropped, together with the connections it watches, it ends the thread.
pub(super) struct Checkpoints {
    due: SyncSender<()>,
    /// Little is left.
    nearly_done: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(file: &Path, threads: &mut Threads) -> Result<Self, OpenError> {
        let connection = database::open_to_checkpoint(file)?;
        let (due, asked) = sync_channel(1);
        let nearly_done = Arc::new(AtomicBool::new(false));
        let done = nearly_done.clone();
        threads.writers.push(spawn("log-checkpointer", move || run(&connection, &asked, &done))?);
        Ok(Self { due, nearly_done })
    }

    /// Takes note of what this connection writes from now on.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let (due, nearly_done) = (self.due.clone(), self.nearly_done.clone());
        let mut asked = false;
        connection.wal_hook(Some(move |log: &mut Wal, pages: c_int| {
            if nearly_done.swap(false, Ordering::Relaxed) || pages >= TOO_MANY {
                asked = false;
                log.checkpoint_v2(CheckpointMode::PASSIVE).map_or_else(warn, drop);
            } else if pages >= ENOUGH && !asked {
                asked = due.try_send(()).is_ok();
            }
            // The transaction is committed, whatever became of its pages.
            Ok(())
        }))
    }
}

fn run(connection: &Connection, asked: &Receiver<()>, nearly_done: &AtomicBool) {
    while asked.recv().is_ok() {
        for _ in 0..PASSES {
            // PASSIVE waits for nobody and nobody waits for it.
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_or_else(warn, drop);
        }
        nearly_done.store(true, Ordering::Relaxed);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it ends an error")]
fn warn(error: rusqlite::Error) {
    tracing::warn!(%error, "the write-ahead log could not be moved into the file for now");
}
