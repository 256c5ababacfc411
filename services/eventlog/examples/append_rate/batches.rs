//! Accounts as an import creates them: two streams with three events and a key in the vault.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use eventlog::{
    Clock, EventLog, Expected, ManualClock, StreamAppend, Vault,
    embedded::{Embedded, EmbeddedConfig},
};
use schema::{Position, StreamId, Timestamp};

use crate::{event, stream};

/// Accounts that are appended together: about a thousand events.
const TOGETHER: u64 = 333;

/// Creates so many accounts and returns events per second without their keys.
pub(crate) async fn measure(folder: &Path, accounts: u64) -> f64 {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let log = Arc::new(Embedded::open(EmbeddedConfig::new(folder, [1; 32], Arc::new(clock.clone()))).unwrap());
    let rate = import(&log, 0..accounts, false).await;
    println!("events alone: {rate:.0}/s");
    look_up(&log, accounts).await;
    consume(&log, &clock).await;

    let stop = Arc::new(AtomicBool::new(false));
    let single = tokio::spawn(append_beside(log.clone(), stop.clone()));
    let follower = tokio::spawn(follow(log.clone(), log.head().await.unwrap(), stop.clone()));
    let whole = import(&log, accounts..2 * accounts, true).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = single.await.unwrap();
    follower.await.unwrap();
    times.sort_unstable();
    println!(
        "with keys and a reader: {whole:.0}/s; {} single appends beside, p50 {:?}, p99 {:?}, longest {:?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
    );
    rate
}

fn email(account: u64) -> StreamId {
    let hash = format!("{:x}{:x}", event(account, 7).id.0.simple(), event(account, 8).id.0.simple());
    StreamId::new("email", &hash)
}

fn appends(accounts: std::ops::Range<u64>) -> Vec<StreamAppend> {
    let pair = |account| {
        let (reserved, created) = (vec![event(account, 0)], vec![event(account, 1), event(account, 2)]);
        let append = |stream, events| StreamAppend { stream, expected: Expected::NoStream, events };
        [append(email(account), reserved), append(stream(account), created)]
    };
    accounts.flat_map(pair).collect()
}

/// Makes the next batch ready while the one before is written.
async fn import(log: &Arc<Embedded>, accounts: std::ops::Range<u64>, keys: bool) -> f64 {
    let all = 3 * (accounts.end - accounts.start);
    let batches: Vec<_> = (accounts.start..accounts.end)
        .step_by(TOGETHER as usize)
        .map(|first| (first, appends(first..accounts.end.min(first + TOGETHER))))
        .collect();
    let start = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    for (first, batch) in batches {
        while under_way.len() >= 3 {
            under_way.join_next().await.unwrap().unwrap();
        }
        let log = log.clone();
        under_way.spawn(async move {
            if keys {
                let key = |account| (format!("person/{}", stream(account)), vec![7; 32]);
                let put = log.put_many((first..first + batch.len() as u64 / 2).map(key).collect()).await;
                assert!(put.iter().all(Result::is_ok));
            }
            assert!(log.append_many(batch).await.iter().all(Result::is_ok));
        });
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    all as f64 / start.elapsed().as_secs_f64()
}

async fn look_up(log: &Embedded, accounts: u64) {
    let streams: Vec<_> = (accounts / 2..accounts + accounts / 2).map(stream).collect();
    let start = Instant::now();
    let found = log.revisions(&streams).await.unwrap().into_iter().flatten().count();
    println!("ends of {} streams, of which {found} exist: {:?}", streams.len(), start.elapsed());
    let positions = |first: u64| (0..50).map(|number| Position::at(1 + (first + number * 6_007) % accounts)).collect();
    let positions: Vec<Vec<_>> = (0..200).map(|page| positions(page * 31)).collect();
    let mut times = Vec::new();
    for positions in &positions {
        let start = Instant::now();
        assert!(log.events_at(positions).await.unwrap().iter().all(Option::is_some));
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("50 events by position: p50 {:?}, p99 {:?}", times[100], times[198]);
}

/// Puts a burst of events off for a minute, as a reactor does that waits for a deadline, and then acknowledges them.
async fn consume(log: &Embedded, clock: &ManualClock) {
    let mut consumer = log.consumer("measure", &["account.created"]).await.unwrap();
    let count = log.head().await.unwrap().unwrap().commit.min(100_000);
    let minute = chrono::Duration::minutes(1);
    let commits = || log.stats().commit_micros.count();
    let (start, before) = (Instant::now(), commits());
    for _ in 0..count {
        let delivery = consumer.next().await.unwrap();
        consumer.retry_at(&delivery, clock.now() + minute).await.unwrap();
    }
    println!("{count} events put off: {:?}, {} transactions", start.elapsed(), commits() - before);
    clock.advance(minute);
    let (start, before) = (Instant::now(), commits());
    for _ in 0..count {
        let delivery = consumer.next().await.unwrap();
        consumer.ack(&delivery).await.unwrap();
    }
    println!("and then acknowledged: {:?}, {} transactions", start.elapsed(), commits() - before);
}

async fn append_beside(log: Arc<Embedded>, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let (stream, mut expected, mut times) = (StreamId::from("beside-1"), Expected::NoStream, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let appended = log.append(&stream, expected, vec![event(u64::MAX, times.len() as u64)]).await.unwrap();
        times.push(start.elapsed());
        expected = Expected::Revision(appended.revision);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    times
}

async fn follow(log: Arc<Embedded>, after: Option<Position>, stop: Arc<AtomicBool>) {
    let mut follower = log.subscribe(after).await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        tokio::time::timeout(Duration::from_millis(100), follower.next()).await.ok();
    }
}
