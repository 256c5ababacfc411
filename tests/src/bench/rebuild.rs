//! Building all views from the log.

use std::{sync::Arc, time::Instant};

use devices::DevicesProjection;
use directory::DirectoryProjection;
use engine::{Projection, View};
use eventlog::{EventLog, embedded::Embedded};
use history::HistoryProjection;

use super::{Bound, Figure, seed::Town};

/// Events per read when the log alone is read.
const READ: usize = 4_096;

/// Measures on the log of the town, whose platform must have ended.
pub async fn run(town: &Town) -> Vec<Figure> {
    let embedded = Arc::new(town.open_log());
    let events = embedded.head().await.unwrap().unwrap().commit as f64;

    let started = Instant::now();
    read(&embedded).await;
    let floor = events / started.elapsed().as_secs_f64();

    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    // As at the start of a platform: all at once.
    tokio::join!(
        build::<DirectoryProjection>(folder.path(), &embedded),
        build::<DevicesProjection>(folder.path(), &embedded),
        build::<HistoryProjection>(folder.path(), &embedded)
    );
    let rate = events / started.elapsed().as_secs_f64();
    vec![Figure {
        benchmark: "rebuild",
        name: format!("all views from a log of {events} events"),
        value: rate,
        unit: "events/s",
        bound: Bound::AtLeast(80_000.0),
        floor: Some(floor),
        floor_is: "reading the log, once",
    }]
}

/// Builds a view, which is closed then.
pub(super) async fn build<P: Projection>(folder: &std::path::Path, log: &Arc<Embedded>) {
    let head = log.head().await.unwrap().unwrap();
    let view = View::<P>::start(folder, log.clone(), log.clone()).await.unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(600);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    view.stop().await;
}

async fn read(log: &Arc<Embedded>) {
    let mut after = None;
    loop {
        let events = log.read_all(after, READ).await.unwrap();
        let Some(last) = events.last() else { return };
        after = Some(last.position);
    }
}
