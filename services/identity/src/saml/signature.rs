//! Whether a message is signed by its provider, and what exactly was signed.

use openssl::{hash::MessageDigest, pkey::Id, sign::Verifier};
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
pub(super) fn signed_content(message: &str, certificates: &[Certificate]) -> Option<Element> {
    // Without a certificate samael takes whatever comes.
    if certificates.is_empty() {
        return None;
    }
    let certificates: Vec<_> = certificates.iter().map(|c| CertificateDer::from(c.der().to_vec())).collect();
    let bytes = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        message,
        &certificates,
        ReduceMode::PreDigest,
        Some(&ALGORITHMS),
    );
    xml::parse(&bytes.ok()?).ok()
}

/// Checks the signature of a message in a query (saml-bindings-2.0-os 3.4.4.1): over the query as it came.
pub(super) fn signs_query(query: &str, algorithm: &str, signature: &[u8], certificates: &[Certificate]) -> bool {
    let (digest, kind) = match algorithm {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => (MessageDigest::sha256(), Id::RSA),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => (MessageDigest::sha384(), Id::RSA),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => (MessageDigest::sha512(), Id::RSA),
        _ => return false,
    };
    certificates.iter().filter_map(Certificate::key).filter(|key| key.id() == kind).any(|key| {
        let verifier = Verifier::new(digest, &key);
        verifier.and_then(|mut verifier| verifier.verify_oneshot(signature, query.as_bytes())).unwrap_or(false)
    })
}
