//! A Portal unit during one enrollment: stream `device-<id>`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{
    AccountId, CommandId, CommandKind, ConnectedAccount, DeviceId, HardwareKey, OrganizationId, PairingId, Timestamp,
};

events! {
    /// Events of a device.
    DeviceEvent {
        /// The unit was set up and belongs to the organization.
        Enrolled(DeviceEnrolled) = "device.enrolled" @ 2,
        /// It has another name; the unit gets it as a desired setting.
        Renamed(DeviceRenamed) = "device.renamed" @ 1,
        /// It opened its command stream.
        Connected(DeviceConnected) = "device.connected" @ 1,
        /// Its command stream ended.
        Disconnected(DeviceDisconnected) = "device.disconnected" @ 1,
        /// It reported a boot, software, settings or accounts other than before.
        StatusReported(DeviceStatusReported) = "device.status_reported" @ 1,
        /// An admin asked for something to be done.
        CommandRequested(DeviceCommandRequested) = "device.command_requested" @ 1,
        /// The unit is offline or busy: the command waits for it.
        CommandQueued(DeviceCommandQueued) = "device.command_queued" @ 1,
        /// The command is about to be sent to the unit.
        CommandDispatched(DeviceCommandDispatched) = "device.command_dispatched" @ 1,
        /// The unit has stored the command.
        CommandReceived(DeviceCommandReceived) = "device.command_received" @ 1,
        /// It is done.
        CommandSucceeded(DeviceCommandSucceeded) = "device.command_succeeded" @ 1,
        /// The unit could not do it.
        CommandFailed(DeviceCommandFailed) = "device.command_failed" @ 1,
        /// The unit would not do it.
        CommandRejected(DeviceCommandRejected) = "device.command_rejected" @ 1,
        /// It was not done in time.
        CommandExpired(DeviceCommandExpired) = "device.command_expired" @ 1,
        /// The account that set it up was deactivated or logged out everywhere: it has to be set up again.
        LoggedOut(DeviceLoggedOut) = "device.logged_out" @ 1,
    }
}

/// Payload of `device.enrolled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceEnrolled {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Who set it up.
    pub account: AccountId,
    /// The account's unit epoch: the unit is logged in only as long as the account has the same.
    pub account_epoch: u64,
    /// By which pairing.
    pub pairing: PairingId,
    /// Keyed hash of model and serial number.
    pub hardware: HardwareKey,
    /// How many times this hardware has been enrolled, this time included.
    pub epoch: u64,
    /// Serial number.
    #[schemars(extend("examples" = ["PT0123456789"]))]
    pub serial: String,
    /// Model.
    #[schemars(extend("examples" = ["Portal Mini"]))]
    pub model: String,
    /// Version of the unit's software.
    #[schemars(extend("examples" = ["1.4.2"]))]
    pub software_version: String,
    /// What it is called.
    #[schemars(extend("examples" = ["Reception"]))]
    pub name: String,
    /// The unit's public key, a JWK in JSON.
    // The key of RFC 7517 A.1.
    #[schemars(extend("examples" = [r#"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#]))]
    pub public_key: String,
}

/// Payload of `device.renamed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceRenamed {
    /// Its name from now on.
    #[schemars(extend("examples" = ["Reception"]))]
    pub name: String,
    /// Revision of the desired settings, counted per device from 1.
    pub settings_revision: u64,
}

/// Payload of `device.connected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceConnected {
    /// Names the connection; a newer one takes its place.
    pub connection: uuid::Uuid,
}

/// Payload of `device.disconnected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceDisconnected {
    /// The connection that ended.
    pub connection: uuid::Uuid,
}

/// Payload of `device.status_reported`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceStatusReported {
    /// Made anew at every start of the unit.
    pub boot_id: uuid::Uuid,
    /// Sequence of the last command that the unit has stored.
    pub last_sequence: u64,
    /// Version of the unit's software.
    #[schemars(extend("examples" = ["1.4.2"]))]
    pub software_version: String,
    /// Revision of the desired settings that the unit has applied.
    pub settings_revision: u64,
    /// Accounts that are connected on the unit.
    pub connected_accounts: BTreeSet<ConnectedAccount>,
}

/// Payload of `device.command_requested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandRequested {
    /// The command.
    pub command: CommandId,
    /// What is to be done.
    pub kind: CommandKind,
    /// Counts the commands of the device from 1: the order in which the unit gets them.
    pub sequence: u64,
    /// When it is no longer wanted; none if it waits until answered or cancelled.
    pub expires_at: Option<Timestamp>,
}

/// Payload of `device.command_queued`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandQueued {
    /// The command.
    pub command: CommandId,
}

/// Payload of `device.command_dispatched`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandDispatched {
    /// The command.
    pub command: CommandId,
    /// Counts the sendings from 1.
    pub attempt: u32,
    /// The boot that the unit last reported: a reboot is proven by another one.
    pub boot_id: Option<uuid::Uuid>,
}

/// Payload of `device.command_received`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandReceived {
    /// The command.
    pub command: CommandId,
    /// Which sending arrived.
    pub attempt: u32,
}

/// Payload of `device.command_succeeded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandSucceeded {
    /// The command.
    pub command: CommandId,
    /// The boot that proves a reboot.
    pub boot_id: Option<uuid::Uuid>,
}

/// Payload of `device.command_failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandFailed {
    /// The command.
    pub command: CommandId,
    /// The unit's own code for what went wrong.
    #[schemars(extend("examples" = ["low_battery"]))]
    pub code: String,
}

/// Payload of `device.command_rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandRejected {
    /// The command.
    pub command: CommandId,
    /// The unit's own code for why not.
    #[schemars(extend("examples" = ["low_battery"]))]
    pub code: String,
}

/// Payload of `device.command_expired`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommandExpired {
    /// The command.
    pub command: CommandId,
}

/// Payload of `device.logged_out`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceLoggedOut {}
