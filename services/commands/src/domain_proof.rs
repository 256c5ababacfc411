//! Looking for the proof that a domain is an organization's own: a TXT record or a file.

use std::{net::SocketAddr, time::Duration};

use domain::{Code, Rejection};
use identity::DomainToken;
use outbound::{
    dns::{LookupError, Resolver},
    http::{FetchError, Fetched, HttpClient, Limits, Reach},
};
use schema::{Timestamp, VerificationMethod};
use url::Url;

use crate::processes::domains::written;

/// Where the record stands, before the domain.
const RECORD_LABEL: &str = "_work-accounts-challenge";
/// Most bytes of the file.
const FILE_BYTES: usize = 1_024;
/// How long the website may take.
const FILE_TIME: Duration = Duration::from_secs(5);
/// How often the website may send us on, within itself.
const FILE_REDIRECTS: u8 = 3;

/// The way out to the internet.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Asks name servers.
    pub resolver: Resolver,
    /// Fetches from websites.
    pub http: HttpClient,
}

impl Outbound {
    /// Asks these name servers; those of the system if none are given.
    ///
    /// # Errors
    /// If the system's name servers cannot be found out.
    pub fn new(servers: &[SocketAddr], reach: Reach) -> Result<Self, LookupError> {
        let resolver = if servers.is_empty() { Resolver::system()? } else { Resolver::with_servers(servers)? };
        Ok(Self { http: HttpClient::new(resolver.clone(), reach), resolver })
    }
}

/// What has to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// A TXT record.
    Record {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
        /// What of the text is compared.
        token: String,
    },
    /// A file in the root folder of the website.
    File {
        /// Its name.
        name: String,
        /// What stands in it.
        content: String,
    },
}

impl Sought {
    /// What an attempt seeks; none if a code is mailed.
    pub(crate) fn of(
        method: VerificationMethod,
        domain: &str,
        token: impl FnOnce() -> DomainToken,
        expires_at: Timestamp,
    ) -> Option<Self> {
        match method {
            VerificationMethod::Email => None,
            VerificationMethod::DnsTxt => {
                let token = token().to_text();
                let text = format!("token={token} expiry={}", written(expires_at));
                Some(Self::Record { name: format!("{RECORD_LABEL}.{domain}"), text, token })
            }
            VerificationMethod::HtmlFile => {
                let token = token().to_text();
                Some(Self::File { name: format!("work-accounts-{token}.html"), content: format!("token={token}") })
            }
        }
    }
}

/// Looks once. What is not there is [`Code::ProofNotFound`]; who does not answer, [`Code::ProofUnreachable`]: that is never
/// taken for "not there".
pub(crate) async fn look(outbound: &Outbound, domain: &str, sought: &Sought) -> Result<(), Rejection> {
    match sought {
        Sought::Record { name, token, .. } => match outbound.resolver.txt(name).await {
            Ok(records) if records.iter().any(|record| names_token(record, token)) => Ok(()),
            Ok(records) if records.is_empty() => {
                Err(Rejection::new(Code::ProofNotFound, format!("There is no TXT record at {name} yet.")))
            }
            Ok(_) => {
                Err(Rejection::new(Code::ProofNotFound, format!("No TXT record at {name} has the text that is shown.")))
            }
            Err(error) => Err(unreachable_record(&error)),
        },
        Sought::File { name, content } => look_for_file(outbound, domain, name, content).await,
    }
}

fn unreachable_record(error: &LookupError) -> Rejection {
    Rejection::new(Code::ProofUnreachable, format!("The name servers of the domain did not answer: {error}."))
}

/// Whether one of the words of a record is the token.
fn names_token(record: &str, token: &str) -> bool {
    record.split_whitespace().any(|word| word.strip_prefix("token=").is_some_and(|found| found == token))
}

/// Over https, and plain http only if https does not answer, which a certificate that is not valid amounts to: whoever can
/// keep us from a website can do so either way. A website that answers otherwise has answered.
async fn look_for_file(outbound: &Outbound, domain: &str, name: &str, content: &str) -> Result<(), Rejection> {
    let limits = Limits { max_bytes: FILE_BYTES, timeout: FILE_TIME, redirects: FILE_REDIRECTS };
    let mut answer = Err(FetchError::Unreachable);
    for scheme in ["https", "http"] {
        let url = Url::parse(&format!("{scheme}://{domain}/{name}")).map_err(|_| Code::InvalidDomain)?;
        answer = outbound.http.get(&url, limits).await;
        if !matches!(answer, Err(FetchError::Unreachable | FetchError::Timeout | FetchError::Tls)) {
            break;
        }
    }
    judge_file(answer, content)
}

fn judge_file(answer: Result<Fetched, FetchError>, content: &str) -> Result<(), Rejection> {
    let (code, message) = match answer {
        // Editors end files with a line break.
        Ok(fetched) if fetched.status == 200 && fetched.body.trim_ascii() == content.as_bytes() => return Ok(()),
        Ok(fetched) if fetched.status == 200 => {
            (Code::ProofNotFound, "The file has other contents than shown.".to_owned())
        }
        Ok(fetched) => {
            // Whoever is out of order or overloaded has not said that there is no file.
            let is_unable = fetched.status >= 500 || fetched.status == 429;
            let code = if is_unable { Code::ProofUnreachable } else { Code::ProofNotFound };
            (code, format!("The website answered the request for the file with status {}.", fetched.status))
        }
        // The address that we ask for can be fetched, so one that cannot comes from where it sent us.
        Err(error @ (FetchError::TooLarge | FetchError::Redirected | FetchError::Url)) => {
            (Code::ProofNotFound, format!("The file cannot be taken: {error}."))
        }
        Err(error) => (Code::ProofUnreachable, format!("The website did not answer: {error}.")),
    };
    Err(Rejection::new(code, message))
}
