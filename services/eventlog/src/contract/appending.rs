//! Appending and reading streams.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;

use super::*;
use crate::{AppendError, Appended, Expected};

fn conflict(actual: Option<u64>) -> Result<Appended, AppendError> {
    Err(AppendError::Conflict { actual })
}

/// Expected revisions, and that what is read is what was written.
pub async fn appends_at_the_expected_revision_only(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    for from in [0, 1, u64::MAX] {
        assert!(log.read_stream(&stream, from, 10).await.unwrap().is_empty());
    }
    assert_eq!(log.append(&stream, Expected::Revision(0), events(1)).await, conflict(None));

    let mut given = events(2);
    given[1] = NewEvent { organization: None, cause: None, actor: Actor::Anonymous, ..event() };
    let first = log.append(&stream, Expected::NoStream, given.clone()).await.unwrap();
    assert_eq!(first.revision, 1);
    for wrong in [Expected::NoStream, Expected::Revision(0), Expected::Revision(2), Expected::Revision(u64::MAX)] {
        assert_eq!(log.append(&stream, wrong, events(1)).await, conflict(Some(1)), "{wrong:?}");
    }
    let actor = Actor::System("prober".into());
    given.push(NewEvent { actor, ..event() });
    let second = log.append(&stream, Expected::Revision(1), given[2..].to_vec()).await.unwrap();
    assert_eq!(second.revision, 2);
    assert!(second.position > first.position);

    let recorded = log.read_stream(&stream, 0, 10).await.unwrap();
    assert_eq!(recorded.len(), 3);
    for (revision, (recorded, given)) in recorded.iter().zip(&given).enumerate() {
        assert_same(recorded, given);
        assert_eq!((recorded.revision, &recorded.stream), (revision as u64, &stream));
    }
    assert_eq!((recorded[1].position, recorded[2].position), (first.position, second.position));
    assert_eq!(log.read_stream(&stream, 1, 1).await.unwrap(), recorded[1..2]);
    assert!(log.read_stream(&stream, 3, 10).await.unwrap().is_empty());
    assert!(log.read_stream(&stream, u64::MAX, 10).await.unwrap().is_empty());
}

/// Of many appends at one revision exactly one is taken, again and again.
pub async fn one_of_many_writers_wins(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    let mut winners = Vec::new();
    for round in 0..20 {
        let expected = if round == 0 { Expected::NoStream } else { Expected::Revision(round - 1) };
        let writers = (0..16).map(|_| {
            let (log, stream, event) = (log.clone(), stream.clone(), event());
            tokio::spawn(async move { (event.id, log.append(&stream, expected, vec![event]).await) })
        });
        let outcomes: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        winners.push(won[0].0);
        for (_, lost) in outcomes.iter().filter(|(_, outcome)| outcome.is_err()) {
            assert_eq!(*lost, conflict(Some(round)));
        }
    }
    assert_eq!(recorded_ids(&log.read_stream(&stream, 0, 100).await.unwrap()), winners);
}

/// A reader that races with writers never sees part of an append.
pub async fn an_append_is_there_whole_or_not_at_all(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (log, stream, done) = (log.clone(), stream.clone(), done.clone());
        async move {
            let mut sizes = 0;
            while !done.load(Ordering::Relaxed) {
                let seen = log.read_stream(&stream, 0, 1000).await.unwrap().len();
                assert_eq!(seen % 7, 0, "part of an append");
                sizes += usize::from(seen > 0);
            }
            sizes
        }
    });
    for round in 0..40 {
        let expected = if round == 0 { Expected::NoStream } else { Expected::Revision(7 * round - 1) };
        let appended = log.append(&stream, expected, events(7)).await.unwrap();
        assert_eq!(appended.revision, 7 * round + 6);
    }
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0, "the reader should have seen something");
}

/// The same ids again, one after another and at once, whatever is expected.
pub async fn repeating_an_append_answers_as_the_first_time(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    let (first, second) = (events(3), events(2));
    let answer = log.append(&stream, Expected::NoStream, first.clone()).await.unwrap();
    let later = log.append(&stream, Expected::Revision(2), second.clone()).await.unwrap();
    for expected in [Expected::NoStream, Expected::Revision(2), Expected::Revision(4), Expected::Revision(9)] {
        assert_eq!(log.append(&stream, expected, first.clone()).await, Ok(answer), "{expected:?}");
        assert_eq!(log.append(&stream, expected, second.clone()).await, Ok(later), "{expected:?}");
    }

    let third = events(2);
    let repeats = (0..8).map(|_| log.append(&stream, Expected::Revision(4), third.clone()));
    let answers = join_all(repeats).await;
    assert!(answers.iter().all(|answer| answer.is_ok() && *answer == answers[0]), "{answers:?}");

    let all = [ids(&first), ids(&second), ids(&third)].concat();
    assert_eq!(recorded_ids(&log.read_stream(&stream, 0, 100).await.unwrap()), all);
}

/// Known and unknown events mixed, or known ones in another order or stream, are not a repetition.
pub async fn a_partly_known_append_is_a_conflict(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    let known = events(3);
    log.append(&stream, Expected::NoStream, known.clone()).await.unwrap();
    let mixed = |events: [&NewEvent; 2]| events.map(Clone::clone).to_vec();
    let strange = [
        mixed([&event(), &known[1]]),
        mixed([&known[2], &event()]),
        mixed([&known[1], &known[0]]),
        mixed([&known[0], &known[2]]),
    ];
    for expected in [Expected::Revision(2), Expected::NoStream] {
        for events in &strange {
            assert_eq!(log.append(&stream, expected, events.clone()).await, conflict(Some(2)));
        }
    }
    // A neighbour in the same batch is not drawn in.
    let neighbour = new_stream();
    let (refused, taken) = futures::join!(
        log.append(&stream, Expected::Revision(2), strange[0].clone()),
        log.append(&neighbour, Expected::NoStream, events(2)),
    );
    assert_eq!(refused, conflict(Some(2)));
    assert_eq!(taken.unwrap().revision, 1);
    assert_eq!(recorded_ids(&log.read_stream(&stream, 0, 100).await.unwrap()), ids(&known));
    log.append(&stream, Expected::Revision(2), events(1)).await.unwrap();
}

/// 1 MiB of payload and 1,000 events are taken, no more.
pub async fn what_is_too_large_is_refused(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let stream = new_stream();
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let most = vec![event_of("contract.large", &text(1 << 19)), event_of("contract.large", &text((1 << 19) - 100))];
    let mut more = most.clone();
    more.push(event_of("contract.large", &text(101)));
    assert_eq!(log.append(&stream, Expected::NoStream, Vec::new()).await, Err(AppendError::Empty));
    let refused = log.append(&stream, Expected::NoStream, more).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { bytes: 1_048_577, events: 3, .. })), "{refused:?}");
    let refused = log.append(&stream, Expected::NoStream, events(1001)).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { events: 1001, max_events: 1000, .. })), "{refused:?}");

    let numbers: Vec<_> = (0..1000).map(|number| event_of("contract.many", &number.to_string())).collect();
    log.append(&stream, Expected::NoStream, numbers.clone()).await.unwrap();
    assert_eq!(recorded_ids(&log.read_stream(&stream, 0, 2000).await.unwrap()), ids(&numbers));
    log.append(&stream, Expected::Revision(999), most.clone()).await.unwrap();
    let recorded = log.read_stream(&stream, 1000, 10).await.unwrap();
    assert_eq!(recorded_ids(&recorded), ids(&most));
    assert_eq!(recorded[0].payload, most[0].payload);
}

/// The moment an append is acknowledged, every way of reading has it.
pub async fn an_acknowledged_append_is_seen_by_every_reader(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let writers = (0..8).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            let stream = new_stream();
            for revision in 0..25 {
                let expected = if revision == 0 { Expected::NoStream } else { Expected::Revision(revision - 1) };
                let before = log.head().await.unwrap();
                let event = event();
                let appended = log.append(&stream, expected, vec![event.clone()]).await.unwrap();
                let read = log.read_stream(&stream, revision, 10).await.unwrap();
                assert_eq!(recorded_ids(&read), [event.id]);
                assert!(log.head().await.unwrap() >= Some(appended.position));
                let since = all_after(log.as_ref(), before).await;
                assert!(since.iter().any(|seen| seen.id == event.id && seen.position == appended.position));
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
}

/// What was acknowledged is there after a restart, and decided on as before.
pub async fn appends_outlive_the_process(installation: &dyn Installation) {
    let stream = new_stream();
    let given = events(3);
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let answer = log.append(&stream, Expected::NoStream, given.clone()).await.unwrap();
    let recorded = log.read_stream(&stream, 0, 10).await.unwrap();
    let head = log.head().await.unwrap();
    assert_eq!(head, Some(answer.position));
    drop((log, vault));

    let (log, _vault) = installation.open(Arc::new(clock())).await;
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!(log.read_stream(&stream, 0, 10).await.unwrap(), recorded);
    assert_eq!(log.append(&stream, Expected::NoStream, events(1)).await, conflict(Some(2)));
    assert_eq!(log.append(&stream, Expected::Revision(1), events(1)).await, conflict(Some(2)));
    assert_eq!(log.append(&stream, Expected::NoStream, given).await, Ok(answer));
    assert!(log.append(&stream, Expected::Revision(2), events(1)).await.unwrap().position > answer.position);
}
