//! Configuration of the gateway.

use std::time::Duration;

use axum::http::Uri;
use commands::mail::Links;
use identity::SessionCookie;

/// Largest body of a request, in bytes: a hundred people with every field filled in have some 100 KiB.
pub(crate) const LARGEST_BODY: usize = 256 * 1024;
/// How long a request may take.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request with a file may take: 10 MiB in two minutes need 0.7 Mbit/s.
pub(crate) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// How long an answer waits for the views to contain a change.
pub(crate) const VIEW_DEADLINE: Duration = Duration::from_secs(2);
/// Open WebSockets of one process.
pub(crate) const MOST_WEBSOCKETS: usize = 10_000;
/// Subscriptions and other operations at once on one WebSocket.
pub(crate) const MOST_OPERATIONS: usize = 16;

/// Configuration of the gateway.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where browsers reach the gateway, such as `https://accounts.example.com`, without a slash at the end. Requests of
    /// browsers from other origins are refused.
    pub public_origin: String,
    /// Where Portal units reach the dispatcher, such as `wss://devices.example.com/graphql`.
    pub dispatcher_url: String,
    /// Serves GraphiQL and the mailbox, and takes requests of browsers from any port of this machine.
    pub development: bool,
    /// How many proxies stand in front and append to `X-Forwarded-For`. With none the header is ignored.
    pub trusted_proxies: usize,
    /// Where links lead that are mailed or shown.
    pub links: Links,
    /// Serves small pages for what a person can do with only a mail and a browser. For as long as there is no frontend.
    pub own_pages: bool,
    /// Identity providers may be reached without TLS: on one's own machine only.
    pub plain_http_providers: bool,
}

impl GatewayConfig {
    /// Whether browsers come by https. Only then can the cookie be locked to it.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_origin.starts_with("https://")
    }

    pub(crate) fn cookie(&self) -> SessionCookie {
        if self.is_secure() { SessionCookie::SECURE } else { SessionCookie::PLAIN_LOCALHOST }
    }

    /// Whether a page of this origin may act for a person.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        let is_local = || {
            let uri = origin.parse::<Uri>().ok();
            uri.and_then(|uri| uri.host().map(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"))) == Some(true)
        };
        origin == self.public_origin || (self.development && is_local())
    }

    /// The URL of the token endpoint: audience of the assertions of units.
    pub(crate) fn token_endpoint(&self) -> String {
        format!("{}/oauth/token", self.public_origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_may_act_and_in_development_this_machine() {
        let config = |development| GatewayConfig {
            public_origin: "https://accounts.example.com".into(),
            dispatcher_url: String::new(),
            development,
            trusted_proxies: 0,
            links: Links::at("https://accounts.example.com"),
            own_pages: true,
            plain_http_providers: false,
        };
        let foreign = [
            "https://accounts.example.com.evil.com",
            "http://accounts.example.com",
            "https://accounts.example.com:8443",
            "https://localhost.evil.com",
            "null",
            "",
        ];
        for development in [false, true] {
            assert!(config(development).allows_origin("https://accounts.example.com"));
            foreign.iter().for_each(|origin| assert!(!config(development).allows_origin(origin), "{origin}"));
            assert_eq!(config(development).allows_origin("http://localhost:3000"), development);
        }
    }
}
