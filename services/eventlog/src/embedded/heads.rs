//! The ends of streams in recent use.

use std::{collections::HashMap, sync::Mutex};

use schema::StreamId;

use super::guard;

/// The most streams in each of the two generations: together about 30 MB.
const GENERATION: usize = 65_536;

/// A stream that has events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Position of its first event.
    pub(super) start: u64,
    /// Revision of its last event.
    pub(super) revision: u64,
}

/// Remembers the last revision of streams in recent use. Bounded: when the young generation is full it becomes the old
/// one, and what was old and not used since is forgotten.
#[derive(Default)]
pub(super) struct Heads(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<StreamId, Head>,
    old: HashMap<StreamId, Head>,
}

impl Heads {
    /// The end of a stream that has events, if remembered.
    pub(super) fn get(&self, stream: &StreamId) -> Option<Head> {
        let mut generations = guard(&self.0);
        if let Some(head) = generations.young.get(stream) {
            return Some(*head);
        }
        let head = *generations.old.get(stream)?;
        generations.insert(stream.clone(), head);
        Some(head)
    }

    /// Takes note of new ends.
    pub(super) fn extend(&self, heads: impl IntoIterator<Item = (StreamId, Head)>) {
        let mut generations = guard(&self.0);
        for (stream, head) in heads {
            generations.insert(stream, head);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *guard(&self.0) = Generations::default();
    }
}

impl Generations {
    fn insert(&mut self, stream: StreamId, head: Head) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&stream) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, head);
    }
}
