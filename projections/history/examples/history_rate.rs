//! Builds the history of five million events as a company leaves them behind, and measures how long that takes; then
//! how long a page takes to find, for filters of all kinds.
//!
//! `cargo run --release -p history --example history_rate [events]`
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement, not a part of the product")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use engine::{View, paging::Paging};
use eventlog::EventLog;
use hdrhistogram::Histogram;
use history::{History, HistoryFilter, HistoryProjection, Subject};
use schema::{AccountId, Actor, OrganizationId};
use support::{Town, World};

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = stat.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

#[tokio::main]
async fn main() {
    let events = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(5_000_000);
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let started = Instant::now();
    let town = Town::fill(&world, events).await;
    let head = world.log.head().await.unwrap().unwrap();
    println!(
        "{} events of {} people and {} devices, written in {:.1?}",
        head.commit,
        town.people.len(),
        town.devices.len(),
        started.elapsed()
    );

    let (started, processor) = (Instant::now(), processor_seconds());
    let view = View::<HistoryProjection>::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(1_800);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    let (took, processor) = (started.elapsed(), processor_seconds() - processor);
    let size: u64 = std::fs::read_dir(&world.views).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    println!(
        "built in {took:.1?}: {:.0} events/s, {:.0} events/s of one processor; {} MiB",
        head.commit as f64 / took.as_secs_f64(),
        head.commit as f64 / processor,
        size >> 20
    );
    measure(&History::new(view.reads()), &town).await;
    view.stop().await;
}

async fn measure(history: &History, town: &Town) {
    let person = |n: usize| town.people[n * 7_919 % town.people.len()];
    let device = |n: usize| town.devices[n * 7_919 % town.devices.len()];
    let types = |types: &[&str]| types.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let by = |actor: Actor| HistoryFilter { actor: Some(actor), ..HistoryFilter::default() };
    let about = |subject: Subject| HistoryFilter { subject: Some(subject), ..HistoryFilter::default() };
    let of = |list: &[&str]| HistoryFilter { types: types(list), ..HistoryFilter::default() };
    let middle = town.time_at(0.5);
    let hour = chrono::Duration::hours(1);
    type Make<'a> = Box<dyn Fn(usize) -> HistoryFilter + 'a>;
    let cases: Vec<(&str, Make<'_>)> = vec![
        ("no filter", Box::new(|_| HistoryFilter::default())),
        ("subject: a person", Box::new(|n| about(person(n).into()))),
        ("subject: a device", Box::new(|n| about(device(n).into()))),
        ("subject: nobody", Box::new(|n| about(AccountId(uuid::Uuid::from_u128(n as u128)).into()))),
        ("actor: a person", Box::new(|n| by(Actor::Account(person(n))))),
        ("actor: the admin", Box::new(|_| by(Actor::Account(town.admin)))),
        ("type: frequent", Box::new(|_| of(&["device.connected"]))),
        ("type: rare", Box::new(|_| of(&["organization.renamed"]))),
        (
            "types: all of sessions and devices",
            Box::new(|_| of(&["device.connected", "device.disconnected", "session.started", "session.ended"])),
        ),
        (
            "time: an hour",
            Box::new(|_| HistoryFilter { from: Some(middle), until: Some(middle + hour), ..HistoryFilter::default() }),
        ),
        (
            "time: before everything",
            Box::new(|_| HistoryFilter { until: Some(town.time_at(-1.0)), ..HistoryFilter::default() }),
        ),
        (
            "subject × type",
            Box::new(|n| HistoryFilter { types: types(&["session.started"]), ..about(person(n).into()) }),
        ),
        (
            "subject × type: none",
            Box::new(|n| HistoryFilter { types: types(&["role.created"]), ..about(person(n).into()) }),
        ),
        (
            "actor × type, both frequent",
            Box::new(|_| HistoryFilter { types: types(&["account.created"]), ..by(Actor::Account(town.admin)) }),
        ),
        (
            "actor × type, both frequent: none",
            Box::new(|_| HistoryFilter { types: types(&["device.connected"]), ..by(Actor::Account(town.admin)) }),
        ),
        (
            "actor × type, interleaved: none",
            Box::new(|_| HistoryFilter {
                types: types(&["session.started"]),
                ..by(Actor::System("idle-sessions".into()))
            }),
        ),
        ("subject × time", Box::new(|n| HistoryFilter { from: Some(middle), ..about(device(n).into()) })),
        ("type × time", Box::new(|_| HistoryFilter { until: Some(middle), ..of(&["device.connected"]) })),
        (
            "everything at once",
            Box::new(|n| HistoryFilter {
                actor: Some(Actor::Device(device(n))),
                types: types(&["device.connected"]),
                until: Some(middle),
                ..about(device(n).into())
            }),
        ),
    ];
    for (name, filter) in cases {
        let mut times = Histogram::<u64>::new(3).unwrap();
        let mut found = 0;
        let limit = Instant::now() + Duration::from_secs(2);
        for n in 0..1_000 {
            if Instant::now() > limit {
                break;
            }
            let filter = filter(n);
            let started = Instant::now();
            let first = history
                .page(town.organization, filter.clone(), Paging::Forward { first: 50, after: None })
                .await
                .unwrap();
            times.record(started.elapsed().as_micros() as u64).unwrap();
            found += first.edges.len();
            if let Some(last) = first.edges.last().filter(|_| first.has_next) {
                let started = Instant::now();
                let next = Paging::Forward { first: 50, after: Some(last.cursor.clone()) };
                history.page(town.organization, filter, next).await.unwrap();
                times.record(started.elapsed().as_micros() as u64).unwrap();
            }
        }
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{name}: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms; {} pages, {found} events",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len()
        );
    }
    let stranger = OrganizationId(uuid::Uuid::from_u128(1));
    assert!(history.end(stranger).await.unwrap().is_none());
}
