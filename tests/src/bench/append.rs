//! Durable appends through the log, beside a bare loop that writes the same rows to SQLite in equal batches.

use std::{
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

use super::{Bound, Figure};

/// Tasks that append at once, one event each.
const WRITERS: u64 = 256;
/// How long each measurement lasts, and how many there are: log and floor in turn, so that whatever else the machine
/// does hits both alike.
const TIME: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

/// Measures, and shows the round with the middle share.
pub async fn run() -> Vec<Figure> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let (rate, batch) = append(folder.path()).await;
        let path = folder.path().to_owned();
        let floor = tokio::task::spawn_blocking(move || bare_sqlite(&path, batch)).await.unwrap();
        rounds.push((rate, floor, batch));
    }
    rounds.sort_by(|(a, a_floor, _), (b, b_floor, _)| (a / a_floor).total_cmp(&(b / b_floor)));
    let (rate, floor, batch) = rounds[ROUNDS / 2];
    let figure = |name: &str, value, unit, bound, floor| Figure {
        benchmark: "append",
        name: name.to_owned(),
        value,
        unit,
        bound,
        floor,
        floor_is: if floor.is_some() { "bare SQLite, the same rows in equal batches" } else { "" },
    };
    vec![
        figure("durable appends, 256 writers", rate, "events/s", Bound::ShareOfFloor(0.6), Some(floor)),
        figure("events per commit", batch as f64, "events", Bound::None, None),
    ]
}

fn event(writer: u64, number: u64) -> NewEvent {
    let mixed = |number: u64, factor: u64| number.wrapping_mul(factor);
    let unique = Uuid::from_u64_pair(mixed(writer, 0x9e37_79b9_7f4a_7c15), mixed(number, 0xd6e8_feb8_6659_fd93));
    NewEvent {
        id: EventId(Uuid::new_v5(&Uuid::NAMESPACE_OID, unique.as_bytes())),
        event_type: "account.created",
        version: 1,
        organization: Some(OrganizationId(Uuid::from_u128(7))),
        actor: Actor::Account(AccountId(unique)),
        recorded_at: Timestamp::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456 + number),
        cause: None,
        correlation: unique,
        // As long as a real one.
        payload: format!("{{\"account\":\"{unique}\",\"personal\":\"{number:0340}\"}}").into_bytes(),
    }
}

/// Appends per second, and the mean batch.
async fn append(folder: &Path) -> (f64, u64) {
    let log = Arc::new(Embedded::open(EmbeddedConfig::new(folder, [1; 32], Arc::new(SystemClock))).unwrap());
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let writer = |writer: u64| {
        let (log, stop, count) = (log.clone(), stop.clone(), count.clone());
        tokio::spawn(async move {
            let stream = StreamId::new("account", &AccountId(Uuid::from_u64_pair(!writer, writer)));
            let (mut expected, mut number) = (Expected::NoStream, 0);
            while !stop.load(Ordering::Relaxed) {
                let appended = log.append(&stream, expected, vec![event(writer, number)]).await.unwrap();
                expected = Expected::Revision(appended.revision);
                number += 1;
                count.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let writers: Vec<_> = (0..WRITERS).map(writer).collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let rate = count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    let batches = &log.stats().batch_events;
    (rate, (batches.sum() / batches.count().max(1)).max(1))
}

/// The same rows into a table of the same shape with the same settings: a loop, one thread, nothing else.
pub(super) fn bare_sqlite(folder: &Path, batch: u64) -> f64 {
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
    target.execute_batch("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;").unwrap();
    let mut tables = source.prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = 'events' ORDER BY rowid").unwrap();
    for sql in tables.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        target.execute_batch(&sql.unwrap()).unwrap();
    }
    let marks = vec!["?"; rows[0].len()].join(", ");
    let insert = format!("INSERT INTO events VALUES({marks})");
    let (start, mut written) = (Instant::now(), 0);
    for batch in rows.chunks(usize::try_from(batch).unwrap()) {
        target.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut statement = target.prepare_cached(&insert).unwrap();
        for row in batch {
            statement.execute(params_from_iter(row)).unwrap();
        }
        target.execute_batch("COMMIT").unwrap();
        written += batch.len();
        if start.elapsed() > TIME {
            break;
        }
    }
    written as f64 / start.elapsed().as_secs_f64()
}
