//! A file of people: uploaded, reviewed, then its accounts are created in the background.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use schema::{
    ImportId, OrganizationId, RefusedRow, Right, Timestamp,
    events::import::{
        ImportCancelled, ImportConfirmed, ImportDiscarded, ImportEvent, ImportFinished, ImportInvitationsProgressed,
        ImportProgressed, ImportRowEdited, ImportRowRemoved, ImportUploaded,
    },
};
use uuid::Uuid;

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How long an import waits to be confirmed before its file is deleted.
pub const REVIEW_LIFETIME: Duration = Duration::days(7);
/// How long the result can be fetched before the file is deleted.
pub const RESULT_LIFETIME: Duration = Duration::days(30);
/// How many rows may be mended by hand: for more it is easier to mend the file.
pub const MOST_EDITS: usize = 10_000;

/// What can be wanted of an import.
#[derive(Debug, Clone)]
pub enum ImportCommand {
    /// Begin it: the file was read and is stored. The decision sets when it expires.
    Upload(Box<ImportUploaded>),
    /// Mend a row.
    EditRow {
        /// Which, from 0.
        row: u32,
        /// Names the new contents in the vault.
        edit: Uuid,
    },
    /// Take a row out.
    RemoveRow {
        /// Which, from 0.
        row: u32,
    },
    /// Create the accounts.
    Confirm {
        /// Language of accounts whose row names none, checked.
        locale: String,
        /// Mail activation links once all are created.
        send_invitations: bool,
    },
    /// Rows were dealt with.
    Progress(ImportProgressed),
    /// Invitations were issued for all rows before this one.
    ProgressInvitations {
        /// The first row whose invitation is still due.
        through: u32,
    },
    /// Every row is dealt with, every invitation issued.
    Finish,
    /// Stop. What was created stays.
    Cancel,
    /// The file is deleted, as its time has come.
    Discard,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImportStatus {
    /// There is none.
    #[default]
    Absent,
    /// It waits to be confirmed.
    InReview,
    /// Accounts are being created.
    Running,
    /// Every row is dealt with.
    Finished,
    /// An admin stopped it.
    Cancelled,
    /// The file was deleted before it was confirmed.
    Expired,
}

/// An import.
#[derive(Debug, Clone, Default)]
pub struct Import {
    uploaded: Option<ImportUploaded>,
    status: ImportStatus,
    row_changes: u64,
    edits: BTreeMap<u32, Uuid>,
    removed: BTreeSet<u32>,
    confirmed: Option<ImportConfirmed>,
    through: u32,
    invited_through: u32,
    created: u32,
    refused: Vec<RefusedRow>,
    deletion_due: Option<Timestamp>,
    discarded: bool,
}

impl Import {
    /// How it began.
    pub fn uploaded(&self) -> Option<&ImportUploaded> {
        self.uploaded.as_ref()
    }
    /// Where it stands.
    pub fn status(&self) -> ImportStatus {
        self.status
    }
    /// How it was confirmed.
    pub fn confirmed(&self) -> Option<&ImportConfirmed> {
        self.confirmed.as_ref()
    }
    /// The rows that were mended, and what their contents in the vault are named.
    pub fn edits(&self) -> &BTreeMap<u32, Uuid> {
        &self.edits
    }
    /// How often a row was mended or taken out.
    pub fn row_changes(&self) -> u64 {
        self.row_changes
    }
    /// The rows that were taken out.
    pub fn removed(&self) -> &BTreeSet<u32> {
        &self.removed
    }
    /// All rows before this one are dealt with.
    pub fn through(&self) -> u32 {
        self.through
    }
    /// The created accounts of all rows before this one have got their invitation.
    pub fn invited_through(&self) -> u32 {
        self.invited_through
    }
    /// How many accounts were created.
    pub fn created(&self) -> u32 {
        self.created
    }
    /// The rows of which no account was made, in the order of the file.
    pub fn refused(&self) -> &[RefusedRow] {
        &self.refused
    }
    /// The file is deleted.
    pub fn is_discarded(&self) -> bool {
        self.discarded
    }
    /// When the file is to be deleted; none while accounts are being created.
    pub fn deletion_due(&self) -> Option<Timestamp> {
        self.deletion_due
    }

    /// The import as it can be reviewed: mended, confirmed.
    fn in_review(&self, at: Timestamp) -> Result<&ImportUploaded, Rejection> {
        match (&self.uploaded, self.status) {
            (Some(uploaded), ImportStatus::InReview) if at < uploaded.expires_at => Ok(uploaded),
            (Some(_), ImportStatus::InReview | ImportStatus::Expired) => Err(Code::Expired.at("importId")),
            _ => Err(Rejection::new(Code::WrongState, "The import was confirmed or cancelled already.").at("importId")),
        }
    }

    fn check_row(&self, uploaded: &ImportUploaded, row: u32) -> Result<(), Rejection> {
        if row >= uploaded.rows || self.removed.contains(&row) { Err(Code::NotFound.at("row")) } else { Ok(()) }
    }
}

impl Aggregate for Import {
    type Id = ImportId;
    type Event = ImportEvent;
    type Command = ImportCommand;
    const CATEGORY: &'static str = "import";

    fn evolve(mut self, event: &ImportEvent) -> Self {
        match event {
            ImportEvent::Uploaded(e) => {
                self.deletion_due = Some(e.expires_at);
                self.status = ImportStatus::InReview;
                self.uploaded = Some(e.clone());
            }
            ImportEvent::RowEdited(e) => {
                self.row_changes += 1;
                self.edits.insert(e.row, e.edit);
            }
            ImportEvent::RowRemoved(e) => {
                self.row_changes += 1;
                self.removed.insert(e.row);
            }
            ImportEvent::Confirmed(e) => {
                self.deletion_due = None;
                self.status = ImportStatus::Running;
                self.confirmed = Some(e.clone());
            }
            ImportEvent::Progressed(e) => {
                self.through = e.through;
                self.created = self.created.saturating_add(e.created);
                self.refused.extend(e.refused.iter().cloned());
            }
            ImportEvent::InvitationsProgressed(e) => self.invited_through = e.through,
            ImportEvent::Finished(e) => {
                self.deletion_due = Some(e.kept_until);
                self.status = ImportStatus::Finished;
            }
            ImportEvent::Cancelled(e) => {
                self.deletion_due = Some(e.kept_until);
                self.status = ImportStatus::Cancelled;
            }
            ImportEvent::Discarded(_) => {
                if self.status == ImportStatus::InReview {
                    self.status = ImportStatus::Expired;
                }
                self.discarded = true;
            }
        }
        self
    }

    fn decide(&self, intent: &Intent<ImportCommand>) -> Result<Vec<ImportEvent>, Rejection> {
        let Some(known) = &self.uploaded else {
            return match &intent.command {
                ImportCommand::Upload(upload) => {
                    let expires_at = intent.at + REVIEW_LIFETIME;
                    Ok(vec![ImportUploaded { expires_at, ..(**upload).clone() }.into()])
                }
                _ => Err(Code::NotFound.at("importId")),
            };
        };
        let running = self.status == ImportStatus::Running;
        match &intent.command {
            ImportCommand::Upload(_) => Ok(vec![]),
            ImportCommand::EditRow { row, edit } => {
                self.check_row(self.in_review(intent.at)?, *row)?;
                let replaced = self.edits.get(row).copied();
                if replaced.is_none() && self.edits.len() >= MOST_EDITS {
                    return Err(Rejection::new(Code::TooMany, "Mend the file and upload it again.").at("row"));
                }
                Ok(vec![ImportRowEdited { row: *row, edit: *edit, replaced }.into()])
            }
            ImportCommand::RemoveRow { row } => {
                let uploaded = self.in_review(intent.at)?;
                if self.removed.contains(row) {
                    return Ok(vec![]);
                }
                self.check_row(uploaded, *row)?;
                Ok(vec![ImportRowRemoved { row: *row }.into()])
            }
            ImportCommand::Confirm { locale, send_invitations } => {
                self.in_review(intent.at)?;
                let confirmed = ImportConfirmed { locale: locale.clone(), send_invitations: *send_invitations };
                Ok(vec![confirmed.into()])
            }
            // Told twice after a crash, or to one that was stopped meanwhile: the accounts are there all the same.
            ImportCommand::Progress(progress) if progress.through <= self.through => Ok(vec![]),
            ImportCommand::Progress(progress) if running || self.status == ImportStatus::Cancelled => {
                Ok(vec![progress.clone().into()])
            }
            ImportCommand::ProgressInvitations { through } if running && *through > self.invited_through => {
                Ok(vec![ImportInvitationsProgressed { through: *through }.into()])
            }
            ImportCommand::Finish if running && self.through >= known.rows => {
                let refused = u32::try_from(self.refused.len()).unwrap_or(u32::MAX);
                let kept_until = intent.at + RESULT_LIFETIME;
                Ok(vec![ImportFinished { created: self.created, refused, kept_until }.into()])
            }
            ImportCommand::Progress(_) | ImportCommand::ProgressInvitations { .. } | ImportCommand::Finish => {
                Ok(vec![])
            }
            ImportCommand::Cancel => match self.status {
                // Nothing came of it, so there is no result to look up.
                ImportStatus::InReview => Ok(vec![ImportCancelled { kept_until: intent.at }.into()]),
                ImportStatus::Running => Ok(vec![ImportCancelled { kept_until: intent.at + RESULT_LIFETIME }.into()]),
                ImportStatus::Finished => {
                    Err(Rejection::new(Code::WrongState, "The accounts are created already.").at("importId"))
                }
                ImportStatus::Absent | ImportStatus::Cancelled | ImportStatus::Expired => Ok(vec![]),
            },
            ImportCommand::Discard => {
                let due = !running && self.deletion_due.is_none_or(|due| intent.at >= due);
                Ok(if due && !self.discarded { vec![ImportDiscarded {}.into()] } else { vec![] })
            }
        }
    }

    fn access(command: &ImportCommand) -> Access {
        match command {
            ImportCommand::Upload(_)
            | ImportCommand::EditRow { .. }
            | ImportCommand::RemoveRow { .. }
            | ImportCommand::Confirm { .. }
            | ImportCommand::Cancel => Access::Right(Right::ManageAccounts),
            ImportCommand::Progress(_)
            | ImportCommand::ProgressInvitations { .. }
            | ImportCommand::Finish
            | ImportCommand::Discard => Access::System,
        }
    }

    fn target(command: &ImportCommand) -> Option<OrganizationId> {
        match command {
            ImportCommand::Upload(upload) => Some(upload.organization),
            _ => None,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.uploaded.as_ref().map(|uploaded| uploaded.organization)
    }
}
