//! A running view on a real log: what it answers, when, and after which mishaps.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test, its helpers included")]

mod support;
mod tally;

use std::{
    collections::HashSet,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{Status, Update, View, ViewError, WaitError, build_until};
use eventlog::{EventLog, Vault};
use futures::{StreamExt, stream};
use rusqlite::Connection;
use schema::{PersonKey, Position, StreamId};
use support::{World, profile, soon, system};
use tally::{Gate, Tally, names, numbers};
use tokio::time::Instant;

/// How often a view is rebuilt under load: the moment that matters is short.
const REBUILDS: usize = 10;

/// As the views are used unless a test is about versions.
type First = Tally<1, 1>;

async fn start<const VERSION: u32, const SINCE: u32>(world: &World) -> View<Tally<VERSION, SINCE>> {
    View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap()
}

fn files(world: &World) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(&world.views)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file.ends_with(".db"))
        .collect();
    files.sort();
    files
}

/// Appends that many organizations and returns their names in the order of the log.
async fn many(world: &World, count: usize) -> Vec<String> {
    let appended = stream::iter(0..count).map(async |n| (world.organization(&n.to_string()).await.1, n.to_string()));
    let mut appended: Vec<_> = appended.buffer_unordered(500).collect().await;
    appended.sort();
    appended.into_iter().map(|(_, name)| name).collect()
}

async fn status_when<const V: u32, const S: u32>(view: &View<Tally<V, S>>, holds: impl Fn(&Status) -> bool) -> Status {
    let deadline = soon();
    loop {
        let status = view.status().await;
        if holds(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_append_is_answered_from_the_position_on_that_it_returned() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let mut heard = view.changes();
    let mut expected = Vec::new();
    let mut last = None;
    for n in 0..50 {
        let (organization, position) = world.organization(&format!("name {n}")).await;
        view.wait_for(position, soon()).await.unwrap();
        expected.push(format!("name {n}"));
        assert_eq!(names(&view.reads()).await.unwrap(), expected);
        last = Some((organization, position));
    }
    // What does not concern the view moves it on all the same.
    let (organization, position) = last.unwrap();
    let foreign = StreamId::from("weather-today");
    let beyond = world.append_raw(&foreign, system(), vec![("weather.changed", b"{}".to_vec())]).await;
    view.wait_for(beyond, soon()).await.unwrap();
    let status = view.status().await;
    assert_eq!((status.events, status.lag, status.checkpoint), (50, 0, Some(beyond)));

    let Some(Update::Changed(change)) = heard.next(organization).await else { panic!("a change of this organization") };
    assert_eq!((change.organization, change.position, change.what.as_str()), (organization, position, "name 49"));

    let soon_over = Instant::now() + Duration::from_millis(20);
    let never = Position::at(beyond.commit + 1);
    assert_eq!(view.wait_for(never, soon_over).await, Err(WaitError::Behind));
}

#[tokio::test]
async fn a_listener_that_falls_behind_is_told_to_fetch_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let mut heard = view.changes();
    let mut last = world.organization("first").await;
    for n in 0..1_100 {
        last = world.organization(&n.to_string()).await;
        view.wait_for(last.1, soon()).await.unwrap();
    }
    assert_eq!(heard.next(last.0).await, Some(Update::Refetch));
    let Some(Update::Changed(change)) = heard.next(last.0).await else { panic!("then it hears what it can") };
    assert_eq!(change.position, last.1);
}

#[tokio::test]
async fn what_cannot_be_applied_stops_the_view_and_is_never_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.organization("before").await;
    let (_, poison) = world.organization(tally::POISON).await;
    let (_, after) = world.organization("after").await;

    let stuck = async |view: &View<First>| {
        let status = status_when(view, |status| status.failed.is_some()).await;
        assert_eq!(status.failed.clone().unwrap().position, Some(poison));
        assert!(status.lag > 0);
        let started = Instant::now();
        assert_eq!(view.wait_for(after, soon()).await, Err(WaitError::Stopped));
        assert!(started.elapsed() < Duration::from_secs(5), "it does not wait for the deadline");
    };
    // It had nothing to show before: it never becomes ready, and keeps what it has for the next attempt.
    let view: View<First> = start(&world).await;
    stuck(&view).await;
    assert!(matches!(names(&view.reads()).await, Err(ViewError::Building)));
    view.stop().await;

    // With a version that takes it, and then one that does not again: the rows before it go on serving.
    let view: View<First> = start(&world).await;
    stuck(&view).await;
    let mended: View<Tally<2, 2>> = start(&world).await;
    mended.wait_for(after, soon()).await.unwrap();
    assert_eq!(names(&mended.reads()).await.unwrap(), ["before", tally::POISON, "after"]);
}

#[tokio::test]
async fn a_view_that_serves_and_then_fails_goes_on_serving_and_can_be_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = world.organization("before").await;
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let unknown = StreamId::new("organization", &organization);
    let position = world.append_raw(&unknown, system(), vec![("organization.exploded", b"{}".to_vec())]).await;
    let (_, after) = world.organization("after").await;
    let status = status_when(&view, |status| status.failed.is_some()).await;
    let failed = status.failed.unwrap();
    assert_eq!(failed.position, Some(position));
    assert!(failed.error.contains("organization.exploded"), "{}", failed.error);
    assert_eq!(view.wait_for(after, soon()).await, Err(WaitError::Stopped));
    assert_eq!(names(&view.reads()).await.unwrap(), ["before"]);
    // Building anew meets the same event: the old rows stay.
    view.rebuild().await.unwrap();
    status_when(&view, |status| !status.building).await;
    assert_eq!(names(&view.reads()).await.unwrap(), ["before"]);
}

#[tokio::test]
async fn a_new_version_is_built_beside_the_old_one_which_serves_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.organization("one").await;
    let old: View<First> = start(&world).await;
    old.ready(soon()).await.unwrap();
    old.stop().await;
    let (_, two) = world.organization("two").await;

    let gate = Gate::close();
    let new: View<Tally<3, 1>> = start(&world).await;
    assert_eq!(names(&new.reads()).await.unwrap(), ["one"], "the old rows");
    let status = new.status().await;
    assert!(status.ready && status.building && status.lag == 1, "{status:?}");
    assert_eq!(files(&world), ["tally.v1.g1.db", "tally.v3.g1.db"]);
    let briefly = Instant::now() + Duration::from_millis(20);
    assert_eq!(new.wait_for(two, briefly).await, Err(WaitError::Behind));
    drop(gate);
    new.wait_for(two, soon()).await.unwrap();
    assert_eq!(names(&new.reads()).await.unwrap(), ["one", "two"]);
    // The old file goes just after.
    let deadline = soon();
    while files(&world) != ["tally.v3.g1.db"] {
        assert!(Instant::now() < deadline, "{:?}", files(&world));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    new.stop().await;

    // One whose queries cannot read the old rows has nothing to show until it has caught up.
    let gate = Gate::close();
    let newest: View<Tally<4, 4>> = start(&world).await;
    assert!(matches!(names(&newest.reads()).await, Err(ViewError::Building)));
    assert!(!newest.status().await.ready);
    drop(gate);
    newest.ready(soon()).await.unwrap();
    assert_eq!(names(&newest.reads()).await.unwrap(), ["one", "two"]);
}

/// Several append at once, so that the file that serves moves on in the very moment in which the new one takes its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_under_load_is_never_seen_to_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    many(&world, 1_000).await;
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let (world_ref, view_ref, rebuilding) = (&world, &view, &AtomicBool::new(true));
    let last_seen = async || {
        let seen = |rows: &Connection| Ok(rows.query_row("SELECT max(position) FROM seen", [], |row| row.get(0))?);
        view_ref.reads().read::<i64, _>(seen).await.unwrap().cast_unsigned()
    };
    let append = async || {
        while rebuilding.load(Ordering::Relaxed) {
            let (_, position) = world_ref.organization("more").await;
            view_ref.wait_for(position, soon()).await.unwrap();
            assert!(last_seen().await >= position.commit, "one reads what one wrote");
        }
    };
    let watch = async || {
        let mut before = None;
        while rebuilding.load(Ordering::Relaxed) {
            let now = view_ref.status().await.checkpoint;
            assert!(now >= before, "from {before:?} back to {now:?}");
            before = now;
            tokio::task::yield_now().await;
        }
    };
    let rebuild = async {
        for _ in 0..REBUILDS {
            view_ref.rebuild().await.unwrap();
            status_when(view_ref, |status| !status.building).await;
        }
        rebuilding.store(false, Ordering::Relaxed);
    };
    let appenders = futures::future::join_all((0..16).map(|_| append()));
    tokio::join!(rebuild, watch(), appenders);
    view.stop().await;
    assert_eq!(files(&world), [format!("tally.v1.g{}.db", REBUILDS + 1)]);
}

/// What a kill would leave behind is what another connection sees: at every moment the rows end at the checkpoint.
#[tokio::test]
async fn rows_and_checkpoint_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.organization("first").await;
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let rows = Connection::open(world.views.join("tally.v1.g1.db")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let is_over = over.clone();
    let looker = std::thread::spawn(move || {
        let sql = "SELECT (SELECT max(position) FROM seen), (SELECT commit_position FROM view_checkpoint)";
        let mut moments = HashSet::new();
        while !is_over.load(Ordering::Relaxed) {
            let look = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            let (last, checkpoint) = rows.prepare_cached(sql).unwrap().query_row([], look).unwrap();
            assert_eq!(last, checkpoint);
            moments.insert(last);
        }
        moments.len()
    });
    for n in 0..500 {
        let (_, position) = world.organization(&n.to_string()).await;
        view.wait_for(position, soon()).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    assert!(looker.join().unwrap() > 100, "it looked often enough");
}

#[tokio::test]
async fn damage_is_mended_by_building_anew() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let mut expected = many(&world, 2_000).await;
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    view.stop().await;

    // No database at all.
    let [file] = &files(&world)[..] else { panic!("one file") };
    std::fs::write(world.views.join(file), vec![b'x'; 50_000]).unwrap();
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    assert_eq!(names(&view.reads()).await.unwrap(), expected);
    view.stop().await;

    // A database of which all but the first page is gone: it opens, and the next event finds out.
    let [file] = &files(&world)[..] else { panic!("one file") };
    let path = world.views.join(file);
    let length = std::fs::metadata(&path).unwrap().len();
    let mut damaged = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut damaged, std::io::SeekFrom::Start(3 * 4_096)).unwrap();
    damaged.write_all(&vec![0xEE; usize::try_from(length).unwrap() - 3 * 4_096]).unwrap();
    drop(damaged);
    let view: View<First> = start(&world).await;
    let (_, position) = world.organization("last").await;
    expected.push("last".into());
    let deadline = soon();
    while view.wait_for(position, soon()).await.is_err() {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(names(&view.reads()).await.unwrap(), expected);
    let status = view.status().await;
    assert_eq!((status.failed, status.events), (None, 2_001));
}

#[tokio::test]
async fn a_file_of_another_log_is_not_taken_for_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    for n in 0..10 {
        world.organization(&n.to_string()).await;
    }
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    view.stop().await;

    let other = tempfile::tempdir().unwrap();
    let mut fresh = World::open(other.path());
    fresh.views.clone_from(&world.views);
    fresh.organization("only").await;
    let view: View<First> = start(&fresh).await;
    view.ready(soon()).await.unwrap();
    assert_eq!(names(&view.reads()).await.unwrap(), ["only"]);
}

#[tokio::test]
async fn the_past_is_built_up_to_a_position() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let mut positions = Vec::new();
    for n in 0..20 {
        positions.push(world.organization(&n.to_string()).await.1);
    }
    for (count, position) in [(1, positions[0]), (7, positions[6]), (20, Position::at(1_000))] {
        let path = folder.path().join(format!("as-of-{count}.db"));
        let past = build_until::<First>(world.log.clone(), world.log.clone(), &path, position).await.unwrap();
        let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        assert_eq!(names(&past.reads()).await.unwrap(), expected);
        assert_eq!(past.position, Some(positions[count - 1]));
        assert!(build_until::<First>(world.log.clone(), world.log.clone(), &path, position).await.is_err());
    }
}

#[tokio::test]
async fn who_was_erased_stays_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = world.organization("org").await;
    let (kept, _) = world.person(organization, "kept@example.com", profile("Kept", "Person")).await;
    let (erased, last) = world.person(organization, "erased@example.com", profile("Erased", "Person")).await;
    world.log.delete(&PersonKey::vault_key(erased)).await.unwrap();
    let view: View<First> = start(&world).await;
    view.wait_for(last, soon()).await.unwrap();
    assert_eq!(names(&view.reads()).await.unwrap(), ["org", "kept@example.com", "(erased)"]);
    // The key of one who is erased later does not outlive it in memory either.
    world.log.delete(&PersonKey::vault_key(kept)).await.unwrap();
    view.rebuild().await.unwrap();
    status_when(&view, |status| !status.building).await;
    assert_eq!(names(&view.reads()).await.unwrap(), ["org", "(erased)", "(erased)"]);
}

#[tokio::test]
async fn queries_cannot_write_and_see_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.organization("one").await;
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    let reads = view.reads();
    let written = reads.read(|rows| Ok(rows.execute("DELETE FROM seen", [])?)).await;
    assert!(matches!(written, Err(ViewError::Rows(_))));
    // A query that panics costs nobody else the connection.
    for _ in 0..20 {
        assert!(matches!(reads.read::<(), _>(|_| panic!("a defect in a query")).await, Err(ViewError::Stopped)));
    }
    let (began, begun) = std::sync::mpsc::channel();
    let (go_on, went_on) = std::sync::mpsc::channel::<()>();
    let held = reads.clone();
    let query = tokio::spawn(async move {
        held.read(move |rows| {
            let before = numbers(rows)?;
            began.send(()).ok();
            went_on.recv().ok();
            Ok((before, numbers(rows)?))
        })
        .await
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    let (_, position) = world.organization("two").await;
    view.wait_for(position, soon()).await.unwrap();
    go_on.send(()).unwrap();
    let (before, after) = query.await.unwrap().unwrap();
    assert_eq!((before, after), (1, 1), "the same rows throughout");
    assert_eq!(reads.read(|rows| Ok(numbers(rows)?)).await.unwrap(), 2);
}

#[tokio::test]
async fn the_head_of_an_empty_log_is_reached_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let view: View<First> = start(&world).await;
    view.ready(soon()).await.unwrap();
    assert_eq!(world.log.head().await.unwrap(), None);
    assert_eq!(names(&view.reads()).await.unwrap(), Vec::<String>::new());
}
