//! Tests that read like the rule: *given* these events, *when* this command, *then* these events or this refusal.

use chrono::{DateTime, Duration};
use schema::{Actor, Timestamp};
use uuid::Uuid;

use crate::{Aggregate, Code, Intent, Rejection, fold};

/// When every story begins: 2026-03-02, 09:00:00 UTC, a Monday.
pub const START: Timestamp = DateTime::from_timestamp_nanos(1_772_442_000_000_000_000);

/// What has happened so far. By default it is [`START`] and the platform acts.
#[derive(Debug, Clone)]
pub struct Given<A> {
    state: A,
    at: Timestamp,
    actor: Actor,
}

/// What came of a command.
#[derive(Debug)]
pub struct When<A: Aggregate> {
    given: Given<A>,
    decision: Result<Vec<A::Event>, Rejection>,
}

/// Nothing but these events has happened.
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let events: Vec<_> = events.into_iter().collect();
    Given { state: fold(A::default(), &events), at: START, actor: Actor::System("spec".into()) }
}

impl<A: Aggregate> Given<A> {
    /// From now on it is `at`.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }
    /// From now on it is so much later.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self { at: self.at + by, ..self }
    }
    /// From now on this actor acts.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }
    /// Gives the command.
    pub fn when(self, command: A::Command) -> When<A> {
        let intent = Intent { id: Uuid::nil(), actor: self.actor.clone(), at: self.at, command };
        let decision = self.state.decide(&intent);
        assert_eq!(decision, self.state.decide(&intent), "a decision depends on nothing but state and intent");
        When { decision, given: self }
    }
    /// The state so far.
    pub fn state(&self) -> &A {
        &self.state
    }
}

impl<A: Aggregate> When<A> {
    /// Exactly these events. The story goes on from there.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.decision, Ok(expected.clone()));
        Given { state: fold(self.given.state, &expected), ..self.given }
    }
    /// It is so already.
    #[track_caller]
    pub fn then_nothing(self) -> Given<A> {
        self.then([])
    }
    /// It is refused with this code.
    #[track_caller]
    pub fn then_rejected(self, code: Code) -> Given<A> {
        assert_eq!(self.decision.map_err(|rejection| rejection.code), Err(code));
        self.given
    }
    /// It is accepted, whatever the events. The story goes on from there.
    #[track_caller]
    pub fn then_accepted(self) -> Given<A> {
        assert!(self.decision.is_ok(), "{:?}", self.decision);
        Given { state: fold(self.given.state, self.decision.iter().flatten()), ..self.given }
    }
    /// What was decided, for rules that are easier to state otherwise.
    pub fn decision(&self) -> &Result<Vec<A::Event>, Rejection> {
        &self.decision
    }
}
