//! What a unit remembers over restarts, and what it does with a command: pure.
//!
//! Why a reboot happens exactly once. A command is taken by storing its sequence together with `pending_reboot`. From
//! then on any delivery of it is a redelivery. The start of the unit, for whatever reason, clears `pending_reboot`: that
//! start *is* the reboot, since it has a new boot id. So a crash before the store loses nothing (the command comes
//! again), and a crash after it is itself the reboot; no path both restarts for the command and keeps it pending.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Secret,
    protocol::{DesiredSettings, DeviceCommand, DeviceCommandKind, StreamReset},
};

/// Everything that outlives a restart, besides the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnitState {
    pub(crate) serial: String,
    pub(crate) model: String,
    pub(crate) standing: Standing,
}

/// How far the unit has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Belongs to nobody.
    Unpaired,
    /// Shows a code. Kept, so that the code stays good when the unit restarts meanwhile.
    Pairing(PendingPairing),
    /// Belongs to an organization.
    Enrolled(Enrollment),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingPairing {
    pub(crate) device_code: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) interval_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrollment {
    pub(crate) device_id: String,
    pub(crate) epoch: u64,
    /// Sequence of the last stored command of this epoch; 0: none.
    pub(crate) last_sequence: u64,
    /// The desired settings that the unit has applied; none: revision 0.
    pub(crate) settings: Option<DesiredSettings>,
    /// The stored command that asked for a restart which has not happened yet.
    pub(crate) pending_reboot: Option<u64>,
}

/// What a delivered command makes the unit do, after the changed state is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Acknowledge, then restart.
    Reboot,
    /// Acknowledge, then report that it was rejected, and why.
    Reject(&'static str),
    /// Acknowledge once more: it was taken before.
    AcknowledgeAgain,
}

impl Enrollment {
    pub(crate) fn new(device_id: String, epoch: u64) -> Self {
        Self { device_id, epoch, last_sequence: 0, settings: None, pending_reboot: None }
    }

    /// The cursor to resume from.
    pub(crate) fn after(&self) -> Option<u64> {
        (self.last_sequence > 0).then_some(self.last_sequence)
    }

    pub(crate) fn settings_revision(&self) -> u64 {
        self.settings.as_ref().map_or(0, |settings| settings.revision)
    }

    /// A new boot has begun. True if that fulfils a reboot that was asked for.
    pub(crate) fn boot(&mut self) -> bool {
        self.pending_reboot.take().is_some()
    }

    /// Sequences count per epoch: those of another epoch say nothing about this one. False if it is the same.
    pub(crate) fn enter(&mut self, epoch: u64) -> bool {
        let other = self.epoch != epoch;
        if other {
            *self = Self { settings: self.settings.take(), ..Self::new(std::mem::take(&mut self.device_id), epoch) };
        }
        other
    }

    /// Takes a command, at `now` in the platform's time.
    pub(crate) fn receive(&mut self, command: &DeviceCommand, now: DateTime<Utc>) -> Duty {
        if command.sequence <= self.last_sequence {
            // Still pending means that the platform has not accepted an acknowledgement of it yet.
            return match command.kind {
                DeviceCommandKind::Reboot if self.pending_reboot == Some(command.sequence) => Duty::Reboot,
                DeviceCommandKind::Reboot => Duty::AcknowledgeAgain,
                // The report of the first time may have been lost.
                DeviceCommandKind::Unsupported => Duty::Reject("unsupported"),
            };
        }
        self.last_sequence = command.sequence;
        if command.expires_at.is_some_and(|end| end <= now) {
            return Duty::Reject("expired");
        }
        match command.kind {
            DeviceCommandKind::Reboot => {
                self.pending_reboot = Some(command.sequence);
                Duty::Reboot
            }
            DeviceCommandKind::Unsupported => Duty::Reject("unsupported"),
        }
    }

    /// Applies settings newer than those applied before; false if they are not.
    pub(crate) fn apply(&mut self, settings: &DesiredSettings) -> bool {
        let newer = settings.revision > self.settings_revision();
        if newer {
            self.settings = Some(settings.clone());
        }
        newer
    }

    /// The platform does not know of commands that the unit has stored: go on from where it says.
    pub(crate) fn reset(&mut self, reset: &StreamReset) {
        self.last_sequence = reset.resume_from.map_or(0, |cursor| cursor.0);
        self.pending_reboot = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Cursor;

    fn command(sequence: u64, kind: DeviceCommandKind) -> DeviceCommand {
        DeviceCommand {
            command_id: format!("cmd_{sequence}"),
            kind,
            sequence,
            attempt: 1,
            expires_at: Some(at(600)),
            cursor: Cursor(sequence),
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_command_is_acted_upon_once_and_a_boot_fulfils_it() {
        let mut unit = Enrollment::new("dev_1".into(), 1);
        let reboot = command(5, DeviceCommandKind::Reboot);
        assert_eq!(unit.receive(&reboot, at(0)), Duty::Reboot);
        assert_eq!(unit.receive(&reboot, at(0)), Duty::Reboot, "not yet restarted: the delivery is tried again");
        assert!(unit.boot());
        assert!(!unit.boot(), "one restart for one command");
        assert_eq!(unit.receive(&reboot, at(0)), Duty::AcknowledgeAgain);
        assert_eq!(unit.receive(&command(4, DeviceCommandKind::Reboot), at(0)), Duty::AcknowledgeAgain);
        assert_eq!(unit.after(), Some(5));
    }

    #[test]
    fn what_is_too_late_or_unknown_is_stored_and_rejected() {
        let mut unit = Enrollment::new("dev_1".into(), 1);
        assert_eq!(unit.receive(&command(1, DeviceCommandKind::Reboot), at(600)), Duty::Reject("expired"));
        assert_eq!(unit.receive(&command(2, DeviceCommandKind::Unsupported), at(0)), Duty::Reject("unsupported"));
        assert_eq!((unit.last_sequence, unit.pending_reboot), (2, None));
    }

    #[test]
    fn another_epoch_and_a_reset_begin_the_count_anew() {
        let mut unit = Enrollment::new("dev_1".into(), 1);
        unit.apply(&DesiredSettings { revision: 3, name: "Lobby".into() });
        unit.receive(&command(7, DeviceCommandKind::Reboot), at(0));
        assert!(!unit.enter(1));
        assert_eq!(unit.after(), Some(7));
        unit.reset(&StreamReset { reason: "ahead".into(), resume_from: Some(Cursor(2)) });
        assert_eq!((unit.after(), unit.pending_reboot), (Some(2), None));
        assert!(unit.enter(2));
        assert_eq!(
            (unit.epoch, unit.after(), unit.device_id.as_str(), unit.settings_revision()),
            (2, None, "dev_1", 3)
        );
    }

    #[test]
    fn only_newer_settings_are_applied() {
        let mut unit = Enrollment::new("dev_1".into(), 1);
        assert!(unit.apply(&DesiredSettings { revision: 2, name: "Lobby".into() }));
        assert!(!unit.apply(&DesiredSettings { revision: 2, name: "Lobby".into() }));
        assert!(!unit.apply(&DesiredSettings { revision: 1, name: "Desk".into() }));
        assert_eq!(unit.settings.unwrap().name, "Lobby");
    }
}
