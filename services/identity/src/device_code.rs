//! The two codes of a device authorization (RFC 8628): one that the unit keeps and one that it shows.

use std::{fmt, str::FromStr};

use schema::{PairingId, Timestamp};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{InvalidToken, ServerKeys, challenge::instant, keys::tag, tag::Tag};

/// How long a unit waits between two polls, in seconds (RFC 8628 3.2).
pub const POLL_INTERVAL_SECONDS: u32 = 5;
/// How many seconds longer it waits after each `slow_down` (RFC 8628 3.5).
pub const POLL_SLOW_DOWN_SECONDS: u32 = 5;

/// Letters of a user code (RFC 8628 6.1: 20^8 codes are 34.5 bits, enough with the limits on wrong tries).
const USER_CODE_LETTERS: usize = 8;
/// No vowels, so that no word appears, and no Y (RFC 8628 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What the unit keeps and polls with, written `<pairing id>.<proof>`. Derived, never stored, unrelated to the code on
/// the screen.
#[derive(Clone)]
pub struct DeviceCode {
    pairing: PairingId,
    proof: Tag,
}

impl DeviceCode {
    /// The device code of a pairing.
    pub fn derive(keys: &ServerKeys, pairing: PairingId, expires_at: Timestamp) -> Self {
        let proof = tag(keys.device_code_key(), &[pairing.0.as_bytes(), &instant(expires_at)]);
        Self { pairing, proof }
    }

    /// The pairing it claims to belong to. Proven by [`DeviceCode::verify`] only.
    pub fn pairing(&self) -> PairingId {
        self.pairing
    }

    /// What the unit gets.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.pairing, self.proof.to_text())
    }

    /// Whether we gave it out for this pairing and expiry; in constant time. The caller looks at the expiry itself.
    pub fn verify(&self, keys: &ServerKeys, expires_at: Timestamp) -> bool {
        Self::derive(keys, self.pairing, expires_at).proof.matches(&self.proof)
    }
}

impl FromStr for DeviceCode {
    type Err = InvalidToken;
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (pairing, proof) = text.split_once('.').ok_or(InvalidToken)?;
        Ok(Self { pairing: pairing.parse().map_err(|_| InvalidToken)?, proof: Tag::parse(proof)? })
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceCode({}, …)", self.pairing)
    }
}

/// The text cannot be a code that a unit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 8 letters, such as BCDF-GHJK")]
pub struct UserCodeError;

/// The code that a unit shows and a person types. `Display` writes it as shown: `XXXX-XXXX`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct UserCode([u8; USER_CODE_LETTERS]);

impl UserCode {
    /// Draws each letter evenly from random bytes.
    pub(crate) fn draw(mut byte: impl FnMut() -> u8) -> Self {
        let mut letter = || {
            loop {
                let drawn = usize::from(byte());
                // A byte from the last, incomplete round of the alphabet would favour its first letters.
                if drawn < 256 - 256 % ALPHABET.len()
                    && let Some(letter) = ALPHABET.get(drawn % ALPHABET.len())
                {
                    return *letter;
                }
            }
        };
        Self(std::array::from_fn(|_| letter()))
    }

    /// The letters without the hyphen.
    pub(crate) fn letters(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for UserCode {
    type Err = UserCodeError;

    /// Takes what a person types: in either case, with spaces and hyphens of any kind anywhere. All else must fit.
    fn from_str(typed: &str) -> Result<Self, UserCodeError> {
        let mut code = Self([0; USER_CODE_LETTERS]);
        let mut places = code.0.iter_mut();
        for letter in typed.chars().filter(|c| !is_separator(*c)) {
            let letter = u8::try_from(letter.to_ascii_uppercase()).map_err(|_| UserCodeError)?;
            let place = places.next().filter(|_| ALPHABET.contains(&letter)).ok_or(UserCodeError)?;
            *place = letter;
        }
        if places.next().is_some() { Err(UserCodeError) } else { Ok(code) }
    }
}

/// White space, and the hyphens and dashes that keyboards and text correction produce.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = self.0.split_at(USER_CODE_LETTERS / 2);
        write!(f, "{}-{}", head.escape_ascii(), tail.escape_ascii())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{EntropyExt, SeededEntropy};

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_timestamp(seconds.into(), 0).unwrap()
    }

    #[test]
    fn a_typed_code_is_forgiven_its_form_only() {
        let code: UserCode = "BCDF-GHJK".parse().unwrap();
        for typed in ["bcdfghjk", " bcdf ghjk ", "BcDf\u{2013}gHjK", "b c d f - g h j k"] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        for typed in ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "YCDF-GHJK", "BCDF_GHJK", "1CDF-GHJK", "ſCDF-GHJK"] {
            assert_eq!(typed.parse::<UserCode>(), Err(UserCodeError), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "UserCode(…)");
    }

    proptest! {
        #[test]
        fn a_drawn_code_reads_back(seed: u64) {
            let code = SeededEntropy::new(seed).user_code();
            let text = code.to_string();
            prop_assert_eq!(text.len(), 9);
            let as_shown = |(i, b)| (i == 4) == (b == b'-') && (i == 4 || ALPHABET.contains(&b));
            prop_assert!(text.bytes().enumerate().all(as_shown));
            prop_assert_eq!(text.parse(), Ok(code));
        }

        #[test]
        fn any_text_is_taken_or_refused(typed in ".*|[bcdfghjkBCDF -]{8,11}") {
            if let Ok(code) = typed.parse::<UserCode>() {
                let bare: String = typed.to_ascii_uppercase().chars().filter(|c| !is_separator(*c)).collect();
                prop_assert_eq!(code.to_string().replace('-', ""), bare);
            }
        }

        #[test]
        fn a_device_code_proves_its_own_pairing(number: u128, seconds in 0..u32::MAX) {
            let (keys, pairing) = (ServerKeys::from_master(&[7; 32]), PairingId(Uuid::from_u128(number)));
            let code = DeviceCode::derive(&keys, pairing, at(seconds));
            let parsed: DeviceCode = code.to_text().parse().unwrap();
            prop_assert_eq!(parsed.pairing(), pairing);
            prop_assert!(parsed.verify(&keys, at(seconds)));
            prop_assert!(!parsed.verify(&keys, at(seconds + 1)));
            prop_assert!(!parsed.verify(&ServerKeys::from_master(&[8; 32]), at(seconds)));
            let moved = DeviceCode { pairing: PairingId(Uuid::from_u128(!number)), ..parsed };
            prop_assert!(!moved.verify(&keys, at(seconds)));
            let (shown, longer) = (format!("{code:?}"), code.to_text() + " ");
            prop_assert!(!shown.contains(&code.proof.to_text()));
            prop_assert!(longer.parse::<DeviceCode>().is_err());
        }
    }
}
