//! The contract, and what only this implementation promises.

use tempfile::TempDir;

use super::*;
use crate::{SystemClock, contract::Installation};

struct Folder(TempDir);

#[async_trait]
impl Installation for Folder {
    async fn open(&self, clock: Arc<dyn Clock>) -> (Arc<dyn EventLog>, Arc<dyn Vault>) {
        let opened = Arc::new(Embedded::open(EmbeddedConfig::new(self.0.path(), [7; 32], clock)).unwrap());
        (opened.clone(), opened)
    }
}

mod contract {
    use super::*;
    crate::contract_tests!(|| Folder(tempfile::tempdir().unwrap()));
}

/// As the contract, with so little memory that every reader that does not run in step reads from disk.
mod contract_without_memory {
    use super::*;

    struct Small(TempDir);

    #[async_trait]
    impl Installation for Small {
        async fn open(&self, clock: Arc<dyn Clock>) -> (Arc<dyn EventLog>, Arc<dyn Vault>) {
            let config = EmbeddedConfig::new(self.0.path(), [7; 32], clock);
            let opened = Arc::new(Embedded::open(EmbeddedConfig { readers: 1, recent_events: 3, ..config }).unwrap());
            (opened.clone(), opened)
        }
    }

    crate::contract_tests!(|| Small(tempfile::tempdir().unwrap()));
}
