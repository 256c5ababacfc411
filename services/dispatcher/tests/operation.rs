//! Many units at once, stopping, crashing, and what the operator sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use dispatcher::DispatcherConfig;
use domain::DeviceCommand;
use futures::{StreamExt, stream};
use schema::events::device::DeviceEvent;
use uuid::Uuid;

use support::{PATIENCE, World, close_code, command, enroll, platform};

const BOOT: Uuid = Uuid::from_u128(1);

/// 200 units unless told otherwise, each with a command of its own.
#[tokio::test(flavor = "multi_thread")]
async fn many_units_at_once() {
    let count = std::env::var("UNITS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let world = World::start().await;
    let enrolled: Vec<_> = stream::iter(0..count).map(|_| enroll(&world.platform)).buffered(64).collect().await;
    let begun = Instant::now();
    let mut connected: Vec<_> =
        stream::iter(&enrolled).map(|unit| world.following(unit, None, 4, BOOT)).buffered(64).collect().await;
    let connecting = begun.elapsed();
    assert!(world.metrics().contains(&format!("dispatcher_connected_units {count}")), "{}", world.metrics());

    let mut latencies = vec![];
    for (unit, connection) in enrolled.iter().zip(&mut connected) {
        let begun = Instant::now();
        let id = world.reboot(unit).await;
        let reboot = command(connection).await;
        latencies.push(begun.elapsed());
        assert_eq!(reboot.command_id, id.to_string(), "each unit gets its own");
        assert!(connection.acknowledge(&reboot).await.unwrap().accepted());
    }
    latencies.sort();
    let at = |per_mille: usize| latencies[(latencies.len() - 1) * per_mille / 1000];
    println!("{count} units connected in {connecting:?}; request to frame: p50 {:?}, p99 {:?}", at(500), at(990));
    let metrics = world.metrics();
    assert!(metrics.contains(&format!("dispatch_latency_seconds_count {count}")), "{metrics}");
    assert!(metrics.contains(&format!(r#"dispatcher_frames_total{{type="DeviceCommand"}} {count}"#)), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_says_goodbye_and_leaves_nothing_open() {
    let world = World::start().await;
    let enrolled: Vec<_> = stream::iter(0..20).map(|_| enroll(&world.platform)).buffered(8).collect().await;
    let mut connected = vec![];
    for unit in &enrolled {
        connected.push(world.following(unit, None, 4, BOOT).await);
    }
    world.stop.cancel();
    let codes: Vec<_> = stream::iter(&mut connected).map(close_code).buffered(20).collect().await;
    assert_eq!(codes, [1001; 20]);
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap();
    assert!(!world.dispatcher.is_ready());
    for unit in &enrolled {
        let stream = schema::StreamId::new("device", &unit.device);
        let last = world.platform.log().read_stream(&stream, 0, 100).await.unwrap().pop().unwrap();
        assert_eq!(&*last.event_type, "device.disconnected");
    }
}

/// The process dies with two units connected; one comes back to the next process, the other does not. A third unit is
/// connected to another dispatcher, about which this one knows nothing.
#[test]
fn what_a_crash_leaves_open_is_ended() {
    let outside = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let platform = platform(folder.path());
    let (gone, back, elsewhere) =
        outside.block_on(async { (enroll(&platform).await, enroll(&platform).await, enroll(&platform).await) });

    let dying = tokio::runtime::Runtime::new().unwrap();
    let world = dying.block_on(World::on(platform.clone(), DispatcherConfig::default()));
    let before = dying.block_on(async {
        let open = (world.following(&gone, None, 4, BOOT).await, world.following(&back, None, 4, BOOT).await);
        std::mem::forget(open);
        world.give(&elsewhere, DeviceCommand::Connect { connection: Uuid::from_u128(5) }).await;
        world.events(&gone).await
    });
    dying.shutdown_timeout(Duration::from_secs(1));

    outside.block_on(async {
        assert_eq!(world.events(&gone).await.len(), before.len(), "a crash leaves no goodbye");
        let config = DispatcherConfig { sweep_after: Duration::from_millis(300), ..DispatcherConfig::default() };
        let next = World::on(platform, config).await;
        let _returned = next.following(&back, None, 4, BOOT).await;
        next.until(&gone, "offline", |events| matches!(events.last(), Some(DeviceEvent::Disconnected(_)))).await;
        // The end of the sweep.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for unit in [&back, &elsewhere] {
            let events = next.events(unit).await;
            assert!(!events.iter().any(|e| matches!(e, DeviceEvent::Disconnected(_))), "{events:?}");
        }
    });
}

#[tokio::test]
async fn one_unit_too_many_is_asked_to_come_back() {
    let world = World::configured(DispatcherConfig { max_connections: 1, ..DispatcherConfig::default() }).await;
    let (first, second) = (world.enroll().await, world.enroll().await);
    let open = world.following(&first, None, 4, BOOT).await;
    let token = world.token(&second, Duration::ZERO);
    assert!(world.unit_with(&token).await.is_err());
    open.close().await;
    let begun = Instant::now();
    while world.unit_with(&token).await.is_err() {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn the_schema_is_the_contract() {
    let sdl = dispatcher::schema_sdl();
    for line in [
        "deviceCommands(",
        "union DeviceFrame = Welcome | DeviceCommand | DesiredSettings | StreamReset | Revoked",
        "acknowledgeCommand(input: AcknowledgeCommandInput!): DeviceReportPayload!",
        "reportCommandResult(input: ReportCommandResultInput!): DeviceReportPayload!",
        "reportStatus(input: ReportStatusInput!): DeviceReportPayload!",
        "renewToken(input: RenewTokenInput!): RenewTokenPayload!",
    ] {
        assert!(sdl.contains(line), "{line} is not in\n{sdl}");
    }
}

const INTROSPECTION: &str = "{ __schema { types { name description kind \
    fields { name description args { name description } } inputFields { name description } \
    enumValues { name description } } } }";

/// The schema is the manual of whoever builds a unit: nothing in it goes without a word.
#[tokio::test]
async fn everything_in_the_schema_is_described() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let answer = world.raw_unit(&unit).await.ask(INTROSPECTION).await;
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    let of_graphql = |name: &str| name.starts_with("__") || name == "ID";
    let ours = types.iter().filter(|declared| !of_graphql(declared["name"].as_str().unwrap()));
    let mut silent = vec![];
    let mut look = |path: &str, thing: &serde_json::Value| {
        if thing["description"].as_str().is_none_or(str::is_empty) {
            silent.push(format!("{path}.{}", thing["name"].as_str().unwrap()));
        }
    };
    for declared in ours {
        look("", declared);
        let name = declared["name"].as_str().unwrap();
        for member in
            ["fields", "inputFields", "enumValues"].iter().flat_map(|kind| declared[kind].as_array()).flatten()
        {
            look(name, member);
            for argument in member["args"].as_array().into_iter().flatten().filter(|a| a["name"] != "input") {
                look(&format!("{name}.{}", member["name"]), argument);
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}
