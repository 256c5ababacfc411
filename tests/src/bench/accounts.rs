//! Adding people over HTTP: durable, and the view up to date in the answer.

use std::time::Duration;

use serde_json::json;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Until, connect, contains, drive},
    seed::Town,
};
use crate::process::Process;

/// Connections, each with one request under way.
const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(10);

const CREATE: &str = "mutation Create($input: CreateAccountInput!) { createAccount(input: $input) { \
    person { id displayName email status } position userErrors { code field message } } }";

/// Measures on the platform of the town, which grows by the people that are added.
pub async fn run(town: &Town, platform: &Process) -> Vec<Figure> {
    let request = |from: u64| {
        move |number: u64| {
            let (given, family) = super::seed::name(from + number);
            let email = format!("bench.{}@northwind.example", from + number);
            load::graphql(CREATE, &json!({ "input": { "email": email, "givenName": given, "familyName": family } }))
        }
    };
    // The person in the answer comes out of the view.
    let check = |answer: &[u8]| contains(answer, "\"userErrors\":[]") && contains(answer, "\"status\":\"ADDED\"");
    let token = Some(town.organization.admin.token());
    let address = town.installation.gateway();
    let connections = || connect(address, "/graphql", token, CONNECTIONS);
    let warmed_up = drive(connections().await, Until::Elapsed(WARM_UP), request(0), check).await;
    let (before, written) = (platform.processor_time(), platform.written_bytes());
    let measured = drive(connections().await, Until::Elapsed(TIME), request(warmed_up.count + 1_000), check).await;
    let used = (platform.processor_time() - before).as_micros() as f64 / measured.count as f64;
    let written = (platform.written_bytes() - written) as f64 / 1024.0 / measured.count as f64;

    let floor = Floor::start();
    let before = floor.process.processor_time();
    let bare = connect(floor.address, "/json/300", token, CONNECTIONS).await;
    let bare = drive(bare, Until::Elapsed(Duration::from_secs(4)), request(0), |answer| answer.len() == 300).await;
    let floor_used = (floor.process.processor_time() - before).as_micros() as f64 / bare.count as f64;
    let figure = |name: &str, value, unit, bound, floor| Figure {
        benchmark: "createAccount",
        name: name.to_owned(),
        value,
        unit,
        bound,
        floor,
        floor_is: if floor.is_some() { "bare axum server, same client" } else { "" },
    };
    vec![
        figure("rate, 64 connections", measured.rate(), "/s", Bound::AtLeast(3_000.0), Some(bare.rate())),
        figure("p50", measured.millis(0.5), "ms", Bound::None, Some(bare.millis(0.5))),
        figure("p99", measured.millis(0.99), "ms", Bound::AtMost(60.0), Some(bare.millis(0.99))),
        figure("processor time of the server per request", used, "µs", Bound::None, Some(floor_used)),
        figure("written to disk per request", written, "KiB", Bound::None, None),
    ]
}
