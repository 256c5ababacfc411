//! What the command stream sends.

use async_graphql::{Enum, ID, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Union, Value};
use schema::Timestamp;

/// Most digits of a cursor: those of the greatest 64-bit number.
const CURSOR_DIGITS: usize = 20;

/// Sequence of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) u64);

/// The sequence of a command, as a decimal string. Send the one of the last command that the unit has stored.
#[Scalar(name = "Cursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        let digits = match &value {
            Value::String(text) if text.len() <= CURSOR_DIGITS && text.bytes().all(|b| b.is_ascii_digit()) => text,
            _ => return Err(InputValueError::expected_type(value)),
        };
        digits.parse().map(Self).map_err(|_| InputValueError::expected_type(value))
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// One frame of the command stream. New types may be added: pass over those that the unit does not know.
#[derive(Debug, Union)]
pub(crate) enum DeviceFrame {
    Welcome(Welcome),
    DeviceCommand(CommandFrame),
    DesiredSettings(DesiredSettings),
    StreamReset(StreamReset),
    Revoked(Revoked),
}

impl DeviceFrame {
    /// Name of the frame's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Welcome(_) => "Welcome",
            Self::DeviceCommand(_) => "DeviceCommand",
            Self::DesiredSettings(_) => "DesiredSettings",
            Self::StreamReset(_) => "StreamReset",
            Self::Revoked(_) => "Revoked",
        }
    }
}

/// The stream is open. Always the first frame. Report the status now: commands come only after that.
#[derive(Debug, SimpleObject)]
pub(crate) struct Welcome {
    /// Which device the unit is.
    pub(crate) device_id: ID,
    /// How many times this hardware has been enrolled, this time included. Sequences count anew in each epoch.
    pub(crate) epoch: u64,
    /// Names this stream in the history.
    pub(crate) connection_id: ID,
    /// The platform's time, to which `expiresAt` of commands and tokens refers.
    pub(crate) server_time: Timestamp,
}

/// Something to do. Store epoch and sequence on disk, then acknowledge, then act. A sequence that is not greater than the
/// last stored one has come again: acknowledge it again, do not act again.
#[derive(Debug, SimpleObject)]
#[graphql(name = "DeviceCommand")]
pub(crate) struct CommandFrame {
    /// Names the command in acknowledgements and results.
    pub(crate) command_id: ID,
    /// What to do.
    pub(crate) kind: DeviceCommandKind,
    /// Its place among the commands of this epoch, from 1. Commands come in this order.
    pub(crate) sequence: u64,
    /// Counts the sendings of this command, from 1.
    pub(crate) attempt: u32,
    /// When it is no longer wanted, in the platform's time; null: it waits until it is done.
    pub(crate) expires_at: Option<Timestamp>,
    /// What to pass as `after` once this command is stored.
    pub(crate) cursor: Cursor,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "schema::CommandKind")]
pub(crate) enum DeviceCommandKind {
    /// Acknowledge, then restart. The first status with the new boot id proves it; report no result.
    Reboot,
}

/// How the unit is to be set. Comes after the welcome and at each change.
#[derive(Debug, SimpleObject)]
pub(crate) struct DesiredSettings {
    /// Grows with each change. Report it in the status once the settings are applied.
    pub(crate) revision: u64,
    /// What the unit is called.
    pub(crate) name: String,
}

/// The `after` that was given is ahead of what the platform has ever sent: forget the stored sequence and go on from
/// `cursor`.
#[derive(Debug, SimpleObject)]
pub(crate) struct StreamReset {
    /// Why, in English.
    pub(crate) reason: String,
    /// Where to go on; null: no command is stored.
    pub(crate) cursor: Option<Cursor>,
}

/// The enrollment is over: forget the credentials and show a new code. The connection closes with 4403.
#[derive(Debug, SimpleObject)]
pub(crate) struct Revoked {
    /// Why, in English.
    pub(crate) reason: String,
}
