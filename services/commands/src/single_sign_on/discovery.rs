//! What OpenID providers say of themselves: fetched once for all who ask at the same time, and kept for a while, as is
//! that a provider could not be reached.

use std::{sync::Arc, time::Duration};

use chrono::Duration as Span;
use identity::openid::{Discovered, Fetcher, Unreachable, discover};
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use outbound::http::HttpClient;
use schema::{OrganizationId, Timestamp};
use tokio::time::timeout;
use url::Url;

use super::turns::Turns;

/// Longest answer of a provider's endpoints in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How long a provider may take to answer, and its organization has to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a discovery document and its keys are used. Keys that are not among them are looked for anew.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// How long a provider that cannot be reached is not asked again.
const FAILURE_KEPT_FOR: Span = Span::seconds(10);
/// Discovery documents that are kept.
const KEPT: u64 = 1_000;
/// Requests to providers that go on at once, and those of one organization.
const REQUESTS: (usize, usize) = (64, 8);

/// Asks OpenID providers.
pub(super) struct Discovery {
    http: HttpClient,
    /// Providers may be reached without TLS: on one's own machine only.
    plain_http: bool,
    turns: Arc<Turns<OrganizationId>>,
    known: Cache<String, Fetched>,
}

/// What is known of a provider, and since when.
#[derive(Clone)]
struct Fetched {
    discovered: Result<Arc<Discovered>, String>,
    at: Timestamp,
}

/// What a provider says of itself.
pub(super) struct Known {
    pub(super) discovered: Arc<Discovered>,
    pub(super) at: Timestamp,
}

impl Discovery {
    pub(super) fn new(http: HttpClient, plain_http: bool) -> Self {
        let (all, each) = REQUESTS;
        let known = Cache::builder().max_capacity(KEPT).time_to_live(KEPT_FOR).build();
        Self { http, plain_http, turns: Arc::new(Turns::new(all, each)), known }
    }

    /// Makes requests to a provider of this organization.
    pub(super) fn fetcher(&self, organization: OrganizationId) -> Fetcher {
        let (http, turns, plain_http) = (self.http.clone(), self.turns.clone(), self.plain_http);
        Fetcher::new(move |request| {
            let (http, turns) = (http.clone(), turns.clone());
            async move {
                if request.uri().scheme_str() != Some("https") && !plain_http {
                    return Err(Unreachable("an address without https".to_owned()));
                }
                let busy = || Unreachable("too many requests at once".to_owned());
                let turn = timeout(PATIENCE, turns.of(organization)).await.map_err(|_| busy())?;
                let _turn = turn.map_err(|_| busy())?;
                let answer = http.exchange(request, MAX_ANSWER_BYTES, PATIENCE).await;
                answer.map_err(|error| Unreachable(error.to_string()))
            }
        })
    }

    /// What a provider says of itself; fetched anew if what is known of it is older than `since`.
    ///
    /// # Errors
    /// In words for an admin.
    pub(super) async fn of(
        &self,
        organization: OrganizationId,
        issuer: &str,
        (now, since): (Timestamp, Option<Timestamp>),
    ) -> Result<Known, String> {
        let is_fresh = |known: &Fetched| match &known.discovered {
            Ok(_) => since.is_none_or(|since| known.at >= since),
            Err(_) => now < known.at + FAILURE_KEPT_FOR,
        };
        let fetched = match self.known.get(issuer).await.filter(is_fresh) {
            Some(known) => known,
            // One after the other for one issuer: who has waited finds what the first has fetched.
            None => {
                let done = self.known.entry_by_ref(issuer).and_compute_with(|entry| async move {
                    let before = entry.map(moka::Entry::into_value);
                    match before {
                        Some(known) if is_fresh(&known) => Op::Nop,
                        before => Op::Put(self.fetch(organization, issuer, now, before).await),
                    }
                });
                match done.await {
                    CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                        entry.into_value()
                    }
                    CompResult::Removed(_) | CompResult::StillNone(_) => return Err("no answer".to_owned()),
                }
            }
        };
        let Fetched { discovered, at } = fetched;
        Ok(Known { discovered: discovered?, at })
    }

    async fn fetch(
        &self,
        organization: OrganizationId,
        issuer: &str,
        at: Timestamp,
        before: Option<Fetched>,
    ) -> Fetched {
        let fetched = discover(issuer, &self.fetcher(organization)).await.and_then(|discovered| {
            let plain = |url: &Url| url.scheme() != "https" && !(self.plain_http && url.scheme() == "http");
            let insecure = discovered.endpoints().any(plain);
            if insecure { Err("an address without https".to_owned()) } else { Ok(Arc::new(discovered)) }
        });
        // What was good before may be good still, when the provider cannot be reached for newer keys.
        let discovered = match (fetched, before.and_then(|before| before.discovered.ok())) {
            (Err(_), Some(before)) => Ok(before),
            (fetched, _) => fetched,
        };
        Fetched { discovered, at }
    }
}
