//! Passwords that are forced, forgotten and changed, and requests to the support.

use chrono::Duration;
use schema::{
    EmailKey, SupportRequestId,
    events::{
        account::{AccountEvent, AccountPasswordChanged, AccountPasswordResetForced, AccountPasswordResetLinkIssued},
        recovery::RecoveryRequested,
        support::SupportRequested,
    },
};

use super::{
    account as account_id,
    account::{activated, challenge, created, invited},
    organization, person, sealed, uuid,
};
use crate::{
    Account, AccountCommand, Code, Recovery, RecoveryCommand, RequestRecovery, RequestSupport, SupportRequest,
    account::RESET_LINK_LIFETIME,
    spec::{Given, START, given},
    support::{MESSAGE_CHARACTERS, message},
};

fn active() -> Given<Account> {
    given([created(), activated(None, 9)])
}

fn link(number: u128, forced: bool) -> AccountEvent {
    let expires_at = START + RESET_LINK_LIFETIME;
    AccountPasswordResetLinkIssued { challenge: challenge(number), expires_at, forced }.into()
}

fn issue(number: u128) -> AccountCommand {
    AccountCommand::IssueResetLink { challenge: challenge(number) }
}

fn force(number: u128) -> AccountCommand {
    AccountCommand::ForcePasswordReset { challenge: challenge(number) }
}

fn reset(number: u128, credential: u128) -> AccountCommand {
    AccountCommand::ResetPassword { challenge: challenge(number), credential: uuid(credential) }
}

fn change(checked: u128, credential: u128) -> AccountCommand {
    AccountCommand::ChangePassword { checked: uuid(checked), credential: uuid(credential) }
}

fn changed(by: Option<u128>, credential: u128, replaced: u128) -> AccountEvent {
    let (challenge, replaced) = (by.map(challenge), Some(uuid(replaced)));
    AccountPasswordChanged { challenge, credential: uuid(credential), replaced }.into()
}

#[test]
fn a_forgotten_password_is_replaced_by_link_once() {
    let story = active().when(issue(3)).then([link(3, false)]).when(issue(3)).then_nothing();
    let story = story.when(reset(3, 10)).then([changed(Some(3), 10, 9)]).when(reset(3, 11));
    let story = story.then_rejected(Code::LinkInvalid);
    assert_eq!((story.state().credential(), story.state().session_epoch()), (Some(uuid(10)), 1));
    assert!(story.state().keeps_unit(0), "Portal units stay logged in");
}

#[test]
fn the_link_is_good_for_20_minutes_and_until_the_next_one() {
    let story = active().when(issue(3)).then_accepted();
    let end = START + RESET_LINK_LIFETIME;
    story.clone().at(end).when(reset(3, 10)).then_rejected(Code::LinkInvalid);
    story.clone().at(end - Duration::microseconds(1)).when(reset(3, 10)).then_accepted();
    story.clone().when(reset(4, 10)).then_rejected(Code::LinkInvalid);
    let newer = story.when(issue(4)).then([link(4, false)]).when(reset(3, 10)).then_rejected(Code::LinkInvalid);
    newer.when(reset(4, 10)).then_accepted();
}

#[test]
fn a_link_does_not_outlast_what_ends_the_access() {
    let linked = active().when(issue(3)).then_accepted();
    for ending in [AccountCommand::Deactivate { epoch: None }, AccountCommand::SetToCreated { epoch: None }] {
        linked.clone().when(ending).then_accepted().when(reset(3, 10)).then_rejected(Code::LinkInvalid);
    }
    let back = linked.when(AccountCommand::Deactivate { epoch: None }).then_accepted();
    let back = back.when(AccountCommand::Reactivate).then_accepted();
    back.when(reset(3, 10)).then_rejected(Code::LinkInvalid);
}

#[test]
fn who_is_not_active_gets_no_link() {
    for (story, code) in [
        (given::<Account>([created(), invited()]), Code::AccountNotActivated),
        (active().when(AccountCommand::Deactivate { epoch: None }).then_accepted(), Code::AccountDeactivated),
    ] {
        // Nobody is told who only asks on the sign-in page.
        story.clone().when(issue(3)).then_nothing();
        story.clone().when(force(3)).then_rejected(code);
        story.clone().when(reset(3, 10)).then_rejected(Code::LinkInvalid);
        story.when(change(9, 10)).then_rejected(code);
    }
    given::<Account>([]).when(reset(3, 10)).then_rejected(Code::LinkInvalid);
}

#[test]
fn a_forced_reset_ends_sessions_and_lasts_until_there_is_another_password() {
    let forced = AccountEvent::from(AccountPasswordResetForced {});
    let story = active().when(force(3)).then([forced, link(3, true)]);
    assert!(story.state().must_reset() && story.state().keeps_unit(0));
    assert_eq!(story.state().session_epoch(), 1);
    // The first link may be lost: one that was asked for does as well.
    let story = story.when(issue(4)).then([link(4, false)]);
    assert!(story.state().must_reset());
    let story = story.when(reset(4, 10)).then([changed(Some(4), 10, 9)]);
    assert!(!story.state().must_reset());
    let set_back = active().when(force(3)).then_accepted().when(AccountCommand::SetToCreated { epoch: None });
    assert!(!set_back.then_accepted().state().must_reset());
}

#[test]
fn who_knows_the_password_changes_it() {
    let story = active().when(change(9, 10)).then([changed(None, 10, 9)]);
    assert_eq!((story.state().credential(), story.state().session_epoch()), (Some(uuid(10)), 1));
    // Checked against a password that somebody else has replaced meanwhile.
    story.when(change(9, 11)).then_rejected(Code::WrongCredentials).when(change(10, 11)).then_accepted();
    let linked = active().when(issue(3)).then_accepted().when(change(9, 10)).then_accepted();
    linked.when(reset(3, 11)).then_rejected(Code::LinkInvalid);
}

#[test]
fn whoever_asks_for_help_with_a_password_leaves_the_same_trace() {
    let email_key = EmailKey("k".to_owned());
    let ask = |number| {
        let (email_key, challenge) = (email_key.clone(), challenge(number));
        RecoveryCommand::Request(RequestRecovery { email_key, challenge })
    };
    let asked = |number| RecoveryRequested { email_key: email_key.clone(), challenge: challenge(number) }.into();
    given::<Recovery>([]).when(ask(1)).then([asked(1)]).when(ask(2)).then([asked(2)]);
    let answered: schema::events::RecoveryEvent =
        schema::events::recovery::RecoveryAnswered { challenge: challenge(1) }.into();
    let answer = RecoveryCommand::Answer(challenge(1));
    given::<Recovery>([asked(1)]).when(answer.clone()).then([answered]).when(answer).then_nothing();
}

#[test]
fn the_support_is_asked_once_and_by_oneself() {
    let requested = SupportRequested {
        request: SupportRequestId(uuid(1)),
        account: account_id(1),
        organization: organization(1),
        subject: sealed(&"A question".to_owned()),
        message: sealed(&"How?".to_owned()),
    };
    let ask = || RequestSupport(Box::new(requested.clone()));
    given::<SupportRequest>([]).by(person(2)).when(ask()).then_rejected(Code::Forbidden);
    let story = given::<SupportRequest>([]).by(person(1)).when(ask()).then([requested.clone().into()]);
    assert_eq!(story.state().requested(), Some(&requested));
    story.when(ask()).then_nothing();
}

#[test]
fn a_message_has_lines_and_nothing_hidden() {
    assert_eq!(message("  Dear all,\r\n\r\n\tit smokes.  \n").unwrap(), "Dear all,\n\nit smokes.");
    let long = "x".repeat(MESSAGE_CHARACTERS);
    assert_eq!(message(&long).unwrap(), long);
    for (text, code) in [
        ("", Code::Required),
        (" \n\t\n", Code::Required),
        (&format!("{long}\nx"), Code::TooLong),
        (&"é".repeat(100_000), Code::TooLong),
        ("bell \u{7}", Code::InvalidCharacters),
        ("from the right \u{202e}", Code::InvalidCharacters),
    ] {
        assert_eq!(message(text).unwrap_err().code, code, "{:?}", text.chars().take(20).collect::<String>());
    }
}
