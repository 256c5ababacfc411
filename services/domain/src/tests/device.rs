use std::collections::BTreeSet;

use chrono::Duration;
use schema::{
    Actor, CommandKind, ConnectedAccount, HardwareKey, PairingId, Timestamp,
    events::device::{
        DeviceCommandDispatched, DeviceCommandExpired, DeviceCommandFailed, DeviceCommandQueued, DeviceCommandReceived,
        DeviceCommandRejected, DeviceCommandRequested, DeviceConnected, DeviceDisconnected, DeviceEnrolled,
        DeviceEvent, DeviceLoggedOut, DeviceRenamed, DeviceStatusReported,
    },
};

use super::{account, command, device, organization, uuid};
use crate::{
    Aggregate, Code, Device, DeviceCommand, Outcome,
    device::{MOST_WAITING, REBOOT_LIFETIME, Stage},
    spec::{Given, START, given},
};

pub(super) const MOMENT: Duration = Duration::microseconds(1);

pub(super) fn enrolled_unit() -> DeviceEnrolled {
    DeviceEnrolled {
        device: device(1),
        organization: organization(1),
        account_epoch: 0,
        account: account(1),
        pairing: PairingId(uuid(1)),
        hardware: HardwareKey("h".to_owned()),
        epoch: 1,
        serial: "SN1".to_owned(),
        model: "Portal Mini".to_owned(),
        software_version: "1.0".to_owned(),
        name: "Desk 4".to_owned(),
        public_key: "{}".to_owned(),
    }
}

pub(super) fn enrolled() -> DeviceEvent {
    enrolled_unit().into()
}

pub(super) fn connected(number: u128) -> DeviceEvent {
    DeviceConnected { connection: uuid(number) }.into()
}

/// A unit that is set up and online.
pub(super) fn online() -> Given<Device> {
    given::<Device>([enrolled(), connected(1)])
}

pub(super) fn request(number: u128) -> DeviceCommand {
    DeviceCommand::Request { command: command(number), kind: CommandKind::Reboot }
}

pub(super) fn requested(number: u128, sequence: u64, at: Timestamp) -> DeviceEvent {
    let expires_at = Some(at + REBOOT_LIFETIME);
    DeviceCommandRequested { command: command(number), kind: CommandKind::Reboot, sequence, expires_at }.into()
}

pub(super) fn dispatch(number: u128, boot: u128) -> DeviceCommand {
    DeviceCommand::Dispatch { command: command(number), boot_id: uuid(boot) }
}

pub(super) fn dispatched(number: u128, attempt: u32, boot: u128) -> DeviceEvent {
    DeviceCommandDispatched { command: command(number), attempt, boot_id: Some(uuid(boot)) }.into()
}

pub(super) fn acknowledge(number: u128, attempt: u32) -> DeviceCommand {
    DeviceCommand::Acknowledge { command: command(number), attempt }
}

pub(super) fn received(number: u128, attempt: u32) -> DeviceEvent {
    DeviceCommandReceived { command: command(number), attempt }.into()
}

pub(super) fn expire(number: u128) -> DeviceCommand {
    DeviceCommand::Expire { command: command(number) }
}

pub(super) fn expired(number: u128) -> DeviceEvent {
    DeviceCommandExpired { command: command(number) }.into()
}

pub(super) fn result(number: u128, attempt: u32, outcome: Outcome) -> DeviceCommand {
    DeviceCommand::ReportResult { command: command(number), attempt, outcome, code: "low_battery".to_owned() }
}

pub(super) fn failed(number: u128) -> DeviceEvent {
    DeviceCommandFailed { command: command(number), code: "low_battery".to_owned() }.into()
}

pub(super) fn status(boot: u128, last_sequence: u64) -> DeviceStatusReported {
    DeviceStatusReported {
        boot_id: uuid(boot),
        last_sequence,
        software_version: "1.0".to_owned(),
        settings_revision: 1,
        connected_accounts: BTreeSet::new(),
    }
}

#[test]
fn it_is_enrolled_once_and_belongs_to_the_organization() {
    let story = given::<Device>([])
        .when(DeviceCommand::Enroll(Box::new(enrolled_unit())))
        .then([enrolled()])
        .when(DeviceCommand::Enroll(Box::new(enrolled_unit())))
        .then_nothing();
    assert_eq!(story.state().organization(), Some(organization(1)));
    assert_eq!(story.state().owner(), Some(Actor::Device(device(1))));
    assert_eq!(story.state().desired_settings(), (1, "Desk 4"));
}

#[test]
fn nothing_can_be_wanted_of_one_that_is_not_enrolled() {
    for command in [
        DeviceCommand::Rename { name: "Desk".to_owned() },
        request(1),
        DeviceCommand::Connect { connection: uuid(1) },
        DeviceCommand::Disconnect { connection: uuid(1) },
        DeviceCommand::ReportStatus(status(1, 0)),
        dispatch(1, 1),
        acknowledge(1, 1),
        result(1, 1, Outcome::Failed),
        expire(1),
    ] {
        given::<Device>([]).when(command).then_rejected(Code::NotFound);
    }
}

#[test]
fn a_name_is_a_setting_with_a_revision() {
    let rename = |name: &str| DeviceCommand::Rename { name: name.to_owned() };
    let renamed = |name: &str, settings_revision| DeviceRenamed { name: name.to_owned(), settings_revision };
    let story = online()
        .when(rename("Desk 4"))
        .then_nothing()
        .when(rename("Reception"))
        .then([renamed("Reception", 2).into()])
        .when(rename("Reception"))
        .then_nothing()
        .when(rename("Desk 4"))
        .then([renamed("Desk 4", 3).into()]);
    assert_eq!(story.state().desired_settings(), (3, "Desk 4"));
}

#[test]
fn the_newest_connection_counts() {
    let connect = |number| DeviceCommand::Connect { connection: uuid(number) };
    let disconnect = |number| DeviceCommand::Disconnect { connection: uuid(number) };
    let story = given::<Device>([enrolled()])
        .when(disconnect(1))
        .then_nothing()
        .when(connect(1))
        .then([connected(1)])
        .when(connect(1))
        .then_nothing()
        .when(connect(2))
        .then([connected(2)])
        .when(disconnect(1))
        .then_nothing();
    assert_eq!(story.state().connection(), Some(uuid(2)));
    let story = story
        .when(disconnect(2))
        .then([DeviceDisconnected { connection: uuid(2) }.into()])
        .when(disconnect(2))
        .then_nothing();
    assert_eq!(story.state().connection(), None);
}

#[test]
fn a_status_is_news_only_if_something_other_than_the_sequence_changed() {
    let report = |status: &DeviceStatusReported| DeviceCommand::ReportStatus(status.clone());
    let first = status(1, 0);
    let whatsapp = BTreeSet::from([ConnectedAccount { service: "whatsapp".to_owned() }]);
    let mut story = online()
        .when(report(&first))
        .then([first.clone().into()])
        .when(report(&first))
        .then_nothing()
        .when(report(&status(1, 5)))
        .then_nothing();
    for next in [
        DeviceStatusReported { boot_id: uuid(2), ..first.clone() },
        DeviceStatusReported { software_version: "1.1".to_owned(), ..first.clone() },
        DeviceStatusReported { settings_revision: 2, ..first.clone() },
        DeviceStatusReported { connected_accounts: whatsapp, ..first },
    ] {
        story = story.when(report(&next)).then([next.clone().into()]).when(report(&next)).then_nothing();
    }
}

#[test]
fn a_command_waits_for_a_unit_that_is_offline() {
    let story = given::<Device>([enrolled()])
        .when(request(1))
        .then([requested(1, 1, START), DeviceCommandQueued { command: command(1) }.into()])
        .when(request(1))
        .then_nothing();
    assert_eq!(story.state().command(command(1)).unwrap().stage, Stage::Waiting);
    online().when(request(1)).then([requested(1, 1, START)]);
}

#[test]
fn commands_are_numbered_in_the_order_in_which_they_are_wanted() {
    let later = START + Duration::minutes(1);
    let story = online()
        .when(request(9))
        .then([requested(9, 1, START)])
        .at(later)
        .when(request(3))
        .then([requested(3, 2, later)]);
    let order: Vec<_> = story.state().open_commands().into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, [command(9), command(3)]);
    assert_eq!(story.state().last_sequence(), 2);
}

#[test]
fn fifty_commands_may_wait_and_no_more() {
    let mut story = online();
    for number in 1..=MOST_WAITING as u128 {
        story = story.when(request(number)).then_accepted();
    }
    story
        .when(request(1000))
        .then_rejected(Code::TooManyCommands)
        .when(request(7))
        .then_nothing()
        .at(START + REBOOT_LIFETIME)
        .when(expire(7))
        .then([expired(7)])
        .when(request(1000))
        .then_accepted();
}

#[test]
fn every_sending_is_counted() {
    let story = online()
        .when(request(1))
        .then_accepted()
        .when(dispatch(1, 1))
        .then([dispatched(1, 1, 1)])
        .when(dispatch(1, 1))
        .then([dispatched(1, 2, 1)])
        .when(dispatch(2, 1))
        .then_rejected(Code::CommandUnknown);
    assert_eq!(story.state().command(command(1)).unwrap().attempts, 2);
}

#[test]
fn a_receipt_is_of_an_attempt_that_was_made_and_counts_once() {
    online()
        .when(request(1))
        .then_accepted()
        .when(acknowledge(1, 1))
        .then_rejected(Code::CommandUnknown)
        .when(dispatch(1, 1))
        .then_accepted()
        .when(acknowledge(1, 0))
        .then_rejected(Code::CommandUnknown)
        .when(acknowledge(1, 2))
        .then_rejected(Code::CommandUnknown)
        .when(acknowledge(2, 1))
        .then_rejected(Code::CommandUnknown)
        .when(acknowledge(1, 1))
        .then([received(1, 1)])
        .when(acknowledge(1, 1))
        .then_nothing();
    // The receipt of the first attempt may overtake that of the second.
    online()
        .when(request(1))
        .then_accepted()
        .when(dispatch(1, 1))
        .then_accepted()
        .when(dispatch(1, 1))
        .then_accepted()
        .when(acknowledge(1, 1))
        .then([received(1, 1)])
        .when(acknowledge(1, 2))
        .then_nothing();
}

#[test]
fn a_unit_may_fail_or_refuse_and_its_first_word_stands() {
    let sent = || online().when(request(1)).then_accepted().when(dispatch(1, 1)).then_accepted();
    let refused = DeviceCommandRejected { command: command(1), code: "low_battery".to_owned() };
    sent().when(result(1, 2, Outcome::Failed)).then_rejected(Code::CommandUnknown);
    let story = sent()
        .when(result(1, 1, Outcome::Rejected))
        .then([refused.into()])
        .when(result(1, 1, Outcome::Failed))
        .then_nothing();
    assert_eq!(story.state().command(command(1)).unwrap().stage, Stage::Refused);
    sent()
        .when(result(1, 1, Outcome::Failed))
        .then([failed(1)])
        .when(result(1, 1, Outcome::Failed))
        .then_nothing()
        .when(acknowledge(1, 1))
        .then_nothing()
        .when(dispatch(1, 1))
        .then_rejected(Code::Expired)
        .at(START + REBOOT_LIFETIME)
        .when(expire(1))
        .then_nothing();
}

#[test]
fn a_result_of_what_was_never_sent_is_refused() {
    online().when(request(1)).then_accepted().when(result(1, 1, Outcome::Failed)).then_rejected(Code::CommandUnknown);
}

#[test]
fn a_command_expires_when_its_time_has_come_and_once() {
    let end = START + REBOOT_LIFETIME;
    for events in [vec![], vec![dispatched(1, 1, 1)], vec![dispatched(1, 1, 1), received(1, 1)]] {
        given::<Device>([enrolled(), requested(1, 1, START)].into_iter().chain(events))
            .at(end - MOMENT)
            .when(expire(1))
            .then_nothing()
            .when(dispatch(1, 1))
            .then_accepted()
            .at(end)
            .when(dispatch(1, 1))
            .then_rejected(Code::Expired)
            .when(expire(1))
            .then([expired(1)])
            .when(expire(1))
            .then_nothing()
            .when(dispatch(1, 1))
            .then_rejected(Code::Expired);
    }
    online().when(expire(1)).then_nothing();
}

#[test]
fn a_late_result_is_recorded() {
    let story = given::<Device>([enrolled(), requested(1, 1, START), dispatched(1, 1, 1), expired(1)])
        .at(START + Duration::hours(1))
        .when(acknowledge(1, 1))
        .then_nothing()
        .when(result(1, 1, Outcome::Failed))
        .then([failed(1)]);
    assert_eq!(story.state().command(command(1)).unwrap().stage, Stage::Refused);
}

#[test]
fn the_oldest_ended_commands_are_forgotten_and_open_ones_never() {
    let mut story = online().when(request(5000)).then_accepted();
    for number in 1..=300 {
        story = story
            .when(request(number))
            .then_accepted()
            .when(dispatch(number, 1))
            .then_accepted()
            .when(result(number, 1, Outcome::Failed))
            .then([failed(number)]);
    }
    assert!(story.state().command(command(5000)).is_some());
    assert!(story.state().command(command(200)).is_none());
    assert!(story.state().command(command(201)).is_some());
    assert_eq!(story.state().last_sequence(), 301);
    story.when(result(200, 1, Outcome::Failed)).then_rejected(Code::CommandUnknown);
}

#[test]
fn one_that_was_logged_out_takes_no_more_commands() {
    let story = online().when(request(1)).then_accepted().when(DeviceCommand::LogOut);
    let story = story.then([DeviceLoggedOut {}.into()]).when(DeviceCommand::LogOut).then_nothing();
    assert!(story.state().is_logged_out());
    story
        .when(request(2))
        .then_rejected(Code::UnitLoggedOut)
        // What it still had to say counts, and admins may tidy up.
        .when(dispatch(1, 1))
        .then_accepted()
        .when(acknowledge(1, 1))
        .then_accepted()
        .when(DeviceCommand::Rename { name: "Old desk".to_owned() })
        .then_accepted();
    given::<Device>([]).when(DeviceCommand::LogOut).then_rejected(Code::NotFound);
}
