//! Messages and metadata that go out. Everything that is filled in is escaped.

use std::fmt::{self, Display, Formatter};

use quick_xml::escape::escape;
use samael::crypto::{Crypto, CryptoProvider};
use schema::Timestamp;
use url::Url;

use super::{
    KeyProblem, NameId, PostForm, ServiceProvider, SigningKey,
    binding::signed_redirect,
    names::{
        ASSERTION, EMAIL, ENVELOPED, EXCLUSIVE, METADATA, POST, PROTOCOL, REDIRECT, RSA_SHA256, SHA256, SIGNATURE,
        SUCCESS,
    },
    response::shown,
};

/// A message that is ready to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    field: &'static str,
    id: String,
    destination: Url,
    /// Up to the end of the issuer, after which the signature stands, and the rest.
    parts: [String; 2],
}

impl Message {
    /// As a URL (HTTP-Redirect), signed.
    pub fn redirect(&self, relay_state: Option<&str>, key: &SigningKey) -> Result<Url, KeyProblem> {
        signed_redirect(&self.destination, self.field, &self.parts.concat(), relay_state, key)
    }

    /// As a form (HTTP-POST), signed.
    pub fn post(&self, relay_state: Option<&str>, key: &SigningKey) -> Result<PostForm, KeyProblem> {
        let [head, tail] = &self.parts;
        let (id, certificate) = (&self.id, key.certificate().base64());
        let template = format!(
            r##"{head}<ds:Signature xmlns:ds="{SIGNATURE}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>{tail}"##,
        );
        let signed = Crypto::sign_xml(template, &key.der()?).map_err(|_| KeyProblem)?;
        let message = data_encoding::BASE64.encode(signed.as_bytes());
        let relay_state = relay_state.map(|state| ("RelayState", state.to_owned()));
        let fields = std::iter::once((self.field, message)).chain(relay_state).collect();
        Ok(PostForm { action: self.destination.to_string(), fields })
    }
}

/// A name in an element, escaped.
struct Name<'a>(&'a NameId);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let NameId { value, format, qualifiers: [name, sp] } = self.0;
        f.write_str("<saml:NameID")?;
        let attributes = [("Format", Some(format)), ("NameQualifier", name.as_ref()), ("SPNameQualifier", sp.as_ref())];
        for (attribute, value) in attributes {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                write!(f, r#" {attribute}="{}""#, escape(value.as_str()))?;
            }
        }
        write!(f, ">{}</saml:NameID>", escape(value.as_str()))
    }
}

fn message(
    (field, element): (&'static str, &str),
    (id, attributes): (&str, &str),
    destination: &Url,
    service: &ServiceProvider,
    now: Timestamp,
    content: &str,
) -> Message {
    let (to, issuer, at) = (escape(destination.as_str()), escape(service.entity_id.as_str()), shown(now));
    let head = format!(
        r#"<samlp:{element} xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="{id}" Version="2.0" IssueInstant="{at}" Destination="{to}"{attributes}><saml:Issuer>{issuer}</saml:Issuer>"#,
    );
    let parts = [head, format!("{content}</samlp:{element}>")];
    Message { field, id: id.to_owned(), destination: destination.clone(), parts }
}

/// A request to sign somebody in (saml-core-2.0-os 3.4.1). `id` has to be an `NCName` with at least 128 random bits.
pub fn authn_request(id: &str, sso_url: &Url, service: &ServiceProvider, now: Timestamp) -> Message {
    let acs = escape(service.acs_url.as_str());
    let attributes = format!(r#" ProtocolBinding="{POST}" AssertionConsumerServiceURL="{acs}""#);
    let policy = format!(r#"<samlp:NameIDPolicy Format="{EMAIL}" AllowCreate="true"/>"#);
    message(("SAMLRequest", "AuthnRequest"), (id, &attributes), sso_url, service, now, &policy)
}

/// A request to end a person's session at the provider (saml-core-2.0-os 3.7.1).
pub fn logout_request(
    id: &str,
    logout_url: &Url,
    service: &ServiceProvider,
    now: Timestamp,
    (name, session_index): (&NameId, Option<&str>),
) -> Message {
    let until = shown(now + chrono::Duration::minutes(5));
    let index = session_index.map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)));
    let content = format!("{}{}", Name(name), index.unwrap_or_default());
    let attributes = format!(r#" NotOnOrAfter="{until}""#);
    message(("SAMLRequest", "LogoutRequest"), (id, &attributes), logout_url, service, now, &content)
}

/// The answer to a provider's request to end sessions: it succeeded.
pub fn logout_response(
    id: &str,
    logout_url: &Url,
    service: &ServiceProvider,
    now: Timestamp,
    in_response_to: &str,
) -> Message {
    let status = format!(r#"<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>"#);
    let attributes = format!(r#" InResponseTo="{}""#, escape(in_response_to));
    message(("SAMLResponse", "LogoutResponse"), (id, &attributes), logout_url, service, now, &status)
}

/// Our metadata for one provider (saml-metadata-2.0-os). It names no key to encrypt with: nothing encrypted is taken.
pub fn service_metadata(service: &ServiceProvider, key: &SigningKey) -> String {
    let ServiceProvider { entity_id, acs_url, slo_url } = service;
    let [entity_id, acs, slo] = [entity_id, acs_url, slo_url].map(|text| escape(text.as_str()));
    let certificate = key.certificate().base64();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{entity_id}"><md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="{PROTOCOL}"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleLogoutService Binding="{REDIRECT}" Location="{slo}"/><md:SingleLogoutService Binding="{POST}" Location="{slo}"/><md:NameIDFormat>{EMAIL}</md:NameIDFormat><md:AssertionConsumerService index="0" isDefault="true" Binding="{POST}" Location="{acs}"/></md:SPSSODescriptor></md:EntityDescriptor>
"#
    )
}
