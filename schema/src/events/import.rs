//! A file of people: stream `import-<id>`. What stands in the file is personal: it is kept sealed beside the log, and deleted
//! when it is no longer needed. The events count its rows from 0, the header aside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, ImportFileKey, ImportId, OrganizationId, RefusedRow, Timestamp};

events! {
    /// Events of an import.
    ImportEvent {
        /// An admin uploaded a file; it waits to be reviewed.
        Uploaded(ImportUploaded) = "import.uploaded" @ 1,
        /// A row was mended.
        RowEdited(ImportRowEdited) = "import.row_edited" @ 1,
        /// A row was taken out.
        RowRemoved(ImportRowRemoved) = "import.row_removed" @ 1,
        /// The accounts are to be created.
        Confirmed(ImportConfirmed) = "import.confirmed" @ 1,
        /// Some more rows are dealt with.
        Progressed(ImportProgressed) = "import.progressed" @ 1,
        /// Some more of the created accounts have got their activation link.
        InvitationsProgressed(ImportInvitationsProgressed) = "import.invitations_progressed" @ 1,
        /// Every row is dealt with.
        Finished(ImportFinished) = "import.finished" @ 1,
        /// An admin stopped it. Accounts that were created stay.
        Cancelled(ImportCancelled) = "import.cancelled" @ 1,
        /// The file was deleted; the counts stay.
        Discarded(ImportDiscarded) = "import.discarded" @ 1,
    }
}

/// Payload of `import.uploaded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportUploaded {
    /// The import.
    pub import: ImportId,
    /// Whose people they are.
    pub organization: OrganizationId,
    /// Who uploaded it.
    pub account: AccountId,
    /// How many rows it has.
    pub rows: u32,
    /// Keyed hash of the file.
    pub file_key: ImportFileKey,
    /// The import that the very same file was uploaded for before.
    pub duplicate_of: Option<ImportId>,
    /// When it is discarded if nobody confirms it.
    pub expires_at: Timestamp,
}

/// Payload of `import.row_edited`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportRowEdited {
    /// Which row.
    pub row: u32,
    /// Names the new contents in the vault.
    pub edit: uuid::Uuid,
    /// Names the contents of an edit before, which are no longer needed.
    pub replaced: Option<uuid::Uuid>,
}

/// Payload of `import.row_removed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportRowRemoved {
    /// Which row.
    pub row: u32,
}

/// Payload of `import.confirmed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportConfirmed {
    /// Language of the accounts whose row names none, a BCP 47 tag.
    #[schemars(extend("examples" = ["en-GB"]))]
    pub locale: String,
    /// The people get an activation link by mail once all accounts are created.
    pub send_invitations: bool,
}

/// Payload of `import.progressed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportProgressed {
    /// All rows before this one are dealt with.
    pub through: u32,
    /// How many accounts were created since the last such event.
    pub created: u32,
    /// Rows since the last such event of which no account was made.
    pub refused: Vec<RefusedRow>,
}

/// Payload of `import.invitations_progressed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportInvitationsProgressed {
    /// All rows before this one are dealt with.
    pub through: u32,
}

/// Payload of `import.finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportFinished {
    /// How many accounts were created.
    pub created: u32,
    /// Of how many rows no account was made.
    pub refused: u32,
    /// When the file is deleted.
    pub kept_until: Timestamp,
}

/// Payload of `import.cancelled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportCancelled {
    /// When the file is deleted.
    pub kept_until: Timestamp,
}

/// Payload of `import.discarded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportDiscarded {}
