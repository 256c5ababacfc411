//! Sealing of files: XChaCha20-Poly1305 with a random nonce, bound to the name of the file. What is stored is the nonce,
//! the ciphertext and the tag, one after the other.

use std::fmt;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::AeadInPlace};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Length of the nonce of XChaCha20-Poly1305 in bytes (draft-irtf-cfrg-xchacha-03); long enough to be random.
pub const NONCE_BYTES: usize = 24;

/// The key that seals one file. Deleting it makes the file unreadable for good.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FileKey([u8; 32]);

impl FileKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what [`FileKey::as_bytes`] wrote; none if the length is wrong.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to keep in the vault.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals something small that belongs to the file, in one piece. None if it is too long for the cipher.
    pub fn seal_piece(&self, name: &str, nonce: &[u8; NONCE_BYTES], bytes: Vec<u8>) -> Option<Vec<u8>> {
        let sealed = self.seal(name, nonce, bytes)?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Seals in place, so no second copy of the plain text is left behind. None if it is too long for the cipher.
    pub(crate) fn seal(&self, name: &str, nonce: &[u8; NONCE_BYTES], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        self.cipher().encrypt_in_place(XNonce::from_slice(nonce), name.as_bytes(), &mut bytes).ok()?;
        Some(bytes)
    }

    /// None if it was sealed with another key or under another name, or was altered.
    pub fn open(&self, name: &str, stored: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, boxed) = stored.split_at_checked(NONCE_BYTES)?;
        let mut bytes = Zeroizing::new(boxed.to_vec());
        self.cipher().decrypt_in_place(XNonce::from_slice(nonce), name.as_bytes(), &mut *bytes).ok()?;
        Some(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.0).into())
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(…)")
    }
}
