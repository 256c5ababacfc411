//! What the queries answer.

use std::collections::BTreeSet;

use engine::{columns, listing::FromRow};
use rusqlite::{Row, types::Type};
use schema::{AccountId, Actor, CommandId, CommandKind, ConnectedAccount, DeviceId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A Portal unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// The device.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// Model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Version of its software, as it last said.
    pub software_version: String,
    /// Who set it up.
    pub owner: AccountId,
    /// How many times the hardware has been enrolled, this time included.
    pub epoch: u64,
    /// Whether its command stream is open.
    pub online: bool,
    /// Its account was deactivated or logged out everywhere: it has to be set up again.
    pub logged_out: bool,
    /// When it was set up, its command stream opened or ended, or it reported something new, whichever was last.
    pub last_seen: Timestamp,
    /// Its last start; none before its first report.
    pub boot_id: Option<Uuid>,
    /// Revision of the desired settings, from 1.
    pub settings_desired: u64,
    /// Revision of the desired settings that it has applied; 0 before its first report.
    pub settings_applied: u64,
    /// Accounts that are connected on it.
    pub connected_accounts: BTreeSet<ConnectedAccount>,
    /// When it was set up.
    pub enrolled_at: Timestamp,
}

/// The columns of a [`DeviceRow`], of the table `devices` named `t`.
pub(crate) const DEVICE_COLUMNS: &str = "t.device_id, t.name, t.model, t.serial, t.software_version, t.owner, t.epoch, \
     t.online, t.logged_out, t.last_seen, t.boot_id, t.settings_desired, t.settings_applied, t.connected_accounts, t.enrolled_at";

impl FromRow for DeviceRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: DeviceId(columns::uuid(row, "device_id")?),
            name: row.get("name")?,
            model: row.get("model")?,
            serial: row.get("serial")?,
            software_version: row.get("software_version")?,
            owner: AccountId(columns::uuid(row, "owner")?),
            epoch: count(row, "epoch")?,
            online: row.get("online")?,
            logged_out: row.get("logged_out")?,
            last_seen: columns::time(row, "last_seen")?,
            boot_id: columns::optional_uuid(row, "boot_id")?,
            settings_desired: count(row, "settings_desired")?,
            settings_applied: count(row, "settings_applied")?,
            connected_accounts: columns::from_json(row, "connected_accounts")?,
            enrolled_at: columns::time(row, "enrolled_at")?,
        })
    }
}

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommandState {
    /// An admin asked for it.
    Requested,
    /// It waits for the unit.
    Queued,
    /// It was sent.
    Dispatched,
    /// The unit has stored it.
    Received,
    /// It is done.
    Succeeded,
    /// The unit could not do it.
    Failed,
    /// The unit would not do it.
    Rejected,
    /// It was not done in time.
    Expired,
}

impl CommandState {
    /// Whether nothing more is expected to happen.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Requested | Self::Queued | Self::Dispatched | Self::Received => false,
            Self::Succeeded | Self::Failed | Self::Rejected | Self::Expired => true,
        }
    }
}

/// A command to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    /// The command.
    pub id: CommandId,
    /// The unit.
    pub device: DeviceId,
    /// What is to be done.
    pub kind: CommandKind,
    /// Where it stands.
    pub state: CommandState,
    /// Its place in the order of the unit's commands, from 1.
    pub sequence: u64,
    /// How often it was sent.
    pub attempt: u64,
    /// Who asked for it.
    pub requested_by: Actor,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was last sent.
    pub dispatched_at: Option<Timestamp>,
    /// When the unit had stored it.
    pub received_at: Option<Timestamp>,
    /// When it ended, however.
    pub finished_at: Option<Timestamp>,
    /// When it is no longer wanted; none if it waits until answered or cancelled.
    pub expires_at: Option<Timestamp>,
    /// The unit's own code for what went wrong.
    pub code: Option<String>,
}

impl FromRow for CommandRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: CommandId(columns::uuid(row, "command_id")?),
            device: DeviceId(columns::uuid(row, "device_id")?),
            kind: columns::from_json(row, "kind")?,
            state: columns::from_json(row, "state")?,
            sequence: count(row, "sequence")?,
            attempt: count(row, "attempt")?,
            requested_by: actor(row, "requested_by")?,
            requested_at: columns::time(row, "requested_at")?,
            dispatched_at: columns::optional_time(row, "dispatched_at")?,
            received_at: columns::optional_time(row, "received_at")?,
            finished_at: columns::optional_time(row, "finished_at")?,
            expires_at: columns::optional_time(row, "expires_at")?,
            code: row.get("code")?,
        })
    }
}

/// Something that happened to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStep {
    /// Where it stood from then on.
    pub state: CommandState,
    /// When.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// Which sending it is about.
    pub attempt: Option<u64>,
    /// The unit's own code for what went wrong.
    pub code: Option<String>,
}

impl FromRow for CommandStep {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            state: columns::from_json(row, "state")?,
            at: columns::time(row, "at")?,
            actor: actor(row, "actor")?,
            attempt: row.get::<_, Option<i64>>("attempt")?.map(i64::cast_unsigned),
            code: row.get("code")?,
        })
    }
}

fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

fn actor(row: &Row<'_>, column: &str) -> rusqlite::Result<Actor> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse()
        .map_err(|error: schema::ids::InvalidId| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}
