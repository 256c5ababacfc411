//! What goes wrong with files and disks.

use std::time::Duration;

use schema::{Actor, EventId, Timestamp};
use uuid::Uuid;

use super::*;

fn event(number: u128, event_type: &'static str) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::from_u128(number)),
        event_type,
        version: 1,
        organization: None,
        actor: Actor::Anonymous,
        recorded_at: Timestamp::UNIX_EPOCH,
        cause: None,
        correlation: Uuid::nil(),
        payload: b"{\"a\":1}".to_vec(),
    }
}

/// Appends events with these numbers one by one.
async fn append(log: &Embedded, stream: &str, numbers: std::ops::Range<u128>) {
    let stream = StreamId::from(stream);
    for (revision, number) in numbers.enumerate() {
        let expected = match revision as u64 {
            0 => Expected::NoStream,
            next => Expected::Revision(next - 1),
        };
        log.append(&stream, expected, vec![event(number, "tea.made")]).await.unwrap();
    }
}

#[tokio::test]
async fn positions_count_from_one_without_gaps() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..3).await;
    // What is refused takes no position.
    let batch = vec![event(90, "tea.made"), event(91, "tea.made"), event(90, "tea.made")];
    assert!(log.append(&"tea-b".into(), Expected::NoStream, batch).await.is_err());
    append(&log, "tea-b", 10..12).await;
    let rows = folder.visit("log.db");
    let mut statement = rows.prepare("SELECT position, stream, revision FROM events ORDER BY position").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(i64, String, i64)> = rows.map(Result::unwrap).collect();
    let expected = [(1, "tea-a", 0), (2, "tea-a", 1), (3, "tea-a", 2), (4, "tea-b", 0), (5, "tea-b", 1)];
    assert_eq!(rows, expected.map(|(position, stream, revision)| (position, stream.to_owned(), revision)));
}

#[tokio::test]
async fn a_second_owner_is_refused_until_the_first_has_closed() {
    let folder = Folder::new(1, 10);
    let first = folder.open_alone();
    assert!(matches!(Embedded::open(folder.config()), Err(OpenError::InUse { .. })));
    append(&first, "tea-a", 0..1).await;
    let mut follower = first.subscribe(Some(Position::at(1))).await.unwrap();
    first.close();
    assert!(matches!(follower.next().await, Err(ReadError::Unavailable(_))));
    let refused = first.append(&"tea-b".into(), Expected::NoStream, vec![event(9, "tea.made")]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))));
    assert!(matches!(first.put("key", b"value", ExpectedVersion::Any).await, Err(VaultError::Unavailable(_))));
    let second = folder.open_alone();
    assert_eq!(second.head().await, Ok(Some(Position::at(1))));
}

#[test]
fn files_of_another_version_or_of_something_else_are_refused_and_left_alone() {
    for file in ["log.db", "vault.db"] {
        let folder = Folder::new(1, 10);
        drop(folder.open_alone());
        let format: i64 = folder.visit(file).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        for other in [format - 1, format + 1] {
            folder.visit(file).pragma_update(None, "user_version", other).unwrap();
            let refused = Embedded::open(folder.config()).map(drop);
            match refused {
                Err(OpenError::OtherFormat { found, known, .. }) => assert_eq!((found, known), (other, format)),
                Err(OpenError::Foreign { .. }) => assert_eq!(other, 0),
                refused => panic!("{refused:?}"),
            }
        }
        folder.visit(file).pragma_update(None, "user_version", format).unwrap();
        drop(folder.open_alone());

        let folder = Folder::new(1, 10);
        folder.visit(file).execute_batch("CREATE TABLE recipes(name TEXT)").unwrap();
        assert!(matches!(Embedded::open(folder.config()), Err(OpenError::Foreign { .. })));
    }
}

#[tokio::test]
async fn what_was_changed_in_the_file_is_damaged_and_the_rest_is_readable() {
    let changes = [
        "payload = '{\"a\":2}'",
        "payload = 'x'",
        "payload = CAST(x'ff' AS TEXT)",
        "type = 'tea.drunk'",
        "actor = 'system:x'",
        "recorded_at = '1970-01-01T00:00:00.000001Z'",
        "organization = 'org_00000000000000000000000000000000'",
        "version = 2",
        "revision = 7",
        "stream = 'tea-b'",
        "start = 2",
    ];
    for change in changes {
        let folder = Folder::new(1, 0);
        let log = folder.open_alone();
        append(&log, "tea-a", 0..3).await;
        append(&log, "tea-b", 10..11).await;
        folder.visit("log.db").execute(&format!("UPDATE events SET {change} WHERE position = 2"), []).unwrap();
        let read = log.read_all(None, 10).await;
        assert!(matches!(read, Err(ReadError::Damaged(_))), "{change}: {read:?}");
        let followed = log.subscribe(None).await.unwrap().next().await;
        assert!(matches!(followed, Err(ReadError::Damaged(_))), "{change}: {followed:?}");
        let read = log.read_stream(&"tea-a".into(), 0, 10).await;
        assert!(matches!(read, Err(ReadError::Damaged(_))), "{change}: {read:?}");
        assert_eq!(log.read_all(Some(Position::at(2)), 10).await.unwrap().len(), 2, "{change}");
    }
}

/// Streams are found by the name that stands with their first event.
#[tokio::test]
async fn a_stream_whose_name_was_changed_is_damaged_not_absent() {
    let folder = Folder::new(1, 0);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..3).await;
    append(&log, "tea-b", 10..11).await;
    folder.visit("log.db").execute("UPDATE events SET stream = 'tea-c' WHERE position = 1", []).unwrap();
    drop(log);
    let log = folder.open_alone();
    let read = log.read_stream(&"tea-a".into(), 0, 10).await;
    assert!(matches!(read, Err(ReadError::Damaged(_))), "{read:?}");
    let read = log.revisions(&["tea-b".into(), "tea-a".into()]).await;
    assert!(matches!(read, Err(ReadError::Damaged(_))), "{read:?}");
    assert_eq!(log.revisions(&["tea-b".into()]).await, Ok(vec![Some(0)]));
}

/// Two names of one slot: the streams are told apart, whether they are remembered or looked up in the file.
#[tokio::test]
async fn streams_whose_names_collide_are_told_apart() {
    let mut seen = std::collections::HashMap::new();
    let names = (0_u128..).map(|number| StreamId::new("tea", &Uuid::new_v5(&Uuid::nil(), &number.to_le_bytes())));
    let colliding = names.map(|name| (seen.insert(streams::slot(&name), name.clone()), name));
    let pairs: Vec<_> = colliding.filter_map(|(other, name)| Some((other?, name))).take(2).collect();

    let folder = Folder::new(1, 0);
    let log = folder.open_alone();
    for (index, (one, other)) in pairs.iter().enumerate() {
        let number = 10 * index as u128;
        append(&log, one.as_str(), number..number + 2).await;
        assert_eq!(log.revisions(&[other.clone(), one.clone()]).await, Ok(vec![None, Some(1)]));
        assert!(log.read_stream(other, 0, 10).await.unwrap().is_empty());
        append(&log, other.as_str(), number + 5..number + 6).await;
    }
    drop(log);

    let log = folder.open_alone();
    for (index, (one, other)) in pairs.iter().enumerate() {
        let number = 10 * index as u128;
        assert_eq!(log.revisions(&[one.clone(), other.clone()]).await, Ok(vec![Some(1), Some(0)]));
        assert_eq!(log.read_stream(one, 0, 10).await.unwrap().len(), 2);
        assert_eq!(log.read_stream(other, 0, 10).await.unwrap()[0].id.0.as_u128(), number + 5);
        for (stream, actual) in [(one, 1), (other, 0)] {
            let again = log.append(stream, Expected::NoStream, vec![event(number + 9, "tea.made")]).await;
            assert_eq!(again, Err(AppendError::Conflict { actual: Some(actual) }));
        }
    }
}

#[tokio::test]
async fn a_missing_event_is_damage() {
    let folder = Folder::new(1, 0);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..3).await;
    folder.visit("log.db").execute("DELETE FROM events WHERE position = 2", []).unwrap();
    assert!(matches!(log.read_all(None, 10).await, Err(ReadError::Damaged(_))));
    assert!(matches!(log.read_stream(&"tea-a".into(), 0, 10).await, Err(ReadError::Damaged(_))));
}

/// Makes every `COMMIT` fail that holds an event of the type `tea.spilt`: a deferred constraint is checked at its end.
const TRAP: &str = "
    CREATE TABLE trap(x REFERENCES trap(y) DEFERRABLE INITIALLY DEFERRED, y PRIMARY KEY);
    CREATE TRIGGER spring AFTER INSERT ON events WHEN new.type = 'tea.spilt'
    BEGIN INSERT INTO trap(x, y) VALUES('nothing', new.position); END;
";

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_unknown_and_the_log_goes_on() {
    let folder = Folder::new(1, 10);
    let log = Arc::new(folder.open_alone());
    append(&log, "tea-a", 0..2).await;
    let mut follower = log.subscribe(None).await.unwrap();
    assert_eq!(follower.next().await.unwrap().len(), 2);

    folder.visit("log.db").execute_batch(TRAP).unwrap();
    let spilt = vec![event(2, "tea.spilt")];
    let lost = log.append(&"tea-a".into(), Expected::Revision(1), spilt.clone()).await;
    assert_eq!(lost, Err(AppendError::OutcomeUnknown));
    assert_eq!(log.head().await, Ok(Some(Position::at(2))));
    assert!(log.read_stream(&"tea-a".into(), 2, 10).await.unwrap().is_empty());
    assert_eq!(log.stats().failed_commits.get(), 1);

    folder.visit("log.db").execute_batch("DROP TRIGGER spring").unwrap();
    let again = log.append(&"tea-a".into(), Expected::Revision(1), spilt).await.unwrap();
    assert_eq!((again.revision, again.position), (2, Position::at(3)));
    let seen = follower.next().await.unwrap();
    assert_eq!(seen.iter().map(|event| event.position).collect::<Vec<_>>(), [Position::at(3)]);
}

#[tokio::test]
async fn a_transaction_that_cannot_begin_writes_nothing_and_says_so() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..1).await;
    folder.visit("log.db").execute_batch("ALTER TABLE events RENAME TO elsewhere").unwrap();
    let refused = log.append(&"tea-a".into(), Expected::Revision(0), vec![event(1, "tea.made")]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    folder.visit("log.db").execute_batch("ALTER TABLE elsewhere RENAME TO events").unwrap();
    let taken = log.append(&"tea-a".into(), Expected::Revision(0), vec![event(1, "tea.made")]).await.unwrap();
    assert_eq!(taken.position, Position::at(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_are_written_without_anybody_waiting() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..4).await;
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    for _ in 0..4 {
        let delivery = consumer.next().await.unwrap();
        consumer.ack(&delivery).await.unwrap();
    }
    let rows = folder.visit("log.db");
    let noted = || rows.query_row("SELECT coalesce(max(position), 0) FROM consumers", [], |row| row.get::<_, i64>(0));
    for _ in 0..100 {
        if noted().unwrap() == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("noted only up to {}", noted().unwrap());
}

/// Another append spoils the transaction in which the acknowledgement would have been written.
#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_outlives_a_commit_that_fails() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..1).await;
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    consumer.retry_at(&delivery, Timestamp::UNIX_EPOCH).await.unwrap();
    let delivery = consumer.next().await.unwrap();

    folder.visit("log.db").execute_batch(TRAP).unwrap();
    consumer.ack(&delivery).await.unwrap();
    let spoilt = log.append(&"tea-b".into(), Expected::NoStream, vec![event(9, "tea.spilt")]).await;
    assert_eq!(spoilt, Err(AppendError::OutcomeUnknown));
    append(&log, "tea-c", 10..11).await;
    drop((consumer, log));

    let log = folder.open_alone();
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    assert_eq!(consumer.next().await.unwrap().event.id.0.as_u128(), 10, "the first was dealt with");
}

/// The same for what was put off: were it forgotten while the checkpoint goes on, it would never come back.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_outlives_a_commit_that_fails() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..2).await;
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    let (first, second) = (consumer.next().await.unwrap(), consumer.next().await.unwrap());
    folder.visit("log.db").execute_batch(TRAP).unwrap();
    consumer.retry_at(&first, Timestamp::UNIX_EPOCH).await.unwrap();
    let spoilt = log.append(&"tea-b".into(), Expected::NoStream, vec![event(9, "tea.spilt")]).await;
    assert_eq!(spoilt, Err(AppendError::OutcomeUnknown));
    consumer.ack(&second).await.unwrap();
    append(&log, "tea-c", 10..11).await;
    drop((consumer, log));

    let log = folder.open_alone();
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    assert_eq!((delivery.event.id, delivery.attempt), (first.event.id, 2));
    assert_eq!(consumer.next().await.unwrap().event.id.0.as_u128(), 10);
}

/// Putting off costs no transaction of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_is_written_together() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..500).await;
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    let before = log.stats().commit_micros.count();
    for _ in 0..500 {
        let delivery = consumer.next().await.unwrap();
        consumer.retry_at(&delivery, Timestamp::MAX_UTC).await.unwrap();
    }
    let last = log.append(&"tea-b".into(), Expected::NoStream, vec![event(900, "tea.drunk")]).await;
    assert!(last.is_ok());
    let commits = log.stats().commit_micros.count() - before;
    assert!(commits < 100, "{commits} commits for 500 events");
    let rows = folder.visit("log.db").query_row("SELECT count(*) FROM pending", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.unwrap(), 500);
}

/// Also a time that has no four digits of a year.
#[tokio::test]
async fn what_is_put_off_to_any_time_can_be_read_back() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    append(&log, "tea-a", 0..2).await;
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    let (first, second) = (consumer.next().await.unwrap(), consumer.next().await.unwrap());
    consumer.retry_at(&first, Timestamp::MAX_UTC).await.unwrap();
    consumer.retry_at(&second, Timestamp::MIN_UTC).await.unwrap();
    drop((consumer, log));

    let log = folder.open_alone();
    let mut consumer = log.consumer("mailer", &["tea.made"]).await.unwrap();
    assert_eq!(consumer.next().await.unwrap().event.id, second.event.id);
    let waiting = tokio::time::timeout(Duration::from_millis(50), consumer.next()).await;
    assert!(waiting.is_err(), "{waiting:?}");
}

#[tokio::test]
async fn members_of_one_group_take_the_same_types() {
    let folder = Folder::new(1, 10);
    let log = folder.open_alone();
    let _first = log.consumer("mailer", &["tea.made", "tea.drunk"]).await.unwrap();
    assert!(log.consumer("mailer", &["tea.drunk", "tea.made"]).await.is_ok());
    assert!(matches!(log.consumer("mailer", &["tea.made"]).await, Err(ReadError::Unavailable(_))));
}

#[test]
fn streams_not_in_use_are_forgotten_but_new_ones_are_not() {
    let heads = heads::Heads::default();
    let name = |number: u64| StreamId::from(number.to_string().as_str());
    let head = |number: u64| heads::Head { start: number, revision: number };
    heads.committed(None, [(StreamId::from("new"), head(2))].into(), 1);
    for number in 0..300_000 {
        heads.committed(None, [(name(number), head(number))].into(), u64::MAX);
        assert_eq!(heads.get(&name(0)), Some(head(0)), "in use all the time");
    }
    let remembered = (0..300_000).filter(|number| heads.get(&name(*number)).is_some()).count();
    assert!((65_536..=131_072).contains(&remembered), "{remembered}");
    assert_eq!(heads.get(&name(299_999)), Some(head(299_999)));
    assert_eq!(heads.get(&"new".into()), Some(head(2)));
}

/// Streams are filed while others begin and go on: each is found at every moment, by what is remembered, by what is on
/// disk and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_found_before_and_after_they_are_filed() {
    let folder = Folder::new(2, 0);
    let log = folder.open_alone();
    let name = |number: u64| StreamId::new("tea", &Uuid::new_v5(&Uuid::nil(), &number.to_le_bytes()));
    let rows = folder.visit("log.db");
    let count = |table: &str| rows.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    for round in 0..150_u64 {
        let begin = (0..5).map(|part| (name(5 * round + part), Expected::NoStream, u128::from(10 * round + part)));
        let earlier = (round > 0).then(|| (name(round * 7 % (5 * round)), u128::from(10 * round + 9)));
        let mut appends: Vec<_> = begin.collect();
        if let Some((stream, id)) = earlier {
            let end = log.revisions(std::slice::from_ref(&stream)).await.unwrap()[0].unwrap();
            appends.push((stream, Expected::Revision(end), id));
        }
        let appends = appends.into_iter().map(|(stream, expected, id)| {
            let events = vec![event(id, "tea.made")];
            StreamAppend { stream, expected, events }
        });
        let outcomes = log.append_many(appends.collect()).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let all: Vec<_> = (0..5 * round + 5).map(name).collect();
        assert!(log.revisions(&all).await.unwrap().iter().all(Option::is_some));
        assert_eq!(log.read_stream(&name(round), 0, 1).await.unwrap().len(), 1);
    }
    let (filed, new) = (count("streams").unwrap(), count("new_streams").unwrap());
    assert!(filed > 500 && new > 0 && filed + new == 750, "{filed} filed, {new} new");
    drop(log);
    let log = folder.open_alone();
    assert_eq!((count("streams").unwrap(), count("new_streams").unwrap()), (750, 0));
    let all: Vec<_> = (0..750).map(name).collect();
    assert!(log.revisions(&all).await.unwrap().iter().all(Option::is_some));
    for stream in &all {
        let again = log.append(stream, Expected::NoStream, vec![event(100_000, "tea.made")]).await;
        assert!(matches!(again, Err(AppendError::Conflict { actual: Some(_) })), "{again:?}");
    }
}

/// A commit that fails after a slice was filed in it, or is not known to have failed, leaves no stream unfound.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_leaves_streams_where_they_were() {
    let folder = Folder::new(1, 0);
    let log = folder.open_alone();
    let name = |number: u64| StreamId::new("tea", &Uuid::new_v5(&Uuid::nil(), &number.to_le_bytes()));
    let all: Vec<_> = (0..200).map(name).collect();
    for (number, stream) in all.iter().enumerate() {
        append(&log, stream.as_str(), number as u128..number as u128 + 1).await;
        if number % 20 == 19 {
            folder.visit("log.db").execute_batch(TRAP).unwrap();
            let spilt = log.append(&"tea-spilt".into(), Expected::NoStream, vec![event(900, "tea.spilt")]).await;
            assert_eq!(spilt, Err(AppendError::OutcomeUnknown));
            folder.visit("log.db").execute_batch("DROP TRIGGER spring; DROP TABLE trap").unwrap();
        }
        assert!(log.revisions(&all[..=number]).await.unwrap().iter().all(|end| *end == Some(0)));
        assert!(log.read_stream(stream, 0, 10).await.unwrap().len() == 1);
    }
    assert_eq!(log.revisions(&["tea-spilt".into()]).await, Ok(vec![None]));
}
