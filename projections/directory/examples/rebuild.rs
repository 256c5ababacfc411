//! Builds all views from a log of about a million events as a company leaves them behind, and measures how long that
//! takes; then how long an event takes to show in a quiet view, and how batches grow under load.
//!
//! `cargo run --release -p directory --example rebuild [people]`
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement, not a part of the product")]

#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use devices::DevicesProjection;
use directory::{Directory, DirectoryProjection};
use engine::{Projection, View};
use eventlog::EventLog;
use futures::{StreamExt, stream};
use hdrhistogram::Histogram;
use schema::{
    AccountId, Actor, ChallengeId, CommandId, CommandKind, DeviceId, HardwareKey, LoginMethod, OrganizationId,
    PairingId, Position, RoleId, SessionId, StreamId,
    events::{
        AccountEvent, DeviceEvent, PairingEvent, ReservationEvent, RoleEvent, SessionEvent, account::*, device::*,
        pairing::*, reservation::*, role::*, session::*,
    },
};
use support::{World, system, time};

/// One device for so many people.
const PEOPLE_PER_DEVICE: u64 = 5;
/// Times that a device went and came back, and commands that it got.
const DAYS: u64 = 6;

async fn person(world: &World, organization: OrganizationId, n: u64) {
    let (given, family) = (["Anna", "Дмитрий", "Zoë", "José"][n as usize % 4], format!("Quist-{n}"));
    let email = format!("person{n}@example.com");
    let (account, created) = world.account_created(organization, &email, support::profile(given, &family)).await;
    let reservation = StreamId::new("email", &created.email_key);
    world
        .append(&reservation, system(), ReservationEvent::EmailReserved(EmailReserved { account, signup: None }))
        .await;
    let challenge = ChallengeId(world.id());
    let link = AccountActivationLinkIssued { challenge, expires_at: time(0), mailed: true };
    let activated = AccountActivated { challenge: Some(challenge), credential: world.id() };
    let events: Vec<AccountEvent> = vec![created.into(), link.into(), activated.into()];
    world.append_all(&StreamId::new("account", &account), system(), events).await;
    for _ in 0..3 {
        let session = SessionId(world.id());
        let started = SessionStarted {
            epoch: 0,
            session,
            account,
            organization,
            method: LoginMethod::Password,
            secret_sha256: "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".into(),
            expires_at: time(0),
        };
        let events: Vec<SessionEvent> = vec![started.into(), SessionEnded {}.into()];
        world.append_all(&StreamId::new("session", &session), Actor::Account(account), events).await;
    }
}

async fn device(world: &World, organization: OrganizationId, n: u64) {
    let (device, pairing, account) = (DeviceId(world.id()), PairingId(world.id()), AccountId(world.id()));
    let hardware = HardwareKey(format!("{n:064}"));
    let approved = PairingApproved { account, account_epoch: 0, organization, device, name: format!("Room {n}") };
    let events: Vec<PairingEvent> = vec![approved.into(), PairingCompleted { device }.into()];
    world.append_all(&StreamId::new("pairing", &pairing), Actor::Account(account), events).await;
    let enrolled = HardwareEnrolled { device, organization, epoch: 1, pairing };
    world.append(&StreamId::new("hardware", &hardware), system(), ReservationEvent::HardwareEnrolled(enrolled)).await;
    let mut events: Vec<DeviceEvent> = vec![
        DeviceEnrolled {
            account_epoch: 0,
            device,
            organization,
            account,
            pairing,
            hardware,
            epoch: 1,
            serial: format!("SN{n:08}"),
            model: "Portal Plus".into(),
            software_version: "1.42.0".into(),
            name: format!("Room {n}"),
            public_key: r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.into(),
        }
        .into(),
    ];
    for day in 1..=DAYS {
        events.extend(one_day(world, day));
    }
    world.append_all(&StreamId::new("device", &device), Actor::Device(device), events).await;
}

/// It comes, says how it is, is rebooted, and goes.
fn one_day(world: &World, day: u64) -> Vec<DeviceEvent> {
    let (connection, command, boot_id) = (world.id(), CommandId(world.id()), world.id());
    let status = DeviceStatusReported {
        boot_id,
        last_sequence: day,
        software_version: "1.42.0".into(),
        settings_revision: 1,
        connected_accounts: BTreeSet::new(),
    };
    vec![
        DeviceConnected { connection }.into(),
        DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence: day, expires_at: Some(time(day)) }
            .into(),
        DeviceCommandQueued { command }.into(),
        DeviceCommandDispatched { command, attempt: 1, boot_id: Some(boot_id) }.into(),
        DeviceCommandReceived { command, attempt: 1 }.into(),
        status.into(),
        DeviceCommandSucceeded { command, boot_id: Some(boot_id) }.into(),
        DeviceDisconnected { connection }.into(),
    ]
}

/// Processor time of this process so far: the machine may have other work.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = stat.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

async fn build<P: Projection>(world: &World, head: Position) -> (View<P>, Duration) {
    let started = Instant::now();
    let view = View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(900);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    (view, started.elapsed())
}

#[tokio::main]
async fn main() {
    let people = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(50_000);
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = world.organization("Large").await;
    let world = &world;
    let both = stream::iter(0..people).for_each_concurrent(1_000, |n| async move {
        person(world, organization, n).await;
        if n % PEOPLE_PER_DEVICE == 0 {
            device(world, organization, n).await;
        }
    });
    both.await;
    let head = world.log.head().await.unwrap().unwrap();
    let events = head.commit as f64;
    println!("{events} events of {people} people and {} devices", people / PEOPLE_PER_DEVICE);

    let report = |what: &str, took: Duration, processor: f64| {
        let rate = events / took.as_secs_f64();
        println!(
            "{what}: {took:.2?}, {rate:.0} events/s; {processor:.2} s of processor, {:.0} events/s of one",
            events / processor
        );
    };
    let (started, processor) = (Instant::now(), processor_seconds());
    let ((directory, _), (devices, _)) =
        tokio::join!(build::<DirectoryProjection>(world, head), build::<DevicesProjection>(world, head));
    report("both views at once", started.elapsed(), processor_seconds() - processor);
    directory.stop().await;
    devices.stop().await;
    std::fs::remove_dir_all(&world.views).unwrap();

    let processor = processor_seconds();
    let (view, took) = build::<DevicesProjection>(world, head).await;
    report("devices alone", took, processor_seconds() - processor);
    drop(view);
    let processor = processor_seconds();
    let (view, took) = build::<DirectoryProjection>(world, head).await;
    report("directory alone", took, processor_seconds() - processor);

    quiet(world, &view, organization).await;
    point_reads(&view, organization).await;
    loaded(world, &view, organization).await;
}

/// From the answer to an append until the view contains it.
async fn quiet(world: &World, view: &View<DirectoryProjection>, organization: OrganizationId) {
    let mut times = Histogram::<u64>::new(3).unwrap();
    for n in 0..1_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (_, position) =
            world.person(organization, &format!("new{n}@example.com"), support::profile("New", "Person")).await;
        let started = Instant::now();
        view.wait_for(position, support::soon()).await.unwrap();
        times.record(started.elapsed().as_micros() as u64).unwrap();
    }
    let at = |quantile| times.value_at_quantile(quantile);
    println!("append to visible, quiet: p50 {} µs, p99 {} µs, max {} µs", at(0.5), at(0.99), at(1.0));
}

/// One small query after the other.
async fn point_reads(view: &View<DirectoryProjection>, organization: OrganizationId) {
    let reads = Directory::new(view.reads());
    let mut times = Histogram::<u64>::new(3).unwrap();
    for _ in 0..5_000 {
        let started = Instant::now();
        reads.organization(organization).await.unwrap().unwrap();
        times.record(started.elapsed().as_nanos() as u64).unwrap();
    }
    let at = |quantile| times.value_at_quantile(quantile) / 1_000;
    println!("a read of one row: p50 {} µs, p99 {} µs", at(0.5), at(0.99));
}

/// As many appends at once as a busy gateway has.
async fn loaded(world: &World, view: &View<DirectoryProjection>, organization: OrganizationId) {
    let times = std::sync::Mutex::new(Histogram::<u64>::new(3).unwrap());
    let (times, started) = (&times, Instant::now());
    let role = RoleId(world.id());
    let appends = stream::iter(0..50_000).for_each_concurrent(256, |n| async move {
        let stream = StreamId::new("roles", &OrganizationId(world.id()));
        let assigned = RoleAssigned { role, account: AccountId(world.id()) };
        let position = world.append(&stream, system(), RoleEvent::Assigned(assigned)).await;
        let started = Instant::now();
        view.wait_for(position, support::soon()).await.unwrap();
        if n > 1_000 {
            times.lock().unwrap().record(started.elapsed().as_micros() as u64).unwrap();
        }
    });
    appends.await;
    let times = times.lock().unwrap().clone();
    let at = |quantile| times.value_at_quantile(quantile);
    let rate = 50_000.0 / started.elapsed().as_secs_f64();
    println!(
        "append to visible, 256 at once, {rate:.0}/s: p50 {} µs, p99 {} µs, max {} µs",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let status = view.status().await;
    println!("{organization}: lag {}, failed {:?}", status.lag, status.failed);
}
