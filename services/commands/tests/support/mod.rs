//! A platform on the embedded log in a temporary folder, with a clock that is set by hand.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

pub mod faulty;
pub mod internet;

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use chrono::TimeZone;
use commands::{
    Platform, PlatformParts, Request,
    domain_proof::Outbound,
    mail::{Links, Mail, Mailbox, Outbox},
    processes::{pairing::UnitDescription, people::NewPerson, sign_up::Founded, sign_up::Founding},
    reactors::{self, deadlines::Deadlines, finisher::Finisher, mailer::Mailer, recovery::Recovery},
};
use domain::Principal;
use eventlog::{
    Clock, EventLog, ManualClock,
    embedded::{Embedded, EmbeddedConfig},
};
use files::Files;
use identity::{Password, PasswordHasher, SeededEntropy, ServerKeys};
use outbound::http::Reach;
use p256::{ecdsa::SigningKey, elliptic_curve::JwkEcKey};
use schema::{Profile, RecordedEvent};
use tokio_util::sync::CancellationToken;

pub const PASSWORD: &str = "violet trains cross nine rivers";

pub struct World {
    pub platform: Arc<Platform>,
    pub embedded: Arc<Embedded>,
    pub clock: ManualClock,
    pub mailbox: Mailbox,
    pub stop: CancellationToken,
    pub folder: tempfile::TempDir,
    pub outbound: Outbound,
}

impl World {
    /// Without reactors, and without a way out to the internet.
    pub fn bare() -> Self {
        Self::bare_with(Outbound::new(&["127.0.0.1:9".parse().unwrap()], Reach::Public).unwrap())
    }

    /// Without reactors.
    pub fn bare_with(outbound: Outbound) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(chrono::Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let vault_key = *keys().vault_key();
        let embedded = Arc::new(
            Embedded::open(EmbeddedConfig::new(folder.path().join("log"), vault_key, shared.clone())).unwrap(),
        );
        let platform = platform_on(embedded.clone(), &embedded, &clock, 11, folder.path(), &outbound);
        let (mailbox, stop) = (Mailbox::new(shared), CancellationToken::new());
        Self { platform, embedded, clock, mailbox, stop, folder, outbound }
    }

    /// Another process on the same log and vault.
    pub fn another(&self, log: Arc<dyn EventLog>, seed: u64) -> Arc<Platform> {
        platform_on(log, &self.embedded, &self.clock, seed, self.folder.path(), &self.outbound)
    }

    /// With every reactor running.
    pub fn new() -> Self {
        let world = Self::bare();
        world.start_reactors();
        world
    }

    pub fn start_reactors(&self) {
        tokio::spawn(reactors::run(self.platform.clone(), mailer(Arc::new(self.mailbox.clone())), self.stop.clone()));
        tokio::spawn(reactors::run(self.platform.clone(), Deadlines, self.stop.clone()));
        tokio::spawn(reactors::run(self.platform.clone(), Finisher, self.stop.clone()));
        tokio::spawn(reactors::run(self.platform.clone(), Recovery, self.stop.clone()));
    }

    pub fn anonymous(&self) -> Request {
        self.platform.request(Principal::Anonymous)
    }

    pub async fn mail_to(&self, address: &str) -> Mail {
        eventually(|| async { self.mailbox.latest().into_iter().find(|m| m.mail.to == address).map(|m| m.mail) }).await
    }

    pub async fn code_for(&self, address: &str) -> String {
        let text = self.mail_to(address).await.text;
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        text.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).unwrap().to_owned()
    }

    /// Signs an organization up and returns it with a request of its system admin.
    pub async fn found(&self, email: &str) -> (Founded, Request) {
        let (begun, _) = self.platform.begin_signup(&self.anonymous(), email, "en").await.unwrap();
        let code = self.code_for(&email.to_lowercase()).await;
        self.platform.confirm_signup(&self.anonymous(), begun.signup, &code).await.unwrap();
        let founded = self.platform.complete_signup(&self.anonymous(), begun.signup, founding()).await.unwrap();
        let signed_in = self
            .platform
            .start_session(
                &self.anonymous(),
                founded.proven(),
                commands::processes::sign_in::SessionStart::by_password(Default::default()),
            )
            .await
            .unwrap();
        (founded, self.platform.request(signed_in.principal))
    }

    pub async fn log(&self) -> Vec<Arc<RecordedEvent>> {
        self.platform.log().read_all(None, 100_000).await.unwrap()
    }

    pub async fn types(&self) -> Vec<String> {
        self.log().await.iter().map(|e| e.event_type.to_string()).collect()
    }
}

/// A mailer that sends through `outbox`.
pub fn mailer(outbox: Arc<dyn Outbox>) -> Mailer {
    let links = Links::at("https://accounts.example.com");
    Mailer { outbox, links, support: Some("support@example.com".to_owned()) }
}

/// The token in the link of a mail.
pub fn token_in(text: &str) -> String {
    text.split_once("?token=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

fn keys() -> ServerKeys {
    ServerKeys::from_master(&[7; 32])
}

fn platform_on(
    log: Arc<dyn EventLog>,
    vault: &Arc<Embedded>,
    clock: &ManualClock,
    seed: u64,
    folder: &Path,
    outbound: &Outbound,
) -> Arc<Platform> {
    Arc::new(Platform::new(PlatformParts {
        log,
        vault: vault.clone(),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SeededEntropy::new(seed)),
        keys: keys(),
        passwords: PasswordHasher::new(NonZeroUsize::new(2).unwrap(), 100),
        files: Files::folder(&folder.join("files")).unwrap(),
        outbound: outbound.clone(),
    }))
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

pub fn founding() -> Founding {
    Founding {
        organization_name: "Northwind".to_owned(),
        profile: Profile { given_name: "Anna".to_owned(), family_name: "Berg".to_owned(), ..Profile::default() },
        locale: "en".to_owned(),
        password: password(PASSWORD),
    }
}

pub fn person(email: &str) -> NewPerson {
    let profile = Profile { given_name: "Ben".to_owned(), family_name: "Okafor".to_owned(), ..Profile::default() };
    NewPerson { email: email.to_owned(), profile, locale: "en".to_owned() }
}

pub fn unit(serial: &str) -> UnitDescription {
    let key = SigningKey::from_slice(&[9; 32]).unwrap();
    let jwk = JwkEcKey::from(p256::PublicKey::from(key.verifying_key())).to_string();
    let text = str::to_owned;
    UnitDescription {
        serial: text(serial),
        model: text("Portal+"),
        software_version: text("1.0"),
        jwk,
        network: text("192.0.2.0/24"),
    }
}

/// Asks again until there is an answer, for at most ten seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    for _ in 0..500 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing within ten seconds");
}
