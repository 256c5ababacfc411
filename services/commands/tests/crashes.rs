//! A crash between any two appends of a process: what the finisher makes of what is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use commands::{
    Platform,
    mail::{Mail, MailError, Outbox},
    processes::pairing::Poll,
    reactors::{self, deadlines::Deadlines, finisher::Finisher},
};
use domain::{
    Account, AccountCommand, AccountStatus, Aggregate, Code, EmailReservation, FederatedIdentity, HardwareReservation,
    Organization, Pairing, PairingState, Principal, Roles, Signup,
    reservation::{EmailCommand, HardwareCommand},
};
use eventlog::Vault;
use identity::{LinkToken, Purpose, VerificationCode};
use schema::{AccountId, OrganizationId, PersonKey, SignupId};
use tokio::sync::Semaphore;

use support::{World, eventually, faulty::Faulty, founding, password, person, unit};

/// A process whose log fails where the test wants it to, beside the healthy one of `world`.
fn sick(world: &World) -> (Arc<Platform>, Arc<Faulty>) {
    let faulty = Faulty::new(world.embedded.clone());
    (world.another(faulty.clone(), 1), faulty)
}

fn start_finisher(world: &World) {
    tokio::spawn(reactors::run(world.platform.clone(), Finisher, world.stop.clone()));
    world.clock.advance(chrono::Duration::minutes(2));
}

/// A sign-up whose address is confirmed.
async fn confirmed(platform: &Platform, email: &str) -> SignupId {
    let anonymous = || platform.request(Principal::Anonymous);
    let (begun, done) = platform.begin_signup(&anonymous(), email, "en").await.unwrap();
    let (challenge, expires_at) = done.after.state.challenge().unwrap();
    let code = VerificationCode::derive(platform.keys(), Purpose::SignupCode, challenge, expires_at);
    platform.confirm_signup(&anonymous(), begun.signup, code.as_str()).await.unwrap();
    begun.signup
}

/// An organization and a request of its system admin, without any mail.
async fn founded(platform: &Platform) -> (OrganizationId, commands::Request) {
    let anonymous = || platform.request(Principal::Anonymous);
    let signup = confirmed(platform, "anna@northwind.example").await;
    let founded = platform.complete_signup(&anonymous(), signup, founding()).await.unwrap();
    let session = platform
        .start_session(
            &anonymous(),
            founded.proven(),
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap();
    (founded.organization, platform.request(session.principal))
}

async fn has_key(world: &World, account: AccountId) -> bool {
    world.embedded.get(&PersonKey::vault_key(account)).await.unwrap().is_some()
}

#[tokio::test]
async fn a_sign_up_that_was_completed_is_finished_wherever_it_broke_off() {
    // Appends after it was confirmed: completed, then the address, the organization, the account, the roles.
    for appends in 1..5 {
        let world = World::bare();
        let (dying, faulty) = sick(&world);
        let signup = confirmed(&dying, "anna@northwind.example").await;
        faulty.left.store(appends, Ordering::SeqCst);
        let failure =
            dying.complete_signup(&dying.request(Principal::Anonymous), signup, founding()).await.unwrap_err();
        assert_eq!(failure.into_rejection().code, Code::Unavailable);

        start_finisher(&world);
        let account = eventually(|| async {
            let password = support::password(support::PASSWORD);
            world.platform.check_credentials("anna@northwind.example", password).await.ok()
        })
        .await;
        eventually(|| async {
            let started = world
                .platform
                .start_session(
                    &world.anonymous(),
                    account,
                    commands::processes::sign_in::SessionStart::by_password(Default::default()),
                )
                .await;
            matches!(started.unwrap().principal, Principal::Person { system_admin: true, .. }).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_pairing_that_was_approved_is_finished_wherever_it_broke_off() {
    // Appends of the poll: the hardware, the device, the pairing.
    for appends in 1..3 {
        let world = World::bare();
        let (_, admin) = founded(&world.platform).await;
        let (dying, faulty) = sick(&world);
        let anonymous = || dying.request(Principal::Anonymous);
        let awaiting = dying.request_pairing(&anonymous(), unit("S-1")).await.unwrap();
        let (device, _, _) = dying.connect_device(&admin, &awaiting.user_code.to_string(), None).await.unwrap();
        faulty.left.store(appends, Ordering::SeqCst);
        dying.poll_pairing(&anonymous(), &awaiting.device_code.to_text()).await.unwrap_err();

        start_finisher(&world);
        eventually(|| async {
            let pairing = world.platform.load::<Pairing>(&awaiting.device_code.pairing()).await.unwrap();
            (pairing.state.state() == PairingState::Completed).then_some(())
        })
        .await;
        assert_eq!(world.platform.unit(device).await.unwrap().unwrap().0.device, device);
    }
}

#[tokio::test]
async fn finishing_a_pairing_does_not_undo_a_release_of_the_unit() {
    let world = World::bare();
    let (_, admin) = founded(&world.platform).await;
    let (dying, faulty) = sick(&world);
    let anonymous = || dying.request(Principal::Anonymous);
    let awaiting = dying.request_pairing(&anonymous(), unit("S-1")).await.unwrap();
    let (device, pairing, _) = dying.connect_device(&admin, &awaiting.user_code.to_string(), None).await.unwrap();
    faulty.left.store(2, Ordering::SeqCst);
    let device_code = awaiting.device_code.to_text();
    dying.poll_pairing(&anonymous(), &device_code).await.unwrap_err();
    let hardware = pairing.state.requested().unwrap().hardware.clone();
    let system = world.platform.request(Principal::System("test"));
    let release = HardwareCommand::Release(device);
    world.platform.execute::<HardwareReservation>(&system, &hardware, release).await.unwrap();

    let poll = world.platform.poll_pairing(&world.anonymous(), &device_code).await.unwrap();
    assert!(matches!(poll, Poll::Expired), "{poll:?}");
    assert!(world.platform.unit(device).await.unwrap().is_none());
    let state = world.platform.load::<HardwareReservation>(&hardware).await.unwrap();
    assert!(state.state.enrolled().is_none());
}

#[tokio::test]
async fn finishing_a_sign_up_again_takes_nothing_back_that_happened_since() {
    let world = World::bare();
    let signup = confirmed(&world.platform, "anna@northwind.example").await;
    let founded = world.platform.complete_signup(&world.anonymous(), signup, founding()).await.unwrap();
    // Such as when the person has another address by now.
    let key = world.platform.keys().email_key("anna@northwind.example");
    let system = world.platform.request(Principal::System("test"));
    let release = EmailCommand::Release(founded.account);
    world.platform.execute::<EmailReservation>(&system, &key, release).await.unwrap();
    let again = world.platform.finish_signup(&world.anonymous(), signup).await.unwrap();
    assert_eq!(again.account, founded.account);
    assert_eq!(world.platform.load::<EmailReservation>(&key).await.unwrap().state.holder(), None);
}

#[tokio::test]
async fn a_password_outlasts_an_append_whose_answer_got_lost() {
    let world = World::bare();
    let (deaf, faulty) = sick(&world);
    let signup = confirmed(&deaf, "anna@northwind.example").await;
    *faulty.unanswered.lock().unwrap() = "signup.completed";
    deaf.complete_signup(&deaf.request(Principal::Anonymous), signup, founding()).await.unwrap_err();
    start_finisher(&world);
    let right = || password(support::PASSWORD);
    let anna =
        eventually(|| async { world.platform.check_credentials("anna@northwind.example", right()).await.ok() }).await;
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            anna,
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap()
        .principal;

    let admin = world.platform.request(session);
    let organization = admin.principal.organization().unwrap();
    let ben = world.platform.create_account(&admin, organization, person("ben@northwind.example")).await.unwrap();
    let (challenge, expires_at) =
        world.platform.load::<Account>(&ben.account).await.unwrap().state.activation_link().unwrap();
    let link = LinkToken::derive(deaf.keys(), Purpose::ActivationLink, ben.account, challenge, expires_at);
    *faulty.unanswered.lock().unwrap() = "account.activated";
    deaf.activate_account(&world.anonymous(), &link.to_text(), right()).await.unwrap_err();
    assert_eq!(world.platform.check_credentials("ben@northwind.example", right()).await.unwrap().account, ben.account);
}

#[tokio::test]
async fn adding_a_person_again_with_the_same_request_goes_on_where_it_broke_off() {
    let world = World::bare();
    let (organization, admin) = founded(&world.platform).await;
    // Appends: the address, the account.
    for (appends, email) in [(0, "ben@northwind.example"), (1, "cleo@northwind.example"), (2, "dan@northwind.example")]
    {
        let request = world.platform.request(admin.principal.clone());
        let (sick, faulty) = sick(&world);
        faulty.left.store(appends, Ordering::SeqCst);
        *faulty.unanswered.lock().unwrap() = "account.created";
        sick.create_account(&request, organization, person(email)).await.unwrap_err();
        let added = world.platform.create_account(&request, organization, person(email)).await.unwrap();
        let account = world.platform.load::<Account>(&added.account).await.unwrap();
        let opened = world.platform.people().open(account.state.email().unwrap()).await.unwrap();
        assert_eq!(opened.as_deref(), Some(email));
    }
}

#[tokio::test]
async fn an_address_reserved_for_an_account_that_never_came_is_free_again() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let system = world.platform.request(Principal::System("test"));
    let key = world.platform.keys().email_key("ben@northwind.example");
    let account = AccountId(uuid::Uuid::from_u128(77));
    let reserve = EmailCommand::Reserve { account, signup: None };
    world.platform.execute::<EmailReservation>(&system, &key, reserve).await.unwrap();
    let add = || {
        let request = world.platform.request(admin.principal.clone());
        let platform = world.platform.clone();
        async move { platform.create_account(&request, founded.organization, person("ben@northwind.example")).await }
    };
    assert_eq!(add().await.unwrap_err().code(), Some(Code::EmailTaken));
    world.clock.advance(chrono::Duration::minutes(2));
    eventually(|| async { add().await.ok() }).await;
    // The one that got stuck can never come to life beside it.
    let stuck = world.platform.load::<Account>(&account).await.unwrap();
    assert_eq!(stuck.state.status(), AccountStatus::Abandoned);
}

#[tokio::test]
async fn no_key_is_left_of_a_person_who_never_came_to_be() {
    let world = World::bare();
    // Nobody confirms the sign-up.
    let (_, begun) = world.platform.begin_signup(&world.anonymous(), "zoe@northwind.example", "en").await.unwrap();
    let forgotten = begun.after.state.begun().unwrap().account;
    // Two sign-ups with one address get as far as the last step at the same moment.
    let (dying, faulty) = sick(&world);
    let signup = confirmed(&dying, "anna@northwind.example").await;
    faulty.left.store(1, Ordering::SeqCst);
    dying.complete_signup(&dying.request(Principal::Anonymous), signup, founding()).await.unwrap_err();
    let (organization, admin) = founded(&world.platform).await;
    // A creation that was given up goes on after all.
    let slow = AccountId(admin.derive("account"));
    let system = admin.as_system("test");
    world.platform.execute::<Account>(&system, &slow, AccountCommand::Abandon).await.unwrap();
    let created = world.platform.create_account(&admin, organization, person("ben@northwind.example")).await;
    assert_eq!(created.unwrap_err().code(), Some(Code::Busy));
    assert!(!has_key(&world, slow).await);

    let late = world.platform.load::<Signup>(&signup).await.unwrap().state.clone();
    let (loser, credential) = (late.begun().unwrap().account, late.completed().unwrap().credential);
    let verifier = format!("password/{loser}/{}", credential.simple());
    assert!(has_key(&world, loser).await && has_key(&world, forgotten).await);
    assert!(world.embedded.get(&verifier).await.unwrap().is_some());
    tokio::spawn(reactors::run(world.platform.clone(), Deadlines, world.stop.clone()));
    world.clock.advance(chrono::Duration::hours(1));
    start_finisher(&world);
    eventually(|| async { (!has_key(&world, forgotten).await).then_some(()) }).await;
    eventually(|| async { (!has_key(&world, loser).await).then_some(()) }).await;
    assert!(world.embedded.get(&verifier).await.unwrap().is_none());
    // Whoever tries to finish it once more changes nothing.
    let again = world.platform.finish_signup(&world.anonymous(), signup).await;
    assert_eq!(again.unwrap_err().code(), Some(Code::EmailTaken));
    let late = late.completed().unwrap().organization;
    assert!(world.platform.load::<Organization>(&late).await.unwrap().state.organization().is_none());
    // Those who did come to be keep theirs.
    assert_eq!(world.platform.load::<Account>(&loser).await.unwrap().state.status(), AccountStatus::Abandoned);
    let Principal::Person { account: anna, .. } = admin.principal else { panic!("not signed in") };
    assert!(has_key(&world, anna).await);
}

#[tokio::test]
async fn access_that_was_half_ended_is_ended_and_what_came_between_counts() {
    for (set_back, logged_out_meanwhile) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::bare();
        let (organization, admin) = founded(&world.platform).await;
        let created = world.platform.create_account(&admin, organization, person("ben@northwind.example")).await;
        let (ben, platform) = (created.unwrap().account, &world.platform);
        let again = || platform.request(admin.principal.clone());
        let link = platform.generate_activation_link(&again(), organization, ben, false).await.unwrap().token.unwrap();
        platform.activate_account(&world.anonymous(), &link.to_text(), password(support::PASSWORD)).await.unwrap();
        let role = commands::processes::sign_up::system_admin_role(organization);
        platform.assign_role(&again(), organization, role, ben).await.unwrap();
        // The roles are suspended, and that is the end of it.
        let (dying, faulty) = sick(&world);
        faulty.left.store(1, Ordering::SeqCst);
        let ended = if set_back {
            dying.set_account_status_to_created(&again(), organization, ben).await
        } else {
            dying.deactivate_account(&again(), organization, ben).await
        };
        assert_eq!(ended.unwrap_err().into_rejection().code, Code::Unavailable);
        let is_admin = async || platform.load::<Roles>(&organization).await.unwrap().state.of(ben).0;
        let status = async || platform.load::<Account>(&ben).await.unwrap().state.status();
        assert_eq!((is_admin().await, status().await), (false, AccountStatus::Activated));
        if logged_out_meanwhile {
            platform.log_out_everywhere(&again(), organization, ben).await.unwrap();
        }
        start_finisher(&world);
        let expected = match (logged_out_meanwhile, set_back) {
            (true, _) => (true, AccountStatus::Activated),
            (false, true) => (false, AccountStatus::Added),
            (false, false) => (false, AccountStatus::Deactivated),
        };
        eventually(|| async { ((is_admin().await, status().await) == expected).then_some(()) }).await;
    }
}

#[tokio::test]
async fn an_account_that_is_active_again_has_its_roles_again_wherever_it_broke_off() {
    let world = World::bare();
    let (organization, admin) = founded(&world.platform).await;
    let created = world.platform.create_account(&admin, organization, person("ben@northwind.example")).await;
    let (ben, platform) = (created.unwrap().account, &world.platform);
    let again = || platform.request(admin.principal.clone());
    let role = commands::processes::sign_up::system_admin_role(organization);
    let link = async || {
        let link = platform.generate_activation_link(&again(), organization, ben, false).await.unwrap();
        link.token.unwrap().to_text()
    };
    let activated = platform.activate_account(&again(), &link().await, password(support::PASSWORD)).await;
    activated.unwrap();
    platform.assign_role(&again(), organization, role, ben).await.unwrap();
    let is_admin = async || platform.load::<Roles>(&organization).await.unwrap().state.of(ben).0;
    let dying = |appends| {
        let (dying, faulty) = sick(&world);
        faulty.left.store(appends, Ordering::SeqCst);
        dying
    };
    start_finisher(&world);
    platform.deactivate_account(&again(), organization, ben).await.unwrap();
    dying(1).reactivate_account(&again(), organization, ben).await.unwrap_err();
    assert!(!is_admin().await);
    world.clock.advance(chrono::Duration::minutes(2));
    eventually(|| async { is_admin().await.then_some(()) }).await;
    platform.set_account_status_to_created(&again(), organization, ben).await.unwrap();
    dying(1).activate_account(&again(), &link().await, password(support::PASSWORD)).await.unwrap();
    assert!(!is_admin().await);
    world.clock.advance(chrono::Duration::minutes(2));
    eventually(|| async { is_admin().await.then_some(()) }).await;
    // A provider vouches for the person, and nothing comes after that.
    platform.set_account_status_to_created(&again(), organization, ben).await.unwrap();
    let key = |text: &str| schema::FederatedSubjectKey(text.to_owned());
    let identity = FederatedIdentity { issuer: key("i"), subject: None, by_address: key("a") };
    let vouched = AccountCommand::SignInAtProvider { provider: schema::SsoProviderId(uuid::Uuid::nil()), identity };
    let system = platform.request(Principal::System("single-sign-on"));
    platform.execute::<Account>(&system, &ben, vouched).await.unwrap();
    assert!(!is_admin().await);
    world.clock.advance(chrono::Duration::minutes(2));
    eventually(|| async { is_admin().await.then_some(()) }).await;
}

/// A mail server that is away, comes back, and refuses some.
struct Moody {
    away: AtomicI64,
    inner: commands::mail::Mailbox,
}

#[async_trait]
impl Outbox for Moody {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if mail.to.starts_with("refused@") {
            return Err(MailError::Permanent("550".to_owned()));
        }
        if self.away.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(MailError::Temporary("421".to_owned()));
        }
        self.inner.send(mail).await
    }
}

#[tokio::test]
async fn mails_outlast_a_mail_server_that_is_away_and_a_restart_sends_none_twice() {
    let world = World::bare();
    let outbox = Arc::new(Moody { away: AtomicI64::new(3), inner: world.mailbox.clone() });
    let mailer = || support::mailer(outbox.clone());
    let stop = world.stop.child_token();
    let running = tokio::spawn(reactors::run(world.platform.clone(), mailer(), stop.clone()));
    for email in ["refused@northwind.example", "anna@northwind.example"] {
        world.platform.begin_signup(&world.anonymous(), email, "en").await.unwrap();
    }
    eventually(|| async {
        world.clock.advance(chrono::Duration::seconds(10));
        (world.mailbox.latest().len() == 1).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    tokio::spawn(reactors::run(world.platform.clone(), mailer(), world.stop.clone()));
    world.platform.begin_signup(&world.anonymous(), "zoe@northwind.example", "en").await.unwrap();
    world.mail_to("zoe@northwind.example").await;
    assert_eq!(world.mailbox.latest().len(), 2);
}

/// A mail server that answers when it is told to.
struct Slow {
    reached: Semaphore,
    answers: Semaphore,
    inner: commands::mail::Mailbox,
    begun: AtomicI64,
}

#[async_trait]
impl Outbox for Slow {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.reached.add_permits(1);
        self.answers.acquire().await.unwrap().forget();
        self.inner.send(mail).await
    }
}

#[tokio::test]
async fn a_mail_that_is_being_handed_over_at_the_end_is_not_sent_again() {
    let world = World::bare();
    let (reached, answers) = (Semaphore::new(0), Semaphore::new(0));
    let outbox = Arc::new(Slow { reached, answers, inner: world.mailbox.clone(), begun: AtomicI64::new(0) });
    let mailer = || support::mailer(outbox.clone());
    let stop = world.stop.child_token();
    let running = tokio::spawn(reactors::run(world.platform.clone(), mailer(), stop.clone()));
    world.platform.begin_signup(&world.anonymous(), "anna@northwind.example", "en").await.unwrap();
    outbox.reached.acquire().await.unwrap().forget();
    stop.cancel();
    tokio::task::yield_now().await;
    outbox.answers.add_permits(100);
    running.await.unwrap();
    tokio::spawn(reactors::run(world.platform.clone(), mailer(), world.stop.clone()));
    world.platform.begin_signup(&world.anonymous(), "zoe@northwind.example", "en").await.unwrap();
    world.mail_to("zoe@northwind.example").await;
    assert_eq!(outbox.begun.load(Ordering::SeqCst), 2);
}
