//! A person's details: profile, language, email address.

use schema::{
    EmailKey, Personal, Profile,
    events::account::{
        AccountEmailChangeAbandoned, AccountEmailChangeBegun, AccountEmailChanged, AccountEvent, AccountLocaleChanged,
        AccountProfileChanged,
    },
};

use super::{
    account::{activate, activated, challenge, created, details, invited, linked},
    anna, email, sealed,
};
use crate::{
    Account, AccountCommand, Code,
    account::{ACTIVATION_LINK_LIFETIME, AccountStatus},
    spec::{START, given},
};

fn other_profile() -> Personal<Profile> {
    sealed(&Profile { job_title: Some("Pilot".to_owned()), ..anna() })
}

fn new_email() -> Personal<String> {
    sealed(&"anna.sommer@example.org".to_owned())
}

fn key(text: &str) -> EmailKey {
    EmailKey(text.to_owned())
}

fn begin(text: &str) -> AccountCommand {
    AccountCommand::BeginEmailChange { email_key: key(text) }
}

fn begun(text: &str) -> AccountEvent {
    AccountEmailChangeBegun { email_key: key(text) }.into()
}

fn abandon(text: &str) -> AccountCommand {
    AccountCommand::AbandonEmailChange { email_key: key(text) }
}

fn abandoned(text: &str) -> AccountEvent {
    AccountEmailChangeAbandoned { email_key: key(text) }.into()
}

fn change(text: &str) -> AccountCommand {
    AccountCommand::ChangeEmail {
        email: new_email(),
        email_key: key(text),
        domain: "example.org".to_owned(),
        invite: challenge(6),
    }
}

fn changed(text: &str) -> AccountEvent {
    let (email, previous) = (new_email(), email());
    let domain = "example.org".to_owned();
    AccountEmailChanged { email, email_key: key(text), domain, previous, previous_key: key("k") }.into()
}

#[test]
fn two_changes_of_a_profile_do_not_undo_each_other() {
    let (base, profile) = (details().profile, other_profile());
    let edit = AccountCommand::ChangeProfile { base, profile: profile.clone() };
    let story = given::<Account>([created()])
        .when(edit.clone())
        .then([AccountProfileChanged { profile: profile.clone() }.into()])
        .when(edit)
        .then_rejected(Code::Busy);
    assert_eq!(story.state().details().unwrap().profile, profile);
    let edit = AccountCommand::ChangeProfile { base: profile, profile: details().profile };
    story.when(edit).then([AccountProfileChanged { profile: details().profile }.into()]);
}

#[test]
fn the_language_changes() {
    let change = |locale: &str| AccountCommand::ChangeLocale { locale: locale.to_owned() };
    let story = given::<Account>([created()])
        .when(change("en"))
        .then_nothing()
        .when(change("de"))
        .then([AccountLocaleChanged { locale: "de".to_owned() }.into()])
        .when(change("de"))
        .then_nothing();
    assert_eq!(story.state().details().unwrap().locale, "de");
}

#[test]
fn an_address_changes_once_it_is_reserved() {
    let story = given::<Account>([created(), activated(None, 9)])
        .when(change("n"))
        .then_rejected(Code::Busy)
        .when(begin("n"))
        .then([begun("n")])
        .when(begin("n"))
        .then_nothing()
        .when(change("n"))
        .then([changed("n")])
        .when(change("n"))
        .then_nothing()
        .when(begin("n"))
        .then_nothing();
    let now = story.state().details().unwrap();
    assert_eq!((&now.email, &now.email_key, now.domain.as_str()), (&new_email(), &key("n"), "example.org"));
    assert_eq!(story.state().session_epoch(), 0, "nobody is logged out by it");
}

#[test]
fn a_change_that_was_given_up_has_to_begin_again() {
    given::<Account>([created()])
        .when(abandon("n"))
        .then_nothing()
        .when(begin("n"))
        .then([begun("n")])
        .when(abandon("other"))
        .then_nothing()
        .when(abandon("n"))
        .then([abandoned("n")])
        .when(change("n"))
        .then_rejected(Code::Busy)
        .when(begin("n"))
        .then([begun("n")])
        .when(change("n"))
        .then([changed("n")]);
}

#[test]
fn of_two_changes_the_one_that_began_last_goes_through() {
    given::<Account>([created(), begun("n")])
        .when(begin("m"))
        .then([begun("m")])
        .when(change("n"))
        .then_rejected(Code::Busy)
        .when(change("m"))
        .then([changed("m")]);
}

#[test]
fn links_that_were_mailed_to_the_address_before_are_void() {
    let invitation = linked(6, START + ACTIVATION_LINK_LIFETIME);
    let story = given::<Account>([created(), invited(), begun("n")])
        .when(change("n"))
        .then([changed("n"), invitation])
        .when(activate(5, 7))
        .then_rejected(Code::LinkInvalid)
        .when(activate(6, 7))
        .then_accepted();
    assert_eq!(story.state().status(), AccountStatus::Activated);
    // Nobody is mailed a link who had none.
    given::<Account>([created(), begun("n")]).when(change("n")).then([changed("n")]);
    let reset = AccountCommand::IssueResetLink { challenge: challenge(8) };
    let story = given::<Account>([created(), activated(None, 9), begun("n")]).when(reset).then_accepted();
    assert!(story.state().reset_link().is_some());
    assert_eq!(story.when(change("n")).then([changed("n")]).state().reset_link(), None);
}

#[test]
fn a_deactivated_person_is_edited_as_well() {
    let edit = AccountCommand::ChangeProfile { base: details().profile, profile: other_profile() };
    given::<Account>([created(), activated(None, 9)])
        .when(AccountCommand::Deactivate { epoch: None })
        .then_accepted()
        .when(edit)
        .then([AccountProfileChanged { profile: other_profile() }.into()])
        .when(begin("n"))
        .then([begun("n")])
        .when(change("n"))
        .then([changed("n")]);
}
