//! Connecting Portal units: the OAuth 2.0 device authorization grant (RFC 8628), and tokens for signed assertions
//! (RFC 7523).

mod answer;
mod polling;

use std::collections::HashMap;

use axum::{
    Form,
    body::{Body, to_bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, header},
    response::Response,
};
use commands::{
    Failure, Request as CommandRequest,
    processes::pairing::{Poll, UnitDescription, UnitIdentity},
};
use domain::{Code, Principal};
use identity::{ACCESS_TOKEN_LIFETIME_SECONDS, DeviceCode, EntropyExt, POLL_INTERVAL_SECONDS, UnitKey, claimed_device};
use schema::{DeviceId, Timestamp};
use serde_json::json;

use self::{
    answer::{OAuthError, granted},
    polling::Polls,
};
use crate::{
    app::{App, until},
    config::LARGEST_BODY,
    http::{RequestId, Web, peer},
    session::{client_address, network_of},
};

/// The client id of every unit.
const CLIENT: &str = "portal";
/// RFC 8628 3.4.
const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 7523 2.1.
const ASSERTION_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What the endpoints remember.
pub(crate) struct OAuth {
    polls: Polls,
}

impl OAuth {
    pub(crate) fn new() -> Self {
        Self { polls: Polls::new() }
    }
}

/// The parameters of a request.
struct Parameters(HashMap<String, String>);

impl Parameters {
    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, OAuthError> {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = media_type
            .split(';')
            .next()
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(OAuthError::invalid_request("send the parameters as application/x-www-form-urlencoded"));
        }
        let body = to_bytes(body, LARGEST_BODY).await;
        let body = body.map_err(|_| OAuthError::invalid_request("the request is too large"))?;
        let request = Request::post("/").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request =
            request.body(Body::from(body)).map_err(|_| OAuthError::invalid_request("the request is malformed"))?;
        let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(pairs) = form.map_err(|_| OAuthError::invalid_request("the parameters cannot be read"))?;
        let mut parameters = HashMap::with_capacity(pairs.len());
        for (name, value) in pairs {
            // RFC 6749 3.2: parameters sent without a value count as left out, and none may come twice.
            if !value.is_empty() && parameters.insert(name, value).is_some() {
                return Err(OAuthError::invalid_request("a parameter is there twice"));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &'static str) -> Result<&str, OAuthError> {
        let missing = || OAuthError::invalid_request(format!("the parameter {name} is missing"));
        self.0.get(name).map(String::as_str).ok_or_else(missing)
    }

    fn check_client(&self) -> Result<(), OAuthError> {
        if self.get("client_id")? == CLIENT { Ok(()) } else { Err(OAuthError::invalid_client()) }
    }
}

/// A request to an endpoint, read.
struct Asked {
    parameters: Parameters,
    request: CommandRequest,
    address: std::net::IpAddr,
}

async fn read(app: &App, request: Request) -> Result<Asked, OAuthError> {
    let (parts, body) = request.into_parts();
    let parameters = Parameters::read(&parts.headers, body).await?;
    let mut request = app.platform.request(Principal::Anonymous);
    if let Some(RequestId(id)) = parts.extensions.get() {
        request.correlation = *id;
    }
    let address = client_address(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
    Ok(Asked { parameters, request, address })
}

fn answer(result: Result<Response, OAuthError>) -> Response {
    result.unwrap_or_else(OAuthError::into_answer)
}

/// `POST /oauth/device_authorization`: a unit asks for a code to show.
pub(crate) async fn device_authorization(State(web): State<Web>, request: Request) -> Response {
    let app = &web.api.app;
    answer(async { authorize_device(app, read(app, request).await?).await }.await)
}

async fn authorize_device(app: &App, asked: Asked) -> Result<Response, OAuthError> {
    let Asked { parameters, request, address } = asked;
    parameters.check_client()?;
    let unit = UnitDescription {
        serial: parameters.get("serial")?.to_owned(),
        model: parameters.get("model")?.to_owned(),
        software_version: parameters.get("software_version")?.to_owned(),
        jwk: parameters.get("jwk")?.to_owned(),
        network: network_of(address),
    };
    app.throttles.device_authorization(address, request.at).map_err(OAuthError::throttled)?;
    let awaiting = app.platform.request_pairing(&request, unit).await.map_err(|failure| match failure {
        Failure::Rejected(rejection) if rejection.code == Code::UnitInUse => {
            OAuthError::access_denied("the unit is set up already; reset it to factory settings first")
        }
        Failure::Rejected(rejection) if rejection.code == Code::Busy => OAuthError::unavailable(),
        Failure::Rejected(rejection) => OAuthError::rejected(&rejection),
        Failure::OutOfOrder(reason) => OAuthError::out_of_order(&request, &reason),
    })?;
    Ok(granted(&json!({
        "device_code": awaiting.device_code.to_text(),
        "user_code": awaiting.user_code.to_string(),
        "verification_uri": app.config.links.device,
        "expires_in": until(awaiting.expires_at, request.at).as_secs(),
        "interval": POLL_INTERVAL_SECONDS,
    })))
}

/// `POST /oauth/token`: a unit asks for a token, with its device code or an assertion.
pub(crate) async fn token(State(web): State<Web>, request: Request) -> Response {
    let app = &web.api.app;
    let result = async {
        let asked = read(app, request).await?;
        let unit = match asked.parameters.get("grant_type")? {
            DEVICE_CODE_GRANT => by_device_code(app, &web.oauth.polls, &asked).await?,
            ASSERTION_GRANT => by_assertion(app, &asked).await?,
            _ => return Err(OAuthError::unsupported_grant_type()),
        };
        issue(app, unit, &asked.request)
    };
    answer(result.await)
}

async fn by_device_code(app: &App, polls: &Polls, asked: &Asked) -> Result<UnitIdentity, OAuthError> {
    asked.parameters.check_client()?;
    let text = asked.parameters.get("device_code")?;
    let code: DeviceCode = text.parse().map_err(|_| OAuthError::invalid_grant("the device code is not one of ours"))?;
    if !polls.admit(&code, asked.request.at).await {
        return Err(OAuthError::slow_down());
    }
    match app.platform.poll_pairing(&asked.request, text).await {
        Ok(Poll::Enrolled(unit)) => Ok(unit),
        Ok(Poll::Pending) => Err(OAuthError::authorization_pending()),
        Ok(Poll::Expired) => Err(OAuthError::expired_token()),
        Ok(Poll::Denied) => Err(OAuthError::access_denied("the unit has been set up elsewhere")),
        Ok(Poll::Unknown) => Err(OAuthError::invalid_grant("the device code is not one of ours")),
        Err(Failure::Rejected(_)) => Err(OAuthError::unavailable()),
        Err(Failure::OutOfOrder(reason)) => Err(OAuthError::out_of_order(&asked.request, &reason)),
    }
}

async fn by_assertion(app: &App, asked: &Asked) -> Result<UnitIdentity, OAuthError> {
    let assertion = asked.parameters.get("assertion")?;
    // Two codes, because a unit draws different conclusions: one that is not set up any more forgets its key, one whose
    // clock or configuration is wrong must not.
    let unknown = OAuthError::unknown_unit;
    let garbled = || OAuthError::invalid_grant("the assertion names no unit");
    let device: DeviceId = claimed_device(assertion).ok_or_else(garbled)?;
    let known = match app.platform.unit(device).await {
        Ok(known) => known,
        Err(Failure::Rejected(_)) => return Err(OAuthError::unavailable()),
        Err(Failure::OutOfOrder(reason)) => return Err(OAuthError::out_of_order(&asked.request, &reason)),
    };
    let (unit, jwk) = known.ok_or_else(unknown)?;
    let key = UnitKey::parse(&jwk).map_err(|_| unknown())?;
    let now: Timestamp = asked.request.at;
    let verified = key.verify_assertion(assertion, &app.config.token_endpoint(), device, now);
    let verified = verified.map_err(|error| OAuthError::invalid_grant(error.to_string()))?;
    let once = app.throttles.assertion(device, verified.id, now);
    once.map_err(|_| OAuthError::invalid_grant("the assertion was used already"))?;
    Ok(unit)
}

fn issue(app: &App, unit: UnitIdentity, request: &CommandRequest) -> Result<Response, OAuthError> {
    let id = app.platform.entropy().uuid_v4();
    let issued = app.access_tokens.issue(unit.device, unit.organization, unit.epoch, id, request.at);
    let token = issued.map_err(|error| OAuthError::out_of_order(request, &error.to_string()))?;
    Ok(granted(&json!({
        "access_token": token.text,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
        "device_id": unit.device,
        "epoch": unit.epoch,
        "dispatcher_url": app.config.dispatcher_url,
    })))
}
