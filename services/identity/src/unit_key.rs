//! The public key of a Portal unit and the assertions that it signs (RFC 7523).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use schema::{DeviceId, Timestamp};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use sha2::{Digest, Sha256};

use crate::device_token::{MAX_TOKEN_BYTES, decode};

/// Longest JWK that is looked at, in bytes; one of these kinds has some 150.
pub const MAX_JWK_BYTES: usize = 1024;
/// Longest life of an assertion in seconds, from `iat` to `exp`: it is made for one request (RFC 7523 3, item 4).
pub const MAX_ASSERTION_LIFETIME_SECONDS: u32 = 300;
/// How far the clock of a unit may be ahead, in seconds (RFC 7519 4.1.4: "no more than a few minutes").
pub const CLOCK_SKEW_SECONDS: u32 = 60;

/// Length of each coordinate in bytes: RFC 7518 6.2.1.2 for P-256, RFC 8032 5.1.5 for Ed25519.
const COORDINATE_BYTES: usize = 32;
/// Longest `jti` in bytes: a UUID or a hash with room to spare, short enough to remember.
const MAX_JTI_BYTES: usize = 128;

/// Why a JWK is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitKeyError {
    /// More than [`MAX_JWK_BYTES`].
    #[error("the key is longer than {MAX_JWK_BYTES} bytes")]
    TooLong,
    /// Not a JWK in JSON, or a member is missing or of the wrong type.
    #[error("the key is not a JWK (RFC 7517)")]
    Malformed,
    /// Neither EC P-256 nor OKP Ed25519, or meant for something else than signatures.
    #[error("the key must be EC P-256 or OKP Ed25519, for signatures")]
    Unsupported,
    /// It holds the private key, which must never leave the unit and is worthless from now on.
    #[error("the key has a private part; make a new one and send its public part only")]
    Private,
    /// The coordinates are not those of a sound public key.
    #[error("the key is not a point on its curve")]
    InvalidPoint,
}

/// The members of a JWK that matter here; a member that is there twice is an error. Others are ignored (RFC 7517 4).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
}

/// True for any value, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// The public key of a unit, checked.
#[derive(Clone)]
pub struct UnitKey {
    algorithm: Algorithm,
    verify: DecodingKey,
    canonical: String,
}

impl UnitKey {
    /// Reads a public JWK in JSON: EC P-256 or OKP Ed25519, a valid point, no private part.
    pub fn parse(jwk: &str) -> Result<Self, UnitKeyError> {
        if jwk.len() > MAX_JWK_BYTES {
            return Err(UnitKeyError::TooLong);
        }
        let jwk: Jwk = serde_json::from_str(jwk).map_err(|_| UnitKeyError::Malformed)?;
        if jwk.d || jwk.k {
            return Err(UnitKeyError::Private);
        }
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(UnitKeyError::Unsupported);
        }
        match (jwk.kty.as_str(), jwk.crv.as_str(), jwk.alg.as_deref()) {
            ("EC", "P-256", None | Some("ES256")) => Self::p256(&jwk.x, &jwk.y),
            ("OKP", "Ed25519", None | Some("EdDSA" | "Ed25519")) => Self::ed25519(&jwk.x),
            _ => Err(UnitKeyError::Unsupported),
        }
    }

    fn p256(x: &str, y: &str) -> Result<Self, UnitKeyError> {
        let point = [[UNCOMPRESSED].as_slice(), &coordinate(x)?, &coordinate(y)?].concat();
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(|_| UnitKeyError::InvalidPoint)?;
        Ok(Self {
            algorithm: Algorithm::ES256,
            verify: DecodingKey::from_ec_der(&point),
            canonical: format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
        })
    }

    fn ed25519(x: &str) -> Result<Self, UnitKeyError> {
        let point = coordinate(x)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&point).map_err(|_| UnitKeyError::InvalidPoint)?;
        // Under a key of small order one signature is good for many messages.
        if key.is_weak() {
            return Err(UnitKeyError::InvalidPoint);
        }
        Ok(Self {
            algorithm: Algorithm::EdDSA,
            verify: DecodingKey::from_ed_der(&point),
            canonical: format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        })
    }

    /// The one form in which this key is kept: the required members in lexical order, without white space (RFC 7638 3.2).
    pub fn canonical_json(&self) -> &str {
        &self.canonical
    }

    /// Names the key: SHA-256 of the canonical form in base64url (RFC 7638).
    pub fn thumbprint(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(&self.canonical))
    }

    /// Checks an assertion that `device` signed with this key to get a token at `audience`, the URL of the token endpoint
    /// (RFC 7523 3). The caller makes sure that each `jti` is used once; see [`crate::ONE_USE_OF_ASSERTION`].
    pub fn verify_assertion(
        &self,
        jwt: &str,
        audience: &str,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<Assertion, AssertionError> {
        let (_, claims) =
            decode::<AssertionClaims>(jwt, &self.verify, self.algorithm).ok_or(AssertionError::Unverified)?;
        let device = device.to_string();
        if claims.iss != device || claims.sub != device {
            return Err(AssertionError::WrongDevice);
        }
        if !claims.aud.names(audience) {
            return Err(AssertionError::WrongAudience);
        }
        let expires_at = claims.check_times(now.timestamp())?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
            return Err(AssertionError::NoUsableId);
        }
        Ok(Assertion { id: claims.jti, expires_at })
    }
}

impl fmt::Debug for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitKey({:?}, {})", self.algorithm, self.thumbprint())
    }
}

/// Marks a point that is written with both coordinates (SEC 1 2.3.3).
const UNCOMPRESSED: u8 = 4;

fn coordinate(text: &str) -> Result<[u8; COORDINATE_BYTES], UnitKeyError> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| UnitKeyError::Malformed)?;
    bytes.try_into().map_err(|_| UnitKeyError::InvalidPoint)
}

/// An assertion that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its `jti`: to be used once by this device.
    pub id: String,
    /// From then on it would not be taken anyway.
    pub expires_at: Timestamp,
}

/// Why an assertion is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Not a JWT with the claims it needs, or not signed with this key in its one algorithm.
    #[error("the assertion is not a JWT that is signed with the unit's key")]
    Unverified,
    /// `iss` or `sub` is not the device.
    #[error("iss and sub of the assertion must be the device id")]
    WrongDevice,
    /// `aud` is not the token endpoint.
    #[error("aud of the assertion must be the URL of the token endpoint")]
    WrongAudience,
    /// It has expired.
    #[error("the assertion has expired")]
    Expired,
    /// `iat` or `nbf` is too far in the future.
    #[error("the assertion is not valid yet; set the clock of the unit")]
    NotYetValid,
    /// `exp` is more than 5 minutes after `iat`.
    #[error("the assertion is valid for longer than {MAX_ASSERTION_LIFETIME_SECONDS} s")]
    LivesTooLong,
    /// `jti` is empty or too long.
    #[error("jti of the assertion must have 1 to {MAX_JTI_BYTES} bytes")]
    NoUsableId,
}

/// Claims of an assertion; all but `nbf` are required.
#[derive(Deserialize)]
struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "numeric_date")]
    iat: i64,
    #[serde(deserialize_with = "numeric_date")]
    exp: i64,
    #[serde(default, deserialize_with = "numeric_date")]
    nbf: i64,
    jti: String,
}

impl AssertionClaims {
    /// When it expires, if it is valid at `now`. Times are seconds since 1970.
    fn check_times(&self, now: i64) -> Result<Timestamp, AssertionError> {
        let latest_start = now.saturating_add(CLOCK_SKEW_SECONDS.into());
        if self.exp <= now {
            return Err(AssertionError::Expired);
        }
        if self.iat > latest_start || self.nbf > latest_start {
            return Err(AssertionError::NotYetValid);
        }
        if self.exp.saturating_sub(self.iat) > MAX_ASSERTION_LIFETIME_SECONDS.into() {
            return Err(AssertionError::LivesTooLong);
        }
        Timestamp::from_timestamp(self.exp, 0).ok_or(AssertionError::LivesTooLong)
    }
}

/// One recipient or several (RFC 7519 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// Seconds since 1970, possibly with a fraction (RFC 7519 2), which is cut off.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    // The conversion saturates, so that absurd times stay absurd.
    Ok(number.as_i64().or(number.as_f64().map(|seconds| seconds as i64)).unwrap_or(i64::MAX))
}

/// Which device an assertion claims to come from, so that its key can be looked up. Proves nothing.
pub fn claimed_device(jwt: &str) -> Option<DeviceId> {
    #[derive(Deserialize)]
    struct Subject {
        sub: DeviceId,
    }
    let token =
        (jwt.len() <= MAX_TOKEN_BYTES).then(|| jsonwebtoken::dangerous::insecure_decode::<Subject>(jwt).ok())?;
    token.map(|token| token.claims.sub)
}

#[cfg(test)]
mod tests;
