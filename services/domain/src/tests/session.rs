use chrono::Duration;
use schema::{
    LoginMethod, SessionId, Timestamp,
    events::session::{SessionEnded, SessionStarted},
};

use super::{account, organization, person, uuid};
use crate::{
    Aggregate, Code, Session, SessionCommand,
    session::SESSION_LIFETIME,
    spec::{START, given},
};

fn started(expires_at: Timestamp) -> SessionStarted {
    SessionStarted {
        session: SessionId(uuid(1)),
        account: account(1),
        organization: organization(1),
        method: LoginMethod::Password,
        secret_sha256: "00".repeat(32),
        epoch: 0,
        expires_at,
    }
}

#[test]
fn it_lasts_thirty_days_at_most() {
    let end = START + SESSION_LIFETIME;
    let wanted = started(START + Duration::days(1000));
    let story = given::<Session>([])
        .when(SessionCommand::Start { started: wanted, origin: None, federated: None })
        .then([started(end).into()]);
    assert_eq!(story.state().valid(end - Duration::microseconds(1)), Some(&started(end)));
    assert_eq!(story.state().valid(end), None);
    assert_eq!(story.state().owner(), Some(person(1)));
    let short = started(START + Duration::hours(1));
    given::<Session>([])
        .when(SessionCommand::Start { started: short.clone(), origin: None, federated: None })
        .then([short.into()]);
}

#[test]
fn it_starts_once() {
    let start = started(START + Duration::hours(1));
    given::<Session>([start.clone().into()])
        .when(SessionCommand::Start { started: start, origin: None, federated: None })
        .then_rejected(Code::AlreadyUsed);
}

#[test]
fn signing_out_ends_it_for_good_and_can_be_repeated() {
    let start = started(START + Duration::hours(1));
    let story = given::<Session>([start.clone().into()])
        .when(SessionCommand::End)
        .then([SessionEnded {}.into()])
        .when(SessionCommand::End)
        .then_nothing()
        .when(SessionCommand::Start { started: start, origin: None, federated: None })
        .then_rejected(Code::AlreadyUsed);
    assert_eq!(story.state().valid(START), None);
}

#[test]
fn one_that_never_began_is_neither_valid_nor_ended() {
    let story = given::<Session>([]).when(SessionCommand::End).then_rejected(Code::NotFound);
    assert_eq!(story.state().valid(START), None);
}
