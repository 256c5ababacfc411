//! What an organization publishes to prove that a domain is its own: a token that is derived, like mailed codes, and so
//! stands nowhere but where it is published.

use std::fmt;

use schema::{ChallengeId, OrganizationId, Timestamp};
use subtle::ConstantTimeEq;

use crate::{ServerKeys, challenge::instant, keys::tag, tag::Tag};

/// The label of the derivation. Frozen: tokens stand in the DNS for years.
const LABEL: &[u8] = b"domain-token";

/// A token of 256 bits, bound to organization, domain, attempt and expiry.
#[derive(Clone)]
pub struct DomainToken(Tag);

impl DomainToken {
    /// The token of an attempt to prove `domain`, in ASCII form.
    pub fn derive(
        keys: &ServerKeys,
        organization: OrganizationId,
        domain: &str,
        challenge: ChallengeId,
        expires_at: Timestamp,
    ) -> Self {
        let parts = [LABEL, organization.0.as_bytes(), domain.as_bytes(), challenge.0.as_bytes(), &instant(expires_at)];
        Self(tag(keys.challenge_key(), &parts))
    }

    /// Letters, digits, `-` and `_`: fits into a TXT record and a file name as it is.
    pub fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// Whether somebody has published this very token. In constant time, though it is public by then.
    pub fn matches(&self, published: &str) -> bool {
        self.to_text().as_bytes().ct_eq(published.as_bytes()).into()
    }
}

impl fmt::Debug for DomainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_of_one_organization_domain_attempt_and_expiry(a: u128, b: u128, c in "[a-z.]{1,12}", s in 0..u32::MAX) {
            let keys = ServerKeys::from_master(&[7; 32]);
            let at = |s: u32| Timestamp::from_timestamp(s.into(), 0).unwrap();
            let derive = |organization: u128, domain: &str, challenge: u128, s: u32| {
                let ids = (OrganizationId(Uuid::from_u128(organization)), ChallengeId(Uuid::from_u128(challenge)));
                DomainToken::derive(&keys, ids.0, domain, ids.1, at(s)).to_text()
            };
            let token = derive(a, &c, b, s);
            prop_assert_eq!(token.len(), 43);
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(&token, &derive(a, &c, b, s));
            let other_domain = format!("x{c}");
            for other in [derive(!a, &c, b, s), derive(a, &other_domain, b, s), derive(a, &c, !b, s), derive(a, &c, b, s + 1)] {
                prop_assert_ne!(&token, &other);
            }
        }
    }
}
