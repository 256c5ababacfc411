//! That the layout keeps what deletion needs.

use std::collections::{HashMap, HashSet};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

fn sealed(boxed: Vec<u8>) -> Sealed {
    Sealed { version: 1, nonce: [7; NONCE_BYTES], boxed }
}

/// SQLite itself tells what it left on the B-tree pages.
#[test]
fn nothing_of_a_value_stays_on_a_page_that_is_balanced() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open_to_write(&folder.path().join("vault.db")).unwrap();
    let lengths = (0..2000).chain([8100, 8140, 8150, 8200, 9000, 60_000, 1_048_000, 1_049_500, 2_000_000]);
    let transaction = connection.unchecked_transaction().unwrap();
    for (index, length) in lengths.clone().enumerate() {
        write(&connection, &format!("key {index}"), None, &sealed(vec![9; length])).unwrap();
    }
    transaction.commit().unwrap();
    let query = "SELECT sum(payload), sum(ncell) FROM dbstat WHERE name = 'sealed' AND pagetype = 'leaf'";
    let (payload, cells): (i64, i64) = connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(cells, lengths.count() as i64);
    assert_eq!(payload, cells * ON_PAGE as i64);
    // The record header takes at least four bytes of what stays on the page.
    const { assert!(ON_PAGE - 4 <= PREFIX) };
}

/// So many values come and go that their rows are moved from page to page. Without overflowing rows, or without
/// overwriting, some of what was deleted is found here.
#[test]
fn no_copy_of_a_deleted_value_is_left_where_its_row_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault.db");
    let connection = open_to_write(&file).unwrap();
    // What is looked for does not depend on when the disk has it.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    let mut random = StdRng::seed_from_u64(5);
    let (mut alive, mut dead) = (HashMap::new(), HashSet::new());
    for _ in 0..400 {
        let transaction = connection.unchecked_transaction().unwrap();
        for _ in 0..50 {
            let number: u16 = random.random();
            let key = format!("person/{number:032x}");
            let old = find(&connection, &key).unwrap();
            if let Some(old) = &old {
                dead.insert(alive.remove(&key).unwrap());
                if random.random_bool(0.7) {
                    erase(&connection, &key, old).unwrap();
                    continue;
                }
            }
            // A mark is the start of the value.
            let mut boxed = vec![0; random.random_range(48..300)];
            random.fill(&mut boxed[..]);
            alive.insert(key.clone(), boxed[..16].to_vec());
            write(&connection, &key, old.as_ref(), &sealed(boxed)).unwrap();
        }
        // Half of all are deleted, so that pages run empty and are merged.
        let keys: Vec<_> = alive.keys().take(20).cloned().collect();
        for key in keys {
            erase(&connection, &key, &find(&connection, &key).unwrap().unwrap()).unwrap();
            dead.insert(alive.remove(&key).unwrap());
        }
        transaction.commit().unwrap();
    }
    assert!(empty_wal(&connection).unwrap());
    let bytes = std::fs::read(&file).unwrap();
    let found: HashSet<&[u8]> = bytes.windows(16).collect();
    assert!(alive.values().all(|mark| found.contains(&mark[..])), "what is alive must be found");
    let left = dead.iter().filter(|mark| found.contains(&mark[..])).count();
    assert_eq!(left, 0, "of {} deleted values", dead.len());
}
