//! What the dispatcher sends on `deviceCommands`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The sequence of a command, as the decimal string that the protocol uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub u64);

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| de::Error::custom("a cursor is a decimal number in a string"))
    }
}

/// One frame of the command stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "__typename")]
pub enum DeviceFrame {
    /// Always first.
    Welcome(Welcome),
    /// Something to do.
    DeviceCommand(DeviceCommand),
    /// How the unit should be; after the welcome and at each change.
    DesiredSettings(DesiredSettings),
    /// The unit claims to have stored what was never sent.
    StreamReset(StreamReset),
    /// The enrollment is over; the connection closes.
    Revoked(Revoked),
    /// A kind of frame that this version does not know: passed over.
    #[serde(other)]
    Unknown,
}

/// The stream is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Whom the platform takes the unit for.
    pub device_id: String,
    /// Which enrollment.
    pub epoch: u64,
    /// Names the connection.
    pub connection_id: String,
    /// The platform's time.
    pub server_time: DateTime<Utc>,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceCommand {
    /// Names the command.
    pub command_id: String,
    /// What to do.
    pub kind: DeviceCommandKind,
    /// Its place among the commands of the enrollment, from 1.
    pub sequence: u64,
    /// Counts the sendings of this command, from 1.
    pub attempt: u32,
    /// When it is no longer wanted, in the platform's time; none: it waits.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where to resume after this command.
    pub cursor: Cursor,
}

/// What a command asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceCommandKind {
    /// Restart.
    Reboot,
    /// Something that this version of the unit does not know.
    #[serde(other)]
    Unsupported,
}

impl fmt::Display for DeviceCommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reboot => "reboot",
            Self::Unsupported => "do something unknown",
        })
    }
}

/// How the unit should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredSettings {
    /// Grows with each change.
    pub revision: u64,
    /// What the unit is called.
    pub name: String,
}

/// Forget the sequence and go on from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReset {
    /// Why.
    pub reason: String,
    /// Where to go on; none: from the beginning. Asked for under another name than `cursor`, which in a
    /// [`DeviceCommand`] is never null: GraphQL does not merge fields that differ in that.
    pub resume_from: Option<Cursor>,
}

/// The enrollment is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_and_unknown_ones_are_no_error() {
        let frame = |json: &str| serde_json::from_str::<DeviceFrame>(json).unwrap();
        let command = frame(
            r#"{"__typename":"DeviceCommand","commandId":"cmd_1","kind":"REBOOT","sequence":7,"attempt":2,"expiresAt":null,"cursor":"7"}"#,
        );
        let DeviceFrame::DeviceCommand(command) = command else { panic!("{command:?}") };
        assert_eq!((command.kind, command.sequence, command.cursor), (DeviceCommandKind::Reboot, 7, Cursor(7)));
        assert_eq!(frame(r#"{"__typename":"Horoscope","sign":"Leo"}"#), DeviceFrame::Unknown);
        let reset = frame(r#"{"__typename":"StreamReset","reason":"ahead","resume_from":null}"#);
        assert_eq!(reset, DeviceFrame::StreamReset(StreamReset { reason: "ahead".into(), resume_from: None }));
        assert_eq!(serde_json::from_str::<DeviceCommandKind>(r#""LOCK""#).unwrap(), DeviceCommandKind::Unsupported);
    }
}
