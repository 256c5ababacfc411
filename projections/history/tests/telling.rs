//! What is told of an event: a sentence, what was there before and after, the payload.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use engine::{PersonKeys, View};
use eventlog::{EventLog, Vault};
use history::{
    FieldChange, History, HistoryFilter, HistoryProjection, Names, Subject, changes, describe, details, name_of,
    subjects,
};
use schema::{
    AccountId, Actor, DeviceId, Event, OrganizationId, PersonKey, Position, RecordedEvent, RoleId, StreamId,
    events::{
        AccountEvent, OrganizationEvent, RoleEvent, SessionEvent, account::*, organization::*, role::*, session::*,
    },
    generate::Golden,
};
use serde_json::{Value, json};
use support::{By, World, profile, soon, time};

const ID: &str = "0190a1b2c3d47e5f8a6b9c0d1e2f3a4b";

/// The recorded example of every type, as if Anna had done it to Ben.
fn goldens() -> BTreeMap<String, (Event, RecordedEvent)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/golden");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let goldens = files.map(|file| Golden::read(&std::fs::read_to_string(file).unwrap()).unwrap());
    let recorded = goldens.map(|golden| {
        let event = golden.decode().unwrap();
        let (category, prefix) = match &event {
            Event::Role(_) => ("roles", OrganizationId::PREFIX),
            Event::Organization(_) => ("organization", OrganizationId::PREFIX),
            Event::SingleSignOn(_) => ("single_sign_on", OrganizationId::PREFIX),
            Event::Device(_) => ("device", DeviceId::PREFIX),
            Event::Session(_) => ("session", "ses"),
            Event::Pairing(_) => ("pairing", "pair"),
            Event::Import(_) => ("import", "imp"),
            Event::Support(_) => ("support", "sup"),
            _ => ("account", AccountId::PREFIX),
        };
        let recorded = RecordedEvent {
            id: schema::EventId(uuid::Uuid::nil()),
            event_type: golden.event_type.as_str().into(),
            version: golden.version,
            stream: StreamId::new(category, &format!("{prefix}_{ID}")),
            revision: 0,
            position: Position::at(1),
            organization: Some(OrganizationId(uuid::Uuid::nil())),
            actor: Actor::Account(AccountId(uuid::Uuid::nil())),
            recorded_at: time(0),
            cause: None,
            correlation: uuid::Uuid::nil(),
            payload: event.encode().unwrap(),
        };
        (golden.event_type, (event, recorded))
    });
    recorded.collect()
}

fn names() -> Names {
    let mut names = Names::default();
    names.insert(AccountId(uuid::Uuid::nil()).into(), "Anna Berg".into());
    names.insert(format!("acc_{ID}").parse().unwrap(), "Ben Ruiz".into());
    names.insert(format!("dev_{ID}").parse().unwrap(), "Reception".into());
    names.insert(format!("role_{ID}").parse().unwrap(), "Help desk".into());
    names.insert(format!("sso_{ID}").parse().unwrap(), "Example login".into());
    names
}

#[test]
fn every_event_has_a_sentence_of_its_own() {
    let goldens = goldens();
    let types: BTreeSet<_> = Event::types().map(|t| t.name.to_owned()).collect();
    assert_eq!(goldens.keys().cloned().collect::<BTreeSet<_>>(), types);
    let mut told = BTreeMap::new();
    for (name, (event, recorded)) in &goldens {
        let sentence = describe(event, recorded, None, &names());
        assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{name}: {sentence}");
        // What it is about has a name; nothing is shown that only machines read.
        assert!(!sentence.contains(ID) && !sentence.contains("Some("), "{name}: {sentence}");
        if let Some(other) = told.insert(sentence.clone(), name) {
            panic!("{name} and {other} are told alike: {sentence}");
        }
    }
    let sentence = |name: &str| {
        let (event, recorded) = &goldens[name];
        describe(event, recorded, None, &names())
    };
    for (name, expected) in [
        ("account.deactivated", "Anna Berg deactivated the account of Ben Ruiz."),
        ("device.connected", "The Portal Reception came online."),
        ("role.assigned", "Anna Berg gave Ben Ruiz the role Help desk."),
        ("organization.created", "Ben Ruiz set up the organization Example Ltd."),
        ("session.started", "Ben Ruiz signed in."),
        ("device.enrolled", "Ben Ruiz set up the Portal Reception (PT0123456789)."),
        ("email.reserved", "An email address is taken by an account."),
    ] {
        assert_eq!(sentence(name), expected);
    }
}

#[test]
fn who_is_not_known_by_name_is_told_as_well() {
    let (event, recorded) = goldens().remove("account.logged_out_everywhere").unwrap();
    let told =
        |actor: Actor, names: &Names| describe(&event, &RecordedEvent { actor, ..recorded.clone() }, None, names);
    let ben: AccountId = format!("acc_{ID}").parse().unwrap();
    assert_eq!(told(Actor::Account(ben), &names()), "Ben Ruiz logged themselves out everywhere.");
    assert_eq!(told(Actor::System("finisher".into()), &names()), "The platform logged Ben Ruiz out everywhere.");
    assert_eq!(told(Actor::Anonymous, &Names::default()), format!("Somebody logged acc_{ID} out everywhere."));
}

#[test]
fn every_subject_is_written_as_it_is_read() {
    for (name, (event, recorded)) in goldens() {
        let all = subjects(&event, &recorded);
        for subject in &all {
            assert_eq!(subject.to_string().parse(), Ok(*subject), "{name}");
        }
        let in_history =
            !matches!(event, Event::Signup(_) | Event::Reservation(_) | Event::Recovery(_) | Event::Federation(_));
        assert_eq!(in_history, !all.is_empty(), "{name}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{name}: {all:?}");
    }
    for wrong in ["", "acc_", "chal_0190a1b2c3d47e5f8a6b9c0d1e2f3a4b", "acc-0190a1b2c3d47e5f8a6b9c0d1e2f3a4b"] {
        assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
    }
}

/// Reads what the view says of every event of an organization, oldest first: sentence and changes.
struct Reader {
    told: Vec<(String, Vec<FieldChange>, Value)>,
}

impl Reader {
    async fn read(world: &World, organization: OrganizationId) -> Self {
        let view = View::<HistoryProjection>::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
        view.ready(soon()).await.unwrap();
        view.wait_for(world.log.head().await.unwrap().unwrap(), soon()).await.unwrap();
        let history = History::new(view.reads());
        let rows = history.following(organization, HistoryFilter::default(), (None, None), 1_000).await.unwrap();
        let log = world.log.read_all(None, 10_000).await.unwrap();
        let event_at = |position: Position| {
            let recorded = log.iter().find(|event| event.position == position).unwrap();
            (Event::try_from(&**recorded).unwrap(), (**recorded).clone())
        };
        let mut keys = PersonKeys::default();
        for (event, _) in log.iter().map(|recorded| event_at(recorded.position)) {
            for person in event.subjects() {
                let secret = world.log.get(&PersonKey::vault_key(person)).await.unwrap();
                keys.insert(person, secret.and_then(|secret| PersonKey::from_slice(&secret.value)));
            }
        }
        let mut names = Names::default();
        let things: BTreeSet<_> = rows
            .iter()
            .flat_map(|row| {
                let (event, recorded) = event_at(row.position);
                subjects(&event, &recorded).to_vec()
            })
            .collect();
        for (thing, position) in history.named_by(organization, things.into_iter().collect()).await.unwrap() {
            names.insert(thing, name_of(&event_at(position).0, &keys).unwrap().unwrap());
        }
        let told = rows.iter().map(|row| {
            let (event, recorded) = event_at(row.position);
            let previous = row.previous.map(|position| event_at(position).0);
            let changed = changes(&event, &recorded, previous.as_ref(), &keys).unwrap();
            (describe(&event, &recorded, previous.as_ref(), &names), changed, details(&event, &keys).unwrap())
        });
        Self { told: told.collect() }
    }

    fn sentences(&self) -> Vec<&str> {
        self.told.iter().map(|(sentence, ..)| sentence.as_str()).collect()
    }

    fn changes(&self, index: usize) -> Vec<(&str, Value, Value)> {
        let changes = self.told[index].1.iter();
        changes.map(|change| (change.field.as_str(), change.before.clone(), change.after.clone())).collect()
    }
}

/// Anna adds Ben, changes this and that of him, and gives and takes a role.
async fn story(world: &World) -> (OrganizationId, AccountId) {
    let organization = OrganizationId(world.id());
    let anna = world.person(organization, "Anna", "Berg").await;
    let ben = world.person(organization, "Ben", "Ruiz").await;
    let (anna_id, ben_id) = (anna.account, ben.account);
    let by = By { actor: Actor::Account(anna_id), organization: Some(organization), at: time(0) };
    let platform = By { actor: Actor::System("idle-sessions".into()), ..by.clone() };
    let stream = StreamId::new("organization", &organization);
    let created = OrganizationCreated { organization, name: "Northwind".into(), founder: anna_id };
    let renamed = OrganizationRenamed { name: "Northwind Traders".into() };
    let founding: Vec<OrganizationEvent> = vec![created.into(), renamed.into()];
    world.append(&stream, &by, founding).await;
    world.append(&StreamId::new("account", &anna_id), &by, vec![AccountEvent::Created(anna)]).await;
    let mut married = profile("Ben", "Berg");
    married.job_title = Some("Caretaker".into());
    let email = |address: &str| world.seal(ben_id, &address.to_owned());
    let changed = AccountEmailChanged {
        email: email("ben.berg@northwind.example"),
        email_key: schema::EmailKey("0".repeat(64)),
        domain: "northwind.example".into(),
        previous: email("ben@northwind.example"),
        previous_key: schema::EmailKey("1".repeat(64)),
    };
    let events: Vec<AccountEvent> = vec![
        ben.into(),
        AccountProfileChanged { profile: world.seal(ben_id, &married) }.into(),
        AccountLocaleChanged { locale: "de".into() }.into(),
        changed.into(),
        AccountProfileChanged { profile: world.seal(ben_id, &profile("Benno", "Berg")) }.into(),
    ];
    world.append(&StreamId::new("account", &ben_id), &by, events).await;
    let role = RoleId(world.id());
    let rights = BTreeSet::from([schema::Right::ManageDevices]);
    let more = BTreeSet::from([schema::Right::ManageDevices, schema::Right::ReadHistory]);
    let created = RoleCreated { role, organization, name: "Help desk".into(), rights, system_admin: false };
    let events: Vec<RoleEvent> = vec![
        created.into(),
        RoleAssigned { role, account: ben_id }.into(),
        RoleEdited { role, name: "Service".into(), rights: more }.into(),
        RoleDeleted { role }.into(),
    ];
    world.append(&StreamId::new("roles", &organization), &by, events).await;
    let session = schema::SessionId(world.id());
    let started = SessionStarted {
        session,
        account: ben_id,
        organization,
        method: schema::LoginMethod::Password,
        secret_sha256: "5feceb66".repeat(8),
        epoch: 0,
        expires_at: time(0),
    };
    let stream = StreamId::new("session", &session);
    world.append(&stream, &By { actor: Actor::Account(ben_id), ..by }, vec![SessionEvent::Started(started)]).await;
    world.append(&stream, &platform, vec![SessionEvent::Ended(SessionEnded {})]).await;
    (organization, ben_id)
}

#[tokio::test]
async fn what_was_there_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = story(&world).await;
    let read = Reader::read(&world, organization).await;
    assert_eq!(
        read.sentences(),
        [
            "Anna Berg set up the organization Northwind.",
            "Anna Berg renamed the organization from Northwind to Northwind Traders.",
            "Anna Berg added Anna Berg.",
            "Anna Berg added Benno Berg.",
            "Anna Berg changed the details of Benno Berg.",
            "Anna Berg changed the language of Benno Berg to de.",
            "Anna Berg changed the email address of Benno Berg.",
            "Anna Berg changed the details of Benno Berg.",
            "Anna Berg created the role Help desk.",
            "Anna Berg gave Benno Berg the role Service.",
            "Anna Berg edited the role Help desk, which is now Service.",
            "Anna Berg deleted the role Service.",
            "Benno Berg signed in.",
            "The session of Benno Berg ended, as it was not used.",
        ]
    );
    assert_eq!(read.changes(1), [("name", json!("Northwind"), json!("Northwind Traders"))]);
    assert_eq!(
        read.changes(4),
        [("familyName", json!("Ruiz"), json!("Berg")), ("jobTitle", Value::Null, json!("Caretaker"))]
    );
    assert_eq!(read.changes(5), [("locale", json!("en-GB"), json!("de"))]);
    let addresses = ("email", json!("ben@northwind.example"), json!("ben.berg@northwind.example"));
    assert_eq!(read.changes(6), [addresses]);
    // The second change of one thing is compared with the first, not with the beginning.
    assert_eq!(
        read.changes(7),
        [("givenName", json!("Ben"), json!("Benno")), ("jobTitle", json!("Caretaker"), Value::Null)]
    );
    let (few, more) = (json!(["MANAGE_DEVICES"]), json!(["MANAGE_DEVICES", "READ_HISTORY"]));
    assert_eq!(read.changes(10), [("name", json!("Help desk"), json!("Service")), ("rights", few, more.clone())]);
    assert_eq!(read.changes(11), [("name", json!("Service"), Value::Null), ("rights", more, Value::Null)]);
    assert_eq!(read.changes(0), []);
    let details = &read.told[4].2;
    assert_eq!(
        *details,
        json!({ "profile": { "given_name": "Ben", "family_name": "Berg", "job_title": "Caretaker" } })
    );
    let session = read.told[12].2.as_object().unwrap();
    assert!(session.contains_key("expires_at") && !session.contains_key("secret_sha256"));
}

#[tokio::test]
async fn an_erased_person_is_erased_here_too() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, ben) = story(&world).await;
    world.log.delete(&PersonKey::vault_key(ben)).await.unwrap();
    let read = Reader::read(&world, organization).await;
    let sentences = read.sentences();
    assert_eq!(sentences[4], "Anna Berg changed the details of an erased person.");
    assert_eq!(sentences[12], "An erased person signed in.");
    assert_eq!(read.changes(4), []);
    assert_eq!(read.changes(5), [("locale", json!("en-GB"), json!("de"))], "nothing personal in that");
    assert_eq!(read.told[4].2, json!({ "profile": null }));
    let told = serde_json::to_string(&read.told.iter().map(|(s, _, d)| (s, d)).collect::<Vec<_>>()).unwrap();
    assert!(!told.contains("Ben") && !told.contains("Ruiz") && told.contains("Anna"), "{told}");
}

#[tokio::test]
async fn the_view_holds_nothing_personal() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = story(&world).await;
    Reader::read(&world, organization).await;
    for file in std::fs::read_dir(&world.views).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for name in ["Ruiz", "Berg", "Caretaker", "@northwind", "Help desk"] {
            assert!(!bytes.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
        }
    }
}
