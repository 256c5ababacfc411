//! The machine that the figures come from: what other work took away from it meanwhile, and what its disk takes for a
//! commit.

use std::{
    fs::{self, File},
    io::Write,
    time::Instant,
};

use super::{Bound, Figure};

/// Writes that are synced, and bytes of each: about those of a commit under load.
const SYNCS: usize = 200;
const BYTES: usize = 64 * 1024;

/// Watches the machine while the benchmarks run.
pub struct Watch {
    before: Ticks,
    syncs: Vec<f64>,
}

impl Watch {
    /// Begins, with a look at the disk.
    pub fn start() -> Self {
        let mut syncs = sync_millis();
        syncs.sort_by(f64::total_cmp);
        Self { before: Ticks::now(), syncs }
    }

    /// What was seen.
    pub fn end(self) -> Vec<Figure> {
        let figure = |name: &str, value, unit| Figure {
            benchmark: "machine",
            name: name.to_owned(),
            value,
            unit,
            bound: Bound::None,
            floor: None,
            floor_is: "",
        };
        let after = Ticks::now();
        let others = (after.busy - self.before.busy).saturating_sub(after.ours - self.before.ours);
        let share = 100.0 * others as f64 / (after.all - self.before.all).max(1) as f64;
        vec![
            figure("processors", std::thread::available_parallelism().map_or(1, usize::from) as f64, ""),
            figure("processor time that went to other work", share, "%"),
            figure("sync of 64 KiB before the start, p50", self.syncs[SYNCS / 2], "ms"),
            figure("sync of 64 KiB before the start, p99", self.syncs[SYNCS * 99 / 100], "ms"),
        ]
    }
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

/// Processor time since the machine started, in ticks.
struct Ticks {
    /// Of all processors.
    all: u64,
    /// In which they worked.
    busy: u64,
    /// In which they worked for this process and for those that it has started and that have ended.
    ours: u64,
}

impl Ticks {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap();
        let fields = stat.lines().next().unwrap().split_whitespace().skip(1);
        let ticks: Vec<u64> = fields.map(|ticks| ticks.parse().unwrap()).collect();
        let all = ticks.iter().take(8).sum::<u64>();
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        let fields = own.rsplit_once(')').unwrap().1.split_whitespace();
        let ours = fields.skip(11).take(4).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        // The fourth and fifth are those in which they had nothing to do, or nothing but to wait for the disk.
        Self { all, busy: all - ticks[3] - ticks[4], ours }
    }
}
