//! The unit's key pair: made on the unit, never leaves it.

use std::{fmt, ops::Deref};

use data_encoding::BASE64URL_NOPAD;
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer},
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use serde::Serialize;

use crate::Entropy;

/// A P-256 key pair.
#[derive(Clone)]
pub struct UnitKey(SecretKey);

/// The stored key is not a P-256 key in PKCS#8, or could not be written as one.
#[derive(Debug, thiserror::Error)]
#[error("the unit's key is not a P-256 key in PKCS#8")]
pub struct KeyError;

impl UnitKey {
    /// Makes a new key pair.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        loop {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            // Zero and numbers beyond the group's order are no keys: less than one in 2^32 is tried again.
            if let Ok(key) = SecretKey::from_slice(&bytes) {
                return Self(key);
            }
        }
    }

    /// Reads a key in PKCS#8, PEM.
    ///
    /// # Errors
    /// It is not a P-256 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        SecretKey::from_pkcs8_pem(pem).map(Self).map_err(|_| KeyError)
    }

    /// Writes the key in PKCS#8, PEM: whoever reads it can act for the unit.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn to_pem(&self) -> Result<impl Deref<Target = String> + Send + use<>, KeyError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError)
    }

    /// The public key, a JWK in JSON (RFC 7517).
    pub fn public_jwk(&self) -> String {
        self.0.public_key().to_jwk_string()
    }

    /// A JWT with these claims, signed with ES256 (RFC 7515, RFC 7518 section 3.4).
    ///
    /// # Errors
    /// The claims cannot be written as JSON.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, serde_json::Error> {
        let header = BASE64URL_NOPAD.encode(br#"{"alg":"ES256","typ":"JWT"}"#);
        let claims = BASE64URL_NOPAD.encode(&serde_json::to_vec(claims)?);
        let mut token = format!("{header}.{claims}");
        let signature: Signature = SigningKey::from(&self.0).sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64URL_NOPAD.encode(&signature.to_bytes()));
        Ok(token)
    }
}

impl fmt::Debug for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnitKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::Jwk};

    use super::*;
    use crate::Surroundings;

    #[test]
    fn another_implementation_accepts_the_signature_of_the_stored_key() {
        let made = UnitKey::generate(&*Surroundings::system().entropy);
        let pem = made.to_pem().unwrap();
        let key = UnitKey::from_pem(&pem).unwrap();
        let token = key.sign(&serde_json::json!({ "sub": "dev_1", "exp": 4_000_000_000_u64 })).unwrap();

        let jwk: Jwk = serde_json::from_str(&made.public_jwk()).unwrap();
        let verifier = DecodingKey::from_jwk(&jwk).unwrap();
        let validation = Validation::new(Algorithm::ES256);
        let claims = decode::<serde_json::Value>(&token, &verifier, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "dev_1");

        let other = UnitKey::generate(&*Surroundings::system().entropy).sign(&claims).unwrap();
        assert!(decode::<serde_json::Value>(&other, &verifier, &validation).is_err());
    }
}
