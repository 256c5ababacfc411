//! GraphQL over HTTP, and what surrounds every request: an id, limits, headers and measurements.

use std::{net::SocketAddr, sync::Arc};

use async_graphql::{Request as GraphQlRequest, Response as GraphQlResponse, Value};
use axum::{
    Router,
    body::{Body, BodyDataStream, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::Code;
use identity::EntropyExt;
use tokio::time::{Instant, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    app::signed_in,
    config::{LARGEST_BODY, REQUEST_TIMEOUT, UPLOAD_TIMEOUT},
    dev,
    errors::{Stop, coded},
    execution::{Api, bad_request, failed},
    history::export,
    imports, logos, oauth, pages,
    session::{Caller, Credentials, sender},
    sso,
    turns::{Turn, Turns},
    uploads::{self, NotTaken},
    websocket::{self, Sockets},
};

/// Names a request in the answer and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Media type of the GraphQL-over-HTTP specification, which clients have to ask for.
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
/// `extensions.code` of a request that a page of another origin may have made a browser send.
const CSRF: &str = "CSRF";

/// What the handlers share: cloned for every request, so it is behind one pointer.
#[derive(Clone)]
pub(crate) struct Web(Arc<Shared>);

impl From<Shared> for Web {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for Web {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// See [`Web`].
pub(crate) struct Shared {
    pub(crate) api: Api,
    pub(crate) oauth: Arc<oauth::OAuth>,
    pub(crate) sockets: Sockets,
    pub(crate) uploads: Arc<Turns>,
    pub(crate) downloads: Arc<Turns>,
    pub(crate) logos: Arc<Turns>,
    pub(crate) stop: CancellationToken,
    /// Open WebSockets, and requests that were begun.
    pub(crate) tasks: TaskTracker,
}

/// The id of a request, for its handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// Every route.
pub(crate) fn router(web: Web) -> Router {
    let mut router = Router::new()
        .route("/graphql", post(graphql).get(websocket::upgrade))
        .route("/history/export", get(export::export))
        .route("/import-template.csv", get(imports::template_csv))
        .route("/import-template.xlsx", get(imports::template_xlsx))
        .route("/imports/{import}/result.csv", get(imports::result))
        .route("/logos/{organization}/{file}", get(logos::logo))
        .route("/oauth/device_authorization", post(oauth::device_authorization))
        .route("/oauth/token", post(oauth::token));
    if web.api.app.config.development {
        router = router
            .route("/graphiql", get(dev::graphiql))
            .route("/dev/mailbox", get(dev::mailbox))
            .route("/dev/mailbox.json", get(dev::mailbox_json));
    }
    router = router.merge(sso::router()).merge(pages::styles_router());
    if web.api.app.config.own_pages {
        router = router.merge(pages::router());
    }
    router
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .layer(middleware::from_fn_with_state(web.clone(), surround))
        .with_state(web)
}

/// Gives every request an id and a time to end by, and every answer its headers.
async fn surround(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let app = &web.api.app;
    let started = Instant::now();
    let route = known_route(request.uri().path());
    let id = app.platform.entropy().uuid_v4();
    request.extensions_mut().insert(RequestId(id));
    let is_upload = uploads::boundary(request.headers()).is_some();
    let limit = if is_upload { UPLOAD_TIMEOUT } else { REQUEST_TIMEOUT };
    let mut response = match timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(request = %id, route, "a request took too long");
            (StatusCode::GATEWAY_TIMEOUT, "It took too long. Find out what was done before you repeat it.\n")
                .into_response()
        }
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Answers are about people: nobody on the way shall keep them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    if app.config.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    app.metrics.answered(route, response.status().as_u16(), started.elapsed());
    response
}

/// Routes as metrics name them: those that there are, nothing that a client made up.
fn known_route(path: &str) -> &'static str {
    match path {
        "/graphql" => "/graphql",
        "/history/export" => "/history/export",
        "/oauth/device_authorization" => "/oauth/device_authorization",
        "/oauth/token" => "/oauth/token",
        "/import-template.csv" => "/import-template.csv",
        "/import-template.xlsx" => "/import-template.xlsx",
        result if result.starts_with("/imports/") => "/imports",
        logo if logo.starts_with("/logos/") => "/logos",
        _ if sso::known_route(path).is_some() => sso::known_route(path).unwrap_or("other"),
        _ => pages::PATHS.iter().find(|known| **known == path).copied().unwrap_or("other"),
    }
}

/// The address that the connection comes from; none if the server does not say.
pub(crate) fn peer(request: &axum::http::Extensions) -> Option<SocketAddr> {
    request.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer)
}

/// A request that is ready to be run.
struct Taken {
    request: GraphQlRequest,
    caller: Caller,
    /// Given back once it has run.
    turn: Option<Turn>,
}

/// A request that is not run, with the answer to it.
type Refused = (StatusCode, Box<GraphQlResponse>);

async fn graphql(State(web): State<Web>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let wants = wanted_type(&parts.headers);
    let taken = match uploads::boundary(&parts.headers) {
        Some(boundary) => {
            let mut body = body.into_data_stream();
            // Boxed, as all that a request may need is moved about with every request otherwise.
            let taken = Box::pin(take_upload(&web, &parts, &mut body, boundary)).await;
            if taken.is_err() {
                uploads::discard(&mut body).await;
            }
            taken
        }
        None => Box::pin(take(&web, &parts, body)).await,
    };
    let Taken { request, caller, turn } = match taken {
        Ok(taken) => taken,
        Err((status, response)) => return answer(status, wants, *response),
    };
    // Only an operation with this word in it can change anything.
    if !request.query.contains("mutation") {
        return answer(StatusCode::OK, wants, Box::pin(web.api.execute(request, caller)).await);
    }
    // On a task of its own: what was begun is ended, even if the client goes away meanwhile.
    let (api, correlation) = (web.api.clone(), caller.correlation);
    let running = web.tasks.spawn(async move {
        let _turn = turn;
        api.execute(request, caller).await
    });
    let broken = |error| {
        tracing::error!(request = %correlation, reason = %error, "a request broke off");
        failed(Stop::Fault("it broke off".to_owned()))
    };
    answer(StatusCode::OK, wants, running.await.unwrap_or_else(broken))
}

async fn take(web: &Web, parts: &Parts, body: Body) -> Result<Taken, Refused> {
    let credentials = credentials(web, &parts.headers)?;
    let request = read_request(&parts.headers, body).await.map_err(|(status, message)| refused(status, message))?;
    let caller = authenticate(web, parts, &credentials).await?;
    Ok(Taken { request, caller, turn: None })
}

/// Takes a request with a file, of somebody who has signed in.
async fn take_upload(web: &Web, parts: &Parts, body: &mut BodyDataStream, boundary: String) -> Result<Taken, Refused> {
    let stopped = |status, stop| (status, Box::new(failed(stop)));
    let credentials = credentials(web, &parts.headers)?;
    let caller = authenticate(web, parts, &credentials).await?;
    let reader = signed_in(&caller).map_err(|rejection| stopped(StatusCode::OK, rejection.into()))?;
    let turn = web.uploads.take(reader.organization);
    let turn = turn.map_err(|busy| stopped(StatusCode::SERVICE_UNAVAILABLE, busy.into()))?;
    let request = uploads::read(body, boundary).await.map_err(|not_taken| match not_taken {
        NotTaken::Malformed(message) => refused(StatusCode::BAD_REQUEST, message),
        NotTaken::TooLarge => stopped(StatusCode::PAYLOAD_TOO_LARGE, Code::FileTooLarge.into()),
    })?;
    // It may have taken a while, in which the person was logged out.
    let caller = authenticate(web, parts, &credentials).await?;
    Ok(Taken { request, caller, turn: Some(turn) })
}

fn refused(status: StatusCode, message: &'static str) -> Refused {
    (status, Box::new(bad_request(message)))
}

/// What the request proves about its sender, unless a page of another origin may have sent it.
fn credentials(web: &Web, headers: &HeaderMap) -> Result<Credentials, Refused> {
    let config = &web.api.app.config;
    let credentials = Credentials::of(headers, config);
    if credentials.is_forgeable(headers, config) {
        let message = "Send the header X-Requested-With with any value, from a page of this origin.";
        let error = coded(CSRF, message).into_server_error(Default::default());
        return Err((StatusCode::FORBIDDEN, Box::new(GraphQlResponse::from_errors(vec![error]))));
    }
    Ok(credentials)
}

async fn authenticate(web: &Web, parts: &Parts, credentials: &Credentials) -> Result<Caller, Refused> {
    let app = &web.api.app;
    let correlation = parts.extensions.get().map_or(Uuid::nil(), |RequestId(id)| *id);
    let sender = sender(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
    Caller::authenticate(&app.platform, credentials.token.clone(), sender, correlation).await.map_err(|failure| {
        tracing::error!(request = %correlation, reason = %failure, "a request failed");
        (StatusCode::SERVICE_UNAVAILABLE, Box::new(failed(Stop::from(failure))))
    })
}

async fn read_request(headers: &HeaderMap, body: Body) -> Result<GraphQlRequest, (StatusCode, &'static str)> {
    // Any other type could be sent from a form of another origin without asking.
    if !is_json(headers) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the request as application/json."));
    }
    let too_large = |_| (StatusCode::PAYLOAD_TOO_LARGE, "The request is larger than 256 KiB.");
    let body = to_bytes(body, LARGEST_BODY).await.map_err(too_large)?;
    parse_request(&body).map_err(|message| (StatusCode::BAD_REQUEST, message))
}

/// Reads one request in JSON; the error says what is wrong.
pub(crate) fn parse_request(body: &[u8]) -> Result<GraphQlRequest, &'static str> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err("Send one request at a time; batches are not taken.");
    }
    serde_json::from_slice(body).map_err(|_| "The request is not one of GraphQL in JSON.")
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json") || media_type.eq_ignore_ascii_case(GRAPHQL_RESPONSE)
}

/// The media type that the client asked for.
fn wanted_type(headers: &HeaderMap) -> &'static str {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|accept| accept.contains(GRAPHQL_RESPONSE)) {
        GRAPHQL_RESPONSE
    } else {
        "application/json"
    }
}

/// Writes an answer. With the media type of the specification, a request that was not even begun is a client's error
/// in the status too; with the older one, clients look at `errors` alone.
fn answer(status: StatusCode, media_type: &'static str, mut response: GraphQlResponse) -> Response {
    let refused = response.data == Value::Null && response.errors.iter().all(|error| error.path.is_empty());
    let status = match status {
        StatusCode::OK if media_type == GRAPHQL_RESPONSE && refused => StatusCode::BAD_REQUEST,
        other => other,
    };
    let headers = std::mem::take(&mut response.http_headers);
    match serde_json::to_vec(&response) {
        Ok(body) => {
            let mut answer = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
            answer.headers_mut().extend(headers);
            answer
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
