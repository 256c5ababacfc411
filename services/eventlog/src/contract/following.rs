//! Following and reading the whole log.

use futures::future::join_all;

use super::*;
use crate::{Expected, Subscription};

/// Follows until `count` events have come.
async fn follow(mut subscription: Box<dyn Subscription>, count: usize, pause: Duration) -> Vec<Arc<RecordedEvent>> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let page = soon(subscription.next()).await.unwrap();
        assert!(!page.is_empty());
        seen.extend(page);
        tokio::time::sleep(pause).await;
    }
    seen
}

/// Appends to a stream of its own and to one that it shares, and tells how many events it wrote.
async fn write(log: Arc<dyn EventLog>, shared: StreamId, rounds: u64) -> usize {
    let own = new_stream();
    let mut next = 0;
    let mut written = 0;
    for round in 0..rounds {
        let count = 1 + round % 3;
        let expected = if next == 0 { Expected::NoStream } else { Expected::Revision(next - 1) };
        log.append(&own, expected, events(count as usize)).await.unwrap();
        next += count;
        written += count as usize;
        let end = log.read_stream(&shared, 0, 10_000).await.unwrap().len() as u64;
        let expected = if end == 0 { Expected::NoStream } else { Expected::Revision(end - 1) };
        // Others write there too, so this may be refused.
        written += usize::from(log.append(&shared, expected, events(1)).await.is_ok());
    }
    written
}

/// Writers race; followers from the start, from the middle, a slow one and one of afterwards see the same.
pub async fn followers_see_everything_once_and_in_order(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let start = log.head().await.unwrap();
    let shared = new_stream();
    let first = log.append(&shared, Expected::NoStream, events(1)).await.unwrap();
    let fast = log.subscribe(start).await.unwrap();
    let slow = log.subscribe(start).await.unwrap();
    let late = log.subscribe(Some(first.position)).await.unwrap();
    let counting = tokio::spawn(async move {
        let mut fast = fast;
        let mut seen: Vec<Arc<RecordedEvent>> = Vec::new();
        // Until the last event, which is marked.
        while seen.last().is_none_or(|event| &*event.event_type != "contract.ended") {
            seen.extend(soon(fast.next()).await.unwrap());
        }
        seen
    });
    let writers = (0..8).map(|_| tokio::spawn(write(log.clone(), shared.clone(), 60)));
    let written: usize = join_all(writers).await.into_iter().map(Result::unwrap).sum();
    let end = vec![event_of("contract.ended", "null")];
    log.append(&new_stream(), Expected::NoStream, end).await.unwrap();

    let seen = counting.await.unwrap();
    assert_eq!(seen.len(), written + 2);
    assert!(seen.is_sorted_by(|a, b| a.position < b.position));
    let mut ends = std::collections::HashMap::new();
    for event in &seen {
        let next = ends.entry(event.stream.clone()).or_insert(0);
        assert_eq!(event.revision, *next, "{}", event.stream);
        *next += 1;
    }
    assert_eq!(all_after(log.as_ref(), start).await, seen);
    assert_eq!(follow(slow, seen.len(), Duration::from_millis(5)).await, seen);
    assert_eq!(follow(late, seen.len() - 1, Duration::ZERO).await, seen[1..]);
    let afterwards = log.subscribe(start).await.unwrap();
    assert_eq!(follow(afterwards, seen.len(), Duration::ZERO).await, seen);
}

/// Whatever position a follower resumes from, it gets what comes next, also after a restart.
pub async fn following_goes_on_from_any_position(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let start = log.head().await.unwrap();
    for count in [1, 4, 2, 1, 8, 1, 1, 3] {
        log.append(&new_stream(), Expected::NoStream, events(count)).await.unwrap();
    }
    let before = all_after(log.as_ref(), start).await;
    assert_eq!(before.len(), 21);
    drop((log, vault));
    let (log, _vault) = installation.open(Arc::new(clock())).await;
    log.append(&new_stream(), Expected::NoStream, events(2)).await.unwrap();
    let all = all_after(log.as_ref(), start).await;
    assert_eq!((&all[..21], all.len()), (&before[..], 23));
    for (index, event) in all[..22].iter().enumerate() {
        let resumed = log.subscribe(Some(event.position)).await.unwrap();
        assert_eq!(follow(resumed, 22 - index, Duration::ZERO).await, all[index + 1..]);
    }
}

/// Pages of any size put together are the whole.
pub async fn reading_in_pages_misses_nothing(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let start = log.head().await.unwrap();
    let mut expected = Vec::new();
    for _ in 0..20 {
        let events = events(5);
        expected.extend(ids(&events));
        log.append(&new_stream(), Expected::NoStream, events).await.unwrap();
    }
    for size in [1, 3, 100, 1000] {
        let (mut after, mut seen) = (start, Vec::new());
        loop {
            let page = log.read_all(after, size).await.unwrap();
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            seen.extend(recorded_ids(&page));
        }
        assert_eq!(seen, expected, "pages of {size}");
    }
    assert!(log.read_all(log.head().await.unwrap(), 10).await.unwrap().is_empty());
}

/// At the end there is nothing until something is appended.
pub async fn a_follower_at_the_end_waits(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let mut follower = log.subscribe(log.head().await.unwrap()).await.unwrap();
    for _ in 0..3 {
        waits(follower.next()).await;
        let given = events(2);
        log.append(&new_stream(), Expected::NoStream, given.clone()).await.unwrap();
        assert_eq!(recorded_ids(&soon(follower.next()).await.unwrap()), ids(&given));
    }
    // Positions come from clients too: one beyond the end is no error.
    let beyond = Some(Position { commit: u64::MAX, prepare: u64::MAX });
    assert!(log.read_all(beyond, 10).await.unwrap().is_empty());
    waits(log.subscribe(beyond).await.unwrap().next()).await;
}
