//! Very many people, with names as they are given.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement, not a part of the product"
)]

use eventlog::{EventLog, Expected, StreamAppend, Vault};
use schema::{
    AccountId, AccountOrigin, EmailKey, EventId, LoginMethod, NewEvent, OrganizationId, PersonKey, Profile, StreamId,
    events::{
        EventFamily,
        account::{AccountActivated, AccountCreated, AccountDeactivated, AccountEvent},
    },
};
use uuid::Uuid;

use crate::support::{World, key_of, profile, system, time};

const GIVEN: &[&str] = &[
    "Maria",
    "Anna",
    "José",
    "Mohammed",
    "Wei",
    "John",
    "Olga",
    "Elif",
    "Işıl",
    "Zoë",
    "Björn",
    "Łukasz",
    "Chloé",
    "Ivan",
    "Дмитрий",
    "Анна",
    "Ольга",
    "太郎",
    "花子",
    "결",
    "민수",
    "Αλέξανδρος",
    "محمد",
    "Noa",
    "Priya",
    "Arjun",
    "Xenia",
    "Quentin",
    "Yūki",
    "Þór",
    "Siobhán",
    "Zsófia",
    "Emma",
    "Liam",
    "Olivia",
    "Noah",
    "Ava",
    "Lucas",
    "Mia",
    "Ethan",
];
const FAMILY: &[&str] = &[
    "García",
    "Smith",
    "Müller",
    "Иванова",
    "Кузнецов",
    "田中",
    "佐藤",
    "김",
    "Yılmaz",
    "Öztürk",
    "Nguyen",
    "Kowalski",
    "Silva",
    "Johansson",
    "O'Brien",
    "van den Berg",
    "Papadopoulos",
    "Singh",
    "Cohen",
    "Haddad",
    "Rossi",
    "Dubois",
    "Novák",
    "Szabó",
    "Andersen",
    "Martin",
    "Lee",
    "Chen",
    "Wang",
    "Ali",
    "Khan",
    "Ivanov",
    "Popescu",
    "Horvat",
    "Nagy",
    "Kaya",
    "Costa",
    "Fernández",
    "López",
    "Schmidt",
    "Zimmermann",
    "Quist",
    "Xu",
    "Ødegård",
];
const DEPARTMENTS: &[&str] = &["Sales", "Engineering", "Support", "Finance", "Legal", "人事", "Объекты"];
const LOCATIONS: &[&str] = &["London", "Berlin", "São Paulo", "東京", "Toronto"];
const DOMAINS: &[&str] = &["example.com", "mail.example.org"];
/// People whose events are appended at once.
const BATCH: u64 = 500;

/// Picks low numbers much more often than high ones, as names are given.
fn pick<'a>(list: &[&'a str], random: u64) -> &'a str {
    let share = (random % 10_000) as f64 / 10_000.0;
    list[(share.powf(1.3) * list.len() as f64) as usize]
}

/// SplitMix64: numbers in a row come out unrelated.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A person of the crowd: address and profile.
fn person(number: u64) -> (String, Profile) {
    let chance = |salt: u64| scramble(number ^ (salt << 48));
    let (given, family) = (pick(GIVEN, chance(1)), pick(FAMILY, chance(2)));
    let ascii = |text: &str| engine::search::fold(text).replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let domain = DOMAINS[usize::from(number.is_multiple_of(5))];
    let email = format!("{}.{}{number}@{domain}", ascii(given), ascii(family));
    let profile = Profile {
        department: Some(pick(DEPARTMENTS, chance(3)).to_owned()),
        location: Some(pick(LOCATIONS, chance(4)).to_owned()),
        job_title: Some("Engineer".to_owned()),
        ..profile(given, family)
    };
    (email, profile)
}

/// Puts so many people into an organization. Seven of eight activated their accounts; one of fifty was deactivated since.
pub async fn fill(world: &World, organization: OrganizationId, people: u64) {
    for first in (0..people).step_by(usize::try_from(BATCH).unwrap()) {
        let numbers = first..people.min(first + BATCH);
        let keys = numbers.clone().map(|number| {
            let account = account_of(number);
            (PersonKey::vault_key(account), key_of(account).as_bytes().to_vec())
        });
        for put in world.log.put_many(keys.collect()).await {
            put.unwrap();
        }
        let appends = numbers.map(|number| {
            let stream = StreamId::new("account", &account_of(number));
            let events = events_of(world, organization, number).into_iter().zip(0..);
            let events = events.map(|(event, revision)| new_event(&stream, revision, number, &event)).collect();
            StreamAppend { stream, expected: Expected::NoStream, events }
        });
        for appended in world.log.append_many(appends.collect()).await {
            appended.unwrap();
        }
    }
}

fn account_of(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(u128::from(scramble(number)) << 64 | u128::from(scramble(!number))))
}

fn events_of(world: &World, organization: OrganizationId, number: u64) -> Vec<AccountEvent> {
    let account = account_of(number);
    let (email, profile) = person(number);
    let created = AccountCreated {
        account,
        organization,
        domain: email.rsplit('@').next().unwrap().to_owned(),
        email: world.sealed(account, &email),
        email_key: EmailKey(format!("{:064x}", account.0.as_u128())),
        profile: world.sealed(account, &profile),
        locale: "en-GB".into(),
        login_method: LoginMethod::Password,
        origin: if number.is_multiple_of(3) { AccountOrigin::Admin } else { AccountOrigin::Import },
    };
    let mut events = vec![created.into()];
    if !number.is_multiple_of(8) {
        events.push(AccountActivated { challenge: None, credential: account.0 }.into());
    }
    if number % 50 == 1 {
        events.push(AccountDeactivated {}.into());
    }
    events
}

fn new_event(stream: &StreamId, revision: u64, number: u64, event: &AccountEvent) -> NewEvent {
    NewEvent {
        id: EventId::derive(Uuid::from_u128(number.into()), stream, revision),
        event_type: event.event_type(),
        version: event.version(),
        organization: None,
        actor: system(),
        recorded_at: time(number),
        cause: None,
        correlation: Uuid::from_u128(number.into()),
        payload: event.encode().unwrap(),
    }
}
