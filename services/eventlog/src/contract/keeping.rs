//! The vault.

use futures::future::join_all;

use super::*;
use crate::{ExpectedVersion, VaultError};

fn new_key() -> String {
    format!("contract/{}", unique())
}

async fn read(vault: &dyn Vault, key: &str) -> Option<(u64, Vec<u8>)> {
    vault.get(key).await.unwrap().map(|secret| (secret.version, secret.value.to_vec()))
}

/// Compare and set, one step after another.
pub async fn writes_at_the_expected_version_only(installation: &dyn Installation) {
    let (_, vault) = installation.open(Arc::new(clock())).await;
    let key = new_key();
    let conflict = |actual| Err(VaultError::Conflict { actual });
    assert_eq!(read(vault.as_ref(), &key).await, None);
    assert_eq!(vault.put(&key, b"x", ExpectedVersion::Version(1)).await, conflict(None));
    assert_eq!(vault.put(&key, b"one", ExpectedVersion::Absent).await, Ok(1));
    assert_eq!(vault.put(&key, b"x", ExpectedVersion::Absent).await, conflict(Some(1)));
    assert_eq!(vault.put(&key, b"two", ExpectedVersion::Version(1)).await, Ok(2));
    assert_eq!(vault.put(&key, b"x", ExpectedVersion::Version(1)).await, conflict(Some(2)));
    assert_eq!(vault.put(&key, b"", ExpectedVersion::Any).await, Ok(3));
    assert_eq!(read(vault.as_ref(), &key).await, Some((3, Vec::new())));
    let long = vec![7; 100_000];
    assert_eq!(vault.put(&key, &long, ExpectedVersion::Any).await, Ok(4));
    assert_eq!(read(vault.as_ref(), &key).await, Some((4, long)));
    let other = new_key();
    assert_eq!(vault.put(&other, b"other", ExpectedVersion::Any).await, Ok(1));
}

/// Of many changes of one version exactly one is taken.
pub async fn one_of_many_changes_wins(installation: &dyn Installation) {
    let (_, vault) = installation.open(Arc::new(clock())).await;
    let key = new_key();
    for round in 0..20_u64 {
        let expected = if round == 0 { ExpectedVersion::Absent } else { ExpectedVersion::Version(round) };
        let writers = (0..8_u8).map(|writer| {
            let (vault, key) = (vault.clone(), key.clone());
            tokio::spawn(async move { (writer, vault.put(&key, &[writer], expected).await) })
        });
        let outcomes: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == Ok(round + 1)).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let lost = Err(VaultError::Conflict { actual: Some(round + 1) });
        assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == lost).count(), 7, "{outcomes:?}");
        assert_eq!(read(vault.as_ref(), &key).await, Some((round + 1, vec![winners[0].0])));
    }
}

/// In the order in which they were asked for, with gaps where there is nothing.
pub async fn many_values_come_in_order(installation: &dyn Installation) {
    let (_, vault) = installation.open(Arc::new(clock())).await;
    let keys: Vec<_> = (0..50).map(|_| new_key()).collect();
    for (number, key) in keys.iter().enumerate().filter(|(number, _)| number % 3 != 0) {
        vault.put(key, number.to_string().as_bytes(), ExpectedVersion::Absent).await.unwrap();
    }
    let order: Vec<_> = (0..50).rev().chain([7, 7, 0]).collect();
    let asked: Vec<_> = order.iter().map(|number| keys[*number].clone()).collect();
    let found = vault.get_many(&asked).await.unwrap();
    assert_eq!(found.len(), order.len());
    for (number, found) in order.into_iter().zip(found) {
        let expected = (number % 3 != 0).then(|| number.to_string().into_bytes());
        assert_eq!(found.map(|secret| secret.value.to_vec()), expected);
    }
    assert!(vault.get_many(&[]).await.unwrap().is_empty());
}

/// Deleted is as if it had never been, also after a restart.
pub async fn what_is_deleted_is_gone(installation: &dyn Installation) {
    let (log, vault) = installation.open(Arc::new(clock())).await;
    let (gone, again, stays) = (new_key(), new_key(), new_key());
    for key in [&gone, &again, &stays] {
        vault.put(key, b"one", ExpectedVersion::Any).await.unwrap();
        vault.put(key, b"two", ExpectedVersion::Any).await.unwrap();
    }
    assert_eq!(vault.delete(&gone).await, Ok(true));
    assert_eq!(vault.delete(&gone).await, Ok(false));
    assert_eq!(vault.delete(&again).await, Ok(true));
    assert_eq!(read(vault.as_ref(), &gone).await, None);
    assert_eq!(vault.put(&gone, b"x", ExpectedVersion::Version(2)).await, Err(VaultError::Conflict { actual: None }));
    assert_eq!(vault.put(&again, b"anew", ExpectedVersion::Absent).await, Ok(1));
    drop((log, vault));

    let (_log, vault) = installation.open(Arc::new(clock())).await;
    assert_eq!(read(vault.as_ref(), &gone).await, None);
    assert_eq!(read(vault.as_ref(), &again).await, Some((1, b"anew".to_vec())));
    assert_eq!(read(vault.as_ref(), &stays).await, Some((2, b"two".to_vec())));
}

/// A version that was answered is there after a restart.
pub async fn values_outlive_the_process(installation: &dyn Installation) {
    let key = new_key();
    for version in 1..4 {
        let (_log, vault) = installation.open(Arc::new(clock())).await;
        assert_eq!(vault.put(&key, &[version], ExpectedVersion::Any).await, Ok(u64::from(version)));
        drop((_log, vault));
        let (_log, vault) = installation.open(Arc::new(clock())).await;
        assert_eq!(read(vault.as_ref(), &key).await, Some((u64::from(version), vec![version])));
    }
}
