//! A provider of OpenID Connect that says whatever it is told to: no real one can be made to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use data_encoding::BASE64URL_NOPAD;
use eventlog::{Clock, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint, pkcs8::EncodePrivateKey};
use reqwest::Response;
use serde_json::{Value, json};

use super::stage::{Begun, Sso, Stage};

/// What the provider answers to one code.
#[derive(Clone)]
pub(crate) struct Said {
    claims: Value,
    algorithm: &'static str,
    foreign: bool,
}

pub(crate) struct FalseProvider {
    pub(crate) issuer: String,
    said: Arc<Mutex<HashMap<String, Said>>>,
}

#[derive(Clone)]
struct Shared {
    issuer: String,
    said: Arc<Mutex<HashMap<String, Said>>>,
    own: SecretKey,
    foreign: SecretKey,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_slice(&[seed; 32]).unwrap()
}

fn public(key: &SecretKey) -> Value {
    let point = key.public_key().to_encoded_point(false);
    let text = |part: &[u8]| BASE64URL_NOPAD.encode(part);
    json!({ "kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig",
        "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) })
}

impl FalseProvider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let said = Arc::default();
        let shared = Shared { issuer: issuer.clone(), said: Arc::clone(&said), own: key(1), foreign: key(2) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(async |State(shared): State<Shared>| Json(json!({ "keys": [public(&shared.own)] }))))
            .route("/token", post(token))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, said }
    }

    /// What it answers to the code of this request, once: the truth, changed by `change`.
    pub(crate) fn says(&self, begun: &Begun, email: &str, change: impl FnOnce(&mut Said)) {
        let now = SystemClock.now().timestamp();
        let claims = json!({
            "iss": self.issuer, "aud": "work-accounts", "sub": format!("sub-{email}"), "iat": now, "exp": now + 300,
            "nonce": begun.query("nonce"), "email": email, "email_verified": true,
        });
        let mut said = Said { claims, algorithm: "ES256", foreign: false };
        change(&mut said);
        self.said.lock().unwrap().insert(begun.query("state"), said);
    }
}

async fn discovery(State(shared): State<Shared>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", shared.issuer);
    Json(json!({
        "issuer": shared.issuer, "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn token(State(shared): State<Shared>, Form(form): Form<HashMap<String, String>>) -> (StatusCode, Json<Value>) {
    let said = form.get("code").and_then(|code| shared.said.lock().unwrap().remove(code));
    // A verifier is asked for: the flow is with PKCE.
    let Some(said) = said.filter(|_| form.get("code_verifier").is_some_and(|verifier| verifier.len() >= 43)) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    };
    let header = |algorithm| Header { kid: Some("one".to_owned()), ..Header::new(algorithm) };
    let signed = match said.algorithm {
        "ES256" => {
            let key = if said.foreign { &shared.foreign } else { &shared.own };
            let der = key.to_pkcs8_der().unwrap();
            jsonwebtoken::encode(&header(Algorithm::ES256), &said.claims, &EncodingKey::from_ec_der(der.as_bytes()))
                .unwrap()
        }
        "HS256" => {
            let key = EncodingKey::from_secret(public(&shared.own).to_string().as_bytes());
            jsonwebtoken::encode(&header(Algorithm::HS256), &said.claims, &key).unwrap()
        }
        _ => {
            let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
            format!("{}.{}.", part(&json!({ "alg": "none" })), part(&said.claims))
        }
    };
    let answer = json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": signed });
    (StatusCode::OK, Json(answer))
}

/// The browser comes back with a code. `other` parameters replace those that belong there.
pub(crate) async fn come_back(stage: &Stage, sso: &Sso, begun: &Begun, other: &[(&str, &str)]) -> Response {
    let state = begun.query("state");
    let mut parameters = vec![("code", state.as_str()), ("state", &state)];
    for (name, value) in other {
        parameters.retain(|(known, _)| known != name && !(*name == "error" && *known == "code"));
        parameters.push((name, value));
    }
    let request = stage.http().get(sso.service("redirectUri")).query(&parameters);
    request.header("cookie", &begun.cookie).send().await.unwrap()
}

type Lie = (&'static str, fn(&mut Said));

/// What a provider may say that is not so, and the check that finds it out.
pub(crate) fn lies() -> Vec<Lie> {
    fn claim(said: &mut Said, name: &str, value: Value) {
        said.claims[name] = value;
    }
    fn soon(seconds: i64) -> Value {
        json!(SystemClock.now().timestamp() + seconds)
    }
    vec![
        ("REQUEST", |said| claim(said, "nonce", json!("another"))),
        ("REQUEST", |said| claim(said, "nonce", Value::Null)),
        ("ISSUER", |said| claim(said, "iss", json!("https://idp.other.example"))),
        ("AUDIENCE", |said| claim(said, "aud", json!("somebody"))),
        ("AUDIENCE", |said| claim(said, "aud", json!(["work-accounts", "somebody"]))),
        ("AUDIENCE", |said| claim(said, "azp", json!("somebody"))),
        ("TIMES", |said| claim(said, "exp", soon(-300))),
        ("TIMES", |said| claim(said, "iat", soon(300))),
        ("SIGNATURE", |said| said.algorithm = "none"),
        ("SIGNATURE", |said| said.algorithm = "HS256"),
        ("SIGNATURE", |said| said.foreign = true),
        ("TOKEN", |said| claim(said, "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        ("EMAIL", |said| claim(said, "email_verified", json!(false))),
        ("EMAIL", |said| claim(said, "email", Value::Null)),
        ("EMAIL", |said| claim(said, "email", json!("no address"))),
        ("DOMAIN", |said| claim(said, "email", json!("eve@tailspin.example"))),
        ("ACCOUNT", |said| claim(said, "email", json!("nobody@northwind.example"))),
        ("SUBJECT", |said| claim(said, "sub", json!("another"))),
        ("SUBJECT", |said| claim(said, "sub", json!(""))),
    ]
}
