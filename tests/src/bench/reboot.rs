//! From an admin's request to the frame at the unit, while a thousand units are connected. A unit that gets its command
//! stores it, acknowledges it, restarts and reports from its new boot, as a real one does.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use commands::processes::pairing::UnitIdentity;
use futures::StreamExt;
use hdrhistogram::Histogram;
use portal::{
    Network, Secret,
    protocol::{DeviceFrame, Limits, Status, UnitConnection},
};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Connection, connect, contains, histogram},
    seed::Town,
};

/// Units that are connected.
const UNITS: usize = 1_000;
/// Commands, in turn to all units, and the time between two. They are sent at fixed times, whether or not those before
/// have arrived: what waits shows in the figure.
const COMMANDS: usize = 1_500;
const SPACING: Duration = Duration::from_millis(10);
/// Connections over which they are sent.
const SENDERS: usize = 16;
/// How long to wait for what is under way at the end.
const PATIENCE: Duration = Duration::from_secs(20);

const REBOOT: &str = "mutation Reboot($input: RebootDeviceInput!) { rebootDevice(input: $input) { \
    command { id state } position userErrors { code field message } } }";

/// When the command was sent that each unit waits for, and how long those took that have arrived.
struct Clocks {
    sent: Vec<Mutex<Option<Instant>>>,
    arrived: mpsc::UnboundedSender<Duration>,
}

impl Clocks {
    fn arrived(&self, unit: usize) {
        if let Some(sent) = self.sent[unit].lock().unwrap().take() {
            // Nobody listens once the measurement is over.
            self.arrived.send(sent.elapsed()).ok();
        }
    }
}

/// Measures on the platform of the town, which must have ended: it is started again, with units.
pub async fn run(town: &Town) -> Vec<Figure> {
    let units = town.enroll(UNITS).await;
    let platform = town.installation.start().await;
    let (clocks, mut arrivals, mut ready) = clocks();
    let url = town.installation.dispatcher_url();
    let network = Arc::new(Network::new(&town.installation.origin().parse().unwrap(), PATIENCE).unwrap());
    let mut running = JoinSet::new();
    for (number, &unit) in units.iter().enumerate() {
        let token = Secret::new(town.access_token(unit));
        running.spawn(live(number, token, network.clone(), url.clone(), clocks.clone(), ready.0.clone()));
    }
    wait_for(&mut ready.1).await;
    let token = Some(town.organization.admin.token());
    let senders = connect(town.installation.gateway(), "/graphql", token, SENDERS).await;
    let body = move |unit: usize| load::graphql(REBOOT, &json!({ "input": { "deviceId": id(units[unit]) } }));
    let check = |answer: &[u8]| contains(answer, "\"userErrors\":[]");
    let measured = send(senders, &clocks, &mut arrivals, |_| String::new(), body, check).await;
    running.shutdown().await;
    town.installation.stop(platform);

    let floor = floor().await;
    let figure = |name: &str, quantile, bound| Figure {
        benchmark: "rebootDevice",
        name: format!("{name}, request to frame, {UNITS} units"),
        value: millis(&measured, quantile),
        unit: "ms",
        bound,
        floor: Some(millis(&floor, quantile)),
        floor_is: "bare axum server, request to frame, nothing durable",
    };
    vec![figure("p50", 0.5, Bound::AtMost(5.0)), figure("p99", 0.99, Bound::AtMost(25.0))]
}

fn id(unit: UnitIdentity) -> String {
    unit.device.to_string()
}

fn millis(micros: &Histogram<u64>, quantile: f64) -> f64 {
    micros.value_at_quantile(quantile) as f64 / 1_000.0
}

type Ready = (mpsc::UnboundedSender<()>, mpsc::UnboundedReceiver<()>);

fn clocks() -> (Arc<Clocks>, mpsc::UnboundedReceiver<Duration>, Ready) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let sent = (0..UNITS).map(|_| Mutex::new(None)).collect();
    (Arc::new(Clocks { sent, arrived }), arrivals, mpsc::unbounded_channel())
}

async fn wait_for(ready: &mut mpsc::UnboundedReceiver<()>) {
    for connected in 0..UNITS {
        let one = tokio::time::timeout(PATIENCE, ready.recv()).await;
        one.unwrap_or_else(|_| panic!("only {connected} units have connected")).unwrap();
    }
    // What follows a connection, such as the view of it, is not what is measured.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// A unit, from boot to boot.
async fn live(
    number: usize,
    token: Secret,
    network: Arc<Network>,
    url: String,
    clocks: Arc<Clocks>,
    ready: mpsc::UnboundedSender<()>,
) {
    let limits = Limits { answer: PATIENCE, silence: Duration::from_secs(60) };
    let mut stored = 0;
    for boot in 0_u32.. {
        let mut connection = UnitConnection::open(&network, &url.parse().unwrap(), limits).await.unwrap();
        connection.initialise(&token).await.unwrap();
        connection.subscribe((stored > 0).then_some(stored), 4).await.unwrap();
        assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::Welcome(_)), "the welcome comes first");
        let status = Status {
            boot_id: Uuid::from_u64_pair(number as u64 + 1, boot.into()),
            last_sequence: stored,
            software_version: "1.0".to_owned(),
            settings_revision: 1,
            connected_accounts: vec!["portal_for_business".to_owned()],
        };
        assert!(connection.report_status(&status).await.unwrap().accepted(), "the status is taken");
        ready.send(()).ok();
        let command = loop {
            if let DeviceFrame::DeviceCommand(command) = connection.next_frame().await.unwrap() {
                break command;
            }
        };
        clocks.arrived(number);
        stored = command.sequence;
        assert!(connection.acknowledge(&command).await.unwrap().accepted(), "the acknowledgement is taken");
        connection.close().await;
    }
}

/// Sends the commands, each at its time, and collects how long they took to arrive, in microseconds.
async fn send(
    connections: Vec<Connection>,
    clocks: &Arc<Clocks>,
    arrivals: &mut mpsc::UnboundedReceiver<Duration>,
    path: impl Fn(usize) -> String,
    body: impl Fn(usize) -> hyper::body::Bytes,
    check: fn(&[u8]) -> bool,
) -> Histogram<u64> {
    let (idle, mut free) = mpsc::unbounded_channel();
    connections.into_iter().for_each(|connection| idle.send(connection).ok().unwrap());
    let mut ticks = tokio::time::interval(SPACING);
    for number in 0..COMMANDS {
        let due = ticks.tick().await;
        let mut connection = free.recv().await.unwrap();
        let unit = number % UNITS;
        let (path, body, idle) = (path(unit), body(unit), idle.clone());
        let before = clocks.sent[unit].lock().unwrap().replace(due.into_std());
        assert!(before.is_none(), "the command before to this unit has not arrived");
        tokio::spawn(async move {
            let answer = connection.post_to(&path, body).await;
            assert!(check(&answer), "{}", String::from_utf8_lossy(&answer));
            idle.send(connection).ok();
        });
    }
    let mut micros = histogram();
    for arrived in 0..COMMANDS {
        let next = tokio::time::timeout(PATIENCE, arrivals.recv()).await;
        let took = next.unwrap_or_else(|_| panic!("only {arrived} of {COMMANDS} commands have arrived")).unwrap();
        micros.record(took.as_micros() as u64).unwrap();
    }
    micros
}

/// The same number of sockets, requests and frames without a platform.
async fn floor() -> Histogram<u64> {
    let floor = Floor::start();
    let (clocks, mut arrivals, mut ready) = clocks();
    let mut running = JoinSet::new();
    for number in 0..UNITS {
        running.spawn(listen(number, floor.address, clocks.clone(), ready.0.clone()));
    }
    wait_for(&mut ready.1).await;
    let senders = connect(floor.address, "", None, SENDERS).await;
    let path = |unit: usize| format!("/units/{unit}/push");
    send(senders, &clocks, &mut arrivals, path, |_| "{}".into(), |answer| !answer.is_empty()).await
}

async fn listen(number: usize, address: SocketAddr, clocks: Arc<Clocks>, ready: mpsc::UnboundedSender<()>) {
    let url = format!("ws://{address}/units/{number}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.next().await.unwrap().unwrap();
    ready.send(()).unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() {
            clocks.arrived(number);
        }
    }
}
