//! The machine that the figures come from, at the moment when the measuring begins: what other work takes away from it,
//! and what its disk takes for a commit.

use std::{
    fs::File,
    io::Write,
    time::{Duration, Instant},
};

use super::{Bound, Figure};

/// How long the machine is watched.
const WATCH: Duration = Duration::from_secs(2);
/// Writes that are synced, and bytes of each: about those of a commit under load.
const SYNCS: usize = 200;
const BYTES: usize = 64 * 1024;

/// Looks.
pub fn run() -> Vec<Figure> {
    let figure = |name: &str, value, unit| Figure {
        benchmark: "machine",
        name: name.to_owned(),
        value,
        unit,
        bound: Bound::None,
        floor: None,
        floor_is: "",
    };
    let mut syncs = sync_millis();
    syncs.sort_by(f64::total_cmp);
    vec![
        figure("processors", std::thread::available_parallelism().map_or(1, usize::from) as f64, ""),
        figure("of them busy with other work", busy_percent(), "%"),
        figure("sync of 64 KiB, p50", syncs[SYNCS / 2], "ms"),
        figure("sync of 64 KiB, p99", syncs[SYNCS * 99 / 100], "ms"),
    ]
}

fn sync_millis() -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("file")).unwrap();
    let sync = |_| {
        file.write_all(&[7; BYTES]).unwrap();
        let started = Instant::now();
        file.sync_data().unwrap();
        started.elapsed().as_secs_f64() * 1_000.0
    };
    (0..SYNCS).map(sync).collect()
}

fn busy_percent() -> f64 {
    let (busy, all) = processor_ticks();
    std::thread::sleep(WATCH);
    let (busy_after, all_after) = processor_ticks();
    100.0 * (busy_after - busy) as f64 / (all_after - all).max(1) as f64
}

/// Ticks of all processors since the machine started: those in which they worked, and all.
fn processor_ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let fields = stat.lines().next().unwrap().split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.map(|ticks| ticks.parse().unwrap()).collect();
    let all = ticks.iter().take(8).sum::<u64>();
    // The fourth and fifth are those in which they had nothing to do, or nothing but to wait for the disk.
    (all - ticks[3] - ticks[4], all)
}
