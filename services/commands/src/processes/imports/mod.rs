//! Importing a file of people: uploaded and read, reviewed and mended, confirmed; then the
//! [importer](crate::reactors::importer) creates the accounts.

mod entry;
mod review;
mod staged;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Access, Code, Import, ImportCommand, ImportFileReservation, ImportStatus, Organization, Rejection, authorize,
    reservation::NoteImportFile, text,
};
use moka::future::Cache;
use schema::{AccountId, Actor, ImportId, OrganizationId, Position, Right, events::import::ImportUploaded};
use spreadsheets::{MAX_FILE_BYTES, SpreadsheetError};
use tokio::sync::Semaphore;
use uuid::{Builder, Uuid};

pub use self::{
    entry::{Entry, Problem, Readable},
    review::{Review, RowCounts, RowFilter},
};
use crate::{Failure, Loaded, Platform, Request};

/// Files that are read at once; others wait their turn. Each may take some ten MB of memory for a moment.
const READ_AT_ONCE: usize = 2;
/// Most bytes of reviews that are kept in memory.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// How long a review is kept that nobody looks at.
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);

/// What imports keep in memory.
pub(crate) struct Imports {
    turns: Arc<Semaphore>,
    reviews: Cache<ImportId, Arc<Review>>,
}

impl Default for Imports {
    fn default() -> Self {
        let weigher = |_: &ImportId, review: &Arc<Review>| u32::try_from(review.size()).unwrap_or(u32::MAX);
        let reviews = Cache::builder().max_capacity(KEPT_BYTES).weigher(weigher).time_to_idle(KEPT_FOR).build();
        Self { turns: Arc::new(Semaphore::new(READ_AT_ONCE)), reviews }
    }
}

impl Platform {
    /// Takes a file, CSV or XLSX, and keeps its rows for review.
    pub async fn import_people(
        &self,
        request: &Request,
        organization: OrganizationId,
        file: Bytes,
    ) -> Result<(ImportId, Option<Position>), Failure> {
        authorize(&request.principal, Access::Right(Right::ManageAccounts), Some(organization), None)?;
        let Actor::Account(account) = request.principal.actor() else { return Err(Code::NotSignedIn.into()) };
        if file.len() > MAX_FILE_BYTES {
            return Err(refused(&SpreadsheetError::TooLarge).at("file").into());
        }
        let import = ImportId(request.derive("import"));
        let file_key = self.keys.import_file_key(organization, &file);
        let (rows, table) = self.read_file(file).await?;
        let duplicate_of = self.load::<ImportFileReservation>(&file_key).await?.state.latest();
        let expires_at = request.at;
        let uploaded = ImportUploaded { import, organization, account, rows, file_key, duplicate_of, expires_at };
        let note = uploaded.file_key.clone();
        // The event stands first: it has the rows deleted in time, whatever happens in between.
        let done = self.execute::<Import>(request, &import, ImportCommand::Upload(Box::new(uploaded))).await?;
        if let Err(failure) = self.stage(import, table).await {
            self.execute::<Import>(request, &import, ImportCommand::Cancel).await?;
            return Err(failure);
        }
        self.execute::<ImportFileReservation>(&request.as_system("imports"), &note, NoteImportFile(import)).await?;
        Ok((import, done.position))
    }

    /// How many rows a file has, and the table as it is kept.
    async fn read_file(&self, file: Bytes) -> Result<(u32, Vec<u8>), Failure> {
        let broken_off = || Failure::OutOfOrder("reading a file of people was broken off".to_owned());
        let turn = self.imports.turns.clone().acquire_owned().await.map_err(|_| broken_off())?;
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let table = spreadsheets::read_people(&file)?;
            drop(file);
            let rows = u32::try_from(table.len()).map_err(|_| SpreadsheetError::TooManyRows)?;
            // Only control characters make it so much longer.
            let kept = staged::write(&table).filter(|kept| kept.len() <= staged::LARGEST);
            Ok((rows, kept.ok_or(SpreadsheetError::UnpackedTooLarge)?))
        });
        let read = match read.await {
            Ok(read) => read,
            // A reader that panics has met a file that is none.
            Err(ended) if ended.is_panic() => Err(SpreadsheetError::Damaged),
            Err(_) => return Err(broken_off()),
        };
        read.map_err(|error| refused(&error).at("file").into())
    }

    /// An import of the organization as it stands.
    pub async fn import(
        &self,
        request: &Request,
        organization: OrganizationId,
        import: ImportId,
    ) -> Result<Arc<Loaded<Import>>, Failure> {
        authorize(&request.principal, Access::Right(Right::ManageAccounts), Some(organization), None)?;
        let loaded = self.load::<Import>(&import).await?;
        let own = loaded.state.uploaded().is_some_and(|uploaded| uploaded.organization == organization);
        if own { Ok(loaded) } else { Err(Code::NotFound.at("importId").into()) }
    }

    /// The rows of an import with what is wrong with each; none once they were deleted. Whoever asks must be allowed to,
    /// see [`import`](Self::import).
    pub async fn review_import(
        &self,
        import: ImportId,
        loaded: &Loaded<Import>,
    ) -> Result<Option<Arc<Review>>, Failure> {
        let Some(uploaded) = loaded.state.uploaded().filter(|_| !loaded.state.is_discarded()) else { return Ok(None) };
        let allowed = self.load::<Organization>(&uploaded.organization).await?.events;
        let (changes, over) = (loaded.state.row_changes(), loaded.state.status() != ImportStatus::InReview);
        let fits = |kept: &Arc<Review>| kept.row_changes == changes && (over || kept.allowed == allowed);
        let kept = self.imports.reviews.get(&import).await;
        if let Some(kept) = kept.filter(fits) {
            return Ok(Some(kept));
        }
        let broken_off = || Failure::OutOfOrder("the review of an import was broken off".to_owned());
        let _turn = self.imports.turns.acquire().await.map_err(|_| broken_off())?;
        // Somebody else may have looked meanwhile.
        let kept = self.imports.reviews.get(&import).await;
        if let Some(kept) = kept.clone().filter(fits) {
            return Ok(Some(kept));
        }
        let Some(review) = self.reviewed(import, uploaded.organization, loaded, kept).await? else { return Ok(None) };
        let review = Arc::new(review);
        self.imports.reviews.insert(import, review.clone()).await;
        Ok(Some(review))
    }

    /// Mends a row: `change` gets what stands in it.
    pub async fn edit_import_row(
        &self,
        request: &Request,
        organization: OrganizationId,
        import: ImportId,
        row: u32,
        change: impl FnOnce(&mut Entry) + Send,
    ) -> Result<Option<Position>, Failure> {
        let loaded = self.import(request, organization, import).await?;
        let review = self.review_import(import, &loaded).await?.ok_or(Code::Expired.at("importId"))?;
        let mut entry = review.entry(row).ok_or(Code::NotFound.at("row"))?;
        let before = entry.clone();
        change(&mut entry);
        if entry == before {
            return Ok(None);
        }
        if entry.is_oversized() {
            return Err(Code::TooLong.into());
        }
        let command = |edit| ImportCommand::EditRow { row, edit };
        self.rehearse::<Import>(request, &import, command(Uuid::nil())).await?;
        let edit = self.stage_edit(import, row, &entry).await?;
        match self.execute::<Import>(request, &import, command(edit)).await {
            Ok(done) => {
                for event in &done.events {
                    if let schema::events::ImportEvent::RowEdited(e) = event
                        && let Some(replaced) = e.replaced
                    {
                        self.unstage_edit(import, row, replaced).await?;
                    }
                }
                Ok(done.position)
            }
            Err(failure) => {
                if failure.code().is_some() {
                    self.unstage_edit(import, row, edit).await?;
                }
                Err(failure)
            }
        }
    }

    /// Takes a row out.
    pub async fn remove_import_row(
        &self,
        request: &Request,
        organization: OrganizationId,
        import: ImportId,
        row: u32,
    ) -> Result<Option<Position>, Failure> {
        self.import(request, organization, import).await?;
        Ok(self.execute::<Import>(request, &import, ImportCommand::RemoveRow { row }).await?.position)
    }

    /// Has the accounts created. Rows with problems become none, and stand in the result with their code.
    pub async fn confirm_import(
        &self,
        request: &Request,
        organization: OrganizationId,
        import: ImportId,
        locale: &str,
        send_invitations: bool,
    ) -> Result<Option<Position>, Failure> {
        let loaded = self.import(request, organization, import).await?;
        if loaded.state.status() == ImportStatus::InReview {
            self.review_import(import, &loaded).await?.ok_or(Code::Expired.at("importId"))?;
        }
        let locale = text::locale(locale).map_err(|e| e.at("locale"))?;
        let confirm = ImportCommand::Confirm { locale, send_invitations };
        Ok(self.execute::<Import>(request, &import, confirm).await?.position)
    }

    /// Stops an import. What was created stays.
    pub async fn cancel_import(
        &self,
        request: &Request,
        organization: OrganizationId,
        import: ImportId,
    ) -> Result<Option<Position>, Failure> {
        self.import(request, organization, import).await?;
        Ok(self.execute::<Import>(request, &import, ImportCommand::Cancel).await?.position)
    }

    /// Deletes the rows of an import, then notes it.
    pub(crate) async fn discard_import(&self, request: &Request, import: ImportId) -> Result<(), Failure> {
        let loaded = self.load::<Import>(&import).await?;
        let running = loaded.state.status() == ImportStatus::Running;
        if running || loaded.state.deletion_due().is_some_and(|due| request.at < due) {
            return Ok(());
        }
        // The stream decides first: it may have been confirmed at this moment. What a crash leaves, is deleted by whoever
        // is told again.
        self.execute::<Import>(request, &import, ImportCommand::Discard).await?;
        let loaded = self.load::<Import>(&import).await?;
        if !loaded.state.is_discarded() {
            return Ok(());
        }
        for (row, edit) in loaded.state.edits() {
            self.unstage_edit(import, *row, *edit).await?;
        }
        self.unstage(import).await?;
        self.imports.reviews.invalidate(&import).await;
        Ok(())
    }
}

/// The account that an import makes of a row: always the same, so that a row that is dealt with twice makes one. The ids of
/// one import stand beside each other, as a B-tree likes them (RFC 9562 5.8: the import, then the row).
pub fn imported_account(import: ImportId, row: u32) -> AccountId {
    let import = Uuid::new_v5(&import.0, b"accounts").as_u128() >> 32 << 32;
    AccountId(Builder::from_custom_bytes((import | u128::from(row)).to_be_bytes()).into_uuid())
}

/// The refusal of a file, in the terms of the API.
fn refused(error: &SpreadsheetError) -> Rejection {
    let code = match error {
        SpreadsheetError::Empty => Code::FileEmpty,
        SpreadsheetError::TooLarge | SpreadsheetError::UnpackedTooLarge => Code::FileTooLarge,
        SpreadsheetError::TooManyRows => Code::TooManyRows,
        SpreadsheetError::MissingColumns(_) | SpreadsheetError::DuplicateColumn(_) => Code::WrongColumns,
        SpreadsheetError::NotASpreadsheet | SpreadsheetError::OldOrProtected | SpreadsheetError::Damaged => {
            Code::NotASpreadsheet
        }
    };
    match code {
        Code::WrongColumns | Code::NotASpreadsheet => Rejection::new(code, format!("{} Here {error}.", code.message())),
        _ => code.into(),
    }
}
