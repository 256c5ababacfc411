//! The directory at a million accounts: building its view, and pages of people with search and two filters over HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use devices::DevicesProjection;
use directory::DirectoryProjection;
use eventlog::{EventLog, Expected, StreamAppend, Vault, embedded::Embedded};
use history::HistoryProjection;
use schema::{
    AccountId, AccountOrigin, Actor, EmailKey, EventId, LoginMethod, NewEvent, OrganizationId, PersonKey, Personal,
    Profile, StreamId, Timestamp,
    events::{
        EventFamily,
        account::{AccountActivated, AccountCreated, AccountEvent},
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Until, connect, contains, drive},
    rebuild::build,
    seed::{Town, name},
};

const PEOPLE: u64 = 1_000_000;
/// People whose events are appended at once.
const AT_ONCE: u64 = 500;
/// How long pages are asked for.
const TIME: Duration = Duration::from_secs(10);
const DOMAINS: [&str; 3] = ["northwind.example", "north.example", "wind.example"];
const DEPARTMENTS: [&str; 7] = ["Sales", "Engineering", "Support", "Finance", "Legal", "人事", "Объекты"];
const LOCATIONS: [&str; 4] = ["London", "Berlin", "São Paulo", "東京"];
/// Rare, frequent and very frequent, from one letter to two words, of several scripts.
const SEARCHES: [&str; 13] = [
    "maria",
    "garcia",
    "an",
    "sown.77",
    "maria garcia",
    "ødegård",
    "иванова",
    "田中",
    "quist",
    "@north",
    "a",
    "işıl",
    "nobody at all",
];
const FIELDS: [&str; 5] = ["NAME", "EMAIL", "CREATED", "STATUS", "DEPARTMENT"];

const PAGE: &str = "query Page($search: String, $filter: PersonFilter, $sort: PersonSort, $last: Int, $first: Int) { \
    people(search: $search, filter: $filter, sort: $sort, first: $first, last: $last) { \
    nodes { id displayName email status department } pageInfo { hasNextPage endCursor } } }";

/// Measures on a platform of its own.
pub async fn run() -> Vec<Figure> {
    let (town, platform) = Town::found().await;
    town.installation.stop(platform);
    let log = Arc::new(town.open_log());
    sow(&log, town.organization.id.parse().unwrap()).await;
    let started = Instant::now();
    read(&log).await;
    let reading = PEOPLE as f64 / started.elapsed().as_secs_f64();
    let started = Instant::now();
    build::<DirectoryProjection>(&town.installation.data().join("views"), &log).await;
    let building = PEOPLE as f64 / started.elapsed().as_secs_f64();
    // The others too, so that nothing is being built while pages are asked for.
    let views = town.installation.data().join("views");
    tokio::join!(build::<DevicesProjection>(&views, &log), build::<HistoryProjection>(&views, &log));
    drop(log);
    let platform = town.installation.start().await;
    let mut figures = vec![Figure {
        benchmark: "million",
        name: format!("directory of {PEOPLE} people built"),
        value: building,
        unit: "accounts/s",
        bound: Bound::AtLeast(15_000.0),
        floor: Some(reading),
        floor_is: "reading the log, once",
    }];
    // What reacts to events goes through what was put into the log.
    platform.idle().await;
    figures.extend(pages(&town).await);
    town.installation.stop(platform);
    figures
}

/// Every pair of filters, search and order in turn. Filters that many fulfil, few, and next to nobody.
fn page(number: u64) -> hyper::body::Bytes {
    let pick = |number: u64, length: usize| number as usize % length;
    let filters: [Value; 6] = [
        json!({ "status": "ACTIVATED", "loginMethod": "PASSWORD" }),
        json!({ "status": "ADDED", "department": "legal" }),
        json!({ "domain": "wind.example", "location": "sao paulo" }),
        json!({ "department": "人事", "origin": "IMPORT" }),
        json!({ "status": "DEACTIVATED", "locale": "en" }),
        json!({ "location": "東京", "createdFrom": time(200_000), "createdUntil": time(260_000) }),
    ];
    // The lengths have no common divisor, so all combinations come.
    let (search, field) = (SEARCHES[pick(number, 13)], FIELDS[pick(number, 5)]);
    let filter = &filters[pick(number / 5, 6)];
    let sort = json!({ "field": field, "descending": number.is_multiple_of(2) });
    let size = if number % 7 == 3 { "last" } else { "first" };
    load::graphql(PAGE, &json!({ "search": search, "filter": filter, "sort": sort, size: 50 }))
}

/// One request at a time: what is asked for is the time that a page takes.
async fn pages(town: &Town) -> Vec<Figure> {
    let check = |answer: &[u8]| contains(answer, "\"pageInfo\"") && !contains(answer, "\"errors\"");
    let token = Some(town.organization.admin.token());
    let mut connection = connect(town.installation.gateway(), "/graphql", token, 1).await;
    let mut bytes = 0;
    for number in 0..50 {
        let answer = connection[0].post(page(number)).await;
        assert!(check(&answer), "{}", String::from_utf8_lossy(&answer));
        bytes = bytes.max(answer.len());
    }
    let measured = drive(connection, Until::Elapsed(TIME), page, check).await;
    let floor = Floor::start();
    let bare = connect(floor.address, &format!("/json/{bytes}"), token, 1).await;
    let floor = drive(bare, Until::Elapsed(Duration::from_secs(2)), page, move |answer| answer.len() == bytes).await;
    let figure = |name: &str, value, bound, floor| Figure {
        benchmark: "million",
        name: format!("{name}, page of 50, search and two filters, {PEOPLE} people"),
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

/// Puts people into the log, past the commands: half of them have activated their accounts.
async fn sow(log: &Embedded, organization: OrganizationId) {
    for first in (0..PEOPLE).step_by(AT_ONCE as usize) {
        let numbers = first..first + AT_ONCE;
        let keys = numbers.clone().map(|number| {
            let account = account(number);
            (PersonKey::vault_key(account), key(account).as_bytes().to_vec())
        });
        for put in log.put_many(keys.collect()).await {
            put.unwrap();
        }
        for appended in log.append_many(numbers.map(|number| person(organization, number)).collect()).await {
            appended.unwrap();
        }
    }
}

fn person(organization: OrganizationId, number: u64) -> StreamAppend {
    let account = account(number);
    let (given, family) = name(number);
    let pick = |from: &[&str], salt: u64| from[spread(number ^ salt << 40) as usize % from.len()].to_owned();
    let domain = pick(&DOMAINS, 1);
    let profile = Profile {
        given_name: given.into(),
        family_name: family.into(),
        department: Some(pick(&DEPARTMENTS, 2)),
        location: Some(pick(&LOCATIONS, 3)),
        ..Profile::default()
    };
    let created = AccountCreated {
        account,
        organization,
        email: seal(account, 0, &format!("sown.{number}@{domain}")),
        email_key: EmailKey(format!("{number:064x}")),
        domain,
        profile: seal(account, 1, &profile),
        locale: "en".into(),
        login_method: LoginMethod::Password,
        origin: if number.is_multiple_of(3) { AccountOrigin::Admin } else { AccountOrigin::Import },
    };
    let mut events = vec![AccountEvent::Created(created)];
    if spread(number).is_multiple_of(2) {
        events.push(AccountActivated { challenge: None, credential: account.0 }.into());
    }
    let stream = StreamId::new("account", &account);
    let new = (0..).zip(&events).map(|(revision, event)| NewEvent {
        id: EventId::derive(Uuid::nil(), &stream, revision),
        event_type: event.event_type(),
        version: event.version(),
        organization: Some(organization),
        actor: Actor::System("seed".into()),
        recorded_at: time(number),
        cause: None,
        correlation: Uuid::from_u128(number.into()),
        payload: event.encode().unwrap(),
    });
    StreamAppend { events: new.collect(), stream, expected: Expected::NoStream }
}

async fn read(log: &Embedded) {
    let mut after = None;
    while let Some(last) = log.read_all(after, 4_096).await.unwrap().last() {
        after = Some(last.position);
    }
}

/// A second for each, from a moment on.
fn time(number: u64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + number.cast_signed(), 0).unwrap()
}

/// Ids in no order, as they are given.
fn account(number: u64) -> AccountId {
    AccountId(Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()))
}

fn spread(number: u64) -> u64 {
    (account(number).0.as_u128() >> 64) as u64
}

fn key(account: AccountId) -> PersonKey {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(account.0.as_bytes());
    PersonKey::new(bytes)
}

fn seal<T: serde::Serialize>(account: AccountId, number: u8, value: &T) -> Personal<T> {
    Personal::seal(&key(account), account, [number; 24], value).unwrap()
}
