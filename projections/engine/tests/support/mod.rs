//! A log in a folder of its own, and events to put into it. Shared by the tests and examples of the views.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses its own part of this")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{
    EventLog, Expected, ExpectedVersion, SystemClock, Vault,
    embedded::{Embedded, EmbeddedConfig},
};
use schema::{
    AccountId, AccountOrigin, Actor, EmailKey, EventId, LoginMethod, NewEvent, OrganizationId, PersonKey, Personal,
    Position, Profile, StreamId, Timestamp,
    events::{
        AccountEvent, EventFamily, OrganizationEvent, account::AccountCreated, organization::OrganizationCreated,
    },
};
use tokio::time::Instant;
use uuid::Uuid;

/// A log, its vault, and a folder for views beside it.
pub struct World {
    pub log: Arc<Embedded>,
    pub views: PathBuf,
    revisions: Mutex<HashMap<StreamId, u64>>,
    next: AtomicU64,
}

impl World {
    pub fn open(folder: &Path) -> Self {
        let config = EmbeddedConfig::new(folder.join("log"), [7; 32], Arc::new(SystemClock));
        Self {
            log: Arc::new(Embedded::open(config).unwrap()),
            views: folder.join("views"),
            revisions: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Another number at every call, the same in every run.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Goes on with numbers that no world gave before which appended fewer than `events`.
    pub fn skip_numbers_of(&self, events: u64) {
        self.next.store(100 * (events + 1), Ordering::Relaxed);
    }

    /// An id that was not given before, and looks random to an index.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.number().to_be_bytes())
    }

    /// Appends one event to a stream that only this world appends to.
    pub async fn append<F: EventFamily>(&self, stream: &StreamId, by: Actor, event: F) -> Position {
        self.append_all(stream, by, vec![event]).await
    }

    /// Appends some events at once; returns the position of the last.
    pub async fn append_all<F: EventFamily>(&self, stream: &StreamId, by: Actor, events: Vec<F>) -> Position {
        let payloads = events.iter().map(|event| (event.event_type(), event.encode().unwrap())).collect();
        self.append_raw(stream, by, payloads).await
    }

    pub async fn append_raw(&self, stream: &StreamId, by: Actor, events: Vec<(&'static str, Vec<u8>)>) -> Position {
        let new = events.into_iter().map(|(event_type, payload)| {
            let number = self.number();
            NewEvent {
                id: EventId::derive(Uuid::from_u128(number.into()), stream, 0),
                event_type,
                version: 1,
                organization: None,
                actor: by.clone(),
                recorded_at: time(number),
                cause: None,
                correlation: Uuid::from_u128(number.into()),
                payload,
            }
        });
        let last = self.revisions.lock().unwrap().get(stream).copied();
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        let appended = self.log.append(stream, expected, new.collect()).await.unwrap();
        self.revisions.lock().unwrap().insert(stream.clone(), appended.revision);
        appended.position
    }

    pub async fn organization(&self, name: &str) -> (OrganizationId, Position) {
        let organization = OrganizationId(self.id());
        let created = OrganizationCreated { organization, name: name.into(), founder: AccountId(self.id()) };
        let stream = StreamId::new("organization", &organization);
        (organization, self.append(&stream, system(), OrganizationEvent::Created(created)).await)
    }

    /// A person with a key of their own in the vault.
    pub async fn person(&self, organization: OrganizationId, email: &str, profile: Profile) -> (AccountId, Position) {
        let (account, created) = self.account_created(organization, email, profile).await;
        let stream = StreamId::new("account", &account);
        (account, self.append(&stream, system(), AccountEvent::Created(created)).await)
    }

    pub async fn account_created(
        &self,
        organization: OrganizationId,
        email: &str,
        profile: Profile,
    ) -> (AccountId, AccountCreated) {
        let account = AccountId(self.id());
        let key = key_of(account);
        self.log.put(&PersonKey::vault_key(account), key.as_bytes(), ExpectedVersion::Absent).await.unwrap();
        let created = AccountCreated {
            account,
            organization,
            email: self.sealed(account, &email.to_owned()),
            email_key: EmailKey(account.0.simple().to_string()),
            domain: email.rsplit('@').next().unwrap().to_owned(),
            profile: self.sealed(account, &profile),
            locale: "en-GB".into(),
            login_method: LoginMethod::Password,
            origin: AccountOrigin::Admin,
        };
        (account, created)
    }

    /// Something about a person, sealed with the person's key.
    pub fn sealed<T: serde::Serialize>(&self, account: AccountId, value: &T) -> Personal<T> {
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&self.number().to_be_bytes());
        Personal::seal(&key_of(account), account, nonce, value).unwrap()
    }
}

/// The key of a person whom a world made.
pub fn key_of(account: AccountId) -> PersonKey {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(account.0.as_bytes());
    PersonKey::new(bytes)
}

/// Seconds after a fixed moment.
pub fn time(seconds: u64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_767_225_600 + seconds.cast_signed(), 0).unwrap()
}

pub fn system() -> Actor {
    Actor::System("test".into())
}

/// A deadline that only a hanging test reaches.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

pub fn profile(given: &str, family: &str) -> Profile {
    Profile { given_name: given.into(), family_name: family.into(), ..Profile::default() }
}
