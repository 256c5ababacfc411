//! Kills a process that appends under load, again and again, and proves that every append it acknowledged is there,
//! whole and in order.
//!
//! The test runs its own binary again as the process to kill: the ignored test `child` is that process.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use eventlog::{
    AppendError, EventLog, Expected, ExpectedVersion, StreamAppend, SystemClock, Vault,
    embedded::{Embedded, EmbeddedConfig, OpenError},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use schema::{Actor, EventId, NewEvent, Position, RecordedEvent, StreamId, Timestamp};
use uuid::Uuid;

/// How often the process is killed.
const ROUNDS: u32 = 10;

/// How many tasks append at once.
const WRITERS: u32 = 24;

/// How many more append to many streams in one go.
const BULK_WRITERS: u32 = 2;

/// To how many streams: more than fit into one transaction.
const STREAMS_EACH: u32 = 250;

/// Where the process to kill finds its folder.
const FOLDER: &str = "WORK_ACCOUNTS_CRASH_TEST_FOLDER";

fn open(folder: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(EmbeddedConfig::new(folder, [3; 32], Arc::new(SystemClock)))
}

fn stream(writer: u32) -> StreamId {
    StreamId::new("writer", &writer)
}

/// The `number`-th append of a writer has between one and five events. Its parts know of one another.
fn batch(writer: u32, number: u64) -> Vec<NewEvent> {
    let size = 1 + (number * 7 + u64::from(writer)) % 5;
    let intent = Uuid::from_u64_pair(u64::from(writer), number);
    (0..size)
        .map(|index| NewEvent {
            id: EventId::derive(intent, &stream(writer), index),
            event_type: "load.written",
            version: 1,
            organization: None,
            actor: Actor::System("writer".into()),
            recorded_at: Timestamp::UNIX_EPOCH,
            cause: None,
            correlation: intent,
            payload: format!("{{\"append\":{number},\"index\":{index},\"size\":{size},\"fill\":\"{:0200}\"}}", 0)
                .into_bytes(),
        })
        .collect()
}

/// The process to kill. Each writer goes on where the log says it is, and every acknowledgement is told to the parent.
#[test]
#[ignore = "run by the other test as a process of its own"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let log = Arc::new(open(Path::new(&folder)).unwrap());
        tell("open");
        let single = (0..WRITERS).map(|writer| tokio::spawn(write(log.clone(), writer)));
        let first = |bulk| WRITERS + bulk * STREAMS_EACH;
        let bulk = (0..BULK_WRITERS).map(|bulk| tokio::spawn(write_many(log.clone(), first(bulk))));
        for writer in single.chain(bulk).collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

async fn write(log: Arc<Embedded>, writer: u32) {
    let stream = stream(writer);
    let written = log.read_stream(&stream, 0, usize::MAX).await.unwrap();
    let mut number = written.last().map_or(0, |last| append_of(last) + 1);
    let mut expected = written.last().map_or(Expected::NoStream, |last| Expected::Revision(last.revision));
    loop {
        // The last append before the crash again, as a command would that got no answer.
        if number > 0 {
            log.append(&stream, expected, batch(writer, number - 1)).await.unwrap();
        }
        let appended = log.append(&stream, expected, batch(writer, number)).await.unwrap();
        tell(&format!("append {writer} {number} {} {}", appended.revision, appended.position));
        if number.is_multiple_of(8) {
            let version = log.put(stream.as_str(), &number.to_be_bytes(), ExpectedVersion::Any).await.unwrap();
            tell(&format!("put {writer} {number} {version}"));
        }
        expected = Expected::Revision(appended.revision);
        number += 1;
    }
}

/// Goes on in many streams at once: in each the last append before the crash again, and the next.
async fn write_many(log: Arc<Embedded>, first: u32) {
    let writers: Vec<_> = (first..first + STREAMS_EACH).collect();
    let streams: Vec<_> = writers.iter().map(|writer| stream(*writer)).collect();
    loop {
        let (mut appends, mut told) = (Vec::new(), Vec::new());
        for ((writer, stream), end) in writers.iter().zip(&streams).zip(log.revisions(&streams).await.unwrap()) {
            let expected = end.map_or(Expected::NoStream, Expected::Revision);
            let last = log.read_stream(stream, end.unwrap_or(0), 1).await.unwrap();
            let next = last.last().map_or(0, |last| append_of(last) + 1);
            for number in next.saturating_sub(1)..=next {
                appends.push(StreamAppend { stream: stream.clone(), expected, events: batch(*writer, number) });
                told.push((*writer, number));
            }
        }
        for ((writer, number), outcome) in told.into_iter().zip(log.append_many(appends).await) {
            let appended = outcome.unwrap();
            tell(&format!("append {writer} {number} {} {}", appended.revision, appended.position));
        }
    }
}

/// One line in one write, so that a kill leaves no half of it.
fn tell(line: &str) {
    std::io::stdout().lock().write_all(format!("\n> {line}\n").as_bytes()).unwrap();
}

fn append_of(event: &RecordedEvent) -> u64 {
    (event.correlation.as_u128() & u128::from(u64::MAX)) as u64
}

/// What was acknowledged, over all rounds.
#[derive(Default)]
struct Acknowledged {
    /// By writer and number: revision and position of the last event.
    appends: HashMap<(u32, u64), (u64, Position)>,
    /// By writer: number and version of the last value.
    values: HashMap<u32, (u64, u64)>,
}

impl Acknowledged {
    fn take(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            [">", "append", writer, number, revision, position] => {
                let key = (writer.parse().unwrap(), number.parse().unwrap());
                self.appends.insert(key, (revision.parse().unwrap(), position.parse().unwrap()));
            }
            [">", "put", writer, number, version] => {
                self.values.insert(writer.parse().unwrap(), (number.parse().unwrap(), version.parse().unwrap()));
            }
            _ => {}
        }
    }
}

fn start(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Lets the process work for a while from its first acknowledgement on, kills it, and takes what it had acknowledged.
fn run_and_kill(folder: &Path, work: Duration, acknowledged: &mut Acknowledged) {
    let (mut child, mut lines) = start(folder);
    wait_for(&mut lines, "> open");
    assert!(matches!(open(folder), Err(OpenError::InUse { .. })), "two processes at once");
    acknowledged.take(&wait_for(&mut lines, "> append"));
    let reader = std::thread::spawn(move || lines.lines().map_while(Result::ok).collect::<Vec<_>>());
    std::thread::sleep(work);
    assert!(child.try_wait().unwrap().is_none(), "the process ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap().iter().for_each(|line| acknowledged.take(line));
}

/// Reads on to the line that starts with `start`.
fn wait_for(lines: &mut BufReader<ChildStdout>, start: &str) -> String {
    let mut line = String::new();
    while !line.starts_with(start) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the process ended without {start}");
    }
    line.trim_end().to_owned()
}

/// Everything that must hold of the log after a crash.
fn check_log(events: &[Arc<RecordedEvent>], acknowledged: &Acknowledged) {
    let mut ends: HashMap<u32, (u64, u64)> = HashMap::new();
    let mut index = 0;
    while index < events.len() {
        let first = &events[index];
        let writer: u32 = first.stream.id().parse().unwrap();
        let (next_append, next_revision) = ends.get(&writer).copied().unwrap_or((0, 0));
        let given = batch(writer, next_append);
        assert!(events.len() >= index + given.len(), "the last append is there in part");
        for (offset, (recorded, given)) in events[index..].iter().zip(&given).enumerate() {
            assert_eq!(recorded.id, given.id, "the appends of a writer are there once, whole and in order");
            assert_eq!(recorded.payload, given.payload);
            assert_eq!(recorded.revision, next_revision + offset as u64);
            assert_eq!(recorded.position, Position::at((index + offset) as u64 + 1));
        }
        index += given.len();
        let last = &events[index - 1];
        ends.insert(writer, (next_append + 1, last.revision + 1));
        if let Some(answer) = acknowledged.appends.get(&(writer, next_append)) {
            assert_eq!(*answer, (last.revision, last.position), "it stands elsewhere than was answered");
        }
    }
    for (writer, number) in acknowledged.appends.keys() {
        let end = ends.get(writer).map_or(0, |end| end.0);
        assert!(*number < end, "append {number} of writer {writer} was acknowledged and is lost");
    }
}

async fn check(folder: &Path, acknowledged: &Acknowledged) {
    let log = open(folder).unwrap();
    check_log(&log.read_all(None, usize::MAX).await.unwrap(), acknowledged);
    for (writer, (number, version)) in &acknowledged.values {
        let secret = log.get(stream(*writer).as_str()).await.unwrap().unwrap();
        let kept = u64::from_be_bytes(secret.value.as_slice().try_into().unwrap());
        assert!(kept >= *number && secret.version >= *version, "a value that was acknowledged is lost");
    }
    let known = log.append(&stream(0), Expected::NoStream, batch(0, 0)).await;
    assert!(known.is_ok() || matches!(known, Err(AppendError::Conflict { .. })), "{known:?}");
}

#[test]
fn what_was_acknowledged_survives_any_kill() {
    let folder = tempfile::tempdir().unwrap();
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut acknowledged = Acknowledged::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..ROUNDS {
        run_and_kill(folder.path(), Duration::from_millis(random.random_range(0..500)), &mut acknowledged);
        runtime.block_on(check(folder.path(), &acknowledged));
    }
    let in_bulk = acknowledged.appends.keys().filter(|(writer, _)| *writer >= WRITERS).count();
    println!("{} appends acknowledged over {ROUNDS} kills, {in_bulk} in bulk", acknowledged.appends.len());
    assert!(in_bulk > 0);
}
