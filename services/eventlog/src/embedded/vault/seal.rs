//! Sealing of values: XChaCha20-Poly1305 with a random nonce, bound to the name and version of the key.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// Length of the nonce in bytes (draft-irtf-cfrg-xchacha-03); long enough to be random.
pub(super) const NONCE_BYTES: usize = 24;

/// The key of this installation.
pub(super) struct SealingKey(Zeroizing<[u8; 32]>);

/// A value as it is stored.
pub(super) struct Sealed {
    pub(super) version: u64,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// Ciphertext and tag.
    pub(super) boxed: Vec<u8>,
}

impl SealingKey {
    pub(super) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// Seals a value. None if the system has no random bytes or the value is too long for the cipher.
    pub(super) fn seal(&self, key: &str, version: u64, value: &[u8]) -> Option<Sealed> {
        let mut nonce = [0; NONCE_BYTES];
        OsRng.try_fill_bytes(&mut nonce).ok()?;
        let bound = bound_to(key, version);
        let boxed = self.cipher().encrypt(XNonce::from_slice(&nonce), Payload { msg: value, aad: &bound }).ok()?;
        Some(Sealed { version, nonce, boxed })
    }

    /// Opens a value; none if it was sealed with another key, for another key name or version, or was altered.
    pub(super) fn open(&self, key: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let bound = bound_to(key, sealed.version);
        let payload = Payload { msg: &sealed.boxed, aad: &bound };
        self.cipher().decrypt(XNonce::from_slice(&sealed.nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

/// What a value is bound to. The version has a fixed length, so no name and version run together.
fn bound_to(key: &str, version: u64) -> Vec<u8> {
    [&version.to_be_bytes(), key.as_bytes()].concat()
}
