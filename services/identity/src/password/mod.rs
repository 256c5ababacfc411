//! Passwords: which are taken, and how they are kept.

mod hasher;
mod policy;

use std::fmt;

pub use hasher::{PasswordError, PasswordHasher, PasswordRecord, Verification};
pub use policy::{PasswordPolicy, PasswordProblem};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Fewest characters of a password that is the only factor (NIST SP 800-63B-4, 3.1.1.2).
pub const MIN_PASSWORD_CHARACTERS: usize = 15;
/// Most characters of a password: NIST SP 800-63B-4, 3.1.1.2 asks for at least 64 to be allowed, OWASP for a limit.
pub const MAX_PASSWORD_CHARACTERS: usize = 128;
/// Most bytes that are looked at, so that composing is cheap: characters of 4 bytes, each written in 4 parts.
const MAX_BYTES: usize = MAX_PASSWORD_CHARACTERS * 16;
/// Composing lengthens a text in UTF-8 at most this many times (Unicode FAQ on normalization).
const GROWTH: usize = 3;

/// A password as typed, in Unicode NFC (NIST SP 800-63B-4, 3.1.1.2), so that it is the same from every keyboard. Wiped
/// when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Normalises what was typed and wipes the original. The only problem it can find is
    /// [`PasswordProblem::TooLong`]; at sign-in that means a wrong password.
    pub fn new(typed: String) -> Result<Self, PasswordProblem> {
        let typed = Zeroizing::new(typed);
        if typed.len() > MAX_BYTES {
            return Err(PasswordProblem::TooLong);
        }
        // Room for all of it at once: growing would leave parts of the password behind in memory.
        let mut text = String::with_capacity(typed.len() * GROWTH);
        if is_nfc(&typed) {
            text.push_str(&typed)
        } else {
            text.extend(typed.nfc())
        }
        let password = Self(text);
        if password.characters() > MAX_PASSWORD_CHARACTERS { Err(PasswordProblem::TooLong) } else { Ok(password) }
    }

    /// Length in Unicode characters.
    fn characters(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_the_same_from_every_keyboard() {
        let composed = Password::new("Zoë mag Crème brûlée".to_owned()).unwrap();
        let decomposed = Password::new("Zoe\u{308} mag Cre\u{300}me bru\u{302}le\u{301}e".to_owned()).unwrap();
        assert_eq!(composed.0, decomposed.0);
        assert_eq!(format!("{composed:?}"), "Password(…)");
    }

    #[test]
    fn length_is_counted_in_composed_characters() {
        let of = |part: &str, times: usize| Password::new(part.repeat(times)).map(|p| p.characters());
        assert_eq!(of("a", 128), Ok(128));
        assert_eq!(of("a", 129), Err(PasswordProblem::TooLong));
        assert_eq!(of("😀", 128), Ok(128));
        assert_eq!(of("e\u{301}", 128), Ok(128));
        assert_eq!(of("a\u{301}", 100_000), Err(PasswordProblem::TooLong));
    }

    proptest! {
        #[test]
        fn composing_fits_into_the_room_made_for_it(typed in "[\\PC\u{fb2c}\u{1d160}\u{390}]{0,140}") {
            let length = typed.len();
            if let Ok(password) = Password::new(typed) {
                prop_assert!(password.0.len() <= length * GROWTH);
                prop_assert!(is_nfc(&password.0));
            }
        }
    }
}
