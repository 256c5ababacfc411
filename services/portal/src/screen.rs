//! What a unit lets the person in front of it see.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::protocol::DeviceCommandKind;

/// Shows what happens on a unit. Any `Fn(ScreenEvent)` is a screen too.
pub trait Screen: Send + Sync + 'static {
    /// Called in the order in which things happen; must not block for long.
    fn show(&self, event: ScreenEvent);
}

impl<F: Fn(ScreenEvent) + Send + Sync + 'static> Screen for F {
    fn show(&self, event: ScreenEvent) {
        self(event);
    }
}

/// Something that the person in front of the unit sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScreenEvent {
    /// The unit has started.
    BootedAs {
        /// Its serial number.
        serial: String,
        /// Names this start.
        boot_id: Uuid,
    },
    /// The unit waits until somebody enters this code.
    ShowCode {
        /// As `XXXX-XXXX`.
        code: String,
        /// Where to enter it.
        uri: String,
        /// When the code ends.
        expires: DateTime<Utc>,
    },
    /// The platform or the person refused to connect the unit.
    Denied {
        /// Why, as the platform says.
        reason: String,
    },
    /// The unit now belongs to an organization.
    Paired {
        /// What it is called there.
        device_id: String,
    },
    /// The command stream is open.
    Connected,
    /// The unit has applied its settings.
    Settings {
        /// The unit's name.
        name: String,
    },
    /// A new command has been stored.
    CommandReceived {
        /// What it asks for.
        kind: DeviceCommandKind,
        /// Its place among the commands of the unit.
        sequence: u64,
    },
    /// The unit is about to restart.
    Rebooting,
    /// The unit has no connection and tries to get one.
    Offline {
        /// Why.
        reason: OfflineReason,
    },
    /// The unit no longer belongs to the organization, or was logged out with its account. It has forgotten its credentials
    /// and shows a new code next.
    Revoked {
        /// Why, as the platform says.
        reason: String,
    },
}

/// Why a unit has no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineReason {
    /// The gateway cannot be reached or does not answer as it should.
    GatewayUnreachable,
    /// The dispatcher cannot be reached, or the connection broke.
    DispatcherUnreachable,
    /// The access token has ended.
    SignedOut,
    /// The dispatcher would not have this unit.
    NotAllowed,
    /// Another connection of the same unit took over.
    Replaced,
}

impl fmt::Display for OfflineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GatewayUnreachable => "the gateway does not answer",
            Self::DispatcherUnreachable => "there is no connection to the dispatcher",
            Self::SignedOut => "the access token has ended",
            Self::NotAllowed => "the dispatcher does not allow it",
            Self::Replaced => "another connection of this unit took over",
        })
    }
}
