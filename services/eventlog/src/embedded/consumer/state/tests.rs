//! A group against a model: whatever happens, also crashes, nothing is lost and what was settled durably stays settled.

use std::collections::BTreeSet;

use chrono::Duration;
use proptest::prelude::*;
use rusqlite::Connection;
use schema::{Actor, EventId, Position};
use uuid::Uuid;

use super::{
    super::store::{TABLES, load, write_progress},
    *,
};

#[derive(Debug, Clone)]
enum Step {
    Next,
    Acknowledge(usize),
    PutOff(usize, i64),
    Park(usize),
    GiveBack(usize),
    Advance(i64),
    Append(u64),
    Flush,
    Fail,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Next),
        5 => (0..4_usize).prop_map(Step::Acknowledge),
        2 => (0..4_usize, -1..5_i64).prop_map(|(which, seconds)| Step::PutOff(which, seconds)),
        1 => (0..4_usize).prop_map(Step::Park),
        1 => (0..4_usize).prop_map(Step::GiveBack),
        1 => (0..4_i64).prop_map(Step::Advance),
        2 => (1..6_u64).prop_map(Step::Append),
        2 => Just(Step::Flush),
        1 => Just(Step::Fail),
        1 => Just(Step::Crash),
    ]
}

struct Model {
    disk: Connection,
    state: State,
    now: Timestamp,
    /// The log is the positions from 1 to this.
    end: u64,
    /// Handed out and not answered: position and attempt.
    open: Vec<(u64, u32)>,
    /// Acknowledged or parked, not yet on disk.
    answered: BTreeSet<u64>,
    /// Acknowledged or parked on disk: never to be seen again.
    settled: BTreeSet<u64>,
    done: BTreeSet<u64>,
}

fn event(position: u64) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent {
        id: EventId(Uuid::from_u128(u128::from(position))),
        event_type: "tea.made".into(),
        version: 1,
        stream: "tea-a".into(),
        revision: position,
        position: Position::at(position),
        organization: None,
        actor: Actor::Anonymous,
        recorded_at: Timestamp::UNIX_EPOCH,
        cause: None,
        correlation: Uuid::nil(),
        payload: Vec::new(),
    })
}

/// Every third event is of another type.
fn wanted(position: u64) -> bool {
    !position.is_multiple_of(3)
}

impl Model {
    fn new() -> Self {
        let disk = Connection::open_in_memory().unwrap();
        disk.execute_batch(TABLES).unwrap();
        let state = State::new(load(&disk, "g").unwrap());
        Self {
            disk,
            state,
            now: Timestamp::UNIX_EPOCH,
            end: 0,
            open: Vec::new(),
            answered: BTreeSet::new(),
            settled: BTreeSet::new(),
            done: BTreeSet::new(),
        }
    }

    /// Takes the next delivery if there is one.
    fn next(&mut self) -> bool {
        let (position, attempt) = match self.state.next(self.now) {
            Next::Deliver(event) => (event.position.commit, 1),
            Next::Redeliver(position) => (position, self.state.redeliver(position, self.now).unwrap()),
            Next::Wait { more, .. } => {
                assert!(more, "nothing here comes near the limits");
                let page: Vec<_> = (self.state.cursor + 1..=self.end).take(4).map(event).collect();
                if page.is_empty() {
                    return false;
                }
                self.state.accept(page, |event| wanted(event.position.commit));
                return true;
            }
        };
        assert!(wanted(position));
        assert!(!self.settled.contains(&position), "{position} was settled");
        assert!(!self.answered.contains(&position), "{position} was answered");
        assert!(self.open.iter().all(|(open, _)| *open != position), "{position} is handed out already");
        self.open.push((position, attempt));
        true
    }

    fn take(&mut self, which: usize) -> Option<(u64, u32)> {
        (!self.open.is_empty()).then(|| self.open.remove(which % self.open.len()))
    }

    fn flush(&mut self) {
        if let Some(progress) = self.state.take() {
            write_progress(&self.disk, "g", &progress).unwrap();
        }
        self.settled.append(&mut self.answered);
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Next => drop(self.next()),
            Step::Acknowledge(which) => {
                let Some((position, _)) = self.take(*which) else { return };
                assert!(self.state.acknowledge(position));
                self.answered.insert(position);
                self.done.insert(position);
            }
            Step::PutOff(which, seconds) => {
                let Some((position, _)) = self.take(*which) else { return };
                assert!(self.state.put_off(position, self.now + Duration::seconds(*seconds)));
            }
            Step::Park(which) => {
                let Some((position, _)) = self.take(*which) else { return };
                assert!(self.state.park(position, ""));
                self.answered.insert(position);
                self.done.insert(position);
            }
            Step::GiveBack(which) => {
                let Some((position, attempt)) = self.take(*which) else { return };
                self.state.give_back(position, attempt);
            }
            Step::Advance(seconds) => self.now += Duration::seconds(*seconds),
            Step::Append(count) => self.end += count,
            Step::Flush => self.flush(),
            Step::Fail => {
                if let Some(progress) = self.state.take() {
                    self.state.restore(progress);
                }
            }
            Step::Crash => {
                self.answered.clear();
                self.open.clear();
                self.state = State::new(load(&self.disk, "g").unwrap());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn nothing_is_lost_and_what_is_settled_stays_settled(steps in prop::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in &steps {
            model.apply(step);
        }
        // Now everything is dealt with, at the latest when the last that was put off is due.
        model.now += Duration::days(1);
        while model.next() || !model.open.is_empty() {
            model.apply(&Step::Acknowledge(0));
        }
        let all: BTreeSet<_> = (1..=model.end).filter(|position| wanted(*position)).collect();
        prop_assert_eq!(&model.done, &all);
        model.flush();
        prop_assert_eq!(model.state.checkpoint(), model.end);
        // Nothing is left on disk but what is parked.
        let left = "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM acknowledged)";
        prop_assert_eq!(model.disk.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
