//! Certificates of identity providers. Only the key in them counts: they are pinned by the admin who enters them.

use std::{fmt, str::FromStr};

use data_encoding::{BASE64, HEXLOWER};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{Id, PKey, Public},
    x509::X509,
};
use schema::Timestamp;

/// Shortest RSA key that is taken, in bits (NIST SP 800-131A).
const MIN_RSA_BITS: u32 = 2048;
/// Longest RSA key that is taken, in bits: a check with a longer one takes long.
const MAX_RSA_BITS: u32 = 8192;
/// Longest certificate in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Why a text is no certificate that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// It is none.
    #[error("it is not an X.509 certificate in PEM or base64")]
    Unreadable,
    /// Its key is of a kind that is not used here, or too short.
    #[error("its key must be RSA of at least 2048 bits or ECDSA on P-256, P-384 or P-521")]
    WeakKey,
}

/// A certificate of a provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads the binary form.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateProblem> {
        let certificate = X509::from_der(der).map_err(|_| CertificateProblem::Unreadable)?;
        let key = certificate.public_key().map_err(|_| CertificateProblem::Unreadable)?;
        let usable = match key.id() {
            Id::RSA => (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&key.bits()),
            Id::EC => matches!(key.bits(), 256 | 384 | 521),
            _ => false,
        };
        if !usable {
            return Err(CertificateProblem::WeakKey);
        }
        let epoch = Asn1Time::from_unix(0).map_err(|_| CertificateProblem::Unreadable)?;
        let left = epoch.diff(certificate.not_after()).map_err(|_| CertificateProblem::Unreadable)?;
        let seconds = i64::from(left.days) * 86_400 + i64::from(left.secs);
        let not_after = Timestamp::from_timestamp(seconds, 0).ok_or(CertificateProblem::Unreadable)?;
        // Written anew, so that one certificate has one form.
        let der = certificate.to_der().map_err(|_| CertificateProblem::Unreadable)?;
        Ok(Self { der, not_after })
    }

    /// The binary form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The binary form in base64, on one line.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.der)
    }

    /// When it ends. It is used past that all the same: trust rests on the admin who entered it.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// SHA-256 of the binary form, hexadecimal: how admins compare certificates.
    pub fn fingerprint(&self) -> String {
        let digest = openssl::hash::hash(MessageDigest::sha256(), &self.der);
        digest.map(|digest| HEXLOWER.encode(&digest)).unwrap_or_default()
    }

    pub(super) fn key(&self) -> Option<PKey<Public>> {
        X509::from_der(&self.der).ok()?.public_key().ok()
    }
}

impl FromStr for Certificate {
    type Err = CertificateProblem;

    /// Reads PEM, or its base64 alone as metadata has it.
    fn from_str(text: &str) -> Result<Self, CertificateProblem> {
        if text.len() > MAX_BYTES {
            return Err(CertificateProblem::Unreadable);
        }
        let lines = text
            .trim()
            .strip_prefix("-----BEGIN CERTIFICATE-----")
            .map_or(Some(text), |rest| rest.trim_end().strip_suffix("-----END CERTIFICATE-----"));
        let base64: String = lines.ok_or(CertificateProblem::Unreadable)?.split_whitespace().collect();
        Self::from_der(&BASE64.decode(base64.as_bytes()).map_err(|_| CertificateProblem::Unreadable)?)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.fingerprint())
    }
}
