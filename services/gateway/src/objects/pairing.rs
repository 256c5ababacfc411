//! A Portal unit that waits to be connected.

use async_graphql::{Enum, ID, SimpleObject};
use domain::{Pairing, PairingState};
use schema::{PairingId, Timestamp};

use crate::scalars::id;

/// Characters of the serial number that are shown: enough to compare with the label, too few to be of use elsewhere.
const SERIAL_ENDING: usize = 4;

/// Where the connecting of a unit stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum UnitPairingState {
    /// The unit shows its code.
    Pending,
    /// You have chosen to connect it; the device appears when the unit next asks, within seconds.
    Approved,
    /// It is connected.
    Completed,
}

/// A Portal unit that waits to be connected. Show all of it to the person before they connect it: somebody may have sent
/// them the code of a unit that is not in front of them.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct UnitPairing {
    /// Id of this attempt.
    id: ID,
    /// Model, as the unit says.
    model: String,
    /// The last characters of the serial number, as the unit says.
    serial_ending: String,
    /// Version of its software, as the unit says.
    software_version: String,
    /// The network that the unit asked from, such as `203.0.113.0/24`.
    network: String,
    /// When its code ends.
    expires_at: Timestamp,
    /// Where it stands.
    state: UnitPairingState,
    /// Id of the device that it will be once connected; null before.
    device_id: Option<ID>,
}

impl UnitPairing {
    /// None if there is nothing to show.
    pub(crate) fn new(pairing: PairingId, state: &Pairing) -> Option<Self> {
        let requested = state.requested()?;
        let shown = match state.state() {
            PairingState::Pending => UnitPairingState::Pending,
            PairingState::Approved => UnitPairingState::Approved,
            PairingState::Completed => UnitPairingState::Completed,
            PairingState::Absent | PairingState::Expired => return None,
        };
        let hidden = requested.serial.chars().count().saturating_sub(SERIAL_ENDING);
        Some(Self {
            id: id(pairing),
            model: requested.model.clone(),
            serial_ending: requested.serial.chars().skip(hidden).collect(),
            software_version: requested.software_version.clone(),
            network: requested.network.clone(),
            expires_at: requested.expires_at,
            state: shown,
            device_id: state.approved().map(|approved| id(approved.device)),
        })
    }
}
