//! A crash between any two appends of a process: what the finisher makes of what is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use commands::{
    Platform, PlatformParts,
    mail::{Mail, MailError, Outbox},
    reactors::{self, finisher::Finisher, mailer::Links, mailer::Mailer},
};
use domain::{Account, AccountStatus, Code, EmailReservation, Principal};
use eventlog::{
    AppendError, Appended, Clock, Consumer, EventLog, Expected, ReadError, Subscription,
    embedded::{Embedded, EmbeddedConfig},
};
use identity::{PasswordHasher, SeededEntropy, ServerKeys};
use schema::{NewEvent, Position, RecordedEvent, StreamId};

use support::{World, eventually, founding, person};

/// A log that stops taking appends after a number of them, as if the process had died.
struct Dying {
    log: Arc<Embedded>,
    left: AtomicI64,
}

#[async_trait]
impl EventLog for Dying {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(AppendError::Unavailable("died".to_owned()));
        }
        self.log.append(stream, expected, events).await
    }
    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.log.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.log.head().await
    }
    async fn subscribe(&self, after: Option<Position>) -> Result<Box<dyn Subscription>, ReadError> {
        self.log.subscribe(after).await
    }
    async fn consumer(&self, group: &str, types: &[&str]) -> Result<Box<dyn Consumer>, ReadError> {
        self.log.consumer(group, types).await
    }
}

fn platform(world: &World, appends: i64) -> (Arc<Platform>, Arc<Platform>) {
    let keys = || ServerKeys::from_master(&[7; 32]);
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let folder = world.folder.path().join("dying");
    let embedded = Arc::new(Embedded::open(EmbeddedConfig::new(folder, *keys().vault_key(), clock.clone())).unwrap());
    let build = |log: Arc<dyn EventLog>, seed| {
        Arc::new(Platform::new(PlatformParts {
            log,
            vault: embedded.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            keys: keys(),
            passwords: PasswordHasher::default(),
        }))
    };
    let dying = Dying { log: embedded.clone(), left: AtomicI64::new(appends) };
    (build(Arc::new(dying), 1), build(embedded.clone(), 2))
}

#[tokio::test]
async fn a_sign_up_that_was_completed_is_finished_wherever_it_broke_off() {
    // Appends: begun, confirmed, completed, then the address, the organization, the account, the roles.
    for appends in 3..7 {
        let world = World::bare();
        let (dying, healthy) = platform(&world, appends);
        let anonymous = || dying.request(Principal::Anonymous);
        let (begun, _) = dying.begin_signup(&anonymous(), "anna@northwind.example").await.unwrap();
        let signup = dying.load::<domain::Signup>(&begun.signup).await.unwrap();
        let (challenge, expires_at) = signup.state.challenge().unwrap();
        let code =
            identity::VerificationCode::derive(dying.keys(), identity::Purpose::SignupCode, challenge, expires_at);
        dying.confirm_signup(&anonymous(), begun.signup, code.as_str()).await.unwrap();
        let failure = dying.complete_signup(&anonymous(), begun.signup, founding()).await.unwrap_err();
        assert_eq!(failure.into_rejection().code, Code::Unavailable);

        tokio::spawn(reactors::run(healthy.clone(), Finisher, world.stop.clone()));
        world.clock.advance(chrono::Duration::minutes(2));
        let signed_in = eventually(|| async {
            let password = support::password(support::PASSWORD);
            healthy.check_credentials("anna@northwind.example", password).await.ok()
        });
        let account = signed_in.await;
        eventually(|| async {
            let request = healthy.request(Principal::Anonymous);
            let started = healthy.start_session(&request, account, schema::LoginMethod::Password);
            matches!(started.await.unwrap().principal, Principal::Person { system_admin: true, .. }).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_address_reserved_for_an_account_that_never_came_is_free_again() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let system = world.platform.request(Principal::System("test"));
    let key = world.platform.keys().email_key("ben@northwind.example");
    let account = schema::AccountId(uuid::Uuid::from_u128(77));
    let reserve = domain::reservation::EmailCommand::Reserve { account, signup: None };
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
    let mailer = || Mailer { outbox: outbox.clone(), links: Links { origin: "https://a.example.com".to_owned() } };
    let stop = world.stop.child_token();
    let running = tokio::spawn(reactors::run(world.platform.clone(), mailer(), stop.clone()));
    for email in ["refused@northwind.example", "anna@northwind.example"] {
        world.platform.begin_signup(&world.anonymous(), email).await.unwrap();
    }
    eventually(|| async {
        world.clock.advance(chrono::Duration::seconds(10));
        (world.mailbox.latest().len() == 1).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    tokio::spawn(reactors::run(world.platform.clone(), mailer(), world.stop.clone()));
    world.platform.begin_signup(&world.anonymous(), "zoe@northwind.example").await.unwrap();
    world.mail_to("zoe@northwind.example").await;
    assert_eq!(world.mailbox.latest().len(), 2);
}
