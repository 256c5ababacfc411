//! A Portal unit during one enrollment: its name, its connection and the life of every command to it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use schema::{
    Actor, CommandId, CommandKind, DeviceId, OrganizationId, Right, Timestamp,
    events::device::{
        DeviceCommandDispatched, DeviceCommandExpired, DeviceCommandFailed, DeviceCommandQueued, DeviceCommandReceived,
        DeviceCommandRejected, DeviceCommandRequested, DeviceCommandSucceeded, DeviceConnected, DeviceDisconnected,
        DeviceEnrolled, DeviceEvent, DeviceLoggedOut, DeviceRenamed, DeviceStatusReported,
    },
};
use uuid::Uuid;

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How many commands may wait for a unit.
pub const MOST_WAITING: usize = 50;
/// How long a reboot is wanted: later it would surprise whoever sits in front of the unit.
pub const REBOOT_LIFETIME: Duration = Duration::minutes(10);
/// How many ended commands the state remembers, to take late results and repeated reports for what they are.
const ENDED_KEPT: usize = 100;

/// How a unit says a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// Could not.
    Failed,
    /// Would not.
    Rejected,
}

/// What can be wanted of a device.
#[derive(Debug, Clone)]
pub enum DeviceCommand {
    /// Bring it into being. Does nothing if it exists.
    Enroll(Box<DeviceEnrolled>),
    /// Call it something else.
    Rename {
        /// Checked.
        name: String,
    },
    /// Have something done.
    Request {
        /// Id of the new command.
        command: CommandId,
        /// What.
        kind: CommandKind,
    },
    /// Its command stream opened. The newest connection counts.
    Connect {
        /// Names the connection.
        connection: Uuid,
    },
    /// Its command stream ended. Does nothing if a newer one has taken its place.
    Disconnect {
        /// Names the connection.
        connection: Uuid,
    },
    /// It says how it is.
    ReportStatus(DeviceStatusReported),
    /// The command is about to be sent on the connection.
    Dispatch {
        /// Which.
        command: CommandId,
        /// The boot that the unit has reported on this very connection: a reboot is proven by another one.
        boot_id: Uuid,
    },
    /// It has stored the command.
    Acknowledge {
        /// Which.
        command: CommandId,
        /// Which sending.
        attempt: u32,
    },
    /// It says how the command ended.
    ReportResult {
        /// Which.
        command: CommandId,
        /// Which sending.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// The unit's own code for what went wrong, checked; empty if nothing did.
        code: String,
    },
    /// Its account was deactivated or logged out everywhere: it has to be set up again.
    LogOut,
    /// End a command whose time has passed.
    Expire {
        /// Which.
        command: CommandId,
    },
}

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not sent yet.
    Waiting,
    /// Sent, and not known to have arrived.
    Dispatched,
    /// The unit has stored it.
    Received,
    /// Done.
    Succeeded,
    /// The unit could not or would not.
    Refused,
    /// Not done in time.
    Expired,
}

impl Stage {
    /// Whether nothing more is wanted of the unit.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Refused | Self::Expired)
    }
}

/// One command to a unit.
#[derive(Debug, Clone)]
pub struct CommandState {
    /// What is to be done.
    pub kind: CommandKind,
    /// Its place in the order of the unit's commands, from 1.
    pub sequence: u64,
    /// Where it stands.
    pub stage: Stage,
    /// How often it was sent.
    pub attempts: u32,
    /// When it is no longer wanted.
    pub expires_at: Option<Timestamp>,
    /// The boots that are known to have begun before one of the sendings: none of them proves a reboot.
    earlier_boots: BTreeSet<Uuid>,
}

/// A device.
#[derive(Debug, Clone, Default)]
pub struct Device {
    enrolled: Option<DeviceEnrolled>,
    name: String,
    settings_revision: u64,
    connection: Option<Uuid>,
    logged_out: bool,
    status: Option<DeviceStatusReported>,
    last_sequence: u64,
    commands: BTreeMap<CommandId, CommandState>,
}

impl Device {
    /// How it was set up.
    pub fn enrolled(&self) -> Option<&DeviceEnrolled> {
        self.enrolled.as_ref()
    }
    /// What it is to be called, and the revision of that wish.
    pub fn desired_settings(&self) -> (u64, &str) {
        (self.settings_revision, &self.name)
    }
    /// Its open command stream.
    pub fn connection(&self) -> Option<Uuid> {
        self.connection
    }
    /// Its account was deactivated or logged out everywhere: it has to be set up again.
    pub fn is_logged_out(&self) -> bool {
        self.logged_out
    }
    /// Sequence of the newest command.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }
    /// One of its commands.
    pub fn command(&self, id: CommandId) -> Option<&CommandState> {
        self.commands.get(&id)
    }
    /// The commands that have not ended, in the order in which the unit gets them.
    pub fn open_commands(&self) -> Vec<(CommandId, CommandState)> {
        let mut open: Vec<_> =
            self.commands.iter().filter(|(_, c)| !c.stage.has_ended()).map(|(id, c)| (*id, c.clone())).collect();
        open.sort_by_key(|(_, command)| command.sequence);
        open
    }

    fn sent(&self, id: CommandId, attempt: u32) -> Result<&CommandState, Rejection> {
        let known = self.commands.get(&id).filter(|command| (1..=command.attempts).contains(&attempt));
        known.ok_or(Code::CommandUnknown.at("commandId"))
    }

    fn request(&self, id: CommandId, kind: CommandKind, at: Timestamp) -> Result<Vec<DeviceEvent>, Rejection> {
        if self.commands.contains_key(&id) {
            return Ok(vec![]);
        }
        if self.commands.values().filter(|command| !command.stage.has_ended()).count() >= MOST_WAITING {
            return Err(Code::TooManyCommands.into());
        }
        let expires_at = match kind {
            CommandKind::Reboot => Some(at + REBOOT_LIFETIME),
        };
        let sequence = self.last_sequence.saturating_add(1);
        let requested = DeviceCommandRequested { command: id, kind, sequence, expires_at };
        let queued = self.connection.is_none().then(|| DeviceCommandQueued { command: id }.into());
        Ok(std::iter::once(requested.into()).chain(queued).collect())
    }

    /// A status that differs from the last one, and the reboots that it proves.
    fn report_status(&self, status: &DeviceStatusReported) -> Vec<DeviceEvent> {
        let news = self.status.as_ref().is_none_or(|last| {
            DeviceStatusReported { last_sequence: 0, ..last.clone() }
                != DeviceStatusReported { last_sequence: 0, ..status.clone() }
        });
        // Proven even if it comes late: what is shown follows what happened.
        let proven = self.commands.iter().filter(|(_, command)| {
            command.kind == CommandKind::Reboot
                && matches!(command.stage, Stage::Dispatched | Stage::Received | Stage::Expired)
                && !command.earlier_boots.is_empty()
                && !command.earlier_boots.contains(&status.boot_id)
                // Whoever claims to have stored what was never sent proves nothing.
                && (command.sequence..=self.last_sequence).contains(&status.last_sequence)
        });
        let proven =
            proven.map(|(id, _)| DeviceCommandSucceeded { command: *id, boot_id: Some(status.boot_id) }.into());
        news.then(|| status.clone().into()).into_iter().chain(proven).collect()
    }

    fn report_result(
        &self,
        id: CommandId,
        attempt: u32,
        outcome: Outcome,
        code: &str,
    ) -> Result<Vec<DeviceEvent>, Rejection> {
        let command = self.sent(id, attempt)?;
        match (command.stage, outcome) {
            // The first result stands; a repeated report changes nothing.
            (Stage::Succeeded | Stage::Refused, _) => Ok(vec![]),
            (_, Outcome::Succeeded) if command.kind == CommandKind::Reboot => Err(Code::NotProven.at("outcome")),
            (_, Outcome::Succeeded) => Ok(vec![DeviceCommandSucceeded { command: id, boot_id: None }.into()]),
            (_, Outcome::Failed) => Ok(vec![DeviceCommandFailed { command: id, code: code.to_owned() }.into()]),
            (_, Outcome::Rejected) => Ok(vec![DeviceCommandRejected { command: id, code: code.to_owned() }.into()]),
        }
    }

    fn dispatch(&self, id: CommandId, boot_id: Uuid, at: Timestamp) -> Result<Vec<DeviceEvent>, Rejection> {
        let command = self.commands.get(&id).ok_or(Code::CommandUnknown.at("commandId"))?;
        if command.stage.has_ended() || command.expires_at.is_some_and(|end| at >= end) {
            return Err(Code::Expired.at("commandId"));
        }
        let attempt = command.attempts.saturating_add(1);
        Ok(vec![DeviceCommandDispatched { command: id, attempt, boot_id: Some(boot_id) }.into()])
    }

    fn end(&mut self, id: CommandId, stage: Stage) {
        self.set(id, |command| command.stage = stage);
        let mut ended: Vec<_> =
            self.commands.iter().filter(|(_, c)| c.stage.has_ended()).map(|(id, c)| (c.sequence, *id)).collect();
        if ended.len() > ENDED_KEPT {
            ended.sort_unstable();
            ended.truncate(ended.len() - ENDED_KEPT);
            for (_, old) in ended {
                self.commands.remove(&old);
            }
        }
    }

    fn set(&mut self, id: CommandId, change: impl FnOnce(&mut CommandState)) {
        if let Some(command) = self.commands.get_mut(&id) {
            change(command);
        }
    }
}

impl Aggregate for Device {
    type Id = DeviceId;
    type Event = DeviceEvent;
    type Command = DeviceCommand;
    const CATEGORY: &'static str = "device";

    fn evolve(mut self, event: &DeviceEvent) -> Self {
        match event {
            DeviceEvent::Enrolled(e) => {
                self.name.clone_from(&e.name);
                self.settings_revision = 1;
                self.enrolled = Some(e.clone());
            }
            DeviceEvent::Renamed(e) => {
                self.name.clone_from(&e.name);
                self.settings_revision = e.settings_revision;
            }
            DeviceEvent::Connected(e) => self.connection = Some(e.connection),
            DeviceEvent::Disconnected(e) => {
                self.connection = self.connection.filter(|current| *current != e.connection)
            }
            DeviceEvent::StatusReported(e) => self.status = Some(e.clone()),
            DeviceEvent::CommandRequested(e) => {
                self.last_sequence = e.sequence;
                let command = CommandState {
                    kind: e.kind,
                    sequence: e.sequence,
                    stage: Stage::Waiting,
                    attempts: 0,
                    expires_at: e.expires_at,
                    earlier_boots: BTreeSet::new(),
                };
                self.commands.insert(e.command, command);
            }
            DeviceEvent::CommandQueued(_) => {}
            DeviceEvent::CommandDispatched(e) => {
                // The newest status counts as well: whoever sends may not have heard of it.
                let boots = e.boot_id.into_iter().chain(self.status.as_ref().map(|status| status.boot_id));
                let boots: Vec<_> = boots.collect();
                self.set(e.command, |command| {
                    command.stage = Stage::Dispatched;
                    command.attempts = e.attempt;
                    command.earlier_boots.extend(boots);
                });
            }
            DeviceEvent::CommandReceived(e) => self.set(e.command, |command| command.stage = Stage::Received),
            DeviceEvent::CommandSucceeded(e) => self.end(e.command, Stage::Succeeded),
            DeviceEvent::CommandFailed(e) => self.end(e.command, Stage::Refused),
            DeviceEvent::CommandRejected(e) => self.end(e.command, Stage::Refused),
            DeviceEvent::CommandExpired(e) => self.end(e.command, Stage::Expired),
            DeviceEvent::LoggedOut(_) => self.logged_out = true,
        }
        self
    }

    fn decide(&self, intent: &Intent<DeviceCommand>) -> Result<Vec<DeviceEvent>, Rejection> {
        if let DeviceCommand::Enroll(enrolled) = &intent.command {
            return Ok(if self.enrolled.is_some() { vec![] } else { vec![(**enrolled).clone().into()] });
        }
        if self.enrolled.is_none() {
            return Err(Code::NotFound.at("deviceId"));
        }
        match &intent.command {
            DeviceCommand::Enroll(_) => Ok(vec![]),
            DeviceCommand::LogOut if self.logged_out => Ok(vec![]),
            DeviceCommand::LogOut => Ok(vec![DeviceLoggedOut {}.into()]),
            DeviceCommand::Request { .. } if self.logged_out => Err(Code::UnitLoggedOut.at("deviceId")),
            DeviceCommand::Rename { name } if *name == self.name => Ok(vec![]),
            DeviceCommand::Rename { name } => {
                let settings_revision = self.settings_revision.saturating_add(1);
                Ok(vec![DeviceRenamed { name: name.clone(), settings_revision }.into()])
            }
            DeviceCommand::Request { command, kind } => self.request(*command, *kind, intent.at),
            DeviceCommand::Connect { connection } if self.connection == Some(*connection) => Ok(vec![]),
            DeviceCommand::Connect { connection } => Ok(vec![DeviceConnected { connection: *connection }.into()]),
            DeviceCommand::Disconnect { connection } if self.connection == Some(*connection) => {
                Ok(vec![DeviceDisconnected { connection: *connection }.into()])
            }
            DeviceCommand::Disconnect { .. } => Ok(vec![]),
            DeviceCommand::ReportStatus(status) => Ok(self.report_status(status)),
            DeviceCommand::Dispatch { command, boot_id } => self.dispatch(*command, *boot_id, intent.at),
            DeviceCommand::Acknowledge { command, attempt } => match self.sent(*command, *attempt)?.stage {
                Stage::Dispatched => Ok(vec![DeviceCommandReceived { command: *command, attempt: *attempt }.into()]),
                _ => Ok(vec![]),
            },
            DeviceCommand::ReportResult { command, attempt, outcome, code } => {
                self.report_result(*command, *attempt, *outcome, code)
            }
            DeviceCommand::Expire { command } => Ok(self
                .commands
                .get(command)
                .filter(|c| !c.stage.has_ended() && c.expires_at.is_some_and(|end| intent.at >= end))
                .map(|_| DeviceCommandExpired { command: *command }.into())
                .into_iter()
                .collect()),
        }
    }

    fn access(command: &DeviceCommand) -> Access {
        match command {
            DeviceCommand::Rename { .. } | DeviceCommand::Request { .. } => Access::Right(Right::ManageDevices),
            DeviceCommand::Connect { .. }
            | DeviceCommand::Disconnect { .. }
            | DeviceCommand::ReportStatus(_)
            | DeviceCommand::Acknowledge { .. }
            | DeviceCommand::ReportResult { .. } => Access::Owner,
            DeviceCommand::Enroll(_)
            | DeviceCommand::LogOut
            | DeviceCommand::Dispatch { .. }
            | DeviceCommand::Expire { .. } => Access::System,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.enrolled.as_ref().map(|enrolled| enrolled.organization)
    }

    fn owner(&self) -> Option<Actor> {
        self.enrolled.as_ref().map(|enrolled| Actor::Device(enrolled.device))
    }
}
