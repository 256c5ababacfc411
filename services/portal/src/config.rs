//! How a virtual unit is set up.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;

use crate::Surroundings;

/// What a virtual unit is and where it connects.
#[derive(Debug, Clone)]
pub struct PortalConfig {
    /// Public origin of the gateway, such as `https://work.example.com`. The unit's assertions are addressed to
    /// `<gateway>/oauth/token`, so it must be the origin under which the gateway knows itself.
    pub gateway: Url,
    /// Where the unit keeps what must outlive a restart. A fleet makes one folder per unit in it.
    pub storage: Storage,
    /// Serial number; none: a random one at the first start. In a fleet it is the common beginning of all serial numbers.
    pub serial: Option<String>,
    /// Model.
    pub model: String,
    /// Version of the unit's software.
    pub software_version: String,
    /// How many unacknowledged commands the unit accepts at once.
    pub window: u32,
    /// Waiting times.
    pub pacing: Pacing,
    /// Clock and random source.
    pub surroundings: Surroundings,
}

impl PortalConfig {
    /// A unit with the usual settings.
    pub fn new(gateway: Url, storage: Storage) -> Self {
        Self {
            gateway,
            storage,
            serial: None,
            model: "Virtual Portal".to_owned(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            window: 4,
            pacing: Pacing::default(),
            surroundings: Surroundings::system(),
        }
    }
}

/// Where a unit keeps its key and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In this folder, which one process at a time may use.
    Folder(PathBuf),
    /// In memory: it outlives a reboot of the unit, not the process.
    Memory,
}

/// Waiting times of a unit. The defaults are those of a real unit; tests shorten them.
#[derive(Debug, Clone)]
pub struct Pacing {
    /// How long the unit is gone when it reboots.
    pub boot_time: Duration,
    /// Time between two status reports when nothing changes: 30 s, as the platform expects.
    pub heartbeat: Duration,
    /// Longest first wait after a lost connection; doubles at each failure in a row.
    pub retry_floor: Duration,
    /// Longest wait after many failures, and how long a connection must last to count as sound.
    pub retry_ceiling: Duration,
    /// Within this time every request is answered or counts as failed.
    pub request_timeout: Duration,
    /// A connection on which nothing arrives for this long is dead: 60 s, three of the dispatcher's pings.
    pub silence_limit: Duration,
    /// How long one second of the pairing's polling interval lasts (RFC 8628 section 3.5).
    pub polling_second: Duration,
    /// Time between the starts of two units of a fleet.
    pub fleet_spacing: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            boot_time: Duration::from_secs(2),
            heartbeat: Duration::from_secs(30),
            retry_floor: Duration::from_secs(1),
            retry_ceiling: Duration::from_secs(60),
            request_timeout: Duration::from_secs(10),
            silence_limit: Duration::from_secs(60),
            polling_second: Duration::from_secs(1),
            fleet_spacing: Duration::from_millis(1),
        }
    }
}
