//! SAML 2.0 as a service provider: what comes in is screened, its signature checked by samael, and its claims read out of
//! the bytes that were signed; what goes out is built here, escaped.
//!
//! Nothing here asks for the time, stores or fetches. What samael would do by itself before it checks a signature
//! (fetch references, run transforms, expand entities) cannot happen: [`screen`] lets no such message through.

mod binding;
mod build;
mod certificate;
mod claims;
mod key;
mod logout;
mod metadata;
mod response;
mod screen;
mod signature;
#[cfg(test)]
mod tests;
mod xml;

pub use self::{
    binding::{BindingError, PostForm, SignedQuery, decode_post},
    build::{Message, authn_request, logout_request, logout_response, service_metadata},
    certificate::{Certificate, CertificateProblem},
    key::{KeyProblem, SigningKey},
    logout::{LogoutRequest, Parties, Received, verify_logout_request, verify_logout_response},
    metadata::{MetadataProblem, ProviderMetadata, read_metadata},
    response::{Assertion, Expected, verify_response},
};

/// Namespaces and names of SAML 2.0 (saml-core-2.0-os) and XML signatures (xmldsig-core1).
pub(crate) mod names {
    pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
    pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
    pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
    pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    pub(crate) const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    pub(crate) const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    pub(crate) const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    pub(crate) const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    pub(crate) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    pub(crate) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
}

/// An identity provider as an admin has configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its entity id.
    pub issuer: String,
    /// Where requests to sign in go.
    pub sso_url: String,
    /// Where logout messages go, if it takes any.
    pub logout_url: Option<String>,
    /// Certificates with which it may sign: one, or two while it changes its key.
    pub certificates: Vec<Certificate>,
}

/// What we are to one identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Our entity id: the URL of our metadata.
    pub entity_id: String,
    /// Where responses go: the assertion consumer service.
    pub acs_url: String,
    /// Where logout messages go.
    pub slo_url: String,
}

/// Who signed in, in the words of the provider. Personal: never traced.
#[derive(Clone, PartialEq, Eq)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// Its format, a URI; empty if the provider says none.
    pub format: String,
    /// Qualifiers, which go back to the provider as they came.
    pub qualifiers: [Option<String>; 2],
}

impl NameId {
    /// The provider promises to call the person so for ever.
    pub fn is_persistent(&self) -> bool {
        self.format == names::PERSISTENT
    }
}

impl std::fmt::Debug for NameId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NameId(…)")
    }
}
