//! How places stand in the rows of postings: a few in a row together, the first as it is, the others by their distance
//! from the one before. Most distances are small and take one byte: seven bits of the number to a byte, lowest first, the
//! eighth set in all but the last.

/// Most places of a row: they are read as a whole.
pub(crate) const MOST: usize = 256;

/// Writes places, which must ascend, but the first.
pub(crate) fn steps(places: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(places.len());
    for (before, place) in places.iter().zip(places.iter().skip(1)) {
        let mut step = (place - before).cast_unsigned();
        while step >= 0x80 {
            bytes.push(step.to_le_bytes()[0] | 0x80);
            step >>= 7;
        }
        bytes.push(step.to_le_bytes()[0]);
    }
    bytes
}

/// Reads places back, ascending.
pub(crate) fn places(first: i64, steps: &[u8]) -> impl Iterator<Item = i64> {
    let (mut place, mut step, mut shift) = (first, 0, 0);
    let others = steps.iter().filter_map(move |byte| {
        step |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        (byte & 0x80 == 0).then(|| {
            place += step;
            (step, shift) = (0, 0);
            place
        })
    });
    std::iter::once(first).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_as_they_were() {
        for list in [vec![1], vec![1, 2, 129, 130, 16_514, 5_000_000, 1 << 32], vec![7, 134, 262, 263]] {
            let steps = steps(&list);
            assert_eq!(places(list[0], &steps).collect::<Vec<_>>(), list);
        }
        assert_eq!(steps(&[5, 6, 7]).len(), 2);
    }
}
