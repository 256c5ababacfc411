//! Whether a message is signed by its provider, and what exactly was signed.

use libxml::parser::{Parser, ParserOptions};
use openssl::{bn::BigNum, ecdsa::EcdsaSig, hash::MessageDigest, pkey::Id, sign::Verifier};
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};

use super::{
    Certificate,
    xml::{self, Element},
};

/// The same as the screening takes.
const ALGORITHMS: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Checks all signatures of a screened message and returns what was signed: the canonical bytes that went into the
/// digest, read anew. If both the message and its assertion are signed, that is the message.
///
/// One certificate at a time: samael gives up at a key of another kind than the signature's, so that a provider which
/// changes from RSA to ECDSA would lock everybody out. What an element and an assertion of it are signed with is the same.
pub(super) fn signed_content(message: &str, certificates: &[Certificate]) -> Option<Element> {
    if !is_strict_xml(message) {
        return None;
    }
    certificates.iter().find_map(|certificate| signed_by(message, certificate))
}

/// Whether libxml2 finds no fault with it. Samael has it mend what it finds fault with, and what comes of that was not
/// screened.
pub(super) fn is_strict_xml(message: &str) -> bool {
    let strict = ParserOptions { recover: false, no_net: true, ..ParserOptions::default() };
    Parser::default().parse_string_with_options(message, strict).is_ok()
}

fn signed_by(message: &str, certificate: &Certificate) -> Option<Element> {
    let bytes = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        message,
        // Never empty: without a certificate samael takes whatever comes.
        &[CertificateDer::from(certificate.der().to_vec())],
        ReduceMode::PreDigest,
        Some(&ALGORITHMS),
    );
    xml::parse(&bytes.ok()?).ok()
}

/// Checks the signature of a message in a query (saml-bindings-2.0-os 3.4.4.1): over the query as it came.
pub(super) fn signs_query(query: &str, algorithm: &str, signature: &[u8], certificates: &[Certificate]) -> bool {
    let Some(name) = algorithm.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#") else { return false };
    let (kind, digest) = match name {
        "rsa-sha256" => (Id::RSA, MessageDigest::sha256()),
        "rsa-sha384" => (Id::RSA, MessageDigest::sha384()),
        "rsa-sha512" => (Id::RSA, MessageDigest::sha512()),
        "ecdsa-sha256" => (Id::EC, MessageDigest::sha256()),
        "ecdsa-sha384" => (Id::EC, MessageDigest::sha384()),
        "ecdsa-sha512" => (Id::EC, MessageDigest::sha512()),
        _ => return false,
    };
    certificates.iter().filter_map(Certificate::key).filter(|key| key.id() == kind).any(|key| {
        let signature = match kind {
            Id::EC => ecdsa_der(signature, key.bits()),
            _ => Some(signature.to_vec()),
        };
        let verified = Verifier::new(digest, &key).and_then(|mut verifier| {
            signature.map_or(Ok(false), |signature| verifier.verify_oneshot(&signature, query.as_bytes()))
        });
        verified.unwrap_or(false)
    })
}

/// An ECDSA signature as XML signatures have it (RFC 6931 2.3.6: both numbers one after the other), as OpenSSL has it.
fn ecdsa_der(signature: &[u8], bits: u32) -> Option<Vec<u8>> {
    let size = usize::try_from(bits.div_ceil(8)).ok()?;
    if signature.len() != 2 * size {
        return None;
    }
    let (r, s) = signature.split_at(size);
    let number = BigNum::from_slice;
    EcdsaSig::from_private_components(number(r).ok()?, number(s).ok()?).ok()?.to_der().ok()
}
