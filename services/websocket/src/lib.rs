//! A server of the `graphql-transport-ws` protocol on axum, made for very many idle connections.
//!
//! The protocol: <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. What it asks for is done exactly:
//! every close code, one subscriber per id, and request errors as `error` messages. Everything is bounded: message
//! sizes, buffers, operations per connection, the time a peer may take for its first message, to read and to answer a
//! ping.
//!
//! ```ignore
//! async fn handler(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
//!     let settings = Settings::default();
//!     settings.apply(upgrade).on_upgrade(move |socket| async move {
//!         let ended = serve(socket, app.schema.clone(), &settings, app.stop.clone(), |payload, connection| async move {
//!             let token = bearer_token(&payload).ok_or(Close::UNAUTHORIZED)?;
//!             let mut data = Data::default();
//!             data.insert(app.session_of(token).await?);
//!             Ok(data)
//!         })
//!         .await;
//!         app.connection_ended(ended).await;
//!     })
//! }
//! ```

mod close;
mod connection;
pub mod limits;
mod messages;
mod operations;
mod serve;
mod settings;

pub use self::{
    close::Close,
    connection::Connection,
    serve::{Ended, serve},
    settings::{SUBPROTOCOL, Settings},
};

/// The access token in the payload of `connection_init`: its member `authorization` (in any case of letters), which
/// has the form `Bearer <token>` as the HTTP header has (RFC 6750 2.1). None if there is no such member.
pub fn bearer_token(payload: &serde_json::Value) -> Option<&str> {
    let (_, value) = payload.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = value.as_str()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::bearer_token;

    #[test]
    fn the_token_is_found_in_any_case_and_nothing_else_is_taken_for_it() {
        assert_eq!(bearer_token(&json!({ "Authorization": "bearer abc" })), Some("abc"));
        assert_eq!(bearer_token(&json!({ "authorization": "Bearer  abc " })), Some("abc"));
        for payload in [
            json!(null),
            json!("Bearer abc"),
            json!({ "authorization": "abc" }),
            json!({ "authorization": "Basic abc" }),
            json!({ "authorization": "Bearer " }),
            json!({ "authorization": ["Bearer abc"] }),
        ] {
            assert_eq!(bearer_token(&payload), None, "{payload}");
        }
    }
}
