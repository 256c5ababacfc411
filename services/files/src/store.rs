//! Where files are kept.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path as ObjectPath,
    prefix::PrefixStore,
};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::{FileKey, FileName, NONCE_BYTES, http::Connector};

/// Longest file that is kept or read, in bytes. A scaled logo takes up to 17 MB, an import the size of its upload.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;
/// How often a request to the storage is repeated.
const RETRIES: usize = 3;
/// How long after the first attempt a request is still repeated.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// Why the place for files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("the folder for files cannot be made: {0}")]
    Folder(#[from] io::Error),
    /// The address is not of the form `s3://bucket/prefix`.
    #[error("write the storage for files as s3://bucket or s3://bucket/prefix")]
    Address,
    /// The folder or the settings of the storage do not fit.
    #[error("the storage for files cannot be used: {0}")]
    Store(#[from] object_store::Error),
}

/// Why a file could not be kept or read. Names the file, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The storage failed.
    #[error("the storage for files failed: {0}")]
    Store(#[from] object_store::Error),
    /// It is longer than [`LARGEST_FILE`].
    #[error("the file {0} is longer than 64 MiB")]
    TooLarge(FileName),
    /// It was sealed with another key or for another name, or was altered.
    #[error("the file {0} does not open with this key")]
    Altered(FileName),
    /// The process is shutting down.
    #[error("the work on a file was broken off")]
    BrokenOff,
}

/// The files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
}

impl Files {
    /// Keeps files in a folder, which is made if it is not there. A file that was put is on the disk, whole, or as before:
    /// it is written beside its place, synced, renamed, and its folders are synced.
    pub fn folder(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path)?;
        Ok(Self { store: Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)) })
    }

    /// Keeps files in storage that speaks the protocol of S3. `address` is `s3://bucket` or `s3://bucket/prefix`.
    /// `environment` has the usual `AWS_*` variables: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`; for
    /// storage of others `AWS_ENDPOINT_URL`, and `AWS_ALLOW_HTTP=true` if it is reached without TLS.
    pub fn s3(address: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, OpenError> {
        let place = address.strip_prefix("s3://").ok_or(OpenError::Address)?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = ObjectPath::parse(prefix).map_err(|_| OpenError::Address)?;
        if bucket.is_empty() {
            return Err(OpenError::Address);
        }
        let settings = environment.into_iter().filter(|(name, _)| name.starts_with("AWS_"));
        let known = settings.filter_map(|(name, value)| {
            name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok().map(|key| (key, value))
        });
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
        let store = known
            .fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
            .with_bucket_name(bucket)
            .with_retry(retry)
            .with_http_connector(Connector)
            .build()?;
        Ok(match prefix.as_ref() {
            "" => Self { store: Arc::new(store) },
            _ => Self { store: Arc::new(PrefixStore::new(store, prefix)) },
        })
    }

    /// Keeps a file, in place of one of the same name. When this returns without an error it is durable.
    pub async fn put(&self, name: &FileName, bytes: Bytes) -> Result<(), FilesError> {
        self.put_parts(name, [bytes].into_iter().collect()).await
    }

    /// The file; none if there is none of this name.
    pub async fn get(&self, name: &FileName) -> Result<Option<Bytes>, FilesError> {
        let found = match self.store.get(&name.path()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at before it is read: somebody else may have put it there.
        if found.meta.size > LARGEST_FILE as u64 {
            return Err(FilesError::TooLarge(name.clone()));
        }
        Ok(Some(found.bytes().await?))
    }

    /// Deletes a file; all is well if there is none of this name.
    pub async fn delete(&self, name: &FileName) -> Result<(), FilesError> {
        match self.store.delete(&name.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a file that only `key` opens, and only under this name. The nonce must be fresh and random.
    pub async fn put_sealed(
        &self,
        name: &FileName,
        key: &FileKey,
        nonce: [u8; NONCE_BYTES],
        bytes: Vec<u8>,
    ) -> Result<(), FilesError> {
        let (key, bound) = (key.clone(), name.clone());
        let sealed = spawn_blocking(move || key.seal(bound.as_str(), &nonce, bytes));
        let sealed = sealed.await.map_err(|_| FilesError::BrokenOff)?;
        let sealed = sealed.ok_or_else(|| FilesError::TooLarge(name.clone()))?;
        let parts = [Bytes::copy_from_slice(&nonce), sealed.into()];
        self.put_parts(name, parts.into_iter().collect()).await
    }

    /// What [`Files::put_sealed`] kept; none if there is no file of this name.
    pub async fn get_sealed(&self, name: &FileName, key: &FileKey) -> Result<Option<Zeroizing<Vec<u8>>>, FilesError> {
        let Some(stored) = self.get(name).await? else { return Ok(None) };
        let (key, bound) = (key.clone(), name.clone());
        let opened = spawn_blocking(move || key.open(bound.as_str(), &stored));
        let opened = opened.await.map_err(|_| FilesError::BrokenOff)?;
        opened.map(Some).ok_or_else(|| FilesError::Altered(name.clone()))
    }

    async fn put_parts(&self, name: &FileName, parts: PutPayload) -> Result<(), FilesError> {
        if parts.content_length() > LARGEST_FILE {
            return Err(FilesError::TooLarge(name.clone()));
        }
        self.store.put(&name.path(), parts).await?;
        Ok(())
    }
}
