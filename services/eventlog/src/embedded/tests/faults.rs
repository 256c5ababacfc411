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
    let batch = vec![event(90, "tea.made"), event(0, "tea.made")];
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
fn files_of_a_newer_version_or_of_something_else_are_refused_and_left_alone() {
    for file in ["log.db", "vault.db"] {
        let folder = Folder::new(1, 10);
        drop(folder.open_alone());
        folder.visit(file).pragma_update(None, "user_version", 2).unwrap();
        let refused = Embedded::open(folder.config());
        assert!(matches!(refused, Err(OpenError::NewerFormat { found: 2, known: 1, .. })));
        folder.visit(file).pragma_update(None, "user_version", 1).unwrap();
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
        "stream = 'tea-b', revision = 1",
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
fn streams_not_in_use_are_forgotten() {
    let heads = heads::Heads::default();
    let name = |number: u64| StreamId::from(number.to_string().as_str());
    for number in 0..300_000 {
        heads.extend([(name(number), number)]);
        assert_eq!(heads.get(&name(0)), Some(0), "in use all the time");
    }
    let remembered = (0..300_000).filter(|number| heads.get(&name(*number)).is_some()).count();
    assert!((65_536..=131_072).contains(&remembered), "{remembered}");
    assert_eq!(heads.get(&name(299_999)), Some(299_999));
}
