//! Keeps key and state: durably in a folder, or in memory.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{Storage, UnitKey, key::KeyError, state::UnitState};

const STATE_FILE: &str = "unit.json";
const KEY_FILE: &str = "key.pem";
const LOCK_FILE: &str = "lock";
/// How long to wait for another process to let go of the folder: one that is just ending needs a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The unit's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("another process uses {0}")]
    InUse(PathBuf),
    /// The state is not what this program writes.
    #[error("the stored state cannot be read: {0}")]
    State(#[from] serde_json::Error),
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The unit is enrolled, but its key is gone.
    #[error("the unit is enrolled, but its key is gone")]
    KeyMissing,
    /// The folder belongs to another unit.
    #[error("the folder holds the state of the unit with serial number {0}")]
    OtherSerial(String),
    /// The task that wrote was cut off.
    #[error("storing was cut off")]
    CutOff,
}

/// One unit's place to keep things.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Folder(Folder),
    Memory(Arc<Mutex<Kept>>),
}

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Held until the last write has ended, even when the unit was dropped during it.
    _lock: Arc<File>,
}

#[derive(Debug, Default)]
pub(crate) struct Kept {
    state: Option<UnitState>,
    key: Option<UnitKey>,
}

impl Store {
    /// Opens the storage of a single unit and locks its folder.
    pub(crate) async fn open(storage: &Storage) -> Result<Self, StoreError> {
        match storage {
            Storage::Memory => Ok(Self::Memory(Arc::default())),
            Storage::Folder(path) => {
                let lock = lock(path.clone()).await?;
                Ok(Self::Folder(Folder { path: path.clone(), _lock: lock }))
            }
        }
    }

    /// Opens the storage of one of many units, under the lock of them all.
    pub(crate) async fn open_within(path: PathBuf, lock: Arc<File>) -> Result<Self, StoreError> {
        let folder = Folder { path, _lock: lock };
        blocking(folder, |folder| make_folder(&folder.path).map(|()| Self::Folder(folder))).await
    }

    pub(crate) async fn load(&self) -> Result<(Option<UnitState>, Option<UnitKey>), StoreError> {
        match self {
            Self::Memory(kept) => {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                Ok((kept.state.clone(), kept.key.clone()))
            }
            Self::Folder(folder) => blocking(folder.clone(), |folder| folder.load()).await,
        }
    }

    /// Returns once the state would survive a loss of power.
    pub(crate) async fn save(&self, state: &UnitState) -> Result<(), StoreError> {
        match self {
            Self::Memory(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).state = Some(state.clone());
                Ok(())
            }
            Self::Folder(folder) => {
                let text = serde_json::to_vec_pretty(state)?;
                blocking(folder.clone(), move |folder| folder.replace(STATE_FILE, &text)).await
            }
        }
    }

    /// Returns once the key would survive a loss of power.
    pub(crate) async fn save_key(&self, key: &UnitKey) -> Result<(), StoreError> {
        match self {
            Self::Memory(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).key = Some(key.clone());
                Ok(())
            }
            Self::Folder(folder) => {
                let pem = key.to_pem()?;
                blocking(folder.clone(), move |folder| folder.replace(KEY_FILE, pem.as_bytes())).await
            }
        }
    }

    /// Deletes the key: nobody can act for the unit any more.
    pub(crate) async fn forget_key(&self) -> Result<(), StoreError> {
        match self {
            Self::Memory(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).key = None;
                Ok(())
            }
            Self::Folder(folder) => blocking(folder.clone(), |folder| folder.remove(KEY_FILE)).await,
        }
    }
}

impl Folder {
    fn load(&self) -> Result<(Option<UnitState>, Option<UnitKey>), StoreError> {
        let state = self.read(STATE_FILE)?.map(|text| serde_json::from_str(&text)).transpose()?;
        let key = self.read(KEY_FILE)?.map(|pem| UnitKey::from_pem(&pem)).transpose()?;
        Ok((state, key))
    }

    fn read(&self, name: &str) -> Result<Option<String>, StoreError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// The file has either its old or its new content, whatever happens on the way.
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let (path, fresh) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(failed("create", &fresh))?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(failed("write", &fresh))?;
        fs::rename(&fresh, &path).map_err(failed("replace", &path))?;
        self.sync()
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("delete", &path)(error)),
            _ => self.sync(),
        }
    }

    /// A rename or deletion is durable only once the folder is.
    fn sync(&self) -> Result<(), StoreError> {
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed("sync", &self.path))
    }
}

/// Makes the folder and takes its lock, which lasts as long as the file is open.
pub(crate) async fn lock(path: PathBuf) -> Result<Arc<File>, StoreError> {
    let file_path = path.join(LOCK_FILE);
    let opening = file_path.clone();
    let file = blocking(path.clone(), move |folder| {
        make_folder(&folder)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.open(&opening).map_err(failed("create", &opening))
    })
    .await?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Arc::new(file)),
            Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(fs::TryLockError::Error(error)) => return Err(failed("lock", &file_path)(error)),
        }
    }
    Err(StoreError::InUse(path))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create", path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

async fn blocking<F: Send + 'static, T: Send + 'static>(
    subject: F,
    work: impl FnOnce(F) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(move || work(subject)).await.map_err(|_| StoreError::CutOff)?
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{
        Surroundings,
        state::{Enrollment, Standing},
    };

    #[tokio::test]
    async fn key_and_state_survive_and_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Folder(folder.path().join("unit"));
        let state = UnitState {
            serial: "S1".into(),
            model: "M".into(),
            standing: Standing::Enrolled(Enrollment::new("dev_1".into(), 2)),
        };
        let key = UnitKey::generate(&*Surroundings::system().entropy);
        let store = Store::open(&storage).await.unwrap();
        store.save_key(&key).await.unwrap();
        store.save(&state).await.unwrap();
        // What a crash in the middle of a write leaves behind does not matter.
        fs::write(folder.path().join("unit/unit.json.new"), b"{ \"ser").unwrap();
        assert!(matches!(Store::open(&storage).await, Err(StoreError::InUse(_))));
        drop(store);

        let store = Store::open(&storage).await.unwrap();
        let (read, read_key) = store.load().await.unwrap();
        assert_eq!(read, Some(state));
        assert_eq!(read_key.unwrap().public_jwk(), key.public_jwk());
        for name in [STATE_FILE, KEY_FILE] {
            let mode = fs::metadata(folder.path().join("unit").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        store.forget_key().await.unwrap();
        assert!(store.load().await.unwrap().1.is_none());
    }
}
