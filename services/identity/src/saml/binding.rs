//! How messages travel through the browser: in a form (HTTP-POST) or in the query of a URL (HTTP-Redirect).

use std::io::{Read, Write};

use data_encoding::BASE64;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use url::{Url, form_urlencoded};

use super::{Certificate, KeyProblem, SigningKey, names::RSA_SHA256, signature::signs_query, xml::MAX_MESSAGE_BYTES};

/// Longest query with a message in bytes.
const MAX_QUERY_BYTES: usize = 64 * 1024;

/// A message cannot be taken out of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BindingError(pub &'static str);

/// A form that the browser posts to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// Where to.
    pub action: String,
    /// Name and value of its fields.
    pub fields: Vec<(&'static str, String)>,
}

/// Takes a message out of a form field.
pub fn decode_post(value: &str) -> Result<String, BindingError> {
    let text = decode(value, "the message is not base64")?;
    String::from_utf8(text).map_err(|_| BindingError("the message is not UTF-8"))
}

/// Base64 as mail programs break it into lines.
fn decode(value: &str, problem: &'static str) -> Result<Vec<u8>, BindingError> {
    if value.len() > 2 * MAX_MESSAGE_BYTES {
        return Err(BindingError("the message is longer than 256 KiB"));
    }
    let mut bytes = value.as_bytes().to_vec();
    bytes.retain(|byte| !byte.is_ascii_whitespace());
    let decoded = BASE64.decode(&bytes).map_err(|_| BindingError(problem))?;
    match decoded.len() <= MAX_MESSAGE_BYTES {
        true => Ok(decoded),
        false => Err(BindingError("the message is longer than 256 KiB")),
    }
}

/// A URL that takes a message to `to`, signed. `field` is `SAMLRequest` or `SAMLResponse`.
pub(super) fn signed_redirect(
    to: &Url,
    field: &str,
    message: &str,
    relay_state: Option<&str>,
    key: &SigningKey,
) -> Result<Url, KeyProblem> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(message.as_bytes()).map_err(|_| KeyProblem)?;
    let message = BASE64.encode(&deflate.finish().map_err(|_| KeyProblem)?);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(field, &message);
    if let Some(relay_state) = relay_state {
        query.append_pair("RelayState", relay_state);
    }
    query.append_pair("SigAlg", RSA_SHA256);
    let signed = query.finish();
    let signature = BASE64.encode(&key.sign(signed.as_bytes())?);
    let signature = form_urlencoded::Serializer::new(String::new()).append_pair("Signature", &signature).finish();
    let mut to = to.clone();
    // The URL of a provider may have a query of its own.
    let query = [to.query().filter(|own| !own.is_empty()), Some(&signed), Some(&signature)];
    let query = query.into_iter().flatten().collect::<Vec<_>>().join("&");
    to.set_query(Some(&query));
    Ok(to)
}

/// A message in the query of a URL, with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedQuery {
    /// The message, XML.
    pub message: String,
    /// It is a response, not a request.
    pub is_response: bool,
    /// What goes back with the answer.
    pub relay_state: Option<String>,
    signed: String,
    algorithm: String,
    signature: Vec<u8>,
}

impl SignedQuery {
    /// Reads the query of a URL as it came, still escaped.
    pub fn parse(query: &str) -> Result<Self, BindingError> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(BindingError("the query is longer than 64 KiB"));
        }
        let field = |name: &str| -> Result<Option<&str>, BindingError> {
            let mut values = query.split('&').filter(|part| part.split_once('=').is_some_and(|(n, _)| n == name));
            let value = values.next();
            if values.next().is_some() {
                return Err(BindingError("the query has a field twice"));
            }
            Ok(value)
        };
        let (request, response) = (field("SAMLRequest")?, field("SAMLResponse")?);
        let (message, is_response) = match (request, response) {
            (Some(request), None) => (request, false),
            (None, Some(response)) => (response, true),
            _ => return Err(BindingError("the query does not have one message")),
        };
        let relay_state = field("RelayState")?;
        let unsigned = BindingError("the message is not signed: SigAlg and Signature are needed");
        let (algorithm, signature) = (field("SigAlg")?.ok_or(unsigned)?, field("Signature")?.ok_or(unsigned)?);
        let signed = [Some(message), relay_state, Some(algorithm)].into_iter().flatten().collect::<Vec<_>>().join("&");
        let value = |part: &str| form_urlencoded::parse(part.as_bytes()).next().map(|(_, value)| value.into_owned());
        Ok(Self {
            message: inflate(&decode(&value(message).unwrap_or_default(), "the message is not base64")?)?,
            is_response,
            relay_state: relay_state.and_then(value),
            algorithm: value(algorithm).unwrap_or_default(),
            signature: decode(&value(signature).unwrap_or_default(), "the signature is not base64")?,
            signed,
        })
    }

    /// Whether one of the certificates' keys has signed it.
    pub fn is_signed_by(&self, certificates: &[Certificate]) -> bool {
        signs_query(&self.signed, &self.algorithm, &self.signature, certificates)
    }
}

/// Unpacks as much as a message may have, and no more.
fn inflate(packed: &[u8]) -> Result<String, BindingError> {
    let mut text = Vec::new();
    let most = u64::try_from(MAX_MESSAGE_BYTES).unwrap_or(u64::MAX);
    let read = DeflateDecoder::new(packed).take(most + 1).read_to_end(&mut text);
    read.map_err(|_| BindingError("the message is not packed with DEFLATE"))?;
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(BindingError("the message is longer than 256 KiB"));
    }
    String::from_utf8(text).map_err(|_| BindingError("the message is not UTF-8"))
}
