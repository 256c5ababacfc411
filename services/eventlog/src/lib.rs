//! The log of events and the vault of secrets: two traits and their implementations.
//!
//! Nothing outside this crate knows which implementation runs. What an implementation must keep is written as tests in
//! `contract`.

pub mod clock;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod embedded;
mod log;
mod vault;

pub use clock::{Clock, ManualClock, SystemClock};
pub use log::{AppendError, Appended, Consumer, Delivery, EventLog, Expected, ReadError, StreamAppend, Subscription};
pub use vault::{ExpectedVersion, Secret, Vault, VaultError};
