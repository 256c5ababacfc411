//! Many appends, streams, positions and values in one go.

use futures::future::join_all;

use super::*;
use crate::{AppendError, Appended, Expected, StreamAppend, VaultError};

fn append_to(stream: &StreamId, expected: Expected, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream: stream.clone(), expected, events }
}

/// To as many new streams, so many events each.
fn to_new_streams(streams: usize, count: usize) -> Vec<StreamAppend> {
    (0..streams).map(|_| append_to(&new_stream(), Expected::NoStream, events(count))).collect()
}

fn conflict(actual: Option<u64>) -> Result<Appended, AppendError> {
    Err(AppendError::Conflict { actual })
}

/// What is refused touches nothing else, and a later append sees those before it.
pub async fn many_appends_are_judged_one_by_one(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let (old, new, other) = (new_stream(), new_stream(), new_stream());
    let known = events(2);
    let first = log.append(&old, Expected::NoStream, known.clone()).await.unwrap();
    let (given, twice) = (events(5), event());
    let outcomes = log
        .append_many(vec![
            append_to(&new, Expected::NoStream, given[..2].to_vec()),
            append_to(&old, Expected::NoStream, events(1)),
            append_to(&new, Expected::Revision(1), given[2..4].to_vec()),
            append_to(&other, Expected::NoStream, Vec::new()),
            append_to(&other, Expected::NoStream, events(1001)),
            append_to(&other, Expected::NoStream, vec![twice.clone(), twice]),
            append_to(&other, Expected::Revision(0), events(1)),
            append_to(&old, Expected::Revision(7), known.clone()),
            append_to(&old, Expected::Revision(1), vec![event(), known[1].clone()]),
            append_to(&new, Expected::NoStream, events(1)),
            append_to(&new, Expected::Revision(3), given[4..].to_vec()),
        ])
        .await;
    let revisions: Vec<_> = outcomes.iter().flatten().map(|appended| appended.revision).collect();
    assert_eq!(revisions, [1, 3, 1, 4], "{outcomes:?}");
    assert_eq!(outcomes[1], conflict(Some(1)));
    assert_eq!(outcomes[3], Err(AppendError::Empty));
    assert!(matches!(outcomes[4], Err(AppendError::TooLarge { events: 1001, .. })));
    assert_eq!((&outcomes[5], &outcomes[6]), (&conflict(None), &conflict(None)));
    assert_eq!(outcomes[7], Ok(first), "the same as the first time");
    assert_eq!((&outcomes[8], &outcomes[9]), (&conflict(Some(1)), &conflict(Some(3))));
    assert_eq!(recorded_ids(&log.read_stream(&new, 0, 10).await.unwrap()), ids(&given));
    assert_eq!(recorded_ids(&log.read_stream(&old, 0, 10).await.unwrap()), ids(&known));
    assert!(log.read_stream(&other, 0, 10).await.unwrap().is_empty());
    assert_eq!(log.append(&other, Expected::NoStream, events(1)).await.unwrap().revision, 0);
    assert!(log.append_many(Vec::new()).await.is_empty());
}

/// More than fits into one transaction, in the order given, and again with the same answers, also after a restart.
pub async fn many_appends_may_be_repeated(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let before = log.head().await.unwrap();
    let appends = to_new_streams(900, 3);
    let answers = log.append_many(appends.clone()).await;
    assert_eq!(answers.len(), appends.len());
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Appended { revision: 2, .. }))), "{answers:?}");
    let all: Vec<_> = appends.iter().flat_map(|append| ids(&append.events)).collect();
    let recorded = all_after(log.as_ref(), before).await;
    assert_eq!(recorded_ids(&recorded), all);
    for (third, answer) in recorded.iter().skip(2).step_by(3).zip(&answers) {
        assert_eq!(Some(third.position), answer.as_ref().ok().map(|appended| appended.position));
    }
    assert!(log.append_many(appends.clone()).await == answers);
    drop((log, vault));

    let (log, _vault) = installation.open(Arc::new(clock())).await;
    let (again, others) = (log.append_many(appends.clone()), log.append_many(appends));
    let (again, others) = futures::join!(again, others);
    assert!(again == answers && others == answers);
    assert_eq!(all_after(log.as_ref(), before).await.len(), all.len());
}

/// Writers of many appends and of single ones at once: none waits for the end of the others, and nothing is lost.
pub async fn many_appends_and_single_ones_share_the_log(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let before = log.head().await.unwrap();
    let many = (0..2).map(|_| {
        let (log, appends) = (log.clone(), to_new_streams(3000, 1));
        tokio::spawn(async move { log.append_many(appends).await })
    });
    let many: Vec<_> = many.collect();
    let mut beside = 0;
    let (stream, mut expected) = (new_stream(), Expected::NoStream);
    while many.iter().any(|task| !task.is_finished()) {
        let appended = log.append(&stream, expected, events(1)).await.unwrap();
        expected = Expected::Revision(appended.revision);
        beside += 1;
    }
    assert!(beside > 1, "single appends should have come between");
    let outcomes: Vec<_> = join_all(many).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(all_after(log.as_ref(), before).await.len(), 6000 + beside);
}

/// Ends of streams, of those without events none.
pub async fn the_ends_of_many_streams_come_in_order(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let (one, none, three) = (new_stream(), new_stream(), new_stream());
    log.append(&one, Expected::NoStream, events(1)).await.unwrap();
    log.append(&three, Expected::NoStream, events(2)).await.unwrap();
    log.append(&three, Expected::Revision(1), events(1)).await.unwrap();
    let asked = [three.clone(), none, one.clone(), three];
    assert_eq!(log.revisions(&asked).await, Ok(vec![Some(2), None, Some(0), Some(2)]));
    assert_eq!(log.revisions(&[]).await, Ok(Vec::new()));
    for revision in 1..20 {
        log.append(&one, Expected::Revision(revision - 1), events(1)).await.unwrap();
        let end = log.revisions(std::slice::from_ref(&one)).await;
        assert_eq!(end, Ok(vec![Some(revision)]), "what was acknowledged is seen");
    }
    drop((log, vault));
    let (log, _vault) = installation.open(Arc::new(clock())).await;
    assert_eq!(log.revisions(&asked).await, Ok(vec![Some(2), None, Some(19), Some(2)]));
}

/// In the order in which they were asked for, and none where there is no event.
pub async fn events_are_found_by_position(installation: &dyn Installation) {
    let (log, _) = installation.open(Arc::new(clock())).await;
    let (stream, given) = (new_stream(), events(50));
    log.append(&stream, Expected::NoStream, given[..20].to_vec()).await.unwrap();
    log.append(&stream, Expected::Revision(19), given[20..].to_vec()).await.unwrap();
    let recorded = log.read_stream(&stream, 0, 50).await.unwrap();
    let order: Vec<usize> = (0..50).rev().chain([7, 7, 0]).collect();
    let mut asked: Vec<_> = order.iter().map(|number| recorded[*number].position).collect();
    let nowhere = [
        Position { commit: recorded[49].position.commit + 1_000_000, ..recorded[49].position },
        Position { commit: recorded[9].position.commit, prepare: u64::MAX },
        Position { commit: u64::MAX, prepare: u64::MAX },
        Position { commit: 0, prepare: 0 },
    ];
    asked.extend(nowhere);
    let found = log.events_at(&asked).await.unwrap();
    assert_eq!(found.len(), asked.len());
    for (number, found) in order.iter().zip(&found) {
        assert_eq!(found.as_deref(), Some(&recorded[*number]));
    }
    assert!(found[order.len()..].iter().all(Option::is_none), "{:?}", &found[order.len()..]);
    assert_eq!(log.events_at(&[]).await, Ok(Vec::new()));
}

/// Only keys without a value are written, the others stay as they are.
pub async fn many_new_values_are_judged_one_by_one(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let keys: Vec<_> = (0..2500).map(|number| format!("contract/{}/{number}", unique())).collect();
    vault.put(&keys[3], b"old", crate::ExpectedVersion::Absent).await.unwrap();
    let mut entries: Vec<_> = keys.iter().map(|key| (key.clone(), key.clone().into_bytes())).collect();
    entries.push((keys[5].clone(), b"again".to_vec()));
    let outcomes = vault.put_many(entries).await;
    assert_eq!(outcomes.len(), 2501);
    for (number, outcome) in outcomes.iter().enumerate() {
        let taken = number != 3 && number != 2500;
        let expected = if taken { Ok(1) } else { Err(VaultError::Conflict { actual: Some(1) }) };
        assert_eq!(*outcome, expected, "{number}");
    }
    assert!(vault.put_many(Vec::new()).await.is_empty());
    drop((log, vault));

    let (_log, vault) = installation.open(Arc::new(clock())).await;
    for (number, (key, secret)) in keys.iter().zip(vault.get_many(&keys).await.unwrap()).enumerate() {
        let expected = if number == 3 { b"old".as_slice() } else { key.as_bytes() };
        assert_eq!(secret.map(|secret| secret.value.to_vec()).as_deref(), Some(expected));
    }
}
