//! What a unit is sent next: pure.
//!
//! It is decided anew at every step from the device's state in the log, never from a queue in memory: whatever happened
//! meanwhile, and in which order it became known, the next step is the right one for the state as it is. What this
//! connection adds is little: how far the unit says it is, how far this connection has sent, and the unit's boot.
//!
//! Why every wanted command arrives. A command is open until its outcome is known. If its sequence is beyond what the
//! unit has stored, it comes up on every connection anew, in order, and is sent as soon as the window has room; if not,
//! the unit has it, and nothing but its acknowledgement can be missing, which is made up for.

use domain::{CommandState, Device, device::Stage};
use schema::CommandId;
use uuid::Uuid;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tell the unit that it is ahead of everything that was ever sent, and to go on after this sequence; 0: from the
    /// beginning.
    Reset { resume_from: u64 },
    /// Send the settings that the unit is to have.
    Settings { revision: u64, name: String },
    /// The unit has stored the command, but its acknowledgement got lost: acknowledge in its place.
    Acknowledge { command: CommandId, attempt: u32 },
    /// Send the command. It counts as sent from now on, also if that is refused because its time has passed.
    Dispatch { command: CommandId, boot_id: Uuid },
    /// Nothing until something changes.
    Wait,
}

/// How far one connection is.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Most commands that are sent and not acknowledged.
    window: usize,
    /// The unit has stored the commands up to this sequence.
    stored: u64,
    /// The commands up to this sequence need not be sent on this connection any more. Never behind `stored`.
    sent: u64,
    /// Where the unit is to go on, if that has not been told yet.
    reset: Option<u64>,
    /// Revision of the settings that were sent last.
    settings: u64,
    /// The boot that the unit has reported on this connection.
    boot: Option<Uuid>,
}

impl Flow {
    /// Begins where the unit says it is: `after` is the sequence of the last command that it has stored.
    pub(crate) fn new(after: Option<u64>, window: usize, device: &Device) -> Self {
        let after = after.unwrap_or(0);
        let reset = (after > last_sent(device)).then(|| before_unconfirmed(device));
        let stored = reset.unwrap_or(after);
        Self { window, stored, sent: stored, reset, settings: 0, boot: None }
    }

    /// The unit has reported its status on this connection. It can only have stored what was sent to it.
    pub(crate) fn reported(&mut self, boot_id: Uuid, last_sequence: u64) {
        self.boot = Some(boot_id);
        self.stored = self.stored.max(last_sequence.min(self.sent));
    }

    /// The next step, which the caller then takes.
    pub(crate) fn next(&mut self, device: &Device) -> Step {
        if let Some(resume_from) = self.reset.take() {
            return Step::Reset { resume_from };
        }
        let (revision, name) = device.desired_settings();
        if revision != self.settings {
            self.settings = revision;
            return Step::Settings { revision, name: name.to_owned() };
        }
        let open = device.open_commands();
        let lost = open.iter().find(|(_, c)| c.sequence <= self.stored && c.stage == Stage::Dispatched);
        if let Some((command, state)) = lost {
            return Step::Acknowledge { command: *command, attempt: state.attempts };
        }
        // A reboot is proven by another boot than the one it was sent to, so that one has to be known first.
        match (self.boot, self.unsent(&open)) {
            (Some(boot_id), Some((command, state))) if self.has_room(&open) => {
                self.sent = state.sequence;
                Step::Dispatch { command: *command, boot_id }
            }
            _ => Step::Wait,
        }
    }

    fn unsent<'a>(&self, open: &'a [(CommandId, CommandState)]) -> Option<&'a (CommandId, CommandState)> {
        open.iter().find(|(_, command)| command.sequence > self.sent)
    }

    fn has_room(&self, open: &[(CommandId, CommandState)]) -> bool {
        let under_way = |command: &CommandState| {
            command.stage == Stage::Dispatched && (self.stored + 1..=self.sent).contains(&command.sequence)
        };
        open.iter().filter(|(_, command)| under_way(command)).count() < self.window
    }
}

/// Sequence of the last command that was ever sent. Commands are sent in order, so it stands before the first one that
/// still waits.
fn last_sent(device: &Device) -> u64 {
    before_first(device, |stage| stage == Stage::Waiting)
}

/// The last sequence up to which nothing has to be sent again to a unit that has lost count.
fn before_unconfirmed(device: &Device) -> u64 {
    before_first(device, |stage| matches!(stage, Stage::Waiting | Stage::Dispatched))
}

fn before_first(device: &Device, is: impl Fn(Stage) -> bool) -> u64 {
    let open = device.open_commands();
    let first = open.iter().find(|(_, command)| is(command.stage));
    first.map_or(device.last_sequence(), |(_, command)| command.sequence - 1)
}

#[cfg(test)]
mod tests;
