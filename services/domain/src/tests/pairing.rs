use chrono::Duration;
use schema::{
    HardwareKey, PairingId, UserCodeKey,
    events::pairing::{PairingApproved, PairingCompleted, PairingEvent, PairingExpired, PairingRequested},
};

use super::{account, device, organization, person, uuid};
use crate::{
    Aggregate, Code, Pairing, PairingCommand, PairingState,
    pairing::PAIRING_LIFETIME,
    spec::{START, given},
};

const MOMENT: Duration = Duration::microseconds(1);

fn request() -> PairingRequested {
    PairingRequested {
        pairing: PairingId(uuid(1)),
        hardware: HardwareKey("h".to_owned()),
        serial: "SN1".to_owned(),
        model: "Portal Mini".to_owned(),
        software_version: "1.0".to_owned(),
        public_key: "{}".to_owned(),
        user_code: UserCodeKey("u".to_owned()),
        network: "192.0.2.0/24".to_owned(),
        expires_at: START + PAIRING_LIFETIME,
    }
}

fn requested() -> PairingEvent {
    request().into()
}

fn approved(by: u128) -> PairingEvent {
    let name = "Desk 4".to_owned();
    PairingApproved { account: account(by), account_epoch: 0, organization: organization(by), device: device(1), name }
        .into()
}

fn approve(by: u128) -> PairingCommand {
    let name = "Desk 4".to_owned();
    PairingCommand::Approve {
        account: account(by),
        account_epoch: 0,
        organization: organization(by),
        device: device(1),
        name,
    }
}

fn completed() -> PairingEvent {
    PairingCompleted { device: device(1) }.into()
}

fn expired() -> PairingEvent {
    PairingExpired {}.into()
}

#[test]
fn the_whole_way() {
    let story = given::<Pairing>([])
        .when(PairingCommand::Request(Box::new(PairingRequested { expires_at: START, ..request() })))
        .then([requested()])
        .by(person(1))
        .when(approve(1))
        .then([approved(1)])
        .when(PairingCommand::Complete)
        .then([completed()]);
    assert_eq!(story.state().state(), PairingState::Completed);
    assert_eq!(story.state().organization(), Some(organization(1)));
    assert_eq!(story.state().owner(), Some(person(1)));
}

#[test]
fn it_is_requested_once() {
    let again = PairingCommand::Request(Box::new(request()));
    given::<Pairing>([requested()]).when(again).then_rejected(Code::AlreadyUsed);
}

#[test]
fn one_that_does_not_exist_is_an_unknown_code() {
    for command in [approve(1), PairingCommand::Complete, PairingCommand::Expire] {
        given::<Pairing>([]).by(person(1)).when(command).then_rejected(Code::UserCodeUnknown);
    }
}

#[test]
fn nobody_connects_in_the_name_of_somebody_else() {
    given::<Pairing>([requested()]).by(person(2)).when(approve(1)).then_rejected(Code::Forbidden);
}

#[test]
fn the_code_is_good_for_ten_minutes() {
    let story = given::<Pairing>([requested()]).by(person(1));
    story.clone().at(START + PAIRING_LIFETIME - MOMENT).when(approve(1)).then([approved(1)]);
    story.at(START + PAIRING_LIFETIME).when(approve(1)).then_rejected(Code::UserCodeUnknown);
}

#[test]
fn who_connected_it_may_do_so_again_and_others_learn_nothing() {
    for events in [vec![requested(), approved(1)], vec![requested(), approved(1), completed()]] {
        given::<Pairing>(events)
            .by(person(1))
            .when(approve(1))
            .then_nothing()
            .by(person(2))
            .when(approve(2))
            .then_rejected(Code::UserCodeUnknown);
    }
    given::<Pairing>([requested(), expired()]).by(person(1)).when(approve(1)).then_rejected(Code::UserCodeUnknown);
}

#[test]
fn a_unit_waits_until_somebody_connects_it_or_the_code_ends() {
    given::<Pairing>([requested()])
        .when(PairingCommand::Complete)
        .then_rejected(Code::PairingPending)
        .at(START + PAIRING_LIFETIME)
        .when(PairingCommand::Complete)
        .then_rejected(Code::Expired);
    given::<Pairing>([requested(), expired()]).when(PairingCommand::Complete).then_rejected(Code::Expired);
}

#[test]
fn what_was_approved_in_time_is_completed_even_late() {
    let late = START + PAIRING_LIFETIME + Duration::minutes(1);
    given::<Pairing>([requested(), approved(1)]).at(late).when(PairingCommand::Complete).then([completed()]);
    // The deadline came between the enrollment of the hardware and its completion.
    given::<Pairing>([requested(), approved(1), expired()]).at(late).when(PairingCommand::Complete).then([completed()]);
}

#[test]
fn a_unit_may_fetch_its_token_again_while_its_code_lives() {
    given::<Pairing>([requested(), approved(1), completed()])
        .when(PairingCommand::Complete)
        .then_nothing()
        .at(START + PAIRING_LIFETIME)
        .when(PairingCommand::Complete)
        .then_rejected(Code::Expired);
}

#[test]
fn it_expires_when_its_time_has_come_and_once() {
    for events in [vec![requested()], vec![requested(), approved(1)]] {
        given::<Pairing>(events)
            .at(START + PAIRING_LIFETIME - MOMENT)
            .when(PairingCommand::Expire)
            .then_nothing()
            .at(START + PAIRING_LIFETIME)
            .when(PairingCommand::Expire)
            .then([expired()])
            .when(PairingCommand::Expire)
            .then_nothing();
    }
    given::<Pairing>([requested(), approved(1), completed()])
        .at(START + PAIRING_LIFETIME)
        .when(PairingCommand::Expire)
        .then_nothing();
}
