//! A log in a folder of its own, events of an organization to put into it, and a town that leaves millions of them.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used, reason = "each test uses a part of it")]

mod town;

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
    events::{EventFamily, account::AccountCreated},
};
use uuid::Uuid;

pub use town::Town;

/// A log, its vault, and a folder for views beside it.
pub struct World {
    pub log: Arc<Embedded>,
    pub views: PathBuf,
    revisions: Mutex<HashMap<StreamId, u64>>,
    next: AtomicU64,
}

/// Who did something of which organization, and when.
#[derive(Clone)]
pub struct By {
    pub actor: Actor,
    pub organization: Option<OrganizationId>,
    pub at: Timestamp,
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

    /// An id that was not given before, and looks random to an index.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.number().to_be_bytes())
    }

    /// Appends some events at once to a stream that only this world appends to; the position of the last.
    pub async fn append<F: EventFamily>(&self, stream: &StreamId, by: &By, events: Vec<F>) -> Position {
        let new = events.iter().map(|event| {
            let number = self.number();
            NewEvent {
                id: EventId::derive(Uuid::from_u128(number.into()), stream, 0),
                event_type: event.event_type(),
                version: event.version(),
                organization: by.organization,
                actor: by.actor.clone(),
                recorded_at: by.at,
                cause: None,
                correlation: Uuid::from_u128(number.into()),
                payload: event.encode().unwrap(),
            }
        });
        let new = new.collect();
        let last = self.revisions.lock().unwrap().get(stream).copied();
        let expected = last.map_or(Expected::NoStream, Expected::Revision);
        let appended = self.log.append(stream, expected, new).await.unwrap();
        self.revisions.lock().unwrap().insert(stream.clone(), appended.revision);
        appended.position
    }

    /// A person with a key of their own in the vault; the event is not appended yet.
    pub async fn person(&self, organization: OrganizationId, given: &str, family: &str) -> AccountCreated {
        let account = AccountId(self.id());
        self.log.put(&PersonKey::vault_key(account), key(account).as_bytes(), ExpectedVersion::Absent).await.unwrap();
        AccountCreated {
            account,
            organization,
            email: self.seal(account, &format!("{}@northwind.example", given.to_lowercase())),
            email_key: EmailKey(account.0.simple().to_string()),
            domain: "northwind.example".into(),
            profile: self.seal(account, &profile(given, family)),
            locale: "en-GB".into(),
            login_method: LoginMethod::Password,
            origin: AccountOrigin::Admin,
        }
    }

    pub fn seal<T: serde::Serialize>(&self, account: AccountId, value: &T) -> Personal<T> {
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&self.number().to_be_bytes());
        Personal::seal(&key(account), account, nonce, value).unwrap()
    }
}

pub fn key(account: AccountId) -> PersonKey {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(account.0.as_bytes());
    PersonKey::new(bytes)
}

pub fn profile(given: &str, family: &str) -> Profile {
    Profile { given_name: given.into(), family_name: family.into(), ..Profile::default() }
}

/// Seconds after a fixed moment.
pub fn time(seconds: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

/// A deadline that only a hanging test reaches.
pub fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(20)
}
