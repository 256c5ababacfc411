//! Passwords on a real log: forgotten, forced, changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use commands::{Failure, processes::sign_in::Proven};
use domain::{Account, Code, Principal};
use eventlog::Vault;
use identity::{LinkToken, Purpose};
use schema::AccountId;

use support::{PASSWORD, World, eventually, password, person, token_in};

const ANNA: &str = "anna@northwind.example";
const NEW: &str = "copper moons over the seventh lake";
const OTHER: &str = "a tin roof in the summer rain";

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> Code {
    result.unwrap_err().code().expect("a refusal")
}

/// The token of the newest mail to an address that is about a new password, once it is another than `known`.
async fn reset_token(world: &World, to: &str, known: Option<&str>) -> String {
    eventually(|| async {
        let mail =
            world.mailbox.latest().into_iter().find(|m| m.mail.to == to && m.mail.text.contains("/reset-password"))?;
        Some(token_in(&mail.mail.text)).filter(|token| Some(token.as_str()) != known)
    })
    .await
}

async fn right(world: &World, email: &str, text: &str) -> bool {
    world.platform.check_credentials(email, password(text)).await.is_ok()
}

async fn verifier_of(world: &World, account: AccountId) -> String {
    let credential = world.platform.load::<Account>(&account).await.unwrap().state.credential().unwrap();
    format!("password/{account}/{}", credential.simple())
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_ends_all_sessions() {
    let world = World::new();
    let (founded, _) = world.found(ANNA).await;
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            founded.proven(),
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap();
    let old = verifier_of(&world, founded.account).await;
    world.platform.request_password_reset(&world.anonymous(), "Anna@Northwind.example").await.unwrap();
    let token = reset_token(&world, ANNA, None).await;
    let reset = async |text| world.platform.reset_password(&world.anonymous(), &token, password(text)).await;
    assert_eq!(code(reset("too short").await), Code::PasswordTooShort);
    assert_eq!(code(reset("anna@northwind.example").await), Code::PasswordTooCommon);
    assert!(right(&world, ANNA, PASSWORD).await);
    let (proven, position) = reset(NEW).await.unwrap();
    assert_eq!((proven, position.is_some()), (Proven { account: founded.account, epoch: 1 }, true));
    assert!(right(&world, ANNA, NEW).await && !right(&world, ANNA, PASSWORD).await);
    assert!(matches!(world.platform.authenticate(&session.token).await.unwrap(), Principal::Anonymous));
    assert!(world.embedded.get(&old).await.unwrap().is_none(), "the old verifier is deleted");
    assert_eq!(code(reset(OTHER).await), Code::LinkInvalid);
    // The person is told.
    eventually(|| async {
        world.mailbox.latest().iter().any(|m| m.mail.to == ANNA && m.mail.subject.contains("password")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn links_that_are_forged_foreign_replaced_or_late_do_nothing() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let reset = async |token: &str| code(world.platform.reset_password(&world.anonymous(), token, password(NEW)).await);
    for token in ["", "nonsense", "acc_1.x.y"] {
        assert_eq!(reset(token).await, Code::LinkInvalid, "{token}");
    }
    world.platform.request_password_reset(&world.anonymous(), ANNA).await.unwrap();
    let first = reset_token(&world, ANNA, None).await;
    // A proof that is another's, or for another purpose.
    let (challenge, expires_at) =
        world.platform.load::<Account>(&founded.account).await.unwrap().state.reset_link().unwrap();
    let keys = world.platform.keys();
    let purpose = LinkToken::derive(keys, Purpose::ActivationLink, founded.account, challenge, expires_at);
    assert_eq!(reset(&purpose.to_text()).await, Code::LinkInvalid);
    let ben = world
        .platform
        .create_account(&admin, founded.organization, person("ben@northwind.example"))
        .await
        .unwrap()
        .account;
    let foreign = LinkToken::derive(keys, Purpose::PasswordReset, ben, challenge, expires_at).to_text();
    assert_eq!(reset(&foreign).await, Code::LinkInvalid);
    assert_eq!(reset(&first.replace(&founded.account.to_string(), &ben.to_string())).await, Code::LinkInvalid);
    // A newer one takes its place, and lasts for 20 minutes.
    world.platform.request_password_reset(&world.anonymous(), ANNA).await.unwrap();
    let second = reset_token(&world, ANNA, Some(&first)).await;
    assert_eq!(reset(&first).await, Code::LinkInvalid);
    world.clock.advance(chrono::Duration::minutes(20));
    assert_eq!(reset(&second).await, Code::LinkInvalid);
    assert!(right(&world, ANNA, PASSWORD).await);
}

#[tokio::test]
async fn of_two_who_use_a_link_at_once_one_sets_the_password() {
    let world = World::new();
    world.found(ANNA).await;
    world.platform.request_password_reset(&world.anonymous(), ANNA).await.unwrap();
    let token = reset_token(&world, ANNA, None).await;
    let (request, other) = (world.anonymous(), world.anonymous());
    let (one, two) = tokio::join!(
        world.platform.reset_password(&request, &token, password(NEW)),
        world.platform.reset_password(&other, &token, password(OTHER))
    );
    assert!(one.is_ok() != two.is_ok());
    let (winner, loser) = if one.is_ok() { (NEW, OTHER) } else { (OTHER, NEW) };
    assert!(right(&world, ANNA, winner).await && !right(&world, ANNA, loser).await);
}

#[tokio::test]
async fn known_and_unknown_addresses_leave_the_same_trace_until_nobody_watches() {
    let world = World::bare();
    let addresses = [ANNA, "nobody@northwind.example", "somebody@elsewhere.example"];
    for address in addresses {
        let position = world.platform.request_password_reset(&world.anonymous(), address).await.unwrap();
        assert!(position.is_some());
    }
    assert_eq!(world.types().await, ["recovery.requested"; 3]);
    let log = world.log().await;
    assert!(log.iter().all(|event| event.organization.is_none() && event.payload.len() == log[0].payload.len()));
    let refused = world.platform.request_password_reset(&world.anonymous(), "no address").await;
    assert_eq!(code(refused), Code::InvalidEmail);
    // Without an account nothing follows.
    world.start_reactors();
    world.found("zoe@tailspin.example").await;
    world.platform.request_password_reset(&world.anonymous(), "zoe@tailspin.example").await.unwrap();
    reset_token(&world, "zoe@tailspin.example", None).await;
    assert!(world.mailbox.latest().iter().all(|mail| mail.mail.to == "zoe@tailspin.example"));
}

/// Whoever asks sees positions, so as many events must follow whatever there is.
#[tokio::test]
async fn as_many_events_follow_for_every_address() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let added = "ben@northwind.example";
    world.platform.create_account(&admin, founded.organization, person(added)).await.unwrap();
    let gone = "cleo@northwind.example";
    let cleo = world.platform.create_account(&admin, founded.organization, person(gone)).await.unwrap().account;
    let request = world.platform.request(admin.principal.clone());
    world.platform.deactivate_account(&request, founded.organization, cleo).await.unwrap();
    for email in [ANNA, added, gone, "nobody@northwind.example", "somebody@elsewhere.example"] {
        let before = world.log().await.len();
        world.platform.request_password_reset(&world.anonymous(), email).await.unwrap();
        eventually(|| async { (world.log().await.len() >= before + 2).then_some(()) }).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(world.log().await.len(), before + 2, "{email}");
    }
}

/// An admin has handed a link to a person who has no mailbox yet; a stranger who knows the address asks for another.
#[tokio::test]
async fn a_link_that_was_handed_over_is_voided_by_no_stranger() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let email = "ben@northwind.example";
    let mut somebody = person(email);
    (somebody.profile.given_name, somebody.profile.family_name) = ("Wilhelmina".to_owned(), "Featherstone".to_owned());
    let ben = world.platform.create_account(&admin, founded.organization, somebody).await.unwrap().account;
    let request = world.platform.request(admin.principal.clone());
    let shown = world.platform.generate_activation_link(&request, founded.organization, ben, false).await.unwrap();
    let before = world.log().await.len();
    world.platform.request_password_reset(&world.anonymous(), email).await.unwrap();
    eventually(|| async { (world.log().await.len() >= before + 2).then_some(()) }).await;
    let token = shown.token.unwrap().to_text();
    // By the names of the person nobody gets in, here as at every other choice of a password.
    let named = world.platform.activate_account(&world.anonymous(), &token, password("Wilhelmina Featherstone")).await;
    assert_eq!(code(named), Code::PasswordTooCommon);
    world.platform.activate_account(&world.anonymous(), &token, password(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn who_was_only_added_is_mailed_the_way_in_and_who_is_deactivated_nothing() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let email = "ben@northwind.example";
    let ben = world.platform.create_account(&admin, founded.organization, person(email)).await.unwrap().account;
    let first = token_in(&world.mail_to(email).await.text);
    world.platform.request_password_reset(&world.anonymous(), email).await.unwrap();
    let second = eventually(|| async {
        let mails = world.mailbox.latest().into_iter().filter(|m| m.mail.to == email);
        mails.map(|m| token_in(&m.mail.text)).find(|token| *token != first)
    })
    .await;
    world.platform.activate_account(&world.anonymous(), &second, password(PASSWORD)).await.unwrap();
    let request = world.platform.request(admin.principal.clone());
    world.platform.deactivate_account(&request, founded.organization, ben).await.unwrap();
    let mails = world.mailbox.latest().len();
    world.platform.request_password_reset(&world.anonymous(), email).await.unwrap();
    world.platform.request_password_reset(&world.anonymous(), ANNA).await.unwrap();
    reset_token(&world, ANNA, None).await;
    assert_eq!(world.mailbox.latest().len(), mails + 1, "only Anna's");
}

#[tokio::test]
async fn a_forced_reset_stands_until_the_link_is_used() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            founded.proven(),
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap();
    world.platform.force_password_reset(&admin, founded.organization, founded.account).await.unwrap();
    assert!(matches!(world.platform.authenticate(&session.token).await.unwrap(), Principal::Anonymous));
    let check = async |text| world.platform.check_credentials(ANNA, password(text)).await;
    assert_eq!(code(check(PASSWORD).await), Code::PasswordResetRequired);
    // Only to who knows the password: others learn nothing.
    assert_eq!(code(check(OTHER).await), Code::WrongCredentials);
    let token = reset_token(&world, ANNA, None).await;
    world.platform.reset_password(&world.anonymous(), &token, password(NEW)).await.unwrap();
    assert!(right(&world, ANNA, NEW).await);
}

#[tokio::test]
async fn who_knows_the_password_changes_it() {
    let world = World::new();
    let (founded, admin) = world.found(ANNA).await;
    let old = verifier_of(&world, founded.account).await;
    let change = async |current, new| {
        let request = world.platform.request(admin.principal.clone());
        world.platform.change_password(&request, password(current), password(new)).await
    };
    let wrong = change(OTHER, NEW).await.unwrap_err().into_rejection();
    assert_eq!((wrong.code, wrong.field.as_deref()), (Code::WrongCredentials, Some("currentPassword")));
    let short = change(PASSWORD, "short").await.unwrap_err().into_rejection();
    assert_eq!((short.code, short.field.as_deref()), (Code::PasswordTooShort, Some("newPassword")));
    let (proven, _) = change(PASSWORD, NEW).await.unwrap();
    assert!(right(&world, ANNA, NEW).await && !right(&world, ANNA, PASSWORD).await);
    assert!(world.embedded.get(&old).await.unwrap().is_none());
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            proven,
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap();
    assert!(matches!(world.platform.authenticate(&session.token).await.unwrap(), Principal::Person { .. }));
    let anonymous = world.platform.change_password(&world.anonymous(), password(NEW), password(OTHER)).await;
    assert_eq!(code(anonymous), Code::NotSignedIn);
}
