//! Metadata of identity providers (saml-metadata-2.0-os). It is read, not trusted: the admin who uploads it sees what it
//! says, and its signature, if it has one, is by nobody known.

use schema::SamlBinding;

use super::{
    Certificate,
    names::{METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE},
    xml::{self, Element},
};

/// What metadata says of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// Entity id.
    pub issuer: String,
    /// Where requests to sign in go.
    pub sso_url: String,
    /// How they go there.
    pub binding: SamlBinding,
    /// Where logout messages go, if it takes any.
    pub logout_url: Option<String>,
    /// Certificates to sign with: one, or two.
    pub certificates: Vec<Certificate>,
}

/// Why a text is no metadata of one identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MetadataProblem(pub &'static str);

/// Reads the metadata of one identity provider.
pub fn read_metadata(text: &str) -> Result<ProviderMetadata, MetadataProblem> {
    let root = xml::parse(&without_comments(text)).map_err(|problem| MetadataProblem(problem.0))?;
    let entity = match root.is(METADATA, "EntitiesDescriptor") {
        true => root.only(METADATA, "EntityDescriptor"),
        false => Some(&root).filter(|root| root.is(METADATA, "EntityDescriptor")),
    };
    let entity = entity.ok_or(MetadataProblem("it does not describe exactly one provider"))?;
    let saml = |descriptor: &&Element| {
        let protocols = descriptor.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let provider = entity.all(METADATA, "IDPSSODescriptor").find(saml);
    let provider = provider.ok_or(MetadataProblem("it describes no identity provider of SAML 2.0"))?;
    let issuer = entity.attribute("entityID").ok_or(MetadataProblem("it has no entity id"))?;
    let (sso_url, binding) = endpoint(provider, "SingleSignOnService")
        .ok_or(MetadataProblem("it has no address to sign in at, by redirect or by form"))?;
    let signing =
        provider.all(METADATA, "KeyDescriptor").filter(|key| key.attribute("use").is_none_or(|u| u == "signing"));
    let texts = signing.flat_map(Element::descendants).filter(|part| part.is(SIGNATURE, "X509Certificate"));
    let mut certificates: Vec<Certificate> = Vec::new();
    for certificate in texts.filter_map(Element::text).filter_map(|text| text.parse().ok()) {
        if !certificates.contains(&certificate) {
            certificates.push(certificate);
        }
    }
    if certificates.len() > 2 {
        return Err(MetadataProblem("it has more than two certificates to sign with; enter those in use by hand"));
    }
    if certificates.is_empty() {
        return Err(MetadataProblem("it has no certificate to sign with whose key is long enough"));
    }
    Ok(ProviderMetadata {
        issuer: issuer.to_owned(),
        sso_url,
        binding,
        // Ours go by redirect.
        logout_url: endpoint(provider, "SingleLogoutService")
            .filter(|(_, b)| *b == SamlBinding::Redirect)
            .map(|(url, _)| url),
        certificates,
    })
}

/// Metadata has comments that people wrote. Nothing of it is signed, so nobody can be led astray by taking them out.
fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once("-->").map_or("<!--", |(_, rest)| rest))
}

/// Where messages go: by redirect if it takes them so, otherwise by form.
fn endpoint(provider: &Element, name: &str) -> Option<(String, SamlBinding)> {
    [(REDIRECT, SamlBinding::Redirect), (POST, SamlBinding::Post)].into_iter().find_map(|(binding, meant)| {
        let service = provider.all(METADATA, name).find(|service| service.attribute("Binding") == Some(binding))?;
        service.attribute("Location").map(|url| (url.to_owned(), meant))
    })
}
