//! Sealing, and deletion that leaves nothing behind.

use std::fs;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

/// Pieces of what is sealed for a key: enough of its bytes to be nowhere else by chance.
fn pieces(rows: &rusqlite::Connection, key: &str) -> Vec<Vec<u8>> {
    let query = "SELECT sealed.value FROM keys JOIN sealed ON sealed.id = keys.value WHERE key = ?1";
    let row: Vec<u8> = rows.query_row(query, [key], |row| row.get(0)).unwrap();
    let length = u32::from_be_bytes(row[24..28].try_into().unwrap()) as usize;
    let boxed = &row[40..40 + length];
    boxed.chunks(12).filter(|chunk| chunk.len() == 12).map(<[u8]>::to_vec).collect()
}

/// How many of the pieces stand in any file of the folder.
fn found(folder: &Folder, pieces: &[Vec<u8>]) -> usize {
    let files = fs::read_dir(folder.folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let windows: std::collections::HashSet<Vec<u8>> =
        files.flat_map(|bytes| bytes.windows(12).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
    pieces.iter().filter(|piece| windows.contains(*piece)).count()
}

/// Values of all lengths come, change and go; of those that went, and of what was replaced, nothing is in any file.
#[tokio::test]
async fn the_bytes_of_a_deleted_value_are_nowhere() {
    let folder = Folder::new(2, 10);
    let vault = folder.open_alone();
    let rows = folder.visit("vault.db");
    let mut random = StdRng::seed_from_u64(11);
    let (mut alive, mut dead) = (Vec::new(), Vec::new());
    for number in 0..150 {
        let key = format!("person/{:016x}", random.random::<u64>());
        let length = [32, 100, 477, 520, 3000][number % 5];
        let value = |random: &mut StdRng| (0..length).map(|_| random.random()).collect::<Vec<u8>>();
        vault.put(&key, &value(&mut random), ExpectedVersion::Absent).await.unwrap();
        if number % 4 == 0 {
            dead.extend(pieces(&rows, &key));
            vault.put(&key, &value(&mut random), ExpectedVersion::Version(1)).await.unwrap();
        }
        alive.push(key);
        if number % 3 == 0 {
            let key = alive.swap_remove(random.random_range(0..alive.len()));
            dead.extend(pieces(&rows, &key));
            assert_eq!(vault.delete(&key).await, Ok(true));
        }
    }
    let living: Vec<_> = alive.iter().flat_map(|key| pieces(&rows, key)).collect();
    // A deletion also clears the log of what was replaced before it.
    assert_eq!(vault.delete("nobody").await, Ok(false));
    assert!(dead.len() > 500);
    // All but the few that lie across the border of two pages.
    let seen = found(&folder, &living);
    assert!(seen > living.len() * 9 / 10, "what is alive must be found, or the search finds nothing: {seen}");
    assert_eq!(found(&folder, &dead), 0);
}

/// A crash between the deletion and the end of its clearing: the next start clears.
#[tokio::test]
async fn a_start_clears_what_a_crash_left_of_a_deletion() {
    let (folder, crashed) = (Folder::new(1, 10), Folder::new(1, 10));
    let vault = folder.open_alone();
    vault.put("key", &[5; 300], ExpectedVersion::Any).await.unwrap();
    let gone = pieces(&folder.visit("vault.db"), "key");
    vault.put("key", &[6; 300], ExpectedVersion::Any).await.unwrap();
    for file in ["vault.db", "vault.db-wal"] {
        fs::copy(folder.folder.path().join(file), crashed.folder.path().join(file)).unwrap();
    }
    assert!(found(&crashed, &gone) > 0, "the log should still hold what was replaced");
    let vault = crashed.open_alone();
    assert_eq!(found(&crashed, &gone), 0);
    assert_eq!(vault.get("key").await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn values_open_with_their_key_name_and_version_only() {
    let folder = Folder::new(1, 10);
    let vault = folder.open_alone();
    for key in ["a", "b"] {
        vault.put(key, b"secret", ExpectedVersion::Any).await.unwrap();
    }
    let sealed = Err(VaultError::Sealed);
    let alter = |sql: &str| folder.visit("vault.db").execute_batch(sql).unwrap();
    // Swapped with another key's value, and swapped back.
    let swap = "UPDATE keys SET value = 3 - value";
    alter(swap);
    assert_eq!(vault.get("a").await, sealed);
    alter(swap);
    assert!(vault.get("a").await.unwrap().is_some());
    alter("UPDATE keys SET version = 2 WHERE key = 'a'");
    assert_eq!(vault.get("a").await, sealed);
    alter("UPDATE sealed SET value = x'00' WHERE id = 2");
    assert_eq!(vault.get("b").await, sealed);
    vault.put("b", b"secret", ExpectedVersion::Any).await.unwrap();
    assert_eq!(vault.get("b").await.unwrap().unwrap().value.as_slice(), b"secret");
    drop(vault);

    let stranger = Embedded::open(EmbeddedConfig { sealing_key: [8; 32], ..folder.config() }).unwrap();
    assert_eq!(stranger.get("b").await, sealed);
    let both = ["nobody".to_owned(), "b".to_owned()];
    assert_eq!(stranger.get_many(&both).await, Err(VaultError::Sealed));
}

#[tokio::test]
async fn equal_values_are_sealed_differently_and_never_in_the_clear() {
    let folder = Folder::new(1, 10);
    let vault = folder.open_alone();
    let value = b"the secret of the client, long enough to be found".to_vec();
    for key in ["a", "b"] {
        vault.put(key, &value, ExpectedVersion::Any).await.unwrap();
    }
    let rows = folder.visit("vault.db");
    assert!(pieces(&rows, "a").iter().all(|piece| !pieces(&rows, "b").contains(piece)));
    let clear: Vec<_> = value.chunks(12).filter(|chunk| chunk.len() == 12).map(<[u8]>::to_vec).collect();
    assert_eq!(found(&folder, &clear), 0);
}
