//! What holds after any sequence of commands, whoever gives them and however often.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use proptest::{collection::vec, option, prelude::*};
use schema::{
    CommandId, CommandKind, Right,
    events::{
        DeviceEvent, EventFamily,
        device::{
            DeviceCommandDispatched, DeviceCommandExpired, DeviceCommandFailed, DeviceCommandReceived,
            DeviceCommandRequested, DeviceCommandSucceeded,
        },
        role::{
            RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleEvent, RoleHolderResumed, RoleHolderSuspended,
            RoleUnassigned,
        },
    },
};

use super::{
    account, command,
    device::{enrolled_unit, status},
    organization, role, uuid,
};
use crate::{
    Account, Aggregate, Code, Device, DeviceCommand, DomainReservation, EmailReservation, HardwareReservation,
    Organization, Outcome, Pairing, Recovery, Roles, RolesCommand, Session, Signup, SupportRequest,
    UserCodeReservation,
    device::{MOST_WAITING, Stage},
    fold,
    spec::{Given, START, given},
};

/// The example of every type of the family.
fn examples<E: EventFamily>() -> Vec<E> {
    let example = |t: &schema::EventType| {
        let payload = serde_json::to_vec(&schema::generate::example(t).unwrap()).unwrap();
        E::decode(t.name, t.version, &payload).unwrap()
    };
    E::TYPES.iter().map(example).collect()
}

/// Folds the examples that the numbers name, in that order.
fn shuffled<A: Aggregate>(order: &[usize]) {
    let examples = examples::<A::Event>();
    drop(fold(A::default(), order.iter().map(|number| &examples[number % examples.len()])));
}

const NAMES: [&str; 6] = ["Desk", "DESK", "Help desk", "Dеsk", "System admin", "People"];
const SYSTEM_ADMIN: u128 = 100;

fn any_roles_command() -> impl Strategy<Value = RolesCommand> {
    let number = || prop_oneof![3 => 0..4u128, 1 => Just(SYSTEM_ADMIN)];
    let rights = || proptest::sample::subsequence(Right::ALL.to_vec(), 0..=6).prop_map(BTreeSet::from_iter);
    let name = || proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        (number(), name(), rights()).prop_map(|(n, name, rights)| RolesCommand::Create { role: role(n), name, rights }),
        (number(), name(), rights()).prop_map(|(n, name, rights)| RolesCommand::Edit { role: role(n), name, rights }),
        number().prop_map(|n| RolesCommand::Delete { role: role(n) }),
        (number(), 0..3u128, any::<bool>()).prop_map(|(n, a, activated)| RolesCommand::Assign {
            role: role(n),
            account: account(a),
            activated
        }),
        (number(), 0..3u128).prop_map(|(n, a)| RolesCommand::Unassign { role: role(n), account: account(a) }),
        (0..3u128, 0..4u64, any::<bool>()).prop_map(|(a, session_epoch, set_back)| RolesCommand::Suspend {
            account: account(a),
            session_epoch,
            set_back
        }),
        (0..3u128, 0..4u64).prop_map(|(a, session_epoch)| RolesCommand::Resume { account: account(a), session_epoch }),
        (0..3u128).prop_map(|a| RolesCommand::Found {
            organization: organization(1),
            role: role(7),
            founder: account(a)
        }),
    ]
}

fn any_role_event() -> impl Strategy<Value = RoleEvent> {
    let pair = || (0..3u128, 0..3u128);
    prop_oneof![
        (0..3u128, any::<bool>(), ".{0,4}").prop_map(|(n, system_admin, name)| {
            let rights = BTreeSet::from([Right::ReadHistory]);
            RoleCreated { role: role(n), organization: organization(n), name, rights, system_admin }.into()
        }),
        (0..3u128, ".{0,4}").prop_map(|(n, name)| RoleEdited { role: role(n), name, rights: BTreeSet::new() }.into()),
        (0..3u128).prop_map(|n| RoleDeleted { role: role(n) }.into()),
        pair().prop_map(|(n, a)| RoleAssigned { role: role(n), account: account(a) }.into()),
        pair().prop_map(|(n, a)| RoleUnassigned { role: role(n), account: account(a) }.into()),
        (0..3u128, any::<u64>(), any::<bool>()).prop_map(|(a, session_epoch, set_back)| {
            RoleHolderSuspended { account: account(a), session_epoch, set_back }.into()
        }),
        (0..3u128).prop_map(|a| RoleHolderResumed { account: account(a) }.into()),
    ]
}

fn any_device_command() -> impl Strategy<Value = DeviceCommand> {
    let id = || (0..80u128).prop_map(command);
    let attempt = || 0..4u32;
    let outcome = prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Failed), Just(Outcome::Rejected)];
    prop_oneof![
        6 => id().prop_map(|command| DeviceCommand::Request { command, kind: CommandKind::Reboot }),
        4 => (id(), 0..4u128).prop_map(|(command, boot)| DeviceCommand::Dispatch { command, boot_id: uuid(boot) }),
        2 => (id(), attempt()).prop_map(|(command, attempt)| DeviceCommand::Acknowledge { command, attempt }),
        2 => (id(), attempt(), outcome).prop_map(|(command, attempt, outcome)| DeviceCommand::ReportResult {
            command,
            attempt,
            outcome,
            code: String::new()
        }),
        2 => id().prop_map(|command| DeviceCommand::Expire { command }),
        1 => (0..4u128, prop_oneof![0..90u64, any::<u64>()])
            .prop_map(|(boot, last)| DeviceCommand::ReportStatus(status(boot, last))),
        1 => (0..3u128).prop_map(|n| DeviceCommand::Connect { connection: uuid(n) }),
        1 => (0..3u128).prop_map(|n| DeviceCommand::Disconnect { connection: uuid(n) }),
        1 => "[ab]".prop_map(|name| DeviceCommand::Rename { name }),
    ]
}

fn any_device_event() -> impl Strategy<Value = DeviceEvent> {
    let id = || (0..4u128).prop_map(command);
    prop_oneof![
        Just(enrolled_unit().into()),
        (id(), any::<u64>()).prop_map(|(command, sequence)| {
            let expires_at = Some(START);
            DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence, expires_at }.into()
        }),
        (id(), any::<u32>(), option::of(0..3u128)).prop_map(|(command, attempt, boot)| {
            DeviceCommandDispatched { command, attempt, boot_id: boot.map(uuid) }.into()
        }),
        (id(), any::<u32>()).prop_map(|(command, attempt)| DeviceCommandReceived { command, attempt }.into()),
        id().prop_map(|command| DeviceCommandSucceeded { command, boot_id: None }.into()),
        id().prop_map(|command| DeviceCommandFailed { command, code: String::new() }.into()),
        id().prop_map(|command| DeviceCommandExpired { command }.into()),
        (0..3u128, any::<u64>()).prop_map(|(boot, last)| status(boot, last).into()),
    ]
}

/// Takes the command if it is accepted, and says what came of it.
fn take<A: Aggregate>(story: Given<A>, command: A::Command) -> (Given<A>, Result<Vec<A::Event>, Code>) {
    let when = story.clone().when(command);
    match when.decision() {
        Ok(events) => {
            let events = events.clone();
            (when.then_accepted(), Ok(events))
        }
        Err(rejection) => (story, Err(rejection.code)),
    }
}

fn system_admins(roles: &Roles) -> usize {
    (0..3).filter(|number| roles.of(account(*number)).0).count()
}

proptest! {
    #[test]
    fn any_events_fold(order in vec(any::<usize>(), 0..30)) {
        shuffled::<Signup>(&order);
        shuffled::<Organization>(&order);
        shuffled::<Account>(&order);
        shuffled::<Session>(&order);
        shuffled::<Roles>(&order);
        shuffled::<Recovery>(&order);
        shuffled::<SupportRequest>(&order);
        shuffled::<Pairing>(&order);
        shuffled::<Device>(&order);
        shuffled::<EmailReservation>(&order);
        shuffled::<UserCodeReservation>(&order);
        shuffled::<DomainReservation>(&order);
        shuffled::<HardwareReservation>(&order);
    }

    #[test]
    fn roles_decide_on_any_history(events in vec(any_role_event(), 0..30), command in any_roles_command()) {
        drop(take(given::<Roles>(events), command));
    }

    #[test]
    fn devices_decide_on_any_history(events in vec(any_device_event(), 0..40), command in any_device_command()) {
        drop(take(given::<Device>(events), command));
    }

    #[test]
    fn a_system_admin_always_remains(commands in vec(any_roles_command(), 0..60)) {
        let found =
            RolesCommand::Found { organization: organization(1), role: role(SYSTEM_ADMIN), founder: account(0) };
        let mut story = given::<Roles>([]).when(found).then_accepted();
        for command in commands {
            let again = command.clone();
            let (next, decision) = take(story, command);
            prop_assert!(system_admins(next.state()) >= 1);
            // Repeated, it changes nothing; what was deleted is not found.
            let (next, repeated) = take(next, again);
            match decision {
                Ok(events) if matches!(events.as_slice(), [RoleEvent::Deleted(_)]) => {
                    prop_assert_eq!(repeated, Err(Code::NotFound));
                }
                Ok(_) => prop_assert_eq!(repeated, Ok(vec![])),
                Err(code) => prop_assert_eq!(repeated, Err(code)),
            }
            story = next;
        }
    }

    #[test]
    fn commands_to_a_unit_keep_their_order_and_their_end(
        steps in vec((any_device_command(), prop_oneof![4 => Just(0i64), 1 => 0..300i64]), 0..250),
    ) {
        let mut story = given::<Device>([enrolled_unit().into()]);
        let mut sequence = 0;
        let mut ended: BTreeMap<CommandId, Stage> = BTreeMap::new();
        for (command, seconds) in steps {
            story = story.later(Duration::seconds(seconds));
            let (next, decision) = take(story, command.clone());
            for event in decision.iter().flatten() {
                if let DeviceEvent::CommandRequested(requested) = event {
                    prop_assert!(requested.sequence > sequence);
                    sequence = requested.sequence;
                }
            }
            prop_assert_eq!(next.state().last_sequence(), sequence);
            let open = next.state().open_commands();
            prop_assert!(open.len() <= MOST_WAITING);
            prop_assert!(open.windows(2).all(|pair| pair[0].1.sequence < pair[1].1.sequence));
            for number in 0..80 {
                let Some(state) = next.state().command(super::command(number)) else { continue };
                match ended.get(&super::command(number)) {
                    // Only what happened late replaces that it expired.
                    Some(Stage::Expired) => prop_assert!(state.stage.has_ended()),
                    Some(before) => prop_assert_eq!(*before, state.stage),
                    None => {}
                }
                if state.stage.has_ended() {
                    ended.insert(super::command(number), state.stage);
                }
            }
            // Repeated, it changes nothing; only a sending is a new one every time.
            if decision.is_ok() && !matches!(command, DeviceCommand::Dispatch { .. }) {
                prop_assert_eq!(take(next.clone(), command).1, Ok(vec![]));
            }
            story = next;
        }
    }
}
