//! The ends of streams that are new or in recent use.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Mutex,
};

use schema::StreamId;

use super::{
    guard,
    streams::{SLICES, slice, slot},
};

/// The most streams in each of the two generations: together about 30 MB.
const GENERATION: usize = 65_536;

/// New streams that are remembered before a slice of them is moved to the others with each transaction. Tests have
/// fewer streams.
const MANY_NEW: usize = if cfg!(test) { 64 } else { 32_768 };

/// A stream that has events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Position of its first event.
    pub(super) start: u64,
    /// Revision of its last event.
    pub(super) revision: u64,
}

/// Remembers the ends of all streams that are not filed yet (see `streams`) and of those in recent use. Bounded: when the
/// young generation is full it becomes the old one, and what was old and not used since is forgotten.
#[derive(Default)]
pub(super) struct Heads(Mutex<Remembered>);

struct Remembered {
    /// Those that are not filed, by slice.
    new: Vec<HashMap<StreamId, Head>>,
    new_count: usize,
    /// The slice that is filed next.
    next: u32,
    young: HashMap<StreamId, Head>,
    old: HashMap<StreamId, Head>,
}

impl Default for Remembered {
    fn default() -> Self {
        let new = (0..SLICES).map(|_| HashMap::new()).collect();
        Self { new, new_count: 0, next: 0, young: HashMap::new(), old: HashMap::new() }
    }
}

impl Heads {
    /// The end of a stream that has events, if remembered.
    pub(super) fn get(&self, stream: &StreamId) -> Option<Head> {
        guard(&self.0).get(stream)
    }

    /// As [`Heads::get`] for many.
    pub(super) fn get_many(&self, streams: &[StreamId]) -> Vec<Option<Head>> {
        /// At most so many at a time: those who write wait meanwhile.
        const TOGETHER: usize = 512;
        let get = |streams: &[StreamId]| {
            let mut remembered = guard(&self.0);
            streams.iter().map(|stream| remembered.get(stream)).collect::<Vec<_>>()
        };
        streams.chunks(TOGETHER).flat_map(get).collect()
    }

    /// The slice to be filed with the next transaction, if there are many new streams.
    pub(super) fn slice_to_file(&self) -> Option<u32> {
        let remembered = guard(&self.0);
        (remembered.new_count >= MANY_NEW).then_some(remembered.next)
    }

    /// Takes note of what a transaction has committed: first it filed a slice, then it wrote these ends. What starts after
    /// `before` is new.
    pub(super) fn committed(&self, filed: Option<u32>, heads: HashMap<StreamId, Head>, before: u64) {
        let mut remembered = guard(&self.0);
        if let Some(slice) = filed {
            remembered.file(slice);
        }
        for (stream, head) in heads {
            if head.start > before {
                remembered.begin(stream, head);
            } else {
                remembered.go_on(stream, head);
            }
        }
    }

    /// Forgets everything. All streams must have been filed.
    pub(super) fn clear(&self) {
        *guard(&self.0) = Remembered::default();
    }
}

impl Remembered {
    fn new_of(&mut self, stream: &StreamId) -> Option<&mut HashMap<StreamId, Head>> {
        self.new.get_mut(slice(slot(stream)) as usize)
    }

    fn get(&mut self, stream: &StreamId) -> Option<Head> {
        if let Some(head) = self.young.get(stream) {
            return Some(*head);
        }
        if let Some(head) = self.new_of(stream).and_then(|new| new.get(stream).copied()) {
            return Some(head);
        }
        let head = *self.old.get(stream)?;
        self.use_again(stream.clone(), head);
        Some(head)
    }

    fn begin(&mut self, stream: StreamId, head: Head) {
        if let Some(new) = self.new_of(&stream) {
            new.insert(stream, head);
            self.new_count += 1;
        }
    }

    fn go_on(&mut self, stream: StreamId, head: Head) {
        let stream = match self.new_of(&stream).map(|new| new.entry(stream.clone())) {
            Some(Entry::Occupied(mut new)) => {
                new.insert(head);
                return;
            }
            Some(Entry::Vacant(none)) => none.into_key(),
            None => stream,
        };
        self.use_again(stream, head);
    }

    fn file(&mut self, slice: u32) {
        self.next = (slice + 1) % SLICES;
        let filed = self.new.get_mut(slice as usize).map(std::mem::take).unwrap_or_default();
        self.new_count -= filed.len();
        for (stream, head) in filed {
            self.use_again(stream, head);
        }
    }

    fn use_again(&mut self, stream: StreamId, head: Head) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&stream) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, head);
    }
}
