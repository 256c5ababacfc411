use chrono::Duration;
use schema::{
    ChallengeId, EmailKey, SignupId,
    events::signup::{
        SignupBegun, SignupCodeRejected, SignupCompleted, SignupEmailConfirmed, SignupEvent, SignupExpired,
    },
};

use super::{account, anna, email, organization, sealed, uuid};
use crate::{
    Code, Signup, SignupCommand,
    signup::{CODE_LIFETIME, CODE_TRIES, SIGNUP_LIFETIME},
    spec::{START, given},
    text::DomainName,
};

const MOMENT: Duration = Duration::microseconds(1);

fn begin_at(domain: &str, domain_taken: bool, already_registered: bool) -> SignupCommand {
    SignupCommand::Begin {
        signup: SignupId(uuid(1)),
        account: account(1),
        email: email(),
        email_key: EmailKey("k".to_owned()),
        domain: DomainName::parse(domain).unwrap(),
        locale: "en".to_owned(),
        challenge: ChallengeId(uuid(2)),
        domain_taken,
        already_registered,
    }
}

fn begun_with(already_registered: bool) -> SignupEvent {
    SignupBegun {
        signup: SignupId(uuid(1)),
        account: account(1),
        email: email(),
        email_key: EmailKey("k".to_owned()),
        domain: "example.com".to_owned(),
        locale: "en".to_owned(),
        challenge: ChallengeId(uuid(2)),
        code_expires_at: START + CODE_LIFETIME,
        expires_at: START + SIGNUP_LIFETIME,
        already_registered,
    }
    .into()
}

fn begun() -> SignupEvent {
    begun_with(false)
}

fn confirmed() -> SignupEvent {
    SignupEmailConfirmed {}.into()
}

fn rejected(tries_left: u32) -> SignupEvent {
    SignupCodeRejected { tries_left }.into()
}

fn completion() -> SignupCompleted {
    SignupCompleted {
        organization: organization(1),
        organization_name: "Example".to_owned(),
        profile: sealed(&anna()),
        locale: "en".to_owned(),
        credential: uuid(9),
    }
}

fn completed() -> SignupEvent {
    completion().into()
}

fn complete() -> SignupCommand {
    let SignupCompleted { organization, organization_name, profile, locale, credential } = completion();
    SignupCommand::Complete { organization, organization_name, profile, locale, credential }
}

const RIGHT: SignupCommand = SignupCommand::ConfirmEmail { code_matches: true };
const WRONG: SignupCommand = SignupCommand::ConfirmEmail { code_matches: false };

#[test]
fn the_whole_way() {
    given::<Signup>([])
        .when(begin_at("example.com", false, false))
        .then([begun()])
        .when(RIGHT)
        .then([confirmed()])
        .when(complete())
        .then([completed()]);
}

#[test]
fn a_consumer_domain_is_refused_and_so_is_a_part_of_one() {
    given::<Signup>([]).when(begin_at("gmail.com", false, false)).then_rejected(Code::ConsumerEmailDomain);
    given::<Signup>([]).when(begin_at("uk.yahoo.com", false, false)).then_rejected(Code::ConsumerEmailDomain);
}

#[test]
fn a_domain_that_an_organization_verified_is_refused() {
    given::<Signup>([]).when(begin_at("example.com", true, false)).then_rejected(Code::DomainTaken);
}

#[test]
fn it_begins_once() {
    given::<Signup>([begun()]).when(begin_at("example.com", false, false)).then_rejected(Code::AlreadyUsed);
}

#[test]
fn nothing_can_be_done_to_one_that_never_began() {
    for command in [RIGHT, WRONG, complete(), SignupCommand::Expire] {
        given::<Signup>([]).when(command).then_rejected(Code::NotFound);
    }
}

#[test]
fn a_wrong_code_counts_and_the_tenth_is_the_last() {
    let mut story = given::<Signup>([begun()]);
    for tries_left in (0..CODE_TRIES).rev() {
        story = story.when(WRONG).then([rejected(tries_left)]);
    }
    story.when(RIGHT).then_rejected(Code::TooManyTries).when(WRONG).then_rejected(Code::TooManyTries);
}

#[test]
fn the_right_code_counts_even_as_the_tenth_try() {
    given::<Signup>(std::iter::once(begun()).chain((1..CODE_TRIES).rev().map(rejected)))
        .when(RIGHT)
        .then([confirmed()])
        .when(complete())
        .then([completed()]);
}

#[test]
fn the_code_is_good_for_ten_minutes() {
    let story = given::<Signup>([begun()]);
    story.clone().at(START + CODE_LIFETIME - MOMENT).when(RIGHT).then([confirmed()]);
    story.clone().at(START + CODE_LIFETIME).when(RIGHT).then_rejected(Code::Expired);
    story.at(START + CODE_LIFETIME).when(WRONG).then_rejected(Code::Expired);
}

#[test]
fn an_address_with_an_account_is_told_the_same_as_a_wrong_code() {
    given::<Signup>([begun_with(true)])
        .when(RIGHT)
        .then([rejected(CODE_TRIES - 1)])
        .when(complete())
        .then_rejected(Code::EmailNotConfirmed);
}

#[test]
fn entering_the_code_again_changes_nothing() {
    given::<Signup>([begun(), confirmed()]).when(RIGHT).then_nothing();
}

#[test]
fn a_wrong_code_does_not_undo_the_right_one() {
    given::<Signup>([begun(), confirmed()])
        .when(WRONG)
        .then([rejected(CODE_TRIES - 1)])
        .when(complete())
        .then([completed()]);
}

#[test]
fn nobody_completes_without_the_code() {
    given::<Signup>([begun()]).when(complete()).then_rejected(Code::EmailNotConfirmed);
}

#[test]
fn it_completes_once() {
    given::<Signup>([begun(), confirmed(), completed()])
        .when(complete())
        .then_rejected(Code::AlreadyUsed)
        .when(RIGHT)
        .then_rejected(Code::AlreadyUsed)
        .when(SignupCommand::Expire)
        .then_nothing();
}

#[test]
fn it_has_an_hour() {
    let story = given::<Signup>([begun(), confirmed()]);
    story.clone().at(START + SIGNUP_LIFETIME - MOMENT).when(complete()).then([completed()]);
    story.at(START + SIGNUP_LIFETIME).when(complete()).then_rejected(Code::Expired);
}

#[test]
fn it_expires_when_its_time_has_come_and_once() {
    given::<Signup>([begun(), confirmed()])
        .at(START + SIGNUP_LIFETIME - MOMENT)
        .when(SignupCommand::Expire)
        .then_nothing()
        .at(START + SIGNUP_LIFETIME)
        .when(SignupCommand::Expire)
        .then([SignupExpired {}.into()])
        .when(SignupCommand::Expire)
        .then_nothing()
        .at(START)
        .when(complete())
        .then_rejected(Code::Expired)
        .when(RIGHT)
        .then_rejected(Code::Expired);
}
