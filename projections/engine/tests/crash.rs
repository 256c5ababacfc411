//! A process killed at any moment leaves a view that goes on exactly where its rows end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test, its helpers included")]

mod support;
mod tally;

use std::{path::Path, process::Command, time::Duration};

use engine::View;
use eventlog::EventLog;
use rusqlite::Connection;
use support::{World, soon};
use tally::{Tally, names};

const FOLDER: &str = "CRASH_TEST_FOLDER";

/// The part of the process that is killed: appends and follows until then.
#[tokio::test]
async fn victim() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let world = World::open(Path::new(&folder));
    let view: View<Tally<1, 1>> = View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
    let start = world.log.head().await.unwrap().map_or(0, |head| head.commit);
    world.skip_numbers_of(start);
    for n in start.. {
        let (_, position) = world.organization(&n.to_string()).await;
        if n % 7 == 0 {
            view.wait_for(position, soon()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_killed_view_goes_on_where_its_rows_end() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=4_u64 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--nocapture"])
            .env(FOLDER, folder.path())
            .spawn()
            .unwrap();
        let file = folder.path().join("views/tally.v1.g1.db");
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(150 + 70 * round)).await;
        victim.kill().unwrap();
        victim.wait().unwrap();

        let (rows, total, last, checkpoint): (i64, i64, Option<i64>, Option<i64>) = Connection::open(&file)
            .unwrap()
            .query_row(
                "SELECT (SELECT count(*) FROM seen), (SELECT number FROM total), (SELECT max(position) FROM seen),
                        (SELECT commit_position FROM view_checkpoint)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .unwrap();
        assert_eq!((rows, last), (total, checkpoint), "rows and checkpoint agree");

        let world = World::open(folder.path());
        let head = world.log.head().await.unwrap().unwrap();
        let view: View<Tally<1, 1>> = View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
        view.wait_for(head, soon()).await.unwrap();
        let expected: Vec<String> = (0..head.commit).map(|n| n.to_string()).collect();
        assert!(expected.len() > 10 * usize::try_from(round).unwrap(), "the victim did something");
        assert!(names(&view.reads()).await.unwrap() == expected, "each event once");
        view.stop().await;
    }
}
