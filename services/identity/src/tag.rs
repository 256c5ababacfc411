//! 256 bits that prove something: message authentication codes and random secrets.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length in bytes: the output of SHA-256, and twice the 128 bits that OWASP Session Management asks of a secret.
pub(crate) const TAG_BYTES: usize = 32;

/// The text is not a token of the expected form. Says nothing about the text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of the expected form")]
pub struct InvalidToken;

/// A secret of 256 bits, compared in constant time and wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Tag([u8; TAG_BYTES]);

impl Tag {
    pub(crate) fn new(bytes: [u8; TAG_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; TAG_BYTES] {
        &self.0
    }

    /// Reads the one text form: base64url without padding (RFC 4648 5) and without spare bits.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidToken> {
        let mut tag = Self([0; TAG_BYTES]);
        match BASE64URL_NOPAD.decode_len(text.len()) {
            Ok(TAG_BYTES) => BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut tag.0).map_err(|_| InvalidToken)?,
            _ => return Err(InvalidToken),
        };
        Ok(tag)
    }

    pub(crate) fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// Equal in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_text_per_tag(bytes: [u8; TAG_BYTES], text in "[A-Za-z0-9_-]{43}") {
            let tag = Tag::new(bytes);
            prop_assert!(Tag::parse(&tag.to_text()).unwrap().matches(&tag));
            // What parses at all is written the same way again: spare bits are refused.
            if let Ok(parsed) = Tag::parse(&text) {
                prop_assert_eq!(parsed.to_text(), text);
            }
        }

        #[test]
        fn other_texts_are_refused(text in ".*") {
            prop_assume!(text.len() != 43);
            prop_assert!(Tag::parse(&text).is_err());
        }
    }
}
