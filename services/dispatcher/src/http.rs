//! `POST /graphql` and the WebSocket on the same path.

use std::{sync::Arc, time::Duration};

use async_graphql::{Data, Request};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, WebSocketUpgrade},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use graphql_ws_server::{Close, Ended, bearer_token, serve};
use serde_json::json;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tower_http::timeout::TimeoutLayer;

use crate::{
    graphql::{Caller, UnitSchema},
    shared::{Denied, Registration, Shared},
};

/// Longest body of a request, in bytes: a token has at most 4 KiB, a document with its variables little more.
const MAX_BODY: usize = 16 * 1024;
/// Longest time a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a unit is kept waiting while the dispatcher starts.
const STARTING: Duration = Duration::from_secs(3);

#[derive(Clone)]
struct Service {
    shared: Arc<Shared>,
    schema: UnitSchema,
}

pub(crate) fn router(shared: Arc<Shared>, schema: UnitSchema) -> Router {
    Router::new()
        .route("/graphql", get(upgrade).post(post))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .with_state(Service { shared, schema })
}

async fn post(State(service): State<Service>, headers: HeaderMap, Json(request): Json<Request>) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(identity::bearer);
    let verified = token.ok_or(Denied::Unauthenticated).and_then(|token| service.shared.verify(token));
    let checked = match verified {
        Ok((identity, _)) => service.shared.check_enrollment(identity).await.map(|()| identity),
        Err(denied) => Err(denied),
    };
    match checked {
        Ok(identity) => {
            let caller = Caller { identity, registration: None };
            Json(service.schema.execute(request.data(caller)).await).into_response()
        }
        Err(denied) => refusal(denied),
    }
}

/// As RFC 6750 section 3 says, with a body that a GraphQL client understands.
fn refusal(denied: Denied) -> Response {
    let (status, code, header): (_, _, (HeaderName, _)) = match denied {
        Denied::Unauthenticated => {
            (StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN", (WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#))
        }
        Denied::NotAllowed => {
            (StatusCode::FORBIDDEN, "FORBIDDEN", (WWW_AUTHENTICATE, r#"Bearer error="insufficient_scope""#))
        }
        Denied::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", (RETRY_AFTER, "1")),
    };
    let message = match denied {
        Denied::Unauthenticated => "Send a valid access token.",
        Denied::NotAllowed => "This enrollment of the unit is over.",
        Denied::Unavailable => "Try again in a moment.",
    };
    let body = json!({ "data": null, "errors": [{ "message": message, "extensions": { "code": code } }] });
    (status, [(header.0, HeaderValue::from_static(header.1))], Json(body)).into_response()
}

async fn upgrade(State(service): State<Service>, upgrade: WebSocketUpgrade) -> Response {
    let shared = &service.shared;
    if shared.stop.is_cancelled() || !follows(shared).await {
        return refusal(Denied::Unavailable);
    }
    let Ok(place) = shared.places.clone().try_acquire_owned() else {
        return refusal(Denied::Unavailable);
    };
    let upgrade = shared.config.socket.apply(upgrade);
    upgrade.on_upgrade(move |socket| {
        let tasks = service.shared.tasks.clone();
        tasks.track_future(async move {
            let ended = converse(&service, socket).await;
            service.shared.metrics.ended(&ended);
            drop::<OwnedSemaphorePermit>(place);
        })
    })
}

/// Whether changes in the log are being followed: without, a unit would not hear of its commands.
async fn follows(shared: &Shared) -> bool {
    let mut following = shared.following.subscribe();
    timeout(STARTING, following.wait_for(|following| *following)).await.is_ok_and(|waited| waited.is_ok())
}

async fn converse(service: &Service, socket: axum::extract::ws::WebSocket) -> Ended {
    let Service { shared, schema } = service;
    let connect = async |payload: serde_json::Value, connection| {
        let token = bearer_token(&payload).ok_or(Close::UNAUTHORIZED)?;
        shared.connect(token, connection).await.map(data)
    };
    serve(socket, schema.clone(), &shared.config.socket, shared.stop.clone(), connect).await
}

fn data(registration: Registration) -> Data {
    let mut data = Data::default();
    data.insert(Caller { identity: registration.unit.identity, registration: Some(registration) });
    data
}
