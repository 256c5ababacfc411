//! The API of admins and frontends: GraphQL over HTTP and WebSocket, and the endpoints at which Portal units are
//! connected (RFC 8628) and get their tokens (RFC 7523).
//!
//! A request goes through `http` (limits, cross-site checks, who it is), `execution` (parsed once, held to `limits`), a
//! resolver in `mutations` or `queries`, and comes back as objects made from rows of the views. A mutation waits until
//! the views contain what it changed, so whoever writes reads it at once.
//!
//! | where | what |
//! |---|---|
//! | `mutations/`, `queries/`, `subscriptions/` | the root fields, one file per noun or view |
//! | `objects/` | the types of the API |
//! | `access` | who may read what |
//! | `payload`, `errors` | the one way from a refusal to `userErrors` or a GraphQL error |
//! | `session` | cookies, tokens, addresses |
//! | `uploads`, `logos` | files that come with requests, and those that are served |

mod access;
mod app;
mod config;
mod dev;
mod download;
mod entry;
mod errors;
mod execution;
mod history;
mod http;
mod imports;
mod loaders;
mod logos;
mod metrics;
mod mutations;
mod oauth;
mod objects;
mod pages;
mod paging;
mod payload;
mod queries;
mod revocations;
mod scalars;
mod session;
mod sso;
mod subscriptions;
mod throttles;
mod turns;
mod uploads;
mod websocket;

use std::sync::Arc;

use ::history::HistoryProjection;
use axum::Router;
use commands::{Platform, mail::Mailbox};
use devices::DevicesProjection;
use directory::DirectoryProjection;
use engine::View;
use prometheus_client::registry::Registry;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::GatewayConfig;

/// The views that queries are answered from.
#[derive(Debug, Clone)]
pub struct Views {
    /// People, roles and organizations.
    pub directory: Arc<View<DirectoryProjection>>,
    /// Portal units and commands to them.
    pub devices: Arc<View<DevicesProjection>>,
    /// What happened, for whoever may read it.
    pub history: Arc<View<HistoryProjection>>,
}

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    web: http::Web,
}

impl Gateway {
    /// Puts it together. With a mailbox, its mails are shown in development. Metrics are registered under `gateway_`.
    pub fn new(
        config: GatewayConfig,
        platform: Arc<Platform>,
        views: Views,
        mailbox: Option<Mailbox>,
        registry: &mut Registry,
    ) -> Self {
        let app = Arc::new(app::App::new(config, platform, views, mailbox, registry));
        let web = http::Shared {
            api: execution::Api::new(app),
            oauth: Arc::new(oauth::OAuth::new()),
            sockets: websocket::Sockets::new(),
            uploads: Arc::new(turns::Turns::new(uploads::UPLOADS_AT_ONCE, uploads::UPLOADS_OF_ONE)),
            downloads: Arc::new(turns::Turns::new(download::DOWNLOADS_AT_ONCE, download::DOWNLOADS_OF_ONE)),
            logos: Arc::new(turns::Turns::new(logos::LOGOS_AT_ONCE, logos::LOGOS_OF_ONE)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Self { web: web.into() }
    }

    /// Every route. Serve it with connect info ([`Router::into_make_service_with_connect_info`]), so that limits per
    /// address know the address.
    pub fn router(&self) -> Router {
        http::router(self.web.clone())
    }

    /// Follows the log for what ends subscriptions, until `stop`; then tells every open WebSocket to come back later, and
    /// returns once they have ended and all requests that were begun.
    pub async fn run(self, stop: CancellationToken) {
        let app = &self.web.api.app;
        app.revocations.run(&app.platform, stop).await;
        self.web.stop.cancel();
        self.web.tasks.close();
        self.web.tasks.wait().await;
    }
}

/// The schema in the schema definition language: the manual of the API.
pub fn schema_sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().include_specified_by();
    execution::schema(None).sdl_with_options(options)
}
