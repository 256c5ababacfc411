//! The dispatcher's wire protocol, typed: the frames of the command stream, the mutations, and one connection
//! (`graphql-transport-ws`) that a test or benchmark can drive step by step, also wrongly.

mod connection;
mod error;
mod frames;
mod messages;
mod operations;

pub use connection::{Limits, UnitConnection};
pub use error::{CloseCode, ConnectionError};
pub use frames::{
    Cursor, DesiredSettings, DeviceCommand, DeviceCommandKind, DeviceFrame, Revoked, StreamReset, Welcome,
};
pub use operations::{Answer, Outcome, Status, UserError};
