//! What all units of a process share: one HTTP client, one TLS configuration, and a bound on what happens at once.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::Url;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_tungstenite::Connector;

/// How many requests and handshakes a process has under way at once, whatever the number of units.
const AT_ONCE: usize = 64;
/// How many idle HTTP connections are kept for the next token.
const IDLE_CONNECTIONS: usize = 8;

/// The process's way to the platform.
#[derive(Debug)]
pub struct Network {
    pub(crate) http: reqwest::Client,
    tls: OnceLock<Arc<ClientConfig>>,
    permits: Semaphore,
    /// Whether unencrypted connections are fine: only when the gateway itself is reached without encryption.
    plain_allowed: bool,
}

/// The way to the platform cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The addresses of gateway and dispatcher start with `http`, `https`, `ws` or `wss`.
    #[error("an address must be http or https for the gateway, ws or wss for the dispatcher")]
    Scheme,
    /// A gateway with TLS names a dispatcher without it: the access token would travel in the clear.
    #[error("the gateway has TLS but names a dispatcher without it")]
    Downgrade,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Network {
    /// A way to the gateway at `gateway`, on which connecting takes at most `timeout`.
    ///
    /// # Errors
    /// The address is not one of HTTP, or TLS cannot be set up.
    pub fn new(gateway: &Url, timeout: Duration) -> Result<Self, NetworkError> {
        let plain_allowed = match gateway.scheme() {
            "http" => true,
            "https" => false,
            _ => return Err(NetworkError::Scheme),
        };
        let tls = OnceLock::new();
        let mut builder = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(IDLE_CONNECTIONS);
        // Without encryption there is no need to read the machine's certificates, which takes a while.
        builder = if plain_allowed {
            builder.tls_built_in_root_certs(false)
        } else {
            let config = tls_config()?;
            builder.use_preconfigured_tls(ClientConfig::clone(tls.get_or_init(|| config)))
        };
        Ok(Self { http: builder.build()?, tls, permits: Semaphore::new(AT_ONCE), plain_allowed })
    }

    /// The connector for the dispatcher at `url`.
    pub(crate) fn connector(&self, url: &Url) -> Result<Connector, NetworkError> {
        match url.scheme() {
            "ws" if self.plain_allowed => Ok(Connector::Plain),
            "ws" => Err(NetworkError::Downgrade),
            "wss" => match self.tls.get() {
                Some(config) => Ok(Connector::Rustls(Arc::clone(config))),
                None => {
                    let config = tls_config()?;
                    Ok(Connector::Rustls(Arc::clone(self.tls.get_or_init(|| config))))
                }
            },
            _ => Err(NetworkError::Scheme),
        }
    }

    /// Waits for this unit's turn to make a request or a handshake.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; without a permit the request would merely not be counted.
        self.permits.acquire().await.ok()
    }
}

/// The provider is named, so that no process-wide default is needed or set.
fn tls_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, ignored, "read the machine's root certificates");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_gateway_cannot_lead_to_an_unencrypted_dispatcher() {
        let timeout = Duration::from_secs(1);
        let plain = Network::new(&Url::parse("http://127.0.0.1:1").unwrap(), timeout).unwrap();
        let encrypted = Network::new(&Url::parse("https://example.com").unwrap(), timeout).unwrap();
        let (ws, wss) =
            (Url::parse("ws://example.com/graphql").unwrap(), Url::parse("wss://example.com/graphql").unwrap());
        assert!(plain.connector(&ws).is_ok() && plain.connector(&wss).is_ok() && encrypted.connector(&wss).is_ok());
        assert!(matches!(encrypted.connector(&ws), Err(NetworkError::Downgrade)));
        assert!(matches!(plain.connector(&Url::parse("http://example.com").unwrap()), Err(NetworkError::Scheme)));
    }
}
