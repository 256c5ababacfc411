//! Mailed codes and links. Both are derived from a challenge and never stored: whoever reads the whole history and the
//! vault learns none.

use std::{fmt, str::FromStr};

use schema::{AccountId, ChallengeId, Timestamp};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    InvalidToken, ServerKeys,
    keys::tag,
    tag::{TAG_BYTES, Tag},
};

/// Digits of a mailed code (NIST SP 800-63B 3.1.3.2 asks for at least 6).
const CODE_DIGITS: usize = 6;
/// How many codes there are. 2^64 is no multiple of it, which makes some codes likelier by one part in 10^13.
const CODES: u64 = 1_000_000;

/// What a code or link is good for. One made for one purpose proves nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Proves the email address of somebody who signs an organization up.
    SignupCode,
    /// Activates an account that an admin has added.
    ActivationLink,
    /// Lets a person choose a new password.
    PasswordReset,
    /// Proves that a domain is an organization's, by a mail to an administrative address.
    DomainCode,
}

impl Purpose {
    /// Frozen: links that are out in the mail are derived from it.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SignupCode => b"signup-code",
            Self::ActivationLink => b"activation-link",
            Self::PasswordReset => b"password-reset",
            Self::DomainCode => b"domain-code",
        }
    }
}

/// A code of 6 digits that goes out by mail. The caller counts the tries and looks at the expiry.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct VerificationCode(String);

impl VerificationCode {
    /// The code of a challenge. Another expiry gives another code.
    pub fn derive(keys: &ServerKeys, purpose: Purpose, challenge: ChallengeId, expires_at: Timestamp) -> Self {
        let proof = tag(keys.challenge_key(), &[purpose.label(), challenge.0.as_bytes(), &instant(expires_at)]);
        let [a, b, c, d, e, f, g, h, ..] = *proof.as_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % CODES;
        Self(format!("{number:0CODE_DIGITS$}"))
    }

    /// The digits, for the mail.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares with what a person typed, in constant time; spaces and hyphens between the digits do not count.
    pub fn matches(&self, typed: &str) -> bool {
        let digits = typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'\t' | b'\r' | b'\n'));
        // One more than needed is enough to see that a text is too long.
        let digits = zeroize::Zeroizing::new(digits.take(CODE_DIGITS + 1).collect::<Vec<_>>());
        self.0.as_bytes().ct_eq(&digits).into()
    }
}

impl fmt::Debug for VerificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationCode(…)")
    }
}

/// The secret part of a link, written `<account id>.<challenge id>.<proof>`: it names the account's stream by itself.
#[derive(Clone)]
pub struct LinkToken {
    account: AccountId,
    challenge: ChallengeId,
    proof: Tag,
}

impl LinkToken {
    /// The token of a challenge.
    pub fn derive(
        keys: &ServerKeys,
        purpose: Purpose,
        account: AccountId,
        challenge: ChallengeId,
        expires_at: Timestamp,
    ) -> Self {
        let parts = [purpose.label(), account.0.as_bytes(), challenge.0.as_bytes(), &instant(expires_at)];
        Self { account, challenge, proof: tag(keys.challenge_key(), &parts) }
    }

    /// The account it claims to be for. Proven by [`LinkToken::verify`] only.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The challenge it claims to answer. Proven by [`LinkToken::verify`] only.
    pub fn challenge(&self) -> ChallengeId {
        self.challenge
    }

    /// The text for the link; fits into a URL as it is.
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.account, self.challenge, self.proof.to_text())
    }

    /// Whether we made it for this purpose, account, challenge and expiry. The caller looks at the expiry itself, and
    /// whether the challenge is still the account's newest.
    pub fn verify(&self, keys: &ServerKeys, purpose: Purpose, expires_at: Timestamp) -> bool {
        Self::derive(keys, purpose, self.account, self.challenge, expires_at).proof.matches(&self.proof)
    }
}

impl FromStr for LinkToken {
    type Err = InvalidToken;
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (account, rest) = text.split_once('.').ok_or(InvalidToken)?;
        let (challenge, proof) = rest.split_once('.').ok_or(InvalidToken)?;
        Ok(Self {
            account: account.parse().map_err(|_| InvalidToken)?,
            challenge: challenge.parse().map_err(|_| InvalidToken)?,
            proof: Tag::parse(proof)?,
        })
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkToken({}, {}, …)", self.account, self.challenge)
    }
}

/// A moment as it survives the log, which keeps microseconds.
pub(crate) fn instant(at: Timestamp) -> [u8; 8] {
    at.timestamp_micros().to_be_bytes()
}

// The length that the derived proofs have is what makes them unguessable.
const _: () = assert!(TAG_BYTES * 8 >= 128);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn keys() -> ServerKeys {
        ServerKeys::from_master(&[7; 32])
    }

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_timestamp(seconds.into(), 0).unwrap()
    }

    fn id(number: u128) -> ChallengeId {
        ChallengeId(Uuid::from_u128(number))
    }

    #[test]
    fn secrets_do_not_show() {
        let code = VerificationCode::derive(&keys(), Purpose::SignupCode, id(1), at(1));
        assert!(!format!("{code:?}").contains(code.as_str()));
        let link = LinkToken::derive(&keys(), Purpose::ActivationLink, AccountId(Uuid::nil()), id(1), at(1));
        assert!(!format!("{link:?}").contains(&link.proof.to_text()));
    }

    #[test]
    fn codes_are_spread_evenly() {
        let mut first_digits = [0u32; 10];
        for number in 0..10_000 {
            let code = VerificationCode::derive(&keys(), Purpose::SignupCode, id(number), at(0));
            first_digits[usize::from(code.as_str().as_bytes()[0] - b'0')] += 1;
        }
        // 1,000 each are due, with a standard deviation of 30.
        assert!(first_digits.iter().all(|n| n.abs_diff(1_000) < 180), "{first_digits:?}");
    }

    proptest! {
        #[test]
        fn a_code_answers_its_own_challenge(number: u128, seconds: u32, typed in "[0-9]{0,8}|.{0,12}") {
            let code = VerificationCode::derive(&keys(), Purpose::SignupCode, id(number), at(seconds));
            prop_assert!(code.as_str().len() == 6 && code.as_str().bytes().all(|b| b.is_ascii_digit()));
            let (head, tail) = code.as_str().split_at(3);
            let spaced = format!(" {head} {tail}\n");
            prop_assert!(code.matches(code.as_str()) && code.matches(&spaced));
            let dirty = format!("{head}{tail}0");
            prop_assert!(!code.matches(&dirty) && !code.matches(head) && !code.matches(""));
            let bare: String = typed.chars().filter(|c| !" -\t\r\n".contains(*c)).collect();
            prop_assert_eq!(code.matches(&typed), bare == code.as_str());
        }

        #[test]
        fn a_code_depends_on_everything(number: u128, seconds in 0..u32::MAX) {
            // Collides once in a million by nature: of three other codes hardly all are the same.
            let code = VerificationCode::derive(&keys(), Purpose::SignupCode, id(number), at(seconds));
            let differs = |other: VerificationCode| other.as_str() != code.as_str();
            let (c, p) = (id(number), Purpose::SignupCode);
            prop_assert!((1..4).any(|n| differs(VerificationCode::derive(&keys(), p, id(number ^ n), at(seconds)))));
            prop_assert!((1..4).any(|n| differs(VerificationCode::derive(&keys(), p, c, at(seconds ^ n)))));
            let other_purpose = VerificationCode::derive(&keys(), Purpose::ActivationLink, c, at(seconds));
            let other_keys = VerificationCode::derive(&ServerKeys::from_master(&[8; 32]), p, c, at(seconds));
            prop_assert!(differs(other_purpose) || differs(other_keys));
        }

        #[test]
        fn a_link_proves_what_it_was_made_for_and_nothing_else(account: u128, number: u128, seconds in 0..u32::MAX) {
            let (purpose, account) = (Purpose::ActivationLink, AccountId(Uuid::from_u128(account)));
            let link = LinkToken::derive(&keys(), purpose, account, id(number), at(seconds));
            let parsed: LinkToken = link.to_text().parse().unwrap();
            prop_assert_eq!((parsed.account(), parsed.challenge()), (account, id(number)));
            prop_assert!(parsed.verify(&keys(), purpose, at(seconds)));
            prop_assert!(!parsed.verify(&keys(), purpose, at(seconds + 1)));
            prop_assert!(!parsed.verify(&keys(), Purpose::SignupCode, at(seconds)));
            prop_assert!(!parsed.verify(&ServerKeys::from_master(&[8; 32]), purpose, at(seconds)));
            let moved = LinkToken { account: AccountId(Uuid::from_u128(!account.0.as_u128())), ..parsed.clone() };
            prop_assert!(!moved.verify(&keys(), purpose, at(seconds)));
            let swapped = LinkToken { challenge: id(!number), ..parsed };
            prop_assert!(!swapped.verify(&keys(), purpose, at(seconds)));
        }

        #[test]
        fn any_altered_link_is_refused(place: prop::sample::Index, with in "[ -~]") {
            let (purpose, account) = (Purpose::ActivationLink, AccountId(Uuid::from_u128(1)));
            let mut text = LinkToken::derive(&keys(), purpose, account, id(2), at(3)).to_text();
            let place = place.index(text.len());
            prop_assume!(text[place..=place] != with);
            text.replace_range(place..=place, &with);
            prop_assert!(text.parse::<LinkToken>().map_or(true, |link| !link.verify(&keys(), purpose, at(3))));
            let longer = format!("{text}.x");
            prop_assert!(longer.parse::<LinkToken>().is_err());
        }
    }

    /// A timestamp that has been through the log has no nanoseconds any more.
    #[test]
    fn nanoseconds_do_not_matter() {
        let precise = Timestamp::from_timestamp(5, 1_999).unwrap();
        let stored = Timestamp::from_timestamp(5, 1_000).unwrap();
        let link = LinkToken::derive(&keys(), Purpose::ActivationLink, AccountId(Uuid::nil()), id(1), precise);
        assert!(link.verify(&keys(), Purpose::ActivationLink, stored));
    }
}
