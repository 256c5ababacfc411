//! GraphQL over WebSocket.

use std::sync::Arc;

use async_graphql::Data;
use axum::{
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Principal, Session};
use graphql_ws_server::{Close, Connection, Ended, Settings, bearer_token, serve};
use identity::SessionToken;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{
    app::{App, until},
    config::{MOST_OPERATIONS, MOST_WEBSOCKETS},
    execution::SocketOwner,
    http::{Web, peer},
    metrics::Counted,
    session::{Credentials, comes_from_elsewhere, sender},
};

/// What all WebSockets share.
#[derive(Clone)]
pub(crate) struct Sockets {
    settings: Arc<Settings>,
    free: Arc<Semaphore>,
}

impl Sockets {
    pub(crate) fn new() -> Self {
        let settings = Settings { max_operations: MOST_OPERATIONS, ..Settings::default() };
        Self { settings: Arc::new(settings), free: Arc::new(Semaphore::new(MOST_WEBSOCKETS)) }
    }
}

/// `GET /graphql`: opens a WebSocket.
pub(crate) async fn upgrade(State(web): State<Web>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let text = "Send requests with POST, or open a WebSocket for subscriptions.\n";
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text).into_response();
    };
    let Ok(place) = web.sockets.free.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many connections are open.\n").into_response();
    };
    let app = web.api.app.clone();
    let sender = sender(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
    // Browsers send the cookie whichever page opens the WebSocket, so the page has to be ours.
    let credentials = Credentials::of(&parts.headers, &app.config);
    let cookie_token = credentials.token.filter(|_| !comes_from_elsewhere(&parts.headers, &app.config));
    web.sockets.settings.clone().apply(upgrade).on_upgrade(move |socket| {
        web.tasks.clone().track_future(async move {
            let _place = place;
            let counted = Counted::new(&app.metrics.websockets);
            let connecting = app.clone();
            let connect = move |payload: Value, connection: Connection| async move {
                let token = bearer_token(&payload).map(Credentials::explicit).map_or(cookie_token, |given| given.token);
                let token = token.ok_or(Close::UNAUTHORIZED)?;
                admit(&connecting, &token, &connection).await?;
                let mut data = Data::default();
                data.insert(SocketOwner { token, sender });
                Ok(data)
            };
            let ended = serve(socket, web.api.clone(), &web.sockets.settings, web.stop.clone(), connect).await;
            drop(counted);
            if let Ended::ByServer(close) = ended {
                app.metrics.closed_websocket(close.code);
            }
        })
    })
}

/// Lets a valid session in, for as long as it lasts.
async fn admit(app: &App, token: &SessionToken, connection: &Connection) -> Result<(), Close> {
    let unavailable = |error| {
        tracing::error!(reason = %error, "a WebSocket could not be authenticated");
        Close::TRY_AGAIN_LATER
    };
    if matches!(app.platform.recognize(token).await.map_err(unavailable)?, Principal::Anonymous) {
        return Err(Close::UNAUTHORIZED);
    }
    let session = app.platform.load::<Session>(&token.session()).await.map_err(unavailable)?;
    let now = app.platform.clock().now();
    let started = session.state.valid(now).ok_or(Close::UNAUTHORIZED)?;
    connection.close_after(until(started.expires_at, now), Close::UNAUTHORIZED);
    Ok(())
}
