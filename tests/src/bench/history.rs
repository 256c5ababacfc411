//! The event history at five million events: building its view, a page of it, taking it away as a file.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use devices::DevicesProjection;
use directory::DirectoryProjection;
use engine::{Projection, View};
use eventlog::{Clock, EventLog, Expected, StreamAppend, SystemClock, Vault, embedded::Embedded};
use history::HistoryProjection;
use identity::{EntropyExt, OsEntropy};
use schema::{
    AccountId, AccountOrigin, Actor, DeviceId, EmailKey, EventId, HardwareKey, LoginMethod, NewEvent, OrganizationId,
    PairingId, PersonKey, Personal, Position, Profile, SessionId, StreamId, Timestamp,
    events::{AccountEvent, DeviceEvent, EventFamily, SessionEvent, account::*, device::*, session::*},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Until, connect, contains, drive},
    seed::{Town, name},
};
use crate::process::Process;

/// Events in the log.
const EVENTS: u64 = 5_000_000;
/// Events that are exported.
const EXPORTED: u64 = 1_000_000;
/// People and Portal units that they are about.
const PEOPLE: u64 = 20_000;
const UNITS: u64 = 5_000;
/// Streams that are appended to at once.
const AT_ONCE: u64 = 400;
/// How long pages are asked for.
const TIME: Duration = Duration::from_secs(8);
/// Events per read when the log alone is read.
const READ: usize = 4_096;

const PAGE: &str = "query Page($subject: ID!) { history(first: 50, filter: { subject: $subject }) { \
    nodes { position occurredAt type summary actor { id name } subjects { id name } changes { field before after } } \
    pageInfo { hasNextPage endCursor } } }";

/// Measures on a platform of its own.
pub async fn run() -> Vec<Figure> {
    let (town, platform) = Town::found().await;
    town.installation.stop(platform);
    let log = Arc::new(town.open_log());
    let subjects = Arc::new(Seed::new(&town).sow(&log).await);
    let head = log.head().await.unwrap().unwrap();
    let (log_alone, reading) = read(&log, head.commit - EXPORTED).await;
    let views = town.installation.data().join("views");
    let building = build::<HistoryProjection>(&views, &log, head).await;
    tokio::join!(build::<DirectoryProjection>(&views, &log, head), build::<DevicesProjection>(&views, &log, head));
    drop(log);
    let platform = town.installation.start().await;
    let built = Figure {
        benchmark: "history",
        name: format!("view of {} events built", head.commit),
        value: head.commit as f64 / building.as_secs_f64(),
        unit: "events/s",
        bound: Bound::AtLeast(80_000.0),
        floor: Some(log_alone),
        floor_is: "reading the log, once",
    };
    let mut figures = vec![built];
    // What reacts to events goes through what was put into the log.
    platform.idle().await;
    figures.extend(pages(&town, subjects).await);
    figures.extend(export(&town, &platform, head, reading).await);
    town.installation.stop(platform);
    figures
}

async fn build<P: Projection>(folder: &std::path::Path, log: &Arc<Embedded>, head: Position) -> Duration {
    let started = Instant::now();
    let view = View::<P>::start(folder, log.clone(), log.clone()).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(600);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    view.stop().await;
    started.elapsed()
}

/// Reads the log from `after` on; events per second of it and how long it took.
async fn read(log: &Embedded, after: u64) -> (f64, Duration) {
    let (started, mut events, mut after) = (Instant::now(), 0, Some(Position::at(after)));
    loop {
        let some = log.read_all(after, READ).await.unwrap();
        let Some(last) = some.last() else { break };
        (events, after) = (events + some.len(), Some(last.position));
    }
    (events as f64 / started.elapsed().as_secs_f64(), started.elapsed())
}

/// One request at a time: what is asked for is the time that a page takes.
async fn pages(town: &Town, subjects: Arc<Vec<String>>) -> Vec<Figure> {
    let request = move |number: u64| {
        let subject = &subjects[number as usize * 7_919 % subjects.len()];
        load::graphql(PAGE, &json!({ "subject": subject }))
    };
    let check = |answer: &[u8]| contains(answer, "\"summary\"") && !contains(answer, "\"errors\"");
    let token = Some(town.organization.admin.token());
    let mut connection = connect(town.installation.gateway(), "/graphql", token, 1).await;
    let mut bytes = 0;
    for number in 0..20 {
        bytes = bytes.max(connection[0].post(request(number)).await.len());
    }
    let measured = drive(connection, Until::Elapsed(TIME), request.clone(), check).await;
    let floor = Floor::start();
    let bare = connect(floor.address, &format!("/json/{bytes}"), token, 1).await;
    let floor = drive(bare, Until::Elapsed(Duration::from_secs(2)), request, move |answer| answer.len() == bytes).await;
    let figure = |name: &str, value, bound, floor| Figure {
        benchmark: "history",
        name: format!("{name}, page of 50 of one subject, {EVENTS} events"),
        value,
        unit: "ms",
        bound,
        floor: Some(floor),
        floor_is: "bare axum server, answers as long",
    };
    vec![
        figure("p50", measured.millis(0.5), Bound::None, floor.millis(0.5)),
        figure("p99", measured.millis(0.99), Bound::AtMost(20.0), floor.millis(0.99)),
    ]
}

/// Takes the newest events away as JSON Lines.
async fn export(town: &Town, platform: &Process, head: Position, reading: Duration) -> Vec<Figure> {
    let after = head.commit - EXPORTED;
    let url = format!("{}/history/export?format=jsonl&after={after}", town.installation.origin());
    let request = reqwest::Client::new().get(url).bearer_auth(town.organization.admin.token());
    let (started, before) = (Instant::now(), platform.resident_kib());
    let mut response = request.send().await.unwrap().error_for_status().unwrap();
    let (mut lines, mut most, mut end) = (0, before, Vec::new());
    while let Some(piece) = response.chunk().await.unwrap() {
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        most = most.max(platform.resident_kib());
        end.extend_from_slice(&piece);
        end.drain(..end.len().saturating_sub(200));
    }
    let took = started.elapsed().as_secs_f64();
    let end = String::from_utf8_lossy(&end).into_owned();
    assert!(lines > EXPORTED && end.contains("\"complete\":true"), "{lines} lines, and at the end {end}");
    let figure = |name: &str, value, unit, bound, floor, floor_is| Figure {
        benchmark: "history",
        name: format!("{name}, export of {EXPORTED} events as JSON Lines"),
        value,
        unit,
        bound,
        floor,
        floor_is,
    };
    let growth = most.saturating_sub(before) as f64 / 1_024.0;
    let floor = EXPORTED as f64 / reading.as_secs_f64();
    vec![
        figure(
            "rate",
            lines as f64 / took,
            "events/s",
            Bound::AtLeast(100_000.0),
            Some(floor),
            "reading the log, once",
        ),
        figure("growth of memory", growth, "MiB", Bound::AtMost(32.0), None, ""),
    ]
}

/// Fills a log past the commands.
struct Seed {
    organization: OrganizationId,
    admin: AccountId,
    now: Timestamp,
    number: u64,
}

impl Seed {
    fn new(town: &Town) -> Self {
        Self {
            organization: town.organization.id.parse().unwrap(),
            admin: town.organization.founder.parse().unwrap(),
            now: SystemClock.now(),
            number: 0,
        }
    }

    /// Adds people and units, of which some sign in and out, and some come and go, day by day; returns their ids.
    async fn sow(mut self, log: &Embedded) -> Vec<String> {
        let people: Vec<_> = (0..PEOPLE).map(|_| AccountId(OsEntropy.uuid_v4())).collect();
        let units: Vec<_> = (0..UNITS).map(|_| DeviceId(OsEntropy.uuid_v4())).collect();
        for some in people.chunks(1_000) {
            let keys = some.iter().map(|person| (PersonKey::vault_key(*person), key(*person).as_bytes().to_vec()));
            for put in log.put_many(keys.collect()).await {
                put.unwrap();
            }
            let appends = some.iter().map(|person| self.person(*person));
            append(log, appends.collect()).await;
        }
        for some in units.chunks(1_000) {
            let appends = some.iter().map(|unit| self.unit(*unit, people[self.number as usize % people.len()]));
            append(log, appends.collect()).await;
        }
        let mut day = 0;
        while log.head().await.unwrap().unwrap().commit < EVENTS {
            let appends = (day * AT_ONCE..(day + 1) * AT_ONCE).flat_map(|number| {
                let unit = units[number as usize % units.len()];
                let person = people[number as usize * 7_919 % people.len()];
                [self.session(person), self.day(unit, number / UNITS)]
            });
            append(log, appends.collect()).await;
            day += 1;
        }
        let (people, units) = (people.iter().map(AccountId::to_string), units.iter().map(DeviceId::to_string));
        people.chain(units).collect()
    }

    fn append<F: EventFamily>(&mut self, stream: StreamId, from: u64, actor: &Actor, events: &[F]) -> StreamAppend {
        let new = (from..).zip(events).map(|(revision, event)| {
            self.number += 1;
            NewEvent {
                id: EventId::derive(Uuid::nil(), &stream, revision),
                event_type: event.event_type(),
                version: event.version(),
                organization: Some(self.organization),
                actor: actor.clone(),
                recorded_at: self.now + Duration::from_millis(self.number),
                cause: None,
                correlation: Uuid::from_u128(self.number.into()),
                payload: event.encode().unwrap(),
            }
        });
        let events = new.collect();
        let expected = from.checked_sub(1).map_or(Expected::NoStream, Expected::Revision);
        StreamAppend { stream, expected, events }
    }

    fn person(&mut self, account: AccountId) -> StreamAppend {
        let (given, family) = name(self.number);
        let profile = Profile { given_name: given.into(), family_name: family.into(), ..Profile::default() };
        let created = AccountCreated {
            account,
            organization: self.organization,
            email: seal(account, 0, &format!("sown.{}@northwind.example", self.number)),
            email_key: EmailKey(format!("{:064x}", self.number)),
            domain: "northwind.example".into(),
            profile: seal(account, 1, &profile),
            locale: "en".into(),
            login_method: LoginMethod::Password,
            origin: AccountOrigin::Admin,
        };
        let admin = Actor::Account(self.admin);
        self.append(StreamId::new("account", &account), 0, &admin, &[AccountEvent::Created(created)])
    }

    fn unit(&mut self, device: DeviceId, account: AccountId) -> StreamAppend {
        let enrolled = DeviceEnrolled {
            device,
            organization: self.organization,
            account,
            account_epoch: 0,
            pairing: PairingId(OsEntropy.uuid_v4()),
            hardware: HardwareKey(format!("{:064x}", self.number)),
            epoch: 1,
            serial: format!("SOWN-{:06}", self.number),
            model: "Virtual Portal".into(),
            software_version: "1.0".into(),
            name: format!("Room {}", self.number),
            public_key: "{}".into(),
        };
        let pairing = Actor::System("pairing".into());
        self.append(StreamId::new("device", &device), 0, &pairing, &[DeviceEvent::Enrolled(enrolled)])
    }

    /// Somebody signs in and out.
    fn session(&mut self, account: AccountId) -> StreamAppend {
        let session = SessionId(OsEntropy.uuid_v4());
        let started = SessionStarted {
            session,
            account,
            organization: self.organization,
            method: LoginMethod::Password,
            secret_sha256: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into(),
            epoch: 0,
            expires_at: self.now,
        };
        let events = [SessionEvent::Started(started), SessionEvent::Ended(SessionEnded {})];
        self.append(StreamId::new("session", &session), 0, &Actor::Account(account), &events)
    }

    /// A unit comes, says how it is, and goes.
    fn day(&mut self, device: DeviceId, day: u64) -> StreamAppend {
        let connection = OsEntropy.uuid_v4();
        let status = DeviceStatusReported {
            boot_id: connection,
            last_sequence: 0,
            software_version: format!("1.{day}"),
            settings_revision: 1,
            connected_accounts: BTreeSet::new(),
        };
        let events: [DeviceEvent; 3] =
            [DeviceConnected { connection }.into(), status.into(), DeviceDisconnected { connection }.into()];
        self.append(StreamId::new("device", &device), 1 + 3 * day, &Actor::Device(device), &events)
    }
}

async fn append(log: &Embedded, appends: Vec<StreamAppend>) {
    for appended in log.append_many(appends).await {
        appended.unwrap();
    }
}

fn key(account: AccountId) -> PersonKey {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(account.0.as_bytes());
    PersonKey::new(bytes)
}

fn seal<T: serde::Serialize>(account: AccountId, number: u8, value: &T) -> Personal<T> {
    Personal::seal(&key(account), account, [number; 24], value).unwrap()
}
