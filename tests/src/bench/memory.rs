//! Memory of a platform that has just started and does nothing.

use std::time::Duration;

use super::{Bound, Figure, floor::Floor, seed};
use crate::platform::Installation;

/// KiB in a MiB.
const MIB: f64 = 1024.0;

/// Measures.
pub async fn run() -> Vec<Figure> {
    let installation = Installation::new(&seed::program()).with(&["--development"]).quiet();
    let platform = installation.start().await;
    let floor = Floor::start();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let figure = Figure {
        benchmark: "memory",
        name: "idle platform, resident".to_owned(),
        value: platform.resident_kib() as f64 / MIB,
        unit: "MiB",
        bound: Bound::AtMost(60.0),
        floor: Some(floor.process.resident_kib() as f64 / MIB),
        floor_is: "bare axum server",
    };
    installation.stop(platform);
    vec![figure]
}
