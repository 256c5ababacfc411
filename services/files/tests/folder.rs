//! Files in a folder.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{fs, path::Path};

use files::{FileKey, FileName, Files, FilesError, LARGEST_FILE, OpenError};
use schema::{ImportId, OrganizationId};
use tempfile::TempDir;
use uuid::Uuid;

const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn files() -> (TempDir, Files) {
    let folder = TempDir::new().unwrap();
    let files = Files::folder(&folder.path().join("made/on/demand")).unwrap();
    (folder, files)
}

fn organization() -> OrganizationId {
    OrganizationId(Uuid::from_u128(7))
}

fn import(id: u128) -> FileName {
    FileName::import(ImportId(Uuid::from_u128(id)))
}

/// Every file under a folder.
fn stored(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { stored(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_file_is_kept_replaced_and_deleted() {
    let (folder, files) = files();
    let name = FileName::logo(organization(), SHA256).unwrap();
    assert_eq!(files.get(&name).await.unwrap(), None);
    files.delete(&name).await.unwrap();
    files.put(&name, "one".into()).await.unwrap();
    files.put(&name, "another".into()).await.unwrap();
    assert_eq!(files.get(&name).await.unwrap().unwrap(), "another");
    let again = Files::folder(&folder.path().join("made/on/demand")).unwrap();
    assert_eq!(again.get(&name).await.unwrap().unwrap(), "another");
    let on_disk = stored(folder.path());
    assert_eq!(on_disk.len(), 1, "nothing is left beside it: {on_disk:?}");
    assert!(on_disk[0].ends_with(format!("logos/{}/{SHA256}.png", organization())));
    files.delete(&name).await.unwrap();
    files.delete(&name).await.unwrap();
    assert_eq!(files.get(&name).await.unwrap(), None);
}

#[test]
fn names_cannot_lead_anywhere_else() {
    let upper = SHA256.to_uppercase();
    let dots = "../".repeat(21) + ".";
    for digest in ["", "../../../master.key", &SHA256[1..], &upper, &dots, &format!("{SHA256}0"), "é"] {
        assert_eq!(FileName::logo(organization(), digest), None, "{digest}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_neither_kept_nor_read() {
    let (folder, files) = files();
    let large = vec![0; LARGEST_FILE + 1];
    assert!(matches!(files.put(&import(1), large.into()).await, Err(FilesError::TooLarge(_))));
    assert!(stored(folder.path()).is_empty());
    files.put(&import(1), "small".into()).await.unwrap();
    let file = fs::OpenOptions::new().write(true).open(&stored(folder.path())[0]).unwrap();
    file.set_len(LARGEST_FILE as u64 + 1).unwrap();
    assert!(matches!(files.get(&import(1)).await, Err(FilesError::TooLarge(_))));
}

#[tokio::test]
async fn a_sealed_file_opens_with_its_key_under_its_name_only() {
    let (folder, files) = files();
    let key = FileKey::new([7; 32]);
    let secret = b"anna@northwind.example,Anna".repeat(1000);
    files.put_sealed(&import(1), &key, [9; 24], secret.clone()).await.unwrap();
    assert_eq!(*files.get_sealed(&import(1), &key).await.unwrap().unwrap(), secret);
    assert!(files.get_sealed(&import(2), &key).await.unwrap().is_none());

    let path = stored(folder.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(4).any(|part| part == b"anna"), "it is not readable on the disk");
    let other = FileKey::new([8; 32]);
    assert!(matches!(files.get_sealed(&import(1), &other).await, Err(FilesError::Altered(_))));
    // Another file in its place, and a short one.
    fs::copy(&path, path.with_file_name(import(2).to_string().rsplit('/').next().unwrap())).unwrap();
    assert!(matches!(files.get_sealed(&import(2), &key).await, Err(FilesError::Altered(_))));
    *bytes.last_mut().unwrap() ^= 1;
    for altered in [&bytes[..], &bytes[..10], b""] {
        fs::write(&path, altered).unwrap();
        assert!(matches!(files.get_sealed(&import(1), &key).await, Err(FilesError::Altered(_))));
    }
    assert_eq!(format!("{key:?}"), "FileKey(…)");
    assert_eq!(FileKey::from_slice(key.as_bytes()).unwrap().as_bytes(), key.as_bytes());
    assert!(FileKey::from_slice(b"short").is_none());
}

#[test]
fn a_place_that_cannot_be_used_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Files::folder(&file), Err(OpenError::Folder(_))));
    let none = || std::iter::empty();
    for address in ["https://bucket", "s3://", "s3:///prefix", "s3://bucket/../x"] {
        assert!(matches!(Files::s3(address, none()), Err(OpenError::Address)), "{address}");
    }
    assert!(Files::s3("s3://bucket", none()).is_ok() && Files::s3("s3://bucket/a/b", none()).is_ok());
}
