//! The contract, and what only this implementation promises.

use tempfile::TempDir;

use super::*;
use crate::{SystemClock, contract::Installation};

mod faults;
mod secrets;

/// A folder that is opened with so much memory.
struct Folder {
    folder: TempDir,
    readers: usize,
    recent_events: usize,
}

impl Folder {
    fn new(readers: usize, recent_events: usize) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), readers, recent_events }
    }

    fn config(&self) -> EmbeddedConfig {
        let config = EmbeddedConfig::new(self.folder.path(), [7; 32], Arc::new(SystemClock));
        EmbeddedConfig { readers: self.readers, recent_events: self.recent_events, ..config }
    }

    fn open_alone(&self) -> Embedded {
        Embedded::open(self.config()).unwrap()
    }

    /// As an auditor opens it: beside the process that has it open.
    fn visit(&self, file: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join(file)).unwrap()
    }
}

#[async_trait]
impl Installation for Folder {
    async fn open(&self, clock: Arc<dyn Clock>) -> (Arc<dyn EventLog>, Arc<dyn Vault>) {
        let opened = Arc::new(Embedded::open(EmbeddedConfig { clock, ..self.config() }).unwrap());
        (opened.clone(), opened)
    }
}

mod contract {
    use super::*;
    crate::contract_tests!(|| Folder::new(2, 1000));
}

/// With so little memory that every reader that does not run in step reads from disk.
mod contract_without_memory {
    use super::*;
    crate::contract_tests!(|| Folder::new(1, 3));
}
