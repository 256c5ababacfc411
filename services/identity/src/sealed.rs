//! What a browser keeps for us between two requests: sealed, so that it can be neither read nor made up elsewhere.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};

use crate::{InvalidToken, ServerKeys};

/// Length of the nonce of XChaCha20-Poly1305 in bytes (draft-irtf-cfrg-xchacha-03); long enough to be random.
const NONCE_BYTES: usize = 24;

/// Seals a value for one purpose. The nonce must be fresh and random.
///
/// # Errors
/// If the value cannot be written as JSON.
pub fn seal_for_browser<T: Serialize>(
    keys: &ServerKeys,
    purpose: &str,
    nonce: [u8; NONCE_BYTES],
    value: &T,
) -> Result<String, InvalidToken> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| InvalidToken)?);
    let boxed = XChaCha20Poly1305::new(keys.cookie_key().into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: &plain, aad: purpose.as_bytes() })
        .map_err(|_| InvalidToken)?;
    Ok(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &boxed].concat()))
}

/// Opens what was sealed for the same purpose.
///
/// # Errors
/// If it was not sealed here for this purpose.
pub fn open_from_browser<T: DeserializeOwned>(
    keys: &ServerKeys,
    purpose: &str,
    sealed: &str,
) -> Result<T, InvalidToken> {
    let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| InvalidToken)?;
    let (nonce, boxed) = bytes.split_at_checked(NONCE_BYTES).ok_or(InvalidToken)?;
    let plain = XChaCha20Poly1305::new(keys.cookie_key().into())
        .decrypt(XNonce::from_slice(nonce), Payload { msg: boxed, aad: purpose.as_bytes() })
        .map(zeroize::Zeroizing::new)
        .map_err(|_| InvalidToken)?;
    serde_json::from_slice(&plain).map_err(|_| InvalidToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_alone() {
        let (keys, other) = (ServerKeys::from_master(&[1; 32]), ServerKeys::from_master(&[2; 32]));
        let sealed = seal_for_browser(&keys, "a", [7; NONCE_BYTES], &"text").unwrap();
        assert!(!sealed.contains("text"));
        assert_eq!(open_from_browser::<String>(&keys, "a", &sealed).unwrap(), "text");
        assert!(open_from_browser::<String>(&keys, "b", &sealed).is_err());
        assert!(open_from_browser::<String>(&other, "a", &sealed).is_err());
        for bad in ["", "A", "é", &sealed[1..], &format!("{sealed}AAAA")] {
            assert!(open_from_browser::<String>(&keys, "a", bad).is_err());
        }
    }
}
