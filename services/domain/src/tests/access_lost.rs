//! Accounts that are deactivated, logged out, set back, and come back.

use chrono::Duration;
use schema::{
    LoginMethod,
    events::account::{
        AccountActivationLinkIssued, AccountCreated, AccountDeactivated, AccountEvent, AccountLoggedOutEverywhere,
        AccountReactivated, AccountStatusSetToCreated,
    },
};

use super::{
    account::{activate, activated, challenge, created, details, invited, linked},
    uuid,
};
use crate::{
    Account, AccountCommand, AccountStatus, Code,
    account::ACTIVATION_LINK_LIFETIME,
    spec::{Given, START, given},
};

const DEACTIVATE: AccountCommand = AccountCommand::Deactivate { epoch: None };
const SET_BACK: AccountCommand = AccountCommand::SetToCreated { epoch: None };

fn added() -> Given<Account> {
    given([created(), invited()])
}

fn active() -> Given<Account> {
    given([created(), activated(None, 9)])
}

fn deactivated() -> AccountEvent {
    AccountDeactivated {}.into()
}

fn reactivated() -> AccountEvent {
    AccountReactivated {}.into()
}

fn set_back(replaced: Option<u128>) -> AccountEvent {
    AccountStatusSetToCreated { replaced: replaced.map(uuid) }.into()
}

fn epochs(story: &Given<Account>) -> (u64, u64) {
    (story.state().session_epoch(), story.state().unit_epoch())
}

#[test]
fn who_is_deactivated_is_logged_out_and_comes_back_as_before() {
    let story = active();
    assert!(story.state().keeps_unit(0) && !story.state().keeps_unit(1));
    let story = story.when(DEACTIVATE).then([deactivated()]).when(DEACTIVATE).then_nothing();
    assert_eq!((story.state().status(), epochs(&story)), (AccountStatus::Deactivated, (1, 1)));
    assert!(!story.state().keeps_unit(0) && !story.state().keeps_unit(1));
    let story =
        story.when(AccountCommand::Reactivate).then([reactivated()]).when(AccountCommand::Reactivate).then_nothing();
    assert_eq!((story.state().status(), epochs(&story)), (AccountStatus::Activated, (1, 1)));
    assert_eq!(story.state().credential(), Some(uuid(9)), "the password still counts");
    assert!(story.state().keeps_unit(1) && !story.state().keeps_unit(0), "units have to be set up again");
}

#[test]
fn who_was_only_added_comes_back_without_the_link() {
    let story = added().when(DEACTIVATE).then([deactivated()]);
    story.clone().when(activate(5, 7)).then_rejected(Code::LinkInvalid);
    let story = story.when(AccountCommand::Reactivate).then([reactivated()]);
    assert_eq!((story.state().status(), story.state().activation_link()), (AccountStatus::Added, None));
    story.when(activate(5, 7)).then_rejected(Code::LinkInvalid);
}

#[test]
fn logging_out_everywhere_ends_sessions_and_units_every_time() {
    let logged_out = || AccountEvent::from(AccountLoggedOutEverywhere {});
    let story = active()
        .when(AccountCommand::LogOutEverywhere)
        .then([logged_out()])
        .when(AccountCommand::LogOutEverywhere)
        .then([logged_out()]);
    assert_eq!((story.state().status(), epochs(&story)), (AccountStatus::Activated, (2, 2)));
    added().when(AccountCommand::LogOutEverywhere).then_nothing();
    active().when(DEACTIVATE).then_accepted().when(AccountCommand::LogOutEverywhere).then_nothing();
}

#[test]
fn set_back_it_has_to_be_activated_again() {
    let story = active().when(SET_BACK).then([set_back(Some(9))]).when(SET_BACK).then_nothing();
    assert_eq!((story.state().status(), epochs(&story)), (AccountStatus::Added, (1, 1)));
    assert_eq!((story.state().credential(), story.state().activation_link()), (None, None));
    let link = AccountCommand::IssueActivationLink { challenge: challenge(6), mailed: true };
    let story = story
        .when(link)
        .then([linked(6, START + ACTIVATION_LINK_LIFETIME)])
        .when(activate(6, 8))
        .then([activated(Some(challenge(6)), 8)]);
    assert_eq!((story.state().status(), epochs(&story)), (AccountStatus::Activated, (1, 1)));
    added().when(SET_BACK).then_nothing();
    active().when(DEACTIVATE).then_accepted().when(SET_BACK).then_rejected(Code::AccountDeactivated);
}

#[test]
fn what_was_left_halfway_is_done_only_if_nothing_happened_since() {
    let deactivate = |epoch| AccountCommand::Deactivate { epoch: Some(epoch) };
    let set_to_created = |epoch| AccountCommand::SetToCreated { epoch: Some(epoch) };
    active().when(deactivate(0)).then([deactivated()]);
    active().when(set_to_created(0)).then([set_back(Some(9))]);
    let since = active().when(AccountCommand::LogOutEverywhere).then_accepted();
    since.clone().when(deactivate(0)).then_nothing().when(set_to_created(0)).then_nothing();
    since.when(deactivate(1)).then([deactivated()]);
    // Finishing is no reason to complain about an account that was deactivated meanwhile.
    active().when(DEACTIVATE).then_accepted().when(set_to_created(0)).then_nothing();
    let back = active().when(DEACTIVATE).then_accepted().when(AccountCommand::Reactivate).then_accepted();
    back.when(deactivate(0)).then_nothing();
}

#[test]
fn an_activation_link_is_for_who_was_only_added() {
    let issue = |number, mailed| AccountCommand::IssueActivationLink { challenge: challenge(number), mailed };
    let shown = AccountActivationLinkIssued {
        challenge: challenge(6),
        expires_at: START + Duration::hours(1) + ACTIVATION_LINK_LIFETIME,
        mailed: false,
    };
    added()
        .later(Duration::hours(1))
        .when(issue(5, true))
        .then_nothing()
        .when(issue(6, false))
        .then([shown.into()])
        .when(activate(5, 7))
        .then_rejected(Code::LinkInvalid)
        .when(activate(6, 7))
        .then_accepted()
        .when(issue(7, false))
        .then_rejected(Code::AlreadyActivated);
    added().when(DEACTIVATE).then_accepted().when(issue(6, false)).then_rejected(Code::AccountDeactivated);
}

#[test]
fn an_account_that_is_not_there_is_not_found() {
    for command in [
        DEACTIVATE,
        SET_BACK,
        AccountCommand::Reactivate,
        AccountCommand::LogOutEverywhere,
        AccountCommand::IssueActivationLink { challenge: challenge(1), mailed: true },
        AccountCommand::ForcePasswordReset { challenge: challenge(1) },
        AccountCommand::ChangeLocale { locale: "de".to_owned() },
    ] {
        let story = given::<Account>([]).when(command.clone()).then_rejected(Code::NotFound);
        let given_up = story.when(AccountCommand::Abandon).then_accepted();
        given_up.when(command).then_rejected(Code::NotFound);
    }
}

#[test]
fn who_signs_in_elsewhere_is_set_back_too() {
    let sso = AccountCreated { login_method: LoginMethod::SingleSignOn, ..details() };
    given::<Account>([sso.into(), activated(None, 9)]).when(SET_BACK).then([set_back(Some(9))]);
}
