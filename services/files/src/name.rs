//! Names of files. They are made of ids and digests alone, so none can lead out of where the files are kept.

use std::fmt;

use object_store::path::Path;
use schema::{ImportId, OrganizationId};

/// Names one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    /// The logo of an organization with this digest: SHA-256 in lower-case hexadecimal, as events have it. None if it is
    /// not written so.
    pub fn logo(organization: OrganizationId, sha256: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (sha256.len() == 64 && sha256.bytes().all(is_digit)).then(|| Self(format!("logos/{organization}/{sha256}.png")))
    }

    /// The file of an import. It is personal: seal it.
    pub fn import(import: ImportId) -> Self {
        Self(format!("imports/{import}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
