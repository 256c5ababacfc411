//! A reboot has succeeded when the unit reports a boot that began after the command was sent, and that it has stored
//! the command. Nothing else proves it.

use chrono::Duration;
use schema::events::device::{DeviceCommandSucceeded, DeviceEvent, DeviceStatusReported};

use super::{
    command,
    device::{
        acknowledge, connected, dispatch, dispatched, enrolled, expired, failed, online, received, request, requested,
        result, status,
    },
    uuid,
};
use crate::{
    Code, Device, DeviceCommand, Outcome,
    device::Stage,
    spec::{Given, START, given},
};

fn report(boot: u128, last_sequence: u64) -> DeviceCommand {
    DeviceCommand::ReportStatus(status(boot, last_sequence))
}

fn reported(boot: u128, last_sequence: u64) -> DeviceEvent {
    status(boot, last_sequence).into()
}

fn succeeded(number: u128, boot: u128) -> DeviceEvent {
    DeviceCommandSucceeded { command: command(number), boot_id: Some(uuid(boot)) }.into()
}

/// Online in boot 1, which it has reported.
fn in_boot_one() -> Given<Device> {
    online().when(report(1, 0)).then([reported(1, 0)])
}

/// A reboot was asked for and sent to boot 1.
fn sent() -> Given<Device> {
    in_boot_one().when(request(1)).then([requested(1, 1, START)]).when(dispatch(1, 1)).then([dispatched(1, 1, 1)])
}

#[test]
fn a_new_boot_that_has_stored_the_command_is_the_proof() {
    let story = sent()
        .when(acknowledge(1, 1))
        .then([received(1, 1)])
        .when(report(1, 1))
        .then_nothing()
        .when(DeviceCommand::Connect { connection: uuid(2) })
        .then([connected(2)])
        .when(report(2, 1))
        .then([reported(2, 1), succeeded(1, 2)])
        .when(report(2, 1))
        .then_nothing();
    assert_eq!(story.state().command(command(1)).unwrap().stage, Stage::Succeeded);
    assert!(story.state().open_commands().is_empty());
}

#[test]
fn it_is_proven_even_if_the_receipt_got_lost() {
    sent().when(report(2, 1)).then([reported(2, 1), succeeded(1, 2)]).when(acknowledge(1, 1)).then_nothing();
}

#[test]
fn the_unit_cannot_just_say_so() {
    sent()
        .when(result(1, 1, Outcome::Succeeded))
        .then_rejected(Code::NotProven)
        .when(acknowledge(1, 1))
        .then_accepted()
        .when(result(1, 1, Outcome::Succeeded))
        .then_rejected(Code::NotProven);
    // Once proven, repeating it is harmless.
    sent().when(report(2, 1)).then_accepted().when(result(1, 1, Outcome::Succeeded)).then_nothing();
}

#[test]
fn the_same_boot_proves_nothing() {
    sent().when(report(1, 1)).then_nothing();
    let other_version = DeviceStatusReported { software_version: "1.1".to_owned(), ..status(1, 1) };
    sent().when(DeviceCommand::ReportStatus(other_version.clone())).then([other_version.into()]);
}

#[test]
fn a_boot_before_the_command_was_sent_proves_nothing() {
    in_boot_one().when(request(1)).then_accepted().when(report(2, 1)).then([reported(2, 1)]);
}

#[test]
fn a_new_boot_that_has_not_stored_the_command_proves_nothing() {
    // It restarted by itself; the command is sent again, to the new boot.
    sent()
        .when(report(2, 0))
        .then([reported(2, 0)])
        .when(dispatch(1, 2))
        .then([dispatched(1, 2, 2)])
        .when(report(2, 1))
        .then_nothing()
        .when(report(3, 1))
        .then([reported(3, 1), succeeded(1, 3)]);
}

#[test]
fn a_sending_over_a_dead_connection_does_not_make_the_running_boot_a_proof() {
    // The unit runs boot 2 and has stored the command; a dispatcher that still holds the connection of boot 1 sends again.
    let story =
        given::<Device>([enrolled(), connected(2), reported(2, 0), requested(1, 1, START), dispatched(1, 1, 2)]);
    story
        .when(dispatch(1, 1))
        .then([dispatched(1, 2, 1)])
        .when(report(2, 1))
        .then_nothing()
        .when(report(3, 1))
        .then([reported(3, 1), succeeded(1, 3)]);
    // The same if only the dead connection was sent to: boot 2 was reported before.
    given::<Device>([enrolled(), connected(2), reported(2, 0), requested(1, 1, START)])
        .when(dispatch(1, 1))
        .then([dispatched(1, 1, 1)])
        .when(report(2, 1))
        .then_nothing();
}

#[test]
fn a_status_of_an_earlier_boot_that_arrives_late_proves_nothing() {
    sent()
        .when(report(2, 0))
        .then_accepted()
        .when(dispatch(1, 2))
        .then_accepted()
        .when(report(1, 1))
        .then([reported(1, 1)]);
}

#[test]
fn whoever_claims_to_have_stored_what_was_never_sent_proves_nothing() {
    sent().when(report(2, 2)).then([reported(2, 2)]);
    sent().when(report(2, u64::MAX)).then([reported(2, u64::MAX)]);
}

#[test]
fn a_command_that_was_sent_without_a_known_boot_is_not_provable() {
    let unknown = schema::events::device::DeviceCommandDispatched { command: command(1), attempt: 1, boot_id: None };
    given::<Device>([enrolled(), requested(1, 1, START), unknown.into()]).when(report(2, 1)).then([reported(2, 1)]);
}

#[test]
fn one_boot_proves_every_reboot_that_was_stored_before_it() {
    sent()
        .when(request(2))
        .then([requested(2, 2, START)])
        .when(dispatch(2, 1))
        .then_accepted()
        .when(request(3))
        .then_accepted()
        .when(report(2, 2))
        .then([reported(2, 2), succeeded(1, 2), succeeded(2, 2)]);
    // Stored the first only.
    sent()
        .when(request(2))
        .then_accepted()
        .when(dispatch(2, 1))
        .then_accepted()
        .when(report(2, 1))
        .then([reported(2, 1), succeeded(1, 2)]);
}

#[test]
fn a_proof_after_the_end_is_recorded() {
    let story = given::<Device>([enrolled(), reported(1, 0), requested(1, 1, START), dispatched(1, 1, 1), expired(1)])
        .at(START + Duration::hours(2))
        .when(report(2, 1))
        .then([reported(2, 1), succeeded(1, 2)])
        .when(report(3, 1))
        .then([reported(3, 1)]);
    assert_eq!(story.state().command(command(1)).unwrap().stage, Stage::Succeeded);
    // One that was never sent and expired was not done by whatever boot follows.
    given::<Device>([enrolled(), reported(1, 0), requested(1, 1, START), expired(1)])
        .when(report(2, 1))
        .then([reported(2, 1)]);
}

#[test]
fn a_unit_that_said_it_could_not_is_believed() {
    sent().when(result(1, 1, Outcome::Failed)).then([failed(1)]).when(report(2, 1)).then([reported(2, 1)]);
}
