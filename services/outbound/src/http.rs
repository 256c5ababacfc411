//! Fetching from addresses that people name, guarded against being led elsewhere (OWASP Server-Side Request Forgery
//! Prevention): a name is resolved once, every address it has must be public, and the connection goes to the very
//! addresses that were checked.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::{Client, Response, header, redirect};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use crate::{
    addresses::is_public,
    dns::{LookupError, Resolver},
};

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, on the ports 80 and 443.
    Public,
    /// Any address, with the plain and the secure port that stand for 80 and 443: for tests and one's own machine only.
    Anywhere {
        /// Instead of 80.
        http: u16,
        /// Instead of 443.
        https: u16,
    },
}

/// How much a fetch may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of the body.
    pub max_bytes: usize,
    /// The longest that it may take in all.
    pub timeout: Duration,
    /// How often it may be sent on.
    pub redirects: u8,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Status of HTTP.
    pub status: u16,
    /// The body, whole.
    pub body: Bytes,
    /// Its declared type.
    pub content_type: Option<String>,
    /// Where it came from, after redirects.
    pub url: Url,
}

/// Why nothing was fetched. The texts can be shown to whoever named the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is not one that can be fetched: no http or https, with a password or another port.
    #[error("the address cannot be fetched")]
    Url,
    /// The host has no address.
    #[error("the host has no address")]
    Unresolvable,
    /// The host has an address that is not on the public internet.
    #[error("the host is not on the public internet")]
    ForbiddenAddress,
    /// It did not answer in time.
    #[error("it took too long")]
    Timeout,
    /// It could not be connected to, or hung up.
    #[error("it cannot be reached")]
    Unreachable,
    /// The body is larger than wanted.
    #[error("it is too large")]
    TooLarge,
    /// It sends on to another host, from https to http, or too often.
    #[error("it sends on to somewhere else")]
    Redirected,
}

/// Fetches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    resolver: Resolver,
    reach: Reach,
}

impl HttpClient {
    /// Resolves names with `resolver`.
    pub fn new(resolver: Resolver, reach: Reach) -> Self {
        Self { resolver, reach }
    }

    /// Fetches with GET. Any status counts as an answer.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Url, limits: Limits) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + limits.timeout;
        timeout_at(deadline, self.follow(url.clone(), limits)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn follow(&self, mut url: Url, limits: Limits) -> Result<Fetched, FetchError> {
        for _ in 0..=limits.redirects {
            let response = self.request(&url, limits).await?;
            if !response.status().is_redirection() {
                return whole(response, url, limits.max_bytes).await;
            }
            let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            let next = location.and_then(|to| url.join(to).ok()).ok_or(FetchError::Redirected)?;
            let downgraded = url.scheme() == "https" && next.scheme() != "https";
            if next.host() != url.host() || downgraded {
                return Err(FetchError::Redirected);
            }
            url = next;
        }
        Err(FetchError::Redirected)
    }

    async fn request(&self, url: &Url, limits: Limits) -> Result<Response, FetchError> {
        let port = self.port(url)?;
        let host = url.host().ok_or(FetchError::Url)?;
        let addresses = self.checked(&host).await?;
        let pinned: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
        let mut target = url.clone();
        target.set_port(Some(port)).map_err(|()| FetchError::Url)?;
        // A client of its own for each request: it knows no other address of the host than those that were checked.
        let client = Client::builder()
            .resolve_to_addrs(&host.to_string(), &pinned)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(limits.timeout)
            .timeout(limits.timeout)
            .user_agent(concat!("work-accounts/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| FetchError::Unreachable)?;
        client.get(target).send().await.map_err(|error| failed(&error))
    }

    fn port(&self, url: &Url) -> Result<u16, FetchError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(FetchError::Url),
        };
        // Ports of the scheme only; the parser leaves those out.
        if !url.username().is_empty() || url.password().is_some() || url.port().is_some() {
            return Err(FetchError::Url);
        }
        Ok(match (self.reach, secure) {
            (Reach::Public, true) => 443,
            (Reach::Public, false) => 80,
            (Reach::Anywhere { https, .. }, true) => https,
            (Reach::Anywhere { http, .. }, false) => http,
        })
    }

    /// The addresses of the host, if all of them may be connected to: one that may not shows that somebody plays games.
    async fn checked(&self, host: &Host<&str>) -> Result<Vec<IpAddr>, FetchError> {
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self.resolver.addresses(name).await.map_err(|error| match error {
                LookupError::Timeout => FetchError::Timeout,
                LookupError::Refused | LookupError::Unreachable | LookupError::Name => FetchError::Unresolvable,
            })?,
        };
        if addresses.is_empty() {
            return Err(FetchError::Unresolvable);
        }
        if self.reach == Reach::Public && !addresses.iter().copied().all(is_public) {
            return Err(FetchError::ForbiddenAddress);
        }
        Ok(addresses)
    }
}

/// Takes the body until it is complete or too large, whatever length it claims to have.
async fn whole(response: Response, url: Url, max_bytes: usize) -> Result<Fetched, FetchError> {
    let status = response.status().as_u16();
    let content_type =
        response.headers().get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let mut body = BytesMut::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| failed(&error))?;
        if body.len() + part.len() > max_bytes {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok(Fetched { status, body: body.freeze(), content_type, url })
}

fn failed(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() { FetchError::Timeout } else { FetchError::Unreachable }
}
