//! Who a request comes from.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use commands::{Failure, Platform};
use domain::Principal;
use identity::{SessionToken, bearer, throttled_address};
use schema::SessionOrigin;
use url::Url;
use uuid::Uuid;

use crate::config::GatewayConfig;

/// Header that scripts of other origins cannot send without our consent. Any value will do.
const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");
/// The same, as Apollo's clients send it.
const REQUIRE_PREFLIGHT: HeaderName = HeaderName::from_static("apollo-require-preflight");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request proves about its sender.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// The session that it claims.
    pub(crate) token: Option<SessionToken>,
    /// The token came in an `Authorization` header, which no browser sends by itself.
    explicit: bool,
    has_cookie: bool,
}

impl Credentials {
    /// An `Authorization` header counts alone; otherwise the cookie.
    pub(crate) fn of(headers: &HeaderMap, config: &GatewayConfig) -> Self {
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let token = authorization.to_str().ok().and_then(bearer).and_then(|token| token.parse().ok());
            return Self { token, explicit: true, has_cookie: false };
        }
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let token = config.cookie().find(cookies);
        Self { has_cookie: token.is_some(), token, explicit: false }
    }

    /// With a token that the client passed otherwise.
    pub(crate) fn explicit(token: &str) -> Self {
        Self { token: token.parse().ok(), explicit: true, has_cookie: false }
    }

    /// Whether a page of another origin can have made a browser send this request, with the person's cookie or to plant
    /// one.
    pub(crate) fn is_forgeable(&self, headers: &HeaderMap, config: &GatewayConfig) -> bool {
        if self.explicit {
            return false;
        }
        let has_header = headers.contains_key(REQUESTED_WITH) || headers.contains_key(REQUIRE_PREFLIGHT);
        (self.has_cookie && !has_header) || comes_from_elsewhere(headers, config)
    }

    /// The same for a form, which can have no header of its own: with a cookie, the browser has to say that a page of ours
    /// sent it.
    pub(crate) fn is_forgeable_form(&self, headers: &HeaderMap, config: &GatewayConfig) -> bool {
        comes_from_elsewhere(headers, config) || (self.has_cookie && !comes_from_here(headers, config))
    }
}

/// Whether the browser says that a page of ours sent the request.
fn comes_from_here(headers: &HeaderMap, config: &GatewayConfig) -> bool {
    let says = |name: HeaderName, ours: &dyn Fn(&str) -> bool| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(ours)
    };
    says(header::ORIGIN, &|origin| config.allows_origin(origin)) || says(FETCH_SITE, &|site| site == "same-origin")
}

/// Whether nobody else has led the browser here: the person typed the address or has a bookmark of it, or a page of ours
/// or of the frontend led on.
pub(crate) fn is_led_by_us(headers: &HeaderMap, config: &GatewayConfig) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = |url: &str| Url::parse(url).map(|url| url.origin().ascii_serialization()).ok();
    let by_frontend = |referrer: String| {
        let frontend = [&config.links.sign_in, &config.links.signed_in].into_iter().filter_map(|url| origin(url));
        config.allows_origin(&referrer) || frontend.into_iter().any(|own| own == referrer)
    };
    matches!(text(FETCH_SITE), Some("none" | "same-origin"))
        || text(header::REFERER).and_then(origin).is_some_and(by_frontend)
}

/// Whether the browser says that a page of another origin sent the request.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap, config: &GatewayConfig) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let foreign_origin = headers.get(header::ORIGIN).is_some_and(|origin| !config.allows_origin(&text(origin)));
    let foreign_site = headers.get(FETCH_SITE).is_some_and(|site| {
        let site = text(site);
        // Another port of this machine is the same site, but not the same origin.
        site != "same-origin" && site != "none" && !(config.development && site == "same-site")
    });
    foreign_origin || foreign_site
}

/// Who a request comes from, as far as the client says: for limits, and for the person to recognize.
pub(crate) fn sender(headers: &HeaderMap, peer: Option<SocketAddr>, trusted_proxies: usize) -> Sender {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Sender { address: client_address(headers, peer, trusted_proxies), device: agent.and_then(device_of) }
}

/// Browser and system in words, out of what a client calls itself (RFC 9110 10.1.5): the parts that all of them name.
fn device_of(agent: &str) -> Option<String> {
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let known =
        |list: &[(&str, &'static str)]| list.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name);
    match (known(&browsers), known(&systems)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(name), None) | (None, Some(name)) => Some(name.to_owned()),
        (None, None) => None,
    }
}

/// The address of the client, for limits: past the trusted proxies, each of which appended the address it saw.
pub(crate) fn client_address(headers: &HeaderMap, peer: Option<SocketAddr>, trusted_proxies: usize) -> IpAddr {
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let mut address = peer;
    if trusted_proxies > 0 {
        let headers = headers.get_all(FORWARDED_FOR);
        let listed: Vec<&str> =
            headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
        // What stands further left was sent by the client itself and proves nothing.
        let place = listed.len().checked_sub(trusted_proxies);
        address = place.and_then(|place| listed.get(place)).and_then(|text| text.trim().parse().ok()).unwrap_or(peer);
    }
    throttled_address(address)
}

/// The network of an address, to be shown to a person: what is left of it says whereabouts, not who.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// For limits.
    pub(crate) address: IpAddr,
    /// Browser and system, as far as the client says.
    pub(crate) device: Option<String>,
}

/// The sender of one operation.
pub(crate) struct Caller {
    principal: Mutex<Principal>,
    /// The session that was claimed.
    pub(crate) token: Option<SessionToken>,
    /// For limits.
    pub(crate) address: IpAddr,
    /// Browser and system, as far as the client says.
    pub(crate) device: Option<String>,
    /// Names the request in the log, in the history and to the client.
    pub(crate) correlation: Uuid,
}

impl Caller {
    /// Finds out who it is, by the log as it stands now.
    pub(crate) async fn authenticate(
        platform: &Platform,
        token: Option<SessionToken>,
        Sender { address, device }: Sender,
        correlation: Uuid,
    ) -> Result<Self, Failure> {
        let principal = match &token {
            Some(token) => platform.authenticate(token).await?,
            None => Principal::Anonymous,
        };
        Ok(Self { principal: Mutex::new(principal), token, address, device, correlation })
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> Principal {
        self.principal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From where it comes, for the person to recognize.
    pub(crate) fn origin(&self) -> SessionOrigin {
        SessionOrigin { device: self.device.clone(), network: network_of(self.address) }
    }

    /// Who it is from now on: later fields of the same request act as the person who has just signed in or out.
    pub(crate) fn becomes(&self, principal: Principal) {
        *self.principal.lock().unwrap_or_else(PoisonError::into_inner) = principal;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> GatewayConfig {
        GatewayConfig {
            public_origin: "https://accounts.example.com".into(),
            dispatcher_url: String::new(),
            development: false,
            trusted_proxies: 0,
            links: commands::mail::Links::at("https://accounts.example.com"),
            own_pages: true,
            plain_http_providers: false,
        }
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const COOKIE: (&str, &str) =
        ("cookie", "__Host-session=ses_00000000000000000000000000000001.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    const BEARER: (&str, &str) =
        ("authorization", "Bearer ses_00000000000000000000000000000002.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

    #[test]
    fn a_cookie_needs_a_header_and_the_own_origin() {
        let forgeable = |list: &[(&'static str, &str)]| {
            let headers = headers(list);
            Credentials::of(&headers, &config()).is_forgeable(&headers, &config())
        };
        let ajax = ("x-requested-with", "x");
        let own = ("origin", "https://accounts.example.com");
        assert!(!forgeable(&[]));
        assert!(forgeable(&[COOKIE]));
        assert!(forgeable(&[COOKIE, own]));
        assert!(!forgeable(&[COOKIE, ajax]));
        assert!(!forgeable(&[COOKIE, ajax, own, ("sec-fetch-site", "same-origin")]));
        assert!(!forgeable(&[COOKIE, ("apollo-require-preflight", "true")]));
        for foreign in [
            ("origin", "https://evil.com"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(forgeable(&[COOKIE, ajax, foreign]), "{foreign:?}");
            assert!(forgeable(&[foreign]), "signing somebody in from elsewhere: {foreign:?}");
            assert!(!forgeable(&[BEARER, foreign]), "{foreign:?}");
        }
    }

    #[test]
    fn a_form_with_a_cookie_comes_from_a_page_of_ours() {
        let forgeable = |list: &[(&'static str, &str)]| {
            let headers = headers(list);
            Credentials::of(&headers, &config()).is_forgeable_form(&headers, &config())
        };
        let (own, here) = (("origin", "https://accounts.example.com"), ("sec-fetch-site", "same-origin"));
        assert!(!forgeable(&[]) && !forgeable(&[own]) && !forgeable(&[here]));
        assert!(!forgeable(&[COOKIE, own]) && !forgeable(&[COOKIE, here]) && !forgeable(&[COOKIE, own, here]));
        assert!(forgeable(&[COOKIE]) && forgeable(&[COOKIE, ("sec-fetch-site", "none")]));
        for foreign in [("origin", "https://evil.com"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            assert!(forgeable(&[foreign]) && forgeable(&[COOKIE, foreign]), "{foreign:?}");
        }
        assert!(forgeable(&[COOKIE, own, ("sec-fetch-site", "cross-site")]));
        assert!(forgeable(&[COOKIE, ("origin", "null"), here]));
        assert!(forgeable(&[BEARER, ("origin", "https://evil.com")]), "a form has no such header");
    }

    #[test]
    fn a_bearer_token_counts_alone() {
        let session = |list: &[_]| Credentials::of(&headers(list), &config()).token.map(|t| t.session().to_string());
        assert_eq!(session(&[COOKIE]).as_deref(), Some("ses_00000000000000000000000000000001"));
        assert_eq!(session(&[COOKIE, BEARER]).as_deref(), Some("ses_00000000000000000000000000000002"));
        assert_eq!(session(&[COOKIE, ("authorization", "Bearer x")]), None);
        assert_eq!(session(&[COOKIE, ("authorization", "Basic eDp5")]), None);
    }

    #[test]
    fn only_trusted_proxies_tell_the_address() {
        let peer = Some("10.0.0.1:1".parse().unwrap());
        let address = |forwarded: &str, proxies| {
            client_address(&headers(&[("x-forwarded-for", forwarded)]), peer, proxies).to_string()
        };
        assert_eq!(address("1.1.1.1", 0), "10.0.0.1");
        assert_eq!(address("6.6.6.6, 1.1.1.1", 1), "1.1.1.1");
        assert_eq!(address("6.6.6.6, 1.1.1.1, 10.0.0.9", 2), "1.1.1.1");
        assert_eq!(address("1.1.1.1", 2), "10.0.0.1");
        assert_eq!(address("nonsense", 1), "10.0.0.1");
        assert_eq!(address("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::");
    }

    #[test]
    fn a_network_tells_whereabouts() {
        assert_eq!(network_of("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network_of("2001:db8:1:2::5".parse().unwrap()), "2001:db8:1::/48");
        assert_eq!(network_of("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
    }
}
