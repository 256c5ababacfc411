//! An organization that works for years.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use eventlog::EventLog;
use futures::{StreamExt, stream};
use schema::{
    AccountId, Actor, CommandId, CommandKind, DeviceId, HardwareKey, LoginMethod, OrganizationId, PairingId, SessionId,
    StreamId, Timestamp,
    events::{
        AccountEvent, DeviceEvent, OrganizationEvent, SessionEvent, account::*, device::*, organization::*, session::*,
    },
};

use super::{By, World, profile, time};

/// Events for each person, and people for each unit.
const EVENTS_PER_PERSON: u64 = 100;
const PEOPLE_PER_DEVICE: usize = 5;
/// Appends at once.
const AT_ONCE: usize = 500;
/// Events of a day.
const PER_DAY: u64 = 9;
/// Seconds between what happens.
const PACE: i64 = 20;

/// An organization with a long history.
pub struct Town {
    pub organization: OrganizationId,
    pub admin: AccountId,
    pub people: Vec<AccountId>,
    pub devices: Vec<DeviceId>,
    happened: AtomicU64,
}

impl Town {
    /// Puts about so many events into the log.
    pub async fn fill(world: &World, events: u64) -> Self {
        let organization = OrganizationId(world.id());
        let admin = AccountId(world.id());
        let mut town =
            Self { organization, admin, people: Vec::new(), devices: Vec::new(), happened: AtomicU64::new(0) };
        let created = OrganizationCreated { organization, name: "Northwind".into(), founder: admin };
        let renamed = OrganizationRenamed { name: "Northwind Traders".into() };
        let founding: Vec<OrganizationEvent> = vec![created.into(), renamed.into()];
        world
            .append(&StreamId::new("organization", &organization), &town.by(Actor::System("sign-up".into())), founding)
            .await;
        let people = events.div_ceil(EVENTS_PER_PERSON).max(10);
        town.people = stream::iter(0..people).map(|n| town.arrive(world, n)).buffered(AT_ONCE).collect().await;
        let devices = town.people.iter().step_by(PEOPLE_PER_DEVICE);
        town.devices = stream::iter(devices).map(|owner| town.set_up(world, *owner)).buffered(AT_ONCE).collect().await;
        // Two at once on the stream of one unit would get into each other's way.
        let at_once = (town.devices.len() / 4).clamp(1, AT_ONCE);
        let days = events.saturating_sub(world.log.head().await.unwrap().map_or(0, |head| head.commit)) / PER_DAY;
        stream::iter(0..days).for_each_concurrent(at_once, |n| town.live(world, n)).await;
        town
    }

    /// The moment at which so much of everything had happened.
    pub fn time_at(&self, share: f64) -> Timestamp {
        time((self.happened.load(Ordering::Relaxed) as f64 * share) as i64 * PACE)
    }

    fn by(&self, actor: Actor) -> By {
        let happened = self.happened.fetch_add(1, Ordering::Relaxed);
        By { actor, organization: Some(self.organization), at: time(happened.cast_signed() * PACE) }
    }

    async fn arrive(&self, world: &World, n: u64) -> AccountId {
        let given = ["Anna", "Дмитрий", "Zoë", "José"][n as usize % 4];
        let created = world.person(self.organization, given, &format!("Quist-{n}")).await;
        let (account, stream) = (created.account, StreamId::new("account", &created.account));
        let events: Vec<AccountEvent> = vec![created.into()];
        world.append(&stream, &self.by(Actor::Account(self.admin)), events).await;
        let activated = AccountActivated { challenge: None, credential: world.id() };
        world.append(&stream, &self.by(Actor::Anonymous), vec![AccountEvent::Activated(activated)]).await;
        account
    }

    async fn set_up(&self, world: &World, owner: AccountId) -> DeviceId {
        let device = DeviceId(world.id());
        let enrolled = DeviceEnrolled {
            account_epoch: 0,
            device,
            organization: self.organization,
            account: owner,
            pairing: PairingId(world.id()),
            hardware: HardwareKey(device.0.simple().to_string()),
            epoch: 1,
            serial: format!("SN{:08}", world.number()),
            model: "Portal Plus".into(),
            software_version: "1.42.0".into(),
            name: format!("Room {}", world.number()),
            public_key: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.into(),
        };
        let events: Vec<DeviceEvent> = vec![enrolled.into()];
        world.append(&StreamId::new("device", &device), &self.by(Actor::System("pairing".into())), events).await;
        device
    }

    /// What happens on a day: somebody signs in and out, somewhere a unit comes and goes.
    async fn live(&self, world: &World, n: u64) {
        let random = scramble(n) as usize;
        self.session(world, self.people[random % self.people.len()], random / 7).await;
        self.device_day(world, self.devices[n as usize * 7_919 % self.devices.len()]).await;
    }

    async fn session(&self, world: &World, account: AccountId, random: usize) {
        let session = SessionId(world.id());
        let started = SessionStarted {
            epoch: 0,
            session,
            account,
            organization: self.organization,
            method: LoginMethod::Password,
            secret_sha256: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into(),
            expires_at: time(0),
        };
        let stream = StreamId::new("session", &session);
        world.append(&stream, &self.by(Actor::Account(account)), vec![SessionEvent::Started(started)]).await;
        let ends =
            if random.is_multiple_of(2) { Actor::Account(account) } else { Actor::System("idle-sessions".into()) };
        world.append(&stream, &self.by(ends), vec![SessionEvent::Ended(SessionEnded {})]).await;
    }

    async fn device_day(&self, world: &World, device: DeviceId) {
        let (connection, command) = (world.id(), CommandId(world.id()));
        let stream = StreamId::new("device", &device);
        let (unit, admin) = (Actor::Device(device), Actor::Account(self.admin));
        world
            .append(&stream, &self.by(unit.clone()), vec![DeviceEvent::Connected(DeviceConnected { connection })])
            .await;
        let requested = DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence: 1, expires_at: None };
        world.append(&stream, &self.by(admin), vec![DeviceEvent::CommandRequested(requested)]).await;
        let status = DeviceStatusReported {
            boot_id: world.id(),
            last_sequence: 1,
            software_version: "1.42.0".into(),
            settings_revision: 1,
            connected_accounts: BTreeSet::new(),
        };
        let events: Vec<DeviceEvent> = vec![
            DeviceCommandDispatched { command, attempt: 1, boot_id: None }.into(),
            DeviceCommandReceived { command, attempt: 1 }.into(),
            status.into(),
            DeviceCommandSucceeded { command, boot_id: None }.into(),
            DeviceDisconnected { connection }.into(),
        ];
        world.append(&stream, &self.by(unit), events).await;
    }
}

/// SplitMix64: numbers in a row come out unrelated.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
