//! Access tokens of Portal units: signed JWTs that live 10 minutes.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use schema::{DeviceId, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{ServerKeys, unit_key::CLOCK_SKEW_SECONDS};

/// How long an access token lives, in seconds: short, because a unit renews it by itself and a revocation that a
/// connection did not hear of ends with it.
pub const ACCESS_TOKEN_LIFETIME_SECONDS: u32 = 600;
/// Longest JWT that is looked at, in bytes; ours and those of units have less than 1 KiB.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// Media type of a JWT access token (RFC 9068 2.1), so that no other JWT of ours passes for one.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// Who issues: the key belongs to one installation, so the name need not.
const ISSUER: &str = "work-accounts";
/// Whom it is for.
const AUDIENCE: &str = "work-accounts/dispatcher";
/// OAuth client id of every unit.
const CLIENT: &str = "portal";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// The unit.
    pub device: DeviceId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Its enrollment: a later one of the same hardware makes the token worthless.
    pub epoch: u64,
    /// Names the token.
    pub id: Uuid,
    /// When it was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// From then on it is worthless, in whole seconds.
    pub expires_at: Timestamp,
}

/// A token as the unit gets it.
#[derive(Clone)]
pub struct AccessToken {
    /// The compact form.
    pub text: String,
    /// What it says.
    pub claims: AccessClaims,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({:?}, …)", self.claims)
    }
}

/// Why an access token is not taken, or could not be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// It was good and has run out.
    #[error("the access token has expired")]
    Expired,
    /// We did not issue it for this, or it was altered.
    #[error("not a valid access token")]
    Invalid,
    /// It cannot be written.
    #[error("the access token cannot be issued")]
    Unissuable,
}

/// Claims on the wire (RFC 9068 2.2). Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    aud: String,
    client_id: String,
    sub: DeviceId,
    org: OrganizationId,
    epoch: u64,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

/// Issues and verifies access tokens with HS256: only we read them.
pub struct AccessTokens {
    sign: EncodingKey,
    verify: DecodingKey,
}

impl AccessTokens {
    /// With the keys of the installation.
    pub fn new(keys: &ServerKeys) -> Self {
        let key = keys.access_token_key();
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key) }
    }

    /// A token for a unit. `id` must be new.
    pub fn issue(
        &self,
        device: DeviceId,
        organization: OrganizationId,
        epoch: u64,
        id: Uuid,
        now: Timestamp,
    ) -> Result<AccessToken, AccessTokenError> {
        let iat = now.timestamp();
        let wire = WireClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            client_id: CLIENT.to_owned(),
            sub: device,
            org: organization,
            epoch,
            jti: id,
            iat,
            exp: iat.saturating_add(ACCESS_TOKEN_LIFETIME_SECONDS.into()),
        };
        let header = Header { typ: Some(ACCESS_TOKEN_TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        let text = jsonwebtoken::encode(&header, &wire, &self.sign).map_err(|_| AccessTokenError::Unissuable)?;
        let claims = AccessClaims::try_from(wire).map_err(|_| AccessTokenError::Unissuable)?;
        Ok(AccessToken { text, claims })
    }

    /// What a token says, if we issued it and it has not expired at `now`. The caller checks epoch and revocation.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<AccessClaims, AccessTokenError> {
        let (header, wire) =
            decode::<WireClaims>(text, &self.verify, Algorithm::HS256).ok_or(AccessTokenError::Invalid)?;
        let ours = header.typ.as_deref() == Some(ACCESS_TOKEN_TYPE)
            && wire.iss == ISSUER
            && wire.aud == AUDIENCE
            && wire.client_id == CLIENT
            && wire.iat <= now.timestamp().saturating_add(CLOCK_SKEW_SECONDS.into());
        let claims = AccessClaims::try_from(wire)?;
        match ours {
            true if now < claims.expires_at => Ok(claims),
            true => Err(AccessTokenError::Expired),
            false => Err(AccessTokenError::Invalid),
        }
    }
}

impl TryFrom<WireClaims> for AccessClaims {
    type Error = AccessTokenError;
    fn try_from(wire: WireClaims) -> Result<Self, AccessTokenError> {
        let moment = |seconds| Timestamp::from_timestamp(seconds, 0).ok_or(AccessTokenError::Invalid);
        Ok(Self {
            device: wire.sub,
            organization: wire.org,
            epoch: wire.epoch,
            id: wire.jti,
            issued_at: moment(wire.iat)?,
            expires_at: moment(wire.exp)?,
        })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens(…)")
    }
}

/// Header and claims of a JWT that is signed with `key` and this one algorithm. Looks at no claim: times are checked
/// against the clock of the caller, not that of the library.
pub(crate) fn decode<C: DeserializeOwned>(text: &str, key: &DecodingKey, algorithm: Algorithm) -> Option<(Header, C)> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = (text.len() <= MAX_TOKEN_BYTES).then(|| jsonwebtoken::decode::<C>(text, key, &validation).ok())??;
    // An extension that we must understand and do not (RFC 7515 4.1.11).
    token.header.crit.is_none().then_some((token.header, token.claims))
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn tokens(master: u8) -> AccessTokens {
        AccessTokens::new(&ServerKeys::from_master(&[master; 32]))
    }

    fn issued() -> AccessToken {
        let (device, organization) = (DeviceId(Uuid::from_u128(1)), OrganizationId(Uuid::from_u128(2)));
        tokens(7).issue(device, organization, 3, Uuid::from_u128(4), at(NOW)).unwrap()
    }

    #[test]
    fn lives_ten_minutes() {
        let token = issued();
        assert_eq!(tokens(7).verify(&token.text, at(NOW)), Ok(token.claims.clone()));
        assert_eq!(tokens(7).verify(&token.text, at(NOW + 599)), Ok(token.claims.clone()));
        assert_eq!(tokens(7).verify(&token.text, at(NOW + 600)), Err(AccessTokenError::Expired));
        assert_eq!(token.claims.expires_at, at(NOW + 600));
        assert_eq!(tokens(7).verify(&token.text, at(NOW - 61)), Err(AccessTokenError::Invalid), "from the future");
        assert_eq!(tokens(8).verify(&token.text, at(NOW)), Err(AccessTokenError::Invalid), "another installation");
        assert!(!format!("{token:?}").contains(&token.text));
    }

    /// Even with the right key, a token of another kind, for another audience or with other rules is not taken.
    #[test]
    fn is_taken_as_an_access_token_only() {
        let key = EncodingKey::from_secret(ServerKeys::from_master(&[7; 32]).access_token_key());
        let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = BASE64URL_NOPAD.decode(issued().text.split('.').nth(1).unwrap().as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let verify = |header: &Header, claims: &serde_json::Value| {
            tokens(7).verify(&jsonwebtoken::encode(header, claims, &key).unwrap(), at(NOW))
        };
        assert_eq!(verify(&header, &claims), Ok(issued().claims));
        for (name, value) in [
            ("iss", json!("other")),
            ("aud", json!("other")),
            ("client_id", json!("other")),
            ("sub", json!("acc_00000000000000000000000000000001")),
            ("exp", json!(i64::MAX)),
            ("exp", json!("soon")),
            ("epoch", json!(-1)),
        ] {
            let mut other = claims.clone();
            other[name] = value;
            assert_eq!(verify(&header, &other), Err(AccessTokenError::Invalid), "{name}");
        }
        let others = [
            Header::new(Algorithm::HS256),
            Header { typ: None, ..header.clone() },
            Header { crit: Some(vec!["b64".to_owned()]), ..header.clone() },
            Header { alg: Algorithm::HS384, ..header.clone() },
        ];
        others.iter().for_each(|other| assert_eq!(verify(other, &claims), Err(AccessTokenError::Invalid), "{other:?}"));
    }

    #[test]
    fn none_is_no_algorithm() {
        let text = issued().text;
        let claims = text.split('.').nth(1).unwrap();
        for alg in ["none", "None", "NONE"] {
            let header = BASE64URL_NOPAD.encode(format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#).as_bytes());
            assert_eq!(tokens(7).verify(&format!("{header}.{claims}."), at(NOW)), Err(AccessTokenError::Invalid));
        }
    }

    proptest! {
        #[test]
        fn any_altered_token_is_refused(place: prop::sample::Index, with in "[A-Za-z0-9_.-]") {
            let mut text = issued().text;
            let place = place.index(text.len());
            prop_assume!(text[place..=place] != with);
            text.replace_range(place..=place, &with);
            prop_assert_eq!(tokens(7).verify(&text, at(NOW)), Err(AccessTokenError::Invalid));
        }

        #[test]
        fn any_text_is_refused(text in ".*|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,43}") {
            prop_assert_eq!(tokens(7).verify(&text, at(NOW)), Err(AccessTokenError::Invalid));
        }
    }
}
