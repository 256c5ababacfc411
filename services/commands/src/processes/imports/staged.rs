//! The rows of an import between upload and deletion: a sealed file, its key in the vault, and each mended row in the vault
//! under a name of its own, sealed with the same key. So deleting the key deletes all of it, what a crash left behind too.

use domain::Code;
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

/// Most bytes of a table as it is kept: half of what is kept as a file at all.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;

/// A table as it is kept.
pub(super) fn write(table: &PeopleTable) -> Option<Vec<u8>> {
    serde_json::to_vec(table).ok()
}

impl Platform {
    async fn staging_key(&self, import: ImportId) -> Result<Option<FileKey>, Failure> {
        let secret = self.vault.get(&key_name(import)).await?;
        Ok(secret.and_then(|secret| FileKey::from_slice(&secret.value)))
    }

    /// Keeps the rows, sealed with a key of their own. Can be repeated.
    pub(super) async fn stage(&self, import: ImportId, table: Vec<u8>) -> Result<(), Failure> {
        let key = match self.staging_key(import).await? {
            Some(key) => key,
            None => {
                let key = FileKey::new(self.entropy.bytes());
                self.vault.put(&key_name(import), key.as_bytes(), ExpectedVersion::Absent).await?;
                key
            }
        };
        self.files.put_sealed(&FileName::import(import), &key, self.entropy.bytes(), table).await?;
        Ok(())
    }

    /// The rows as uploaded; none once they were deleted.
    pub(super) async fn staged(&self, import: ImportId) -> Result<Option<PeopleTable>, Failure> {
        let Some(key) = self.staging_key(import).await? else { return Ok(None) };
        let Some(bytes) = self.files.get_sealed(&FileName::import(import), &key).await? else { return Ok(None) };
        let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await;
        let table = parsed.map_err(|error| Failure::OutOfOrder(error.to_string()))?;
        Ok(Some(table.map_err(|_| Failure::OutOfOrder("the rows of an import cannot be read".to_owned()))?))
    }

    /// Keeps a mended row.
    pub(super) async fn stage_edit(&self, import: ImportId, row: u32, entry: &Entry) -> Result<Uuid, Failure> {
        let edit = self.entropy.uuid_v4();
        let name = edit_name(import, row, edit);
        let key = self.staging_key(import).await?.ok_or(Code::Expired.at("importId"))?;
        let bytes = serde_json::to_vec(entry).map_err(schema::events::EncodeError::from)?;
        let sealed = key.seal_piece(&name, &self.entropy.bytes(), bytes).ok_or(Code::TooLong)?;
        self.vault.put(&name, &sealed, ExpectedVersion::Absent).await?;
        Ok(edit)
    }

    /// Mended rows, those that were not deleted.
    pub(super) async fn staged_edits(
        &self,
        import: ImportId,
        edits: &[(u32, Uuid)],
    ) -> Result<Vec<(u32, Uuid, Entry)>, Failure> {
        let Some(key) = self.staging_key(import).await? else { return Ok(Vec::new()) };
        let names: Vec<_> = edits.iter().map(|(row, edit)| edit_name(import, *row, *edit)).collect();
        let secrets = self.vault.get_many(&names).await?;
        let found = edits.iter().zip(names).zip(secrets).filter_map(|(((row, edit), name), secret)| {
            let bytes = key.open(&name, &secret?.value)?;
            Some((*row, *edit, serde_json::from_slice(&bytes).ok()?))
        });
        Ok(found.collect())
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
