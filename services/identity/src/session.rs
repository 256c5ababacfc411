//! What a signed-in browser or client holds, and how it arrives.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use schema::SessionId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Entropy, EntropyExt, InvalidToken, tag::Tag};

/// A session and its secret of 256 random bits, written `<session id>.<secret>`. Only the hash of the secret is kept.
#[derive(Clone)]
pub struct SessionToken {
    session: SessionId,
    secret: Tag,
}

impl SessionToken {
    /// Draws a new secret.
    pub fn issue(session: SessionId, entropy: &dyn Entropy) -> Self {
        Self { session, secret: Tag::new(entropy.bytes()) }
    }

    /// The session it claims to be. Proven by [`SessionToken::matches`] only.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What the client gets, once.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.session, self.secret.to_text())
    }

    /// What is kept: SHA-256 of the secret, hexadecimal. A fast hash is right for 256 random bits.
    pub fn secret_sha256(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.secret.as_bytes()))
    }

    /// Whether the secret has this hash, as [`SessionToken::secret_sha256`] wrote it; in constant time.
    pub fn matches(&self, secret_sha256: &str) -> bool {
        self.secret_sha256().as_bytes().ct_eq(secret_sha256.as_bytes()).into()
    }
}

impl FromStr for SessionToken {
    type Err = InvalidToken;
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (session, secret) = text.split_once('.').ok_or(InvalidToken)?;
        Ok(Self { session: session.parse().map_err(|_| InvalidToken)?, secret: Tag::parse(secret)? })
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionToken({}, …)", self.session)
    }
}

/// How the session cookie is written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    name: &'static str,
    attributes: &'static str,
}

impl SessionCookie {
    /// For https, so for everything but development: a `__Host-` cookie (RFC 6265bis 4.1.3.2), which no other host of the
    /// domain can set and no script can read.
    pub const SECURE: Self = Self { name: "__Host-session", attributes: "Path=/; Secure; HttpOnly; SameSite=Lax" };
    /// For plain http on localhost, where browsers refuse `__Host-` cookies. Development only.
    pub const PLAIN_LOCALHOST: Self = Self { name: "session", attributes: "Path=/; HttpOnly; SameSite=Lax" };

    /// The name of the cookie.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value of a `Set-Cookie` header that keeps the token for `max_age_seconds`.
    pub fn set(&self, token: &SessionToken, max_age_seconds: u32) -> String {
        format!("{}={}; Max-Age={max_age_seconds}; {}", self.name, token.to_text(), self.attributes)
    }

    /// The value of a `Set-Cookie` header that removes the cookie.
    pub fn clear(&self) -> String {
        format!("{}=; Max-Age=0; {}", self.name, self.attributes)
    }

    /// The token in the values of the `Cookie` headers of a request. None if there is none, if it is malformed, or if
    /// there are several: somebody else has planted one then, and which is ours cannot be told.
    pub fn find<'a>(&self, headers: impl IntoIterator<Item = &'a str>) -> Option<SessionToken> {
        let pairs = headers.into_iter().flat_map(|header| header.split(';')).filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(name, _)| name.trim() == self.name).map(|(_, value)| value.trim());
        match (values.next(), values.next()) {
            (Some(value), None) => value.parse().ok(),
            _ => None,
        }
    }
}

/// The token in an `Authorization` header: `Bearer` in any case, then spaces, then the token (RFC 6750 2.1).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(allowed)).then_some(token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::SeededEntropy;

    fn token(seed: u64) -> SessionToken {
        SessionToken::issue(SessionId(Uuid::from_u128(seed.into())), &SeededEntropy::new(seed))
    }

    #[test]
    fn the_cookie_is_locked_down() {
        let text = token(1).to_text();
        assert_eq!(
            SessionCookie::SECURE.set(&token(1), 60),
            format!("__Host-session={text}; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax")
        );
        assert_eq!(
            SessionCookie::PLAIN_LOCALHOST.set(&token(1), 60),
            format!("session={text}; Max-Age=60; Path=/; HttpOnly; SameSite=Lax")
        );
        assert_eq!(SessionCookie::SECURE.clear(), "__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn the_cookie_is_found_if_it_is_the_only_one() {
        let (cookie, text) = (SessionCookie::SECURE, token(1).to_text());
        let find = |headers: &[&str]| cookie.find(headers.iter().copied()).map(|found| found.to_text());
        let ours = format!("__Host-session={text}");
        assert_eq!(find(&[&format!("theme=dark; {ours};lang=de")]), Some(text.clone()));
        assert_eq!(find(&["theme=dark", &ours]), Some(text.clone()));
        assert_eq!(find(&[&format!("session={text}; __host-session={text}")]), None);
        assert_eq!(find(&[&format!("{ours}; __Host-session=x")]), None);
        assert_eq!(find(&[&ours, &ours]), None);
        assert_eq!(find(&["__Host-session=", "a", ""]), None);
        assert_eq!(SessionCookie::PLAIN_LOCALHOST.find([format!("session={text}").as_str()]).unwrap().to_text(), text);
    }

    #[test]
    fn bearer_is_strict_about_the_token() {
        assert_eq!(bearer("Bearer abc.d-e_f~1+/="), Some("abc.d-e_f~1+/="));
        assert_eq!(bearer("bEARER   abc"), Some("abc"));
        for header in ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearerabc", "Bearer a,b", "Bearer ä"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_token_matches_its_own_hash(seed: u64, other: u64) {
            let issued = token(seed);
            let parsed: SessionToken = issued.to_text().parse().unwrap();
            prop_assert_eq!(parsed.session(), issued.session());
            prop_assert!(parsed.matches(&issued.secret_sha256()));
            prop_assert_eq!(parsed.matches(&token(other).secret_sha256()), seed == other);
            prop_assert!(!parsed.matches("") && !parsed.matches(&issued.secret_sha256()[1..]));
            let shown = format!("{issued:?}");
            prop_assert!(!shown.contains(&issued.secret.to_text()));
        }

        #[test]
        fn any_header_is_read_without_harm(header in ".*") {
            prop_assert!(SessionCookie::SECURE.find([header.as_str()]).is_none());
            prop_assert!(bearer(&header).is_none_or(|token| header.contains(token)));
        }
    }
}
