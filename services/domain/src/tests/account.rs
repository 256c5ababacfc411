use chrono::Duration;
use schema::{
    AccountOrigin, ChallengeId, EmailKey, LoginMethod, Timestamp,
    events::account::{AccountAbandoned, AccountActivated, AccountActivationLinkIssued, AccountCreated, AccountEvent},
};

use super::{account, anna, email, organization, sealed, uuid};
use crate::{
    Account, AccountCommand, AccountStatus, Aggregate, Code,
    account::ACTIVATION_LINK_LIFETIME,
    spec::{START, given},
};

pub(super) fn details() -> AccountCreated {
    AccountCreated {
        account: account(1),
        organization: organization(1),
        email: email(),
        email_key: EmailKey("k".to_owned()),
        domain: "example.com".to_owned(),
        profile: sealed(&anna()),
        locale: "en".to_owned(),
        login_method: LoginMethod::Password,
        origin: AccountOrigin::Admin,
    }
}

pub(super) fn created() -> AccountEvent {
    details().into()
}

pub(super) fn challenge(number: u128) -> ChallengeId {
    ChallengeId(uuid(number))
}

pub(super) fn linked(number: u128, expires_at: Timestamp) -> AccountEvent {
    AccountActivationLinkIssued { challenge: challenge(number), expires_at, mailed: true }.into()
}

pub(super) fn invited() -> AccountEvent {
    linked(5, START + ACTIVATION_LINK_LIFETIME)
}

pub(super) fn activated(challenge: Option<ChallengeId>, credential: u128) -> AccountEvent {
    AccountActivated { challenge, credential: uuid(credential) }.into()
}

fn create(invite: Option<u128>, credential: Option<u128>) -> AccountCommand {
    let (invite, credential) = (invite.map(challenge), credential.map(uuid));
    AccountCommand::Create { account: Box::new(details()), invite, credential }
}

pub(super) fn activate(number: u128, credential: u128) -> AccountCommand {
    AccountCommand::Activate { challenge: challenge(number), credential: uuid(credential) }
}

#[test]
fn an_admin_adds_a_person_who_is_mailed_a_link() {
    let story = given::<Account>([]).when(create(Some(5), None)).then([created(), invited()]);
    assert_eq!(story.state().status(), AccountStatus::Added);
    assert_eq!(story.state().credential(), None);
    assert_eq!(story.state().organization(), Some(organization(1)));
    story.when(create(Some(6), None)).then_nothing();
}

#[test]
fn a_founder_can_sign_in_at_once() {
    let story = given::<Account>([]).when(create(None, Some(9))).then([created(), activated(None, 9)]);
    assert_eq!(story.state().status(), AccountStatus::Activated);
    assert_eq!(story.state().credential(), Some(uuid(9)));
    assert_eq!(story.state().login_method(), Some(LoginMethod::Password));
}

#[test]
fn the_link_activates_once() {
    let story = given::<Account>([created(), invited()])
        .when(activate(5, 7))
        .then([activated(Some(challenge(5)), 7)])
        .when(activate(5, 8))
        .then_rejected(Code::LinkInvalid);
    assert_eq!(story.state().credential(), Some(uuid(7)));
    assert_eq!(story.state().activation_link(), None);
}

#[test]
fn the_link_is_good_for_72_hours() {
    let story = given::<Account>([created(), invited()]);
    let end = START + ACTIVATION_LINK_LIFETIME;
    story.clone().at(end).when(activate(5, 7)).then_rejected(Code::LinkInvalid);
    story.at(end - Duration::microseconds(1)).when(activate(5, 7)).then_accepted();
}

#[test]
fn a_new_link_voids_the_old_one() {
    let later = START + Duration::hours(100);
    given::<Account>([created(), invited(), linked(6, later)])
        .when(activate(5, 7))
        .then_rejected(Code::LinkInvalid)
        .when(activate(6, 7))
        .then([activated(Some(challenge(6)), 7)]);
}

#[test]
fn a_link_of_another_account_or_of_none_does_nothing() {
    given::<Account>([created(), invited()]).when(activate(99, 7)).then_rejected(Code::LinkInvalid);
    given::<Account>([created()]).when(activate(5, 7)).then_rejected(Code::LinkInvalid);
    given::<Account>([]).when(activate(5, 7)).then_rejected(Code::LinkInvalid);
}

#[test]
fn a_link_that_is_issued_after_activation_does_not_replace_the_password() {
    given::<Account>([created(), activated(None, 9), linked(6, START + Duration::hours(1))])
        .when(activate(6, 7))
        .then_rejected(Code::LinkInvalid);
}

#[test]
fn a_stuck_creation_is_given_up_for_good() {
    let story = given::<Account>([])
        .when(AccountCommand::Abandon)
        .then([AccountAbandoned {}.into()])
        .when(AccountCommand::Abandon)
        .then_nothing()
        .when(create(Some(5), None))
        .then_rejected(Code::Busy);
    assert_eq!(story.state().status(), AccountStatus::Abandoned);
}

#[test]
fn an_account_that_was_created_is_not_given_up() {
    given::<Account>([created(), invited()]).when(AccountCommand::Abandon).then_nothing();
    given::<Account>([created(), activated(None, 9)]).when(AccountCommand::Abandon).then_nothing();
}
