//! The key with which the platform signs what it sends to identity providers.

use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
    x509::{X509, X509NameBuilder},
};
use schema::Timestamp;
use zeroize::Zeroizing;

use super::Certificate;

/// Length of the key in bits (NIST SP 800-131A asks for 2048; providers know longer ones, at the price of slower requests).
const RSA_BITS: u32 = 2048;
/// How long its certificate says it is good, in seconds: ten years, as providers pin the key.
const LIFETIME_SECONDS: i64 = 10 * 365 * 86_400;

/// The key cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key that signs requests of single sign-on cannot be made or read")]
pub struct KeyProblem;

impl From<openssl::error::ErrorStack> for KeyProblem {
    fn from(_: openssl::error::ErrorStack) -> Self {
        Self
    }
}

/// An RSA key and its self-signed certificate.
#[derive(Clone)]
pub struct SigningKey {
    key: PKey<Private>,
    certificate: Certificate,
}

impl SigningKey {
    /// Makes a new one. The chance is that of OpenSSL. `serial` has to be random; takes some 100 ms.
    pub fn generate(now: Timestamp, serial: [u8; 16]) -> Result<Self, KeyProblem> {
        let key = PKey::from_rsa(Rsa::generate(RSA_BITS)?)?;
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", "Work Accounts single sign-on")?;
        let name = name.build();
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        let serial = BigNum::from_slice(&serial)?.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        builder.set_pubkey(&key)?;
        // Clocks of providers may be behind.
        builder.set_not_before(&*Asn1Time::from_unix(now.timestamp() - 86_400)?)?;
        builder.set_not_after(&*Asn1Time::from_unix(now.timestamp() + LIFETIME_SECONDS)?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let der = builder.build().to_der()?;
        Ok(Self { key, certificate: Certificate::from_der(&der).map_err(|_| KeyProblem)? })
    }

    /// Key and certificate, one after the other, to be kept as a secret.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        let key = Zeroizing::new(self.key.private_key_to_der()?);
        let length = u32::try_from(key.len()).map_err(|_| KeyProblem)?;
        let mut bytes = Zeroizing::new(length.to_be_bytes().to_vec());
        bytes.extend_from_slice(&key);
        bytes.extend_from_slice(self.certificate.der());
        Ok(bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyProblem> {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(KeyProblem)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| KeyProblem)?;
        let (key, certificate) = rest.split_at_checked(length).ok_or(KeyProblem)?;
        let certificate = Certificate::from_der(certificate).map_err(|_| KeyProblem)?;
        Ok(Self { key: PKey::private_key_from_der(key)?, certificate })
    }

    /// What providers check its signatures with.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// RSA with SHA-256 and PKCS #1 1.5 padding (RFC 8017 8.2), as every provider knows it.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyProblem> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        Ok(signer.sign_oneshot_to_vec(bytes)?)
    }

    pub(super) fn der(&self) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
        Ok(Zeroizing::new(self.key.private_key_to_der()?))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
