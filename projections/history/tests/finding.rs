//! Which events a filter finds, in which order, held against looking at every event of the log.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::{collections::HashMap, sync::Arc};

use engine::{
    View, ViewError,
    paging::{Page, Paging},
};
use eventlog::EventLog;
use history::{History, HistoryFilter, HistoryProjection, HistoryRow, Subject, subjects};
use schema::{
    AccountId, Actor, CommandId, CommandKind, DeviceId, Event, OrganizationId, Position, RecordedEvent, SessionId,
    StreamId,
    events::{
        AccountEvent, DeviceEvent, OrganizationEvent, SessionEvent, account::*, device::*, organization::*, session::*,
    },
};
use support::{By, World, soon, time};

const TYPES: [&str; 4] = ["device.connected", "device.disconnected", "session.started", "organization.renamed"];

/// Numbers in a row come out unrelated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

struct Cast {
    organization: OrganizationId,
    people: Vec<AccountId>,
    devices: Vec<DeviceId>,
}

impl Cast {
    fn new(world: &World) -> Self {
        Self {
            organization: OrganizationId(world.id()),
            people: (0..4).map(|_| AccountId(world.id())).collect(),
            devices: (0..3).map(|_| DeviceId(world.id())).collect(),
        }
    }

    fn actor(&self, dice: &mut Dice) -> Actor {
        match dice.roll(4) {
            0 => Actor::System("idle-sessions".into()),
            1 => Actor::Device(self.devices[dice.roll(3)]),
            _ => Actor::Account(self.people[dice.roll(4)]),
        }
    }

    /// One of many things happens, some seconds early or late by the clock of whoever writes it down.
    async fn act(&self, world: &World, dice: &mut Dice, step: i64) {
        let at = time(step * 10 + dice.roll(60) as i64 - 30);
        let by = By { actor: self.actor(dice), organization: Some(self.organization), at };
        match dice.roll(5) {
            0 => {
                let name = format!("Name {step}");
                let renamed: OrganizationEvent = OrganizationRenamed { name }.into();
                world.append(&StreamId::new("organization", &self.organization), &by, vec![renamed]).await;
            }
            1 => self.sign_in(world, &by, self.people[dice.roll(4)]).await,
            2 => {
                let stream = StreamId::new("account", &self.people[dice.roll(4)]);
                world.append(&stream, &by, vec![AccountEvent::Deactivated(AccountDeactivated {})]).await;
            }
            _ => {
                let connection = world.id();
                let command = CommandId(world.id());
                let kind = CommandKind::Reboot;
                let requested = DeviceCommandRequested { command, kind, sequence: 1, expires_at: None };
                let events: Vec<DeviceEvent> = vec![
                    DeviceConnected { connection }.into(),
                    requested.into(),
                    DeviceCommandQueued { command }.into(),
                    DeviceDisconnected { connection }.into(),
                ];
                let stream = StreamId::new("device", &self.devices[dice.roll(3)]);
                world.append(&stream, &by, events[..1 + dice.roll(4)].to_vec()).await;
            }
        }
    }

    async fn sign_in(&self, world: &World, by: &By, account: AccountId) {
        let session = SessionId(world.id());
        let started = SessionStarted {
            session,
            account,
            organization: self.organization,
            method: schema::LoginMethod::Password,
            secret_sha256: "0".repeat(64),
            epoch: 0,
            expires_at: time(0),
        };
        let stream = StreamId::new("session", &session);
        let as_person = By { actor: Actor::Account(account), ..by.clone() };
        world.append(&stream, &as_person, vec![SessionEvent::Started(started)]).await;
        world.append(&stream, by, vec![SessionEvent::Ended(SessionEnded {})]).await;
    }

    fn filter(&self, dice: &mut Dice, steps: i64) -> HistoryFilter {
        let subject = |dice: &mut Dice| -> Subject {
            match dice.roll(4) {
                0 => self.organization.into(),
                1 => self.devices[dice.roll(3)].into(),
                2 => self.people[dice.roll(4)].into(),
                // Of nobody.
                _ => AccountId(uuid::Uuid::nil()).into(),
            }
        };
        let moment = |dice: &mut Dice| time(dice.roll(steps as usize * 10) as i64);
        let mut types = Vec::new();
        for _ in 0..dice.roll(3) {
            types.push(TYPES[dice.roll(4)].to_owned());
        }
        HistoryFilter {
            actor: (dice.roll(3) == 0).then(|| self.actor(dice)),
            subject: (dice.roll(2) == 0).then(|| subject(dice)),
            types,
            from: (dice.roll(3) == 0).then(|| moment(dice)),
            until: (dice.roll(3) == 0).then(|| moment(dice)),
        }
    }
}

/// An event, and what it is about: for the end of a session that of its start, too.
struct Looked {
    event: Arc<RecordedEvent>,
    about: Vec<Subject>,
}

fn look(all: Vec<Arc<RecordedEvent>>) -> Vec<Looked> {
    let about = |event: &RecordedEvent| subjects(&Event::try_from(event).unwrap(), event).to_vec();
    let mut sessions = HashMap::new();
    let looked = all.into_iter().map(|event| {
        let mut about = about(&event);
        match &*event.event_type {
            "session.started" => drop(sessions.insert(event.stream.clone(), about.clone())),
            "session.ended" => about.extend(&sessions[&event.stream]),
            _ => {}
        }
        Looked { event, about }
    });
    looked.collect()
}

impl Looked {
    fn fits(&self, of: OrganizationId, filter: &HistoryFilter) -> bool {
        let event = &self.event;
        event.organization == Some(of)
            && filter.actor.as_ref().is_none_or(|actor| *actor == event.actor)
            && filter.subject.is_none_or(|subject| self.about.contains(&subject))
            && (filter.types.is_empty() || filter.types.iter().any(|t| **t == *event.event_type))
            && filter.from.is_none_or(|from| event.recorded_at >= from)
            && filter.until.is_none_or(|until| event.recorded_at < until)
    }
}

fn positions(page: &Page<HistoryRow>) -> Vec<Position> {
    page.edges.iter().map(|edge| edge.node.position).collect()
}

async fn view(world: &World, folder: &str) -> View<HistoryProjection> {
    let (log, vault) = (world.log.clone(), world.log.clone());
    let view = View::start(&world.views.join(folder), log, vault).await.unwrap();
    view.ready(soon()).await.unwrap();
    if let Some(head) = world.log.head().await.unwrap() {
        view.wait_for(head, soon()).await.unwrap();
    }
    view
}

#[tokio::test]
async fn every_filter_finds_what_looking_at_every_event_finds() {
    const STEPS: i64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let mut dice = Dice(7);
    let cast = [Cast::new(&world), Cast::new(&world)];
    // One view takes events in as they come, the other all at once.
    let live = view(&world, "live").await;
    for step in 0..STEPS {
        cast[usize::from(dice.roll(8) == 0)].act(&world, &mut dice, step).await;
    }
    let head = world.log.head().await.unwrap().unwrap();
    live.wait_for(head, soon()).await.unwrap();
    let rebuilt = view(&world, "rebuilt").await;
    let all = look(world.log.read_all(None, 100_000).await.unwrap());
    assert!(all.len() > 4_096, "several blocks of times");
    let (live, rebuilt) = (History::new(live.reads()), History::new(rebuilt.reads()));
    let mut found = 0;
    for number in 0..200 {
        let cast = &cast[usize::from(number % 4 == 3)];
        let filter = cast.filter(&mut dice, STEPS);
        let of = cast.organization;
        let expected: Vec<_> = all.iter().filter(|e| e.fits(of, &filter)).map(|e| e.event.position).collect();
        found += expected.len();
        let size = 1 + dice.roll(200);
        let history = if number % 2 == 0 { &live } else { &rebuilt };
        let upward = history.following(of, filter.clone(), (None, None), usize::MAX).await.unwrap();
        assert_eq!(upward.iter().map(|row| row.position).collect::<Vec<_>>(), expected, "{filter:?}");
        let newest_first: Vec<_> = expected.iter().rev().copied().collect();
        assert_eq!(pages(history, of, &filter, size, true).await, newest_first, "{filter:?}, {size}");
        assert_eq!(pages(history, of, &filter, size, false).await, newest_first, "{filter:?}, {size}");
        if let [first, .., last] = expected[..] {
            let between = history.following(of, filter, (Some(first), Some(last)), usize::MAX).await.unwrap();
            assert_eq!(between.len(), expected.len() - 1);
        }
    }
    assert!(found > 5_000, "the filters are not all empty: {found}");
}

/// All pages, from the newest or from the oldest on, put together newest first.
async fn pages(
    history: &History,
    of: OrganizationId,
    filter: &HistoryFilter,
    size: usize,
    forward: bool,
) -> Vec<Position> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let paging = match forward {
            true => Paging::Forward { first: size, after: cursor.clone() },
            false => Paging::Backward { last: size, before: cursor.clone() },
        };
        let page = history.page(of, filter.clone(), paging).await.unwrap();
        let (more, other, edge) = match forward {
            true => (page.has_next, page.has_previous, page.edges.last()),
            false => (page.has_previous, page.has_next, page.edges.first()),
        };
        assert_eq!(other, cursor.is_some());
        assert!(page.edges.len() == size || !more);
        cursor = edge.map(|edge| edge.cursor.clone());
        match forward {
            true => all.extend(positions(&page)),
            false => drop(all.splice(..0, positions(&page))),
        }
        if !more {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_stay_whole_while_events_are_appended() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let mut dice = Dice(11);
    let cast = Cast::new(&world);
    for step in 0..300 {
        cast.act(&world, &mut dice, step).await;
    }
    let view = view(&world, "views").await;
    let history = History::new(view.reads());
    let before = world.log.read_all(None, 100_000).await.unwrap();
    let expected: Vec<_> = before.iter().rev().map(|event| event.position).collect();
    let (mut seen, mut cursor) = (Vec::new(), None);
    for step in 300.. {
        let paging = Paging::Forward { first: 7, after: cursor };
        let page = history.page(cast.organization, HistoryFilter::default(), paging).await.unwrap();
        seen.extend(positions(&page));
        cursor = page.edges.last().map(|edge| edge.cursor.clone());
        if !page.has_next {
            break;
        }
        cast.act(&world, &mut dice, step).await;
        view.wait_for(world.log.head().await.unwrap().unwrap(), soon()).await.unwrap();
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_belongs_to_nobody_and_bad_cursors() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (mut dice, cast) = (Dice(13), Cast::new(&world));
    let by = By { actor: Actor::Anonymous, organization: None, at: time(0) };
    let stream = StreamId::new("device", &cast.devices[0]);
    let connection = world.id();
    world.append(&stream, &by, vec![DeviceEvent::Connected(DeviceConnected { connection })]).await;
    let view = view(&world, "views").await;
    let history = History::new(view.reads());
    let of = cast.organization;
    let page = |first, after: Option<&str>| {
        history.page(of, HistoryFilter::default(), Paging::Forward { first, after: after.map(str::to_owned) })
    };
    assert_eq!(page(50, None).await.unwrap(), Page::default());
    assert_eq!(history.end(of).await.unwrap(), None);
    cast.act(&world, &mut dice, 0).await;
    let head = world.log.head().await.unwrap().unwrap();
    view.wait_for(head, soon()).await.unwrap();
    assert_eq!(history.end(of).await.unwrap(), Some(head));
    assert!(!page(50, None).await.unwrap().edges.is_empty());
    // Any position will do, also one of somebody else's event or of none.
    assert!(page(50, Some("1")).await.unwrap().edges.is_empty());
    assert!(!page(50, Some("18446744073709551615")).await.unwrap().edges.is_empty());
    for nonsense in ["", "x", "-1", "1.5"] {
        assert!(matches!(page(50, Some(nonsense)).await, Err(ViewError::Cursor(_))), "{nonsense}");
    }
    for size in [0, 201] {
        assert!(matches!(page(size, None).await, Err(ViewError::PageSize)));
    }
}
