//! Keys and certificates of providers.

use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
    x509::X509,
};
use url::form_urlencoded;

use super::*;

fn certified(key: &PKey<Private>) -> Vec<u8> {
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(key).unwrap();
    let (from, until) = (Asn1Time::from_unix(0).unwrap(), Asn1Time::from_unix(1 << 31).unwrap());
    builder.set_not_before(&from).unwrap();
    builder.set_not_after(&until).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build().to_der().unwrap()
}

fn elliptic() -> (PKey<Private>, Certificate) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let certificate = Certificate::from_der(&certified(&key)).unwrap();
    (key, certificate)
}

/// A provider that changes from RSA to ECDSA has a certificate of each for a while.
#[test]
fn certificates_of_two_kinds_may_stand_side_by_side() {
    let (elliptic_key, elliptic) = elliptic();
    let rsa = key().certificate().clone();
    let by_rsa = said(str::to_owned);
    let unsigned = template("_assertion").replace("#rsa-sha256", "#ecdsa-sha256");
    let by_elliptic = {
        let der = elliptic_key.private_key_to_der().unwrap();
        let signed = Crypto::sign_xml(response("", &unsigned), &der).unwrap();
        signed.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?>"#).trim().to_owned()
    };
    for certificates in [vec![elliptic.clone(), rsa.clone()], vec![rsa.clone(), elliptic.clone()]] {
        for message in [&by_rsa, &by_elliptic] {
            assert!(signature::signed_content(message, &certificates).is_some(), "{message}");
        }
    }
    assert!(signature::signed_content(&by_rsa, std::slice::from_ref(&elliptic)).is_none());
    assert!(signature::signed_content(&by_elliptic, &[rsa]).is_none());
}

#[test]
fn queries_may_be_signed_with_elliptic_keys() {
    let (key, certificate) = elliptic();
    let (_, other) = elliptic();
    let mut query = form_urlencoded::Serializer::new(String::new());
    // "<a/>", packed.
    query.append_pair("SAMLRequest", "s0nUtwMA");
    query.append_pair("SigAlg", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    let signed = query.finish();
    let der = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(signed.as_bytes()).unwrap();
    let numbers = EcdsaSig::from_der(&der).unwrap();
    let both = [numbers.r().to_vec_padded(32).unwrap(), numbers.s().to_vec_padded(32).unwrap()].concat();
    let with = |signature: &[u8]| {
        let signature = BASE64.encode(signature);
        let signature = form_urlencoded::Serializer::new(String::new()).append_pair("Signature", &signature).finish();
        SignedQuery::parse(&format!("{signed}&{signature}")).unwrap()
    };
    assert!(with(&both).is_signed_by(&[self::super::key().certificate().clone(), certificate.clone()]));
    assert!(!with(&both).is_signed_by(&[other]));
    let mut changed = both.clone();
    changed[40] ^= 1;
    for bad in [&changed[..], &both[..63], &[0; 64], &[0xff; 64], &[]] {
        assert!(!with(bad).is_signed_by(std::slice::from_ref(&certificate)));
    }
}

#[test]
fn certificates_have_keys_that_are_long_enough() {
    let certificate = key().certificate();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", certificate.base64());
    assert_eq!(&pem.parse::<Certificate>().unwrap(), certificate);
    assert_eq!(&certificate.base64().parse::<Certificate>().unwrap(), certificate);
    assert_eq!(certificate.fingerprint().len(), 64);
    assert_eq!(certificate.not_after(), now() + Duration::days(3650));
    for bad in ["", "x", "AAAA", "-----BEGIN CERTIFICATE-----\nAAAA", &"A".repeat(20_000)] {
        assert_eq!(bad.parse::<Certificate>(), Err(CertificateProblem::Unreadable), "{bad}");
    }
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    assert_eq!(Certificate::from_der(&certified(&weak)), Err(CertificateProblem::WeakKey));
}
