//! Measures durable appends per second beside what bare SQLite does with the same rows: many writers, one event each, or
//! one that appends in batches while another appends single events and reads follow.
//!
//! `cargo run --release -p eventlog --example append_rate -- [writers] [seconds]`
//! `cargo run --release -p eventlog --example append_rate -- batches [accounts]`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a tool for the developers")]

#[path = "append_rate/batches.rs"]
mod batches;

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventlog::{
    EventLog, Expected, SystemClock,
    embedded::{Embedded, EmbeddedConfig},
};
use rusqlite::{Connection, params_from_iter, types::Value};
use schema::{AccountId, Actor, EventId, NewEvent, OrganizationId, StreamId, Timestamp};
use uuid::Uuid;

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if arguments.next_if(|argument| argument == "batches").is_some() {
        let accounts = arguments.next().map_or(100_000, |argument| argument.parse().unwrap());
        for _ in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let rate = runtime.block_on(batches::measure(folder.path(), accounts));
            let floor = bare_sqlite(folder.path(), 1000, Duration::from_secs(60));
            println!("  bare SQLite in batches of 1000: {floor:.0}/s; the log reaches {:.0} %", 100.0 * rate / floor);
        }
        return;
    }
    let mut arguments = arguments.map(|argument| argument.parse::<u64>().unwrap());
    let writers = arguments.next().unwrap_or(256);
    let seconds = Duration::from_secs(arguments.next().unwrap_or(5));
    // Interleaved, so that what else the machine does hits both alike.
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let (rate, batch) = runtime.block_on(measure(folder.path(), writers, seconds));
        let floor = bare_sqlite(folder.path(), batch, seconds);
        println!("  bare SQLite in batches of {batch}: {floor:.0}/s; the log reaches {:.0} %", 100.0 * rate / floor);
    }
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(measure(folder.path(), 1, Duration::from_secs(2)));
}

fn event(writer: u64, number: u64) -> NewEvent {
    let unique =
        Uuid::from_u64_pair(writer.wrapping_mul(0x9e37_79b9_7f4a_7c15), number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    NewEvent {
        id: EventId(Uuid::new_v5(&Uuid::NAMESPACE_OID, unique.as_bytes())),
        event_type: "account.created",
        version: 1,
        organization: Some(OrganizationId(Uuid::from_u128(7))),
        actor: Actor::Account(AccountId(unique)),
        recorded_at: Timestamp::UNIX_EPOCH + chrono::Duration::microseconds(1_700_000_000_123_456 + number as i64),
        cause: None,
        correlation: unique,
        payload: format!("{{\"account\":\"{unique}\",\"personal\":\"{:0340}\"}}", number).into_bytes(),
    }
}

fn stream(writer: u64) -> StreamId {
    StreamId::new("account", &AccountId(Uuid::from_u64_pair(writer.wrapping_mul(0x9e37_79b9_7f4a_7c15), writer)))
}

/// Appends for a while and returns appends per second and the mean batch.
async fn measure(folder: &Path, writers: u64, time: Duration) -> (f64, u64) {
    let log = Arc::new(Embedded::open(EmbeddedConfig::new(folder, [1; 32], Arc::new(SystemClock))).unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (log, stop, count) = (log.clone(), stop.clone(), count.clone());
            tokio::spawn(async move {
                let (stream, mut expected, mut number) = (stream(writer), Expected::NoStream, 0);
                while !stop.load(Ordering::Relaxed) {
                    let appended = log.append(&stream, expected, vec![event(writer, number)]).await.unwrap();
                    expected = Expected::Revision(appended.revision);
                    number += 1;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let rate = count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    let stats = log.stats();
    let batch = stats.batch_events.sum() / stats.batch_events.count().max(1);
    let mean = |histogram: &eventlog::embedded::Histogram| histogram.sum() / histogram.count().max(1);
    println!(
        "{writers} writers: {rate:.0} durable appends/s, {batch} per commit, {} µs per append, {} µs per COMMIT",
        mean(&stats.append_micros),
        mean(&stats.commit_micros),
    );
    (rate, batch.max(1))
}

/// The same rows into a table of the same shape with the same settings: a loop, one thread, nothing else.
fn bare_sqlite(folder: &Path, batch: u64, time: Duration) -> f64 {
    let source = Connection::open(folder.join("log.db")).unwrap();
    let rows: Vec<Vec<Value>> = {
        let mut statement = source.prepare("SELECT * FROM events WHERE position <= 1000000 ORDER BY position").unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    };
    let target = Connection::open(folder.join("floor.db")).unwrap();
    for (name, value) in [("journal_mode", "WAL"), ("synchronous", "FULL"), ("temp_store", "MEMORY")] {
        target.pragma_update(None, name, value).unwrap();
    }
    target.execute_batch("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096;").unwrap();
    let mut tables = source
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE tbl_name IN ('events', 'streams') AND sql IS NOT NULL ORDER BY rowid",
        )
        .unwrap();
    for sql in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        target.execute_batch(&sql.unwrap()).unwrap();
    }
    let marks = vec!["?"; rows[0].len()].join(", ");
    let insert = format!("INSERT INTO events VALUES({marks})");
    let streams: HashMap<i64, i64> = {
        let mut statement = source.prepare("SELECT start, slot FROM streams").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let start = Instant::now();
    let mut written = 0;
    for batch in rows.chunks(usize::try_from(batch).unwrap()) {
        target.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut statement = target.prepare_cached(&insert).unwrap();
        let mut stream = target.prepare_cached("INSERT INTO streams VALUES(?1, ?2)").unwrap();
        for row in batch {
            let Value::Integer(position) = row[0] else { panic!("a position is a number") };
            if let Some(slot) = streams.get(&position) {
                stream.execute([*slot, position]).unwrap();
            }
            statement.execute(params_from_iter(row)).unwrap();
        }
        target.execute_batch("COMMIT").unwrap();
        written += batch.len();
        if start.elapsed() > time {
            break;
        }
    }
    written as f64 / start.elapsed().as_secs_f64()
}
