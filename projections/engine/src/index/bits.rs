//! Sets of rows: a bit for each row of a chunk.

/// Rows of a chunk. A set of them takes 512 bytes at most, so it lies in one page of the file, and several in one page.
pub(crate) const CHUNK_ROWS: i64 = 4_096;
/// Bits of a row's number that count within its chunk.
const CHUNK_BITS: u32 = 12;
const WORDS: usize = 64;
const BYTES: usize = WORDS * 8;

/// The chunk that a row belongs to.
pub(crate) fn chunk_of(row: i64) -> i64 {
    row >> CHUNK_BITS
}

/// The first number that a row of the chunk can have.
pub(crate) fn first_row(chunk: i64) -> i64 {
    chunk << CHUNK_BITS
}

/// Where a row stands in its chunk.
pub(crate) fn offset_of(row: i64) -> u16 {
    u16::try_from(row & (CHUNK_ROWS - 1)).unwrap_or_default()
}

/// Some rows of one chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bits([u64; WORDS]);

impl Bits {
    pub(crate) const fn none() -> Self {
        Self([0; WORDS])
    }

    /// Reads what [`Bits::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut bits = Self::none();
        if bytes.len() == BYTES {
            for (word, bytes) in bits.0.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        } else {
            bytes.as_chunks().0.iter().for_each(|bytes| bits.insert(u16::from_le_bytes(*bytes)));
        }
        bits
    }

    /// The shorter of the two: a list of the offsets, or all bits.
    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.len() * 2 < BYTES {
            self.offsets().into_iter().flat_map(u16::to_le_bytes).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    /// The same from offsets in ascending order.
    pub(crate) fn encode_offsets(offsets: &[u16]) -> Vec<u8> {
        if offsets.len() * 2 < BYTES {
            return offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        }
        let mut bits = Self::none();
        offsets.iter().for_each(|offset| bits.insert(*offset));
        bits.encode()
    }

    pub(crate) fn insert(&mut self, offset: u16) {
        if let Some(word) = self.0.get_mut(usize::from(offset / 64)) {
            *word |= 1 << (offset % 64);
        }
    }

    pub(crate) fn remove(&mut self, offset: u16) {
        if let Some(word) = self.0.get_mut(usize::from(offset / 64)) {
            *word &= !(1 << (offset % 64));
        }
    }

    pub(crate) fn contains(&self, offset: u16) -> bool {
        self.0.get(usize::from(offset / 64)).is_some_and(|word| word >> (offset % 64) & 1 == 1)
    }

    /// Keeps what `other` has as well.
    pub(crate) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// In ascending order.
    pub(crate) fn offsets(&self) -> Vec<u16> {
        let mut offsets = Vec::with_capacity(self.len());
        for (start, word) in (0..).step_by(64).zip(&self.0) {
            let mut left = *word;
            while left != 0 {
                // At most 63.
                offsets.push(start + left.trailing_zeros() as u16);
                left &= left - 1;
            }
        }
        offsets
    }
}

/// Rows of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RowSet {
    /// In ascending order; none is empty.
    chunks: Vec<(i64, Bits)>,
}

impl RowSet {
    /// Adds the rows of a chunk beyond all that were added before.
    pub(crate) fn push(&mut self, chunk: i64, bits: Bits) {
        if !bits.is_empty() {
            self.chunks.push((chunk, bits));
        }
    }

    /// Adds a row that is in none of the chunks added before, or in the last.
    pub(crate) fn push_row(&mut self, row: i64) {
        let chunk = chunk_of(row);
        match self.chunks.last_mut() {
            Some((last, bits)) if *last == chunk => bits.insert(offset_of(row)),
            _ => {
                let mut bits = Bits::none();
                bits.insert(offset_of(row));
                self.chunks.push((chunk, bits));
            }
        }
    }

    pub(crate) fn chunks(&self) -> &[(i64, Bits)] {
        &self.chunks
    }

    /// What there is of a chunk.
    pub(crate) fn chunk(&self, chunk: i64) -> Option<&Bits> {
        let found = self.chunks.binary_search_by_key(&chunk, |(chunk, _)| *chunk).ok();
        found.and_then(|index| self.chunks.get(index)).map(|(_, bits)| bits)
    }

    pub(crate) fn contains(&self, row: i64) -> bool {
        self.chunk(chunk_of(row)).is_some_and(|bits| bits.contains(offset_of(row)))
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|(_, bits)| bits.len()).sum()
    }

    /// In ascending order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.chunks
            .iter()
            .flat_map(|(chunk, bits)| bits.offsets().into_iter().map(|at| first_row(*chunk) + i64::from(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_keep_what_was_put_in_however_many() {
        for step in [1, 2, 15, 17, 4_095] {
            let offsets: Vec<u16> = (0..4_096).step_by(step).collect();
            let mut bits = Bits::none();
            offsets.iter().for_each(|offset| bits.insert(*offset));
            assert_eq!(bits.offsets(), offsets);
            assert_eq!((bits.len(), Bits::decode(&bits.encode())), (offsets.len(), bits.clone()));
            assert_eq!(bits.encode(), Bits::encode_offsets(&offsets));
            assert!(bits.encode().len() <= BYTES);
            bits.remove(0);
            assert!(!bits.contains(0) && bits.len() == offsets.len() - 1);
        }
        assert_eq!(Bits::decode(&[]), Bits::none());
    }

    #[test]
    fn rows_of_several_chunks() {
        let mut rows = RowSet::default();
        let numbers = [(1 << 32) + 1, (1 << 32) + 4_095, (1 << 32) + 4_096, (1 << 32) + 9_000];
        numbers.iter().for_each(|row| rows.push_row(*row));
        assert_eq!(rows.iter().collect::<Vec<_>>(), numbers);
        assert_eq!(rows.iter().next_back(), Some(numbers[3]));
        assert_eq!((rows.len(), rows.chunks().len()), (4, 3));
        assert!(rows.contains(numbers[1]) && !rows.contains(numbers[1] - 1) && !rows.contains(1));
    }
}
