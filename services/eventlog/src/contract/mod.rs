//! What every implementation of [`EventLog`] and [`Vault`] must keep, as tests.
//!
//! An implementation gives an [`Installation`] and writes `eventlog::contract_tests!(make)` in a test module, where `make`
//! is a function that makes a new one. The tests do not assume that the log is empty, so they also run against a server
//! that is shared; they do assume that nobody else writes to it meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::missing_panics_doc, reason = "a failed test panics")]

pub mod appending;
pub mod consuming;
pub mod following;
pub mod gathering;
pub mod keeping;

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound};
use schema::{AccountId, Actor, EventId, NewEvent, OrganizationId, Position, RecordedEvent, StreamId, Timestamp};
use uuid::Uuid;

use crate::{Clock, EventLog, ManualClock, Vault};

/// Something that keeps a log and a vault and can be opened again after it was closed.
#[async_trait]
pub trait Installation: Send + Sync {
    /// Opens it. It is closed when all that was returned, and all that was got from it, has been dropped.
    async fn open(&self, clock: Arc<dyn Clock>) -> (Arc<dyn EventLog>, Arc<dyn Vault>);
}

/// Makes a test of each function of the contract. The argument is a function that makes an [`Installation`].
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests! { $make =>
            appending: appends_at_the_expected_revision_only,
            appending: one_of_many_writers_wins,
            appending: an_append_is_there_whole_or_not_at_all,
            appending: repeating_an_append_answers_as_the_first_time,
            appending: a_partly_known_append_is_a_conflict,
            appending: what_is_too_large_is_refused,
            appending: an_acknowledged_append_is_seen_by_every_reader,
            appending: appends_outlive_the_process,
            following: followers_see_everything_once_and_in_order,
            following: following_goes_on_from_any_position,
            following: reading_in_pages_misses_nothing,
            following: a_follower_at_the_end_waits,
            consuming: a_group_sees_its_types_in_order_and_remembers,
            consuming: what_is_not_answered_comes_back,
            consuming: answers_may_come_in_any_order,
            consuming: what_is_put_off_comes_back_when_due,
            consuming: what_is_put_off_is_due_also_after_a_restart,
            consuming: what_is_parked_does_not_come_back,
            consuming: giving_up_a_wait_loses_nothing,
            consuming: members_share_the_work,
            gathering: many_appends_are_judged_one_by_one,
            gathering: many_appends_may_be_repeated,
            gathering: many_appends_and_single_ones_share_the_log,
            gathering: the_ends_of_many_streams_come_in_order,
            gathering: events_are_found_by_position,
            gathering: many_new_values_are_judged_one_by_one,
            keeping: writes_at_the_expected_version_only,
            keeping: one_of_many_changes_wins,
            keeping: many_values_come_in_order,
            keeping: what_is_deleted_is_gone,
            keeping: values_outlive_the_process,
        }
    };
    ($make:expr => $($module:ident: $test:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            $crate::contract::$module::$test(&$make()).await;
        })*
    };
}

/// A moment to start clocks at.
fn morning() -> Timestamp {
    DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap()
}

fn clock() -> ManualClock {
    ManualClock::new(morning())
}

#[expect(clippy::disallowed_methods, reason = "tests may share a log, so what they write must be new")]
fn unique() -> Uuid {
    Uuid::now_v7()
}

/// A stream that nobody has used.
fn new_stream() -> StreamId {
    StreamId::new("contract", &unique())
}

/// An event type that nobody has used.
fn new_type() -> &'static str {
    format!("contract.{}", unique().simple()).leak()
}

/// An event with everything filled in.
fn event_of(event_type: &'static str, payload: &str) -> NewEvent {
    NewEvent {
        id: EventId(unique()),
        event_type,
        version: 3,
        organization: Some(OrganizationId(unique())),
        actor: Actor::Account(AccountId(unique())),
        recorded_at: morning().trunc_subsecs(6),
        cause: Some(EventId(unique())),
        correlation: unique(),
        payload: payload.as_bytes().to_vec(),
    }
}

fn event() -> NewEvent {
    event_of("contract.happened", r#"{"what":"ÄÖ – 漢字","how often":3}"#)
}

fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

fn ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

fn recorded_ids<E: std::borrow::Borrow<RecordedEvent>>(events: &[E]) -> Vec<EventId> {
    events.iter().map(|event| event.borrow().id).collect()
}

/// That it stands in the log as it was given.
fn assert_same(recorded: &RecordedEvent, given: &NewEvent) {
    assert_eq!(recorded.id, given.id);
    assert_eq!(&*recorded.event_type, given.event_type);
    assert_eq!(recorded.version, given.version);
    assert_eq!(recorded.organization, given.organization);
    assert_eq!(recorded.actor, given.actor);
    assert_eq!(recorded.recorded_at, given.recorded_at);
    assert_eq!(recorded.cause, given.cause);
    assert_eq!(recorded.correlation, given.correlation);
    assert_eq!(recorded.payload, given.payload);
}

/// Everything after `after`, in pages.
async fn all_after(log: &dyn EventLog, mut after: Option<Position>) -> Vec<Arc<RecordedEvent>> {
    let mut all = Vec::new();
    loop {
        let page = log.read_all(after, 97).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(last.position);
        all.extend(page);
    }
}

/// Fails instead of waiting for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it should not take so long")
}

/// That it is still waiting after a moment.
async fn waits<T: std::fmt::Debug>(future: impl Future<Output = T>) {
    let outcome = tokio::time::timeout(Duration::from_millis(100), future).await;
    assert!(outcome.is_err(), "it should wait, but came with {outcome:?}");
}
