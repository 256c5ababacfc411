//! The rows of an import between upload and deletion: a sealed file, its key in the vault, and each mended row in the vault
//! under a name of its own.

use eventlog::ExpectedVersion;
use files::{FileKey, FileName};
use identity::EntropyExt;
use schema::ImportId;
use spreadsheets::PeopleTable;
use uuid::Uuid;

use super::Entry;
use crate::{Failure, Platform};

fn key_name(import: ImportId) -> String {
    format!("import/{import}")
}

fn edit_name(import: ImportId, row: u32, edit: Uuid) -> String {
    format!("import/{import}/{row}/{}", edit.simple())
}

impl Platform {
    /// Keeps the rows, sealed with a key of their own.
    pub(super) async fn stage(&self, import: ImportId, table: &PeopleTable) -> Result<(), Failure> {
        let key = FileKey::new(self.entropy.bytes());
        let bytes = serde_json::to_vec(table).map_err(schema::events::EncodeError::from)?;
        self.vault.put(&key_name(import), key.as_bytes(), ExpectedVersion::Absent).await?;
        self.files.put_sealed(&FileName::import(import), &key, self.entropy.bytes(), bytes).await?;
        Ok(())
    }

    /// The rows as uploaded; none once they were deleted.
    pub(super) async fn staged(&self, import: ImportId) -> Result<Option<PeopleTable>, Failure> {
        let secret = self.vault.get(&key_name(import)).await?;
        let Some(key) = secret.and_then(|secret| FileKey::from_slice(&secret.value)) else { return Ok(None) };
        let Some(bytes) = self.files.get_sealed(&FileName::import(import), &key).await? else { return Ok(None) };
        let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await;
        let table = parsed.map_err(|error| Failure::OutOfOrder(error.to_string()))?;
        Ok(Some(table.map_err(|_| Failure::OutOfOrder("the rows of an import cannot be read".to_owned()))?))
    }

    /// Keeps a mended row.
    pub(super) async fn stage_edit(&self, import: ImportId, row: u32, entry: &Entry) -> Result<Uuid, Failure> {
        let edit = self.entropy.uuid_v4();
        let bytes = serde_json::to_vec(entry).map_err(schema::events::EncodeError::from)?;
        self.vault.put(&edit_name(import, row, edit), &bytes, ExpectedVersion::Absent).await?;
        Ok(edit)
    }

    /// A mended row; none once it was deleted.
    pub(super) async fn staged_edit(&self, import: ImportId, row: u32, edit: Uuid) -> Result<Option<Entry>, Failure> {
        let secret = self.vault.get(&edit_name(import, row, edit)).await?;
        Ok(secret.and_then(|secret| serde_json::from_slice(&secret.value).ok()))
    }

    /// Deletes a mended row that is no longer needed.
    pub(super) async fn unstage_edit(&self, import: ImportId, row: u32, edit: Uuid) -> Result<(), Failure> {
        self.vault.delete(&edit_name(import, row, edit)).await?;
        Ok(())
    }

    /// Deletes the rows. Without the key, what may be left of the file anywhere says nothing.
    pub(super) async fn unstage(&self, import: ImportId) -> Result<(), Failure> {
        self.vault.delete(&key_name(import)).await?;
        self.files.delete(&FileName::import(import)).await?;
        Ok(())
    }
}
