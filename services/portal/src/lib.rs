//! A virtual Portal unit: it shows its code, pairs, obeys its command stream, keeps its state on disk over restarts,
//! and can stand for many units at once. It knows the wire protocol and nothing else of the platform.
//!
//! ```text
//! run ── boot ── pairing ── gateway (RFC 8628, RFC 7523)
//!          └──── session ── protocol::UnitConnection (graphql-transport-ws)
//! ```
//! A *boot* is everything between two restarts; a *session* is one connection to the dispatcher. What must outlive a
//! restart is in the [`Storage`]; all else is dropped by a reboot, as on a real unit.

mod backoff;
mod boot;
mod config;
mod credentials;
mod enrolled;
mod fleet;
mod gateway;
mod key;
mod network;
mod pairing;
pub mod protocol;
mod screen;
mod secret;
mod session;
mod state;
mod store;
mod surroundings;
mod text_screen;
mod unit;

pub use config::{Pacing, PortalConfig, Storage};
pub use fleet::{FleetSummary, run_fleet};
pub use gateway::{DeviceAuthorization, Gateway, GatewayError, Grant, Registration};
pub use key::{KeyError, UnitKey};
pub use network::{Network, NetworkError};
pub use screen::{OfflineReason, Screen, ScreenEvent};
pub use secret::Secret;
pub use store::StoreError;
pub use surroundings::{Clock, Entropy, Surroundings};
pub use text_screen::{LineScreen, TextScreen};
pub use unit::{Ended, PortalError, run};
