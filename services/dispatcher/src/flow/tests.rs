use domain::{Aggregate, DeviceCommand, Intent};
use proptest::prelude::*;
use schema::{
    AccountId, Actor, CommandKind, DeviceId, HardwareKey, OrganizationId, PairingId, Timestamp,
    events::device::{DeviceEnrolled, DeviceStatusReported},
};

use super::*;

const BOOT: Uuid = Uuid::from_u128(1);
const OTHER_BOOT: Uuid = Uuid::from_u128(2);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

fn cmd(sequence: u64) -> CommandId {
    CommandId(Uuid::from_u128(sequence.into()))
}

fn status(boot_id: Uuid, last_sequence: u64) -> DeviceCommand {
    DeviceCommand::ReportStatus(DeviceStatusReported {
        boot_id,
        last_sequence,
        software_version: "1".into(),
        settings_revision: 1,
        connected_accounts: Default::default(),
    })
}

/// A device by the real rules.
#[derive(Debug, Clone)]
struct Unit(Device);

impl Unit {
    fn new(commands: u64) -> Self {
        let enrolled = DeviceEnrolled {
            device: DeviceId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            account_epoch: 0,
            account: AccountId(Uuid::nil()),
            pairing: PairingId(Uuid::nil()),
            hardware: HardwareKey("h".into()),
            epoch: 1,
            serial: "s".into(),
            model: "m".into(),
            software_version: "1".into(),
            name: "Lobby".into(),
            public_key: "{}".into(),
        };
        let mut unit = Self(Device::default());
        unit.give(DeviceCommand::Enroll(Box::new(enrolled)));
        unit.request(commands);
        unit
    }
    fn give(&mut self, command: DeviceCommand) -> bool {
        let intent = Intent { id: Uuid::nil(), actor: Actor::Anonymous, at: at(0), command };
        let events = self.0.decide(&intent).unwrap();
        self.0 = domain::fold(std::mem::take(&mut self.0), &events);
        !events.is_empty()
    }
    fn request(&mut self, count: u64) {
        for _ in 0..count {
            let command = cmd(self.0.last_sequence() + 1);
            self.give(DeviceCommand::Request { command, kind: CommandKind::Reboot });
        }
    }
    fn acknowledge(&mut self, sequence: u64) {
        let attempt = self.0.command(cmd(sequence)).unwrap().attempts;
        self.give(DeviceCommand::Acknowledge { command: cmd(sequence), attempt });
    }
    /// Takes steps as the service does, until there is nothing to do.
    fn run(&mut self, flow: &mut Flow) -> Vec<Step> {
        let mut steps = vec![];
        loop {
            match flow.next(&self.0) {
                Step::Wait => return steps,
                Step::Dispatch { command, boot_id } => {
                    self.give(DeviceCommand::Dispatch { command, boot_id });
                    steps.push(Step::Dispatch { command, boot_id });
                }
                Step::Acknowledge { command, attempt } => {
                    assert!(self.give(DeviceCommand::Acknowledge { command, attempt }), "nothing to acknowledge");
                    steps.push(Step::Acknowledge { command, attempt });
                }
                other => steps.push(other),
            }
        }
    }
    /// Opens a stream on which the unit reports its boot.
    fn connect(&mut self, after: Option<u64>, window: usize, boot: Uuid) -> (Flow, Vec<Step>) {
        let mut flow = Flow::new(after, window, &self.0);
        self.give(status(boot, after.unwrap_or(0)));
        flow.reported(boot, after.unwrap_or(0));
        let steps = self.run(&mut flow);
        (flow, steps)
    }
}

fn settings() -> Step {
    Step::Settings { revision: 1, name: "Lobby".into() }
}

fn dispatch(sequence: u64) -> Step {
    Step::Dispatch { command: cmd(sequence), boot_id: BOOT }
}

#[test]
fn settings_come_first_and_commands_wait_for_the_status() {
    let mut unit = Unit::new(2);
    let mut flow = Flow::new(None, 4, &unit.0);
    assert_eq!(unit.run(&mut flow), [settings()]);
    flow.reported(BOOT, 0);
    assert_eq!(unit.run(&mut flow), [dispatch(1), dispatch(2)]);
    assert_eq!(unit.run(&mut flow), [], "nothing is sent twice on one connection");
}

#[test]
fn the_window_holds_back_until_an_acknowledgement() {
    let mut unit = Unit::new(4);
    let (mut flow, steps) = unit.connect(None, 2, BOOT);
    assert_eq!(steps, [settings(), dispatch(1), dispatch(2)]);
    unit.acknowledge(2);
    assert_eq!(unit.run(&mut flow), [dispatch(3)]);
    unit.acknowledge(1);
    assert_eq!(unit.run(&mut flow), [dispatch(4)]);
}

#[test]
fn a_command_that_did_not_arrive_is_sent_again() {
    let mut unit = Unit::new(2);
    unit.connect(None, 4, BOOT);
    let (_, steps) = unit.connect(None, 4, BOOT);
    assert_eq!(steps, [settings(), dispatch(1), dispatch(2)]);
    assert_eq!(unit.0.command(cmd(1)).unwrap().attempts, 2);
}

#[test]
fn a_lost_acknowledgement_is_made_up_for() {
    let mut unit = Unit::new(2);
    unit.connect(None, 4, BOOT);
    let (_, steps) = unit.connect(Some(1), 4, BOOT);
    assert_eq!(steps, [settings(), Step::Acknowledge { command: cmd(1), attempt: 1 }, dispatch(2)]);
    assert_eq!(unit.0.command(cmd(1)).unwrap().stage, Stage::Received);
}

#[test]
fn a_status_acknowledges_too_but_never_what_was_not_sent() {
    let mut unit = Unit::new(3);
    let (mut flow, _) = unit.connect(None, 2, BOOT);
    flow.reported(BOOT, 99);
    let acknowledge = |sequence| Step::Acknowledge { command: cmd(sequence), attempt: 1 };
    assert_eq!(unit.run(&mut flow), [acknowledge(1), acknowledge(2), dispatch(3)]);
}

#[test]
fn a_unit_that_is_ahead_is_told_where_to_go_on() {
    let mut fresh = Unit::new(0);
    let (_, steps) = fresh.connect(Some(7), 4, BOOT);
    assert_eq!(steps, [Step::Reset { resume_from: 0 }, settings()]);

    // Nothing was sent yet: that the unit has stored the waiting command cannot be.
    let mut waiting = Unit::new(1);
    let (_, steps) = waiting.connect(Some(1), 4, BOOT);
    assert_eq!(steps, [Step::Reset { resume_from: 0 }, settings(), dispatch(1)]);

    // Sent and acknowledged: 1. Sent, fate unknown: 2. A unit that has lost count gets that again.
    let mut known = Unit::new(2);
    known.connect(None, 4, BOOT);
    known.acknowledge(1);
    let (_, steps) = known.connect(Some(3), 4, BOOT);
    assert_eq!(steps, [Step::Reset { resume_from: 1 }, settings(), dispatch(2)]);
}

#[test]
fn another_name_is_sent_at_once_and_once() {
    let mut unit = Unit::new(0);
    let (mut flow, _) = unit.connect(None, 4, BOOT);
    unit.give(DeviceCommand::Rename { name: "Hall".into() });
    unit.give(DeviceCommand::Rename { name: "Desk".into() });
    assert_eq!(unit.run(&mut flow), [Step::Settings { revision: 3, name: "Desk".into() }]);
}

#[test]
fn a_command_that_may_not_be_sent_any_more_holds_up_none() {
    let unit = Unit::new(2);
    let mut flow = Flow::new(None, 1, &unit.0);
    flow.reported(BOOT, 0);
    flow.next(&unit.0);
    // The caller was refused and goes on without any change of the device.
    assert_eq!([flow.next(&unit.0), flow.next(&unit.0)], [dispatch(1), dispatch(2)]);
}

#[test]
fn a_reboot_is_proven_by_the_boot_after_the_one_it_was_sent_to() {
    let mut unit = Unit::new(1);
    unit.connect(None, 4, BOOT);
    // The acknowledgement got lost, and the unit restarted.
    let (_, steps) = unit.connect(Some(1), 4, OTHER_BOOT);
    assert_eq!(steps, [settings()]);
    assert_eq!(unit.0.command(cmd(1)).unwrap().stage, Stage::Succeeded);
}

/// What can happen to a unit that keeps to the protocol, over connections that can break anywhere.
#[derive(Debug, Clone)]
enum Happening {
    Requested,
    /// The unit reads the next frame, if there is one, stores it and acknowledges; or the acknowledgement gets lost.
    Reads {
        acknowledges: bool,
    },
    Reconnects,
    Restarts,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => Just(Happening::Requested),
        4 => any::<bool>().prop_map(|acknowledges| Happening::Reads { acknowledges }),
        1 => Just(Happening::Reconnects),
        1 => Just(Happening::Restarts),
    ]
}

proptest! {
    /// Whatever is lost on the way, each command reaches the unit in order, is acted upon once, and in the end none is
    /// open but those that wait for the proof of their reboot.
    #[test]
    fn every_command_arrives_in_order(window in 1..=4_usize, history in prop::collection::vec(happening(), 0..50)) {
        let mut unit = Unit::new(0);
        let (mut stored, mut boot, mut acted) = (0, 1_u128, vec![]);
        let mut wire = std::collections::VecDeque::new();
        let (mut flow, _) = unit.connect(None, window, Uuid::from_u128(boot));
        let finish = [Happening::Reconnects].into_iter()
            .chain(std::iter::repeat_n(Happening::Reads { acknowledges: true }, 60));
        for happening in history.into_iter().chain(finish) {
            let steps = match happening {
                Happening::Requested => {
                    unit.request(1);
                    unit.run(&mut flow)
                }
                Happening::Reads { acknowledges } => {
                    let Some(sequence) = wire.pop_front() else { continue };
                    if sequence > stored {
                        acted.push(sequence);
                        stored = sequence;
                    }
                    if acknowledges {
                        unit.acknowledge(sequence);
                    }
                    unit.run(&mut flow)
                }
                Happening::Reconnects | Happening::Restarts => {
                    boot += u128::from(matches!(happening, Happening::Restarts));
                    wire.clear();
                    let (next, steps) = unit.connect((stored > 0).then_some(stored), window, Uuid::from_u128(boot));
                    flow = next;
                    steps
                }
            };
            for step in steps {
                prop_assert!(!matches!(step, Step::Reset { .. }), "a unit that keeps to the protocol is never ahead");
                if let Step::Dispatch { command, .. } = step {
                    wire.push_back(unit.0.command(command).unwrap().sequence);
                }
            }
            prop_assert!(wire.len() <= window.max(1), "{wire:?}");
        }
        prop_assert!(acted.iter().copied().eq(1..=unit.0.last_sequence()), "{acted:?}");
        let open = unit.0.open_commands();
        prop_assert!(open.iter().all(|(_, command)| command.stage == Stage::Received), "{open:?}");
    }
}
