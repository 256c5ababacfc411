//! The master key of an installation: 32 random bytes, written as hexadecimal.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::{Entropy, EntropyExt};

/// Everything else is derived from it; see [`crate::ServerKeys::from_master`].
pub type MasterKey = Zeroizing<[u8; 32]>;

/// Nobody but the owner may read the file, as OpenSSH asks of private keys.
const OWNER_ONLY: u32 = 0o600;
/// Permission bits of the group and of all others.
const ANYBODY_ELSE: u32 = 0o077;
/// More than any well-formed file has: 64 digits and a line end.
const MAX_FILE_BYTES: u64 = 128;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Others may read or change the file.
    #[error("{} has mode {mode:03o}: anybody could read the master key; run chmod 600 on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is not a key.
    #[error("the master key must be exactly 64 hexadecimal digits")]
    Malformed,
    /// The file is not a key.
    #[error("{} must hold exactly 64 hexadecimal digits; restore it from a backup", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Reads a key from configuration: 64 hexadecimal digits, white space around them ignored.
pub fn parse_master(text: &str) -> Result<MasterKey, MasterKeyError> {
    let mut key = MasterKey::default();
    let digits = text.trim_ascii().as_bytes();
    match HEXLOWER_PERMISSIVE.decode_len(digits.len()) {
        Ok(length) if length == key.len() => {
            HEXLOWER_PERMISSIVE.decode_mut(digits, &mut *key).map_err(|_| MasterKeyError::Malformed)?;
            Ok(key)
        }
        _ => Err(MasterKeyError::Malformed),
    }
}

/// Reads the key from `path`; on the very first start draws one and keeps it there, readable by its owner alone. A crash
/// at any moment leaves either no file or a whole one, and of two processes that start at once both get the same key.
pub fn load_or_create_master(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyError> {
    match load(path) {
        Err(MasterKeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path, entropy).map_err(|source| MasterKeyError::Io { path: path.into(), source })?;
            load(path)
        }
        loaded => loaded,
    }
}

fn load(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let failed = |source| MasterKeyError::Io { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, not of the path: nobody can exchange it in between.
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & ANYBODY_ELSE != 0 {
        return Err(MasterKeyError::Exposed { path: path.into(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
    match file.take(MAX_FILE_BYTES).read_to_string(&mut text) {
        Ok(_) => parse_master(&text).map_err(|_| MasterKeyError::MalformedFile { path: path.into() }),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(MasterKeyError::MalformedFile { path: path.into() }),
        Err(e) => Err(failed(e)),
    }
}

fn create(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = folder.join(format!(".master-{}", entropy.uuid_v4().simple()));
    let written = write_draft(&draft, entropy);
    // A link appears whole and, unlike a rename, never replaces a file that another process has made meanwhile.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    removed?;
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let key = Zeroizing::new(entropy.bytes::<32>());
    let mut text = Zeroizing::new(HEXLOWER.encode(&*key));
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{OsEntropy, SeededEntropy};

    #[test]
    fn is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let first = load_or_create_master(&path, &SeededEntropy::new(1)).unwrap();
        let second = load_or_create_master(&path, &SeededEntropy::new(2)).unwrap();
        assert_eq!(first, second);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, OWNER_ONLY);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
        assert_eq!(parse_master(&fs::read_to_string(&path).unwrap()).unwrap(), first);
    }

    #[test]
    fn all_who_start_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || load_or_create_master(&path, &OsEntropy).unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn an_exposed_or_malformed_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        load_or_create_master(&path, &OsEntropy).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = load_or_create_master(&path, &OsEntropy).unwrap_err();
            assert!(matches!(error, MasterKeyError::Exposed { mode: m, .. } if m == mode), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(OWNER_ONLY)).unwrap();
        let long = "ab".repeat(33);
        for content in [b"".as_slice(), b"ab", &[0xff; 64], long.as_bytes(), &[b'g'; 64], &[b'a'; 200]] {
            fs::write(&path, content).unwrap();
            let error = load_or_create_master(&path, &OsEntropy).unwrap_err();
            assert!(matches!(error, MasterKeyError::MalformedFile { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), content, "a key is never replaced");
        }
    }

    #[test]
    fn configuration_takes_either_case() {
        let key = parse_master(&format!(" {}\n", "aB".repeat(32))).unwrap();
        assert_eq!(*key, [0xab; 32]);
        assert!(parse_master(&"ab".repeat(31)).is_err());
    }
}
