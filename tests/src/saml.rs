//! A key that signs responses as a SAML provider does, where starting a whole provider would be too much.

use identity::saml::{Certificate, ServiceProvider};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::{Signer as Signing, Verifier},
    x509::X509,
};
use samael::crypto::{Crypto, CryptoProvider};
use schema::Timestamp;

const ISSUER: &str = "https://idp.example/metadata";

/// See the module.
pub struct Signer {
    key: PKey<Private>,
    certificate: Certificate,
    signed: Vec<u8>,
}

impl Default for Signer {
    fn default() -> Self {
        Self::new()
    }
}

impl Signer {
    /// With a new key.
    pub fn new() -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(3_650).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = Certificate::from_der(&builder.build().to_der().unwrap()).unwrap();
        let signed = Signing::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(b"x").unwrap();
        Self { key, certificate, signed }
    }

    /// The entity id of the provider.
    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// What its signatures are checked with.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Checks one signature, and nothing else.
    pub fn verify_once(&self) {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key).unwrap();
        assert!(verifier.verify_oneshot(&self.signed, b"x").unwrap());
    }

    /// A response with a signed assertion, as it should be.
    pub fn response(
        &self,
        to: &ServiceProvider,
        request: &str,
        email: &str,
        assertion: &str,
        now: Timestamp,
    ) -> String {
        let at = |minutes| (now + chrono::Duration::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (issued, until, ServiceProvider { entity_id, acs_url, .. }) = (at(-1), at(5), to);
        let (dsig, exclusive) = ("http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/10/xml-exc-c14n#");
        let signature = format!(
            r##"<ds:Signature xmlns:ds="{dsig}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{exclusive}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{assertion}"><ds:Transforms><ds:Transform Algorithm="{dsig}enveloped-signature"/><ds:Transform Algorithm="{exclusive}"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
        );
        let response = format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{issued}" Destination="{acs_url}" InResponseTo="{request}"><saml:Issuer>{ISSUER}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="{assertion}" Version="2.0" IssueInstant="{issued}"><saml:Issuer>{ISSUER}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{email}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs_url}" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{issued}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{entity_id}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement></saml:Assertion></samlp:Response>"#
        );
        let signed = Crypto::sign_xml(&response, &self.key.private_key_to_der().unwrap()).unwrap();
        signed.trim_start_matches(r#"<?xml version="1.0" encoding="UTF-8"?>"#).trim().to_owned()
    }
}
