//! Connecting a Portal unit by the code it shows (RFC 8628): stream `pairing-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, DeviceId, HardwareKey, OrganizationId, PairingId, Timestamp, UserCodeKey};

events! {
    /// Events of a pairing.
    PairingEvent {
        /// A unit asked to be connected and shows a code.
        Requested(PairingRequested) = "pairing.requested" @ 1,
        /// A signed-in person entered the code and chose to connect.
        Approved(PairingApproved) = "pairing.approved" @ 2,
        /// The unit has fetched its first token: it belongs to the organization.
        Completed(PairingCompleted) = "pairing.completed" @ 1,
        /// Nobody entered the code in time, or the unit did not come back.
        Expired(PairingExpired) = "pairing.expired" @ 1,
    }
}

/// Payload of `pairing.requested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairingRequested {
    /// The pairing.
    pub pairing: PairingId,
    /// Keyed hash of model and serial number.
    pub hardware: HardwareKey,
    /// Serial number, as the unit says.
    #[schemars(extend("examples" = ["PT0123456789"]))]
    pub serial: String,
    /// Model, as the unit says.
    #[schemars(extend("examples" = ["Portal Mini"]))]
    pub model: String,
    /// Version of the unit's software.
    #[schemars(extend("examples" = ["1.4.2"]))]
    pub software_version: String,
    /// The unit's public key, a JWK in JSON.
    // The key of RFC 7517 A.1.
    #[schemars(extend("examples" = [r#"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#]))]
    pub public_key: String,
    /// Keyed hash of the code it shows.
    pub user_code: UserCodeKey,
    /// Where the request came from: an address shortened to its network (/24 or /48).
    #[schemars(extend("examples" = ["192.0.2.0/24"]))]
    pub network: String,
    /// When the code ends.
    pub expires_at: Timestamp,
}

/// Payload of `pairing.approved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairingApproved {
    /// Who connects the unit.
    pub account: AccountId,
    /// The account's unit epoch: logged out meanwhile, the person has to connect the unit again.
    pub account_epoch: u64,
    /// The organization it will belong to.
    pub organization: OrganizationId,
    /// The device it will be.
    pub device: DeviceId,
    /// What to call it.
    #[schemars(extend("examples" = ["Reception"]))]
    pub name: String,
}

/// Payload of `pairing.completed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairingCompleted {
    /// The device it has become.
    pub device: DeviceId,
}

/// Payload of `pairing.expired`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PairingExpired {}
