//! Signing in at an identity provider, as a browser sees it: where it is sent from, and where it comes back to.
//!
//! What is remembered of a request is in a cookie of the browser that made it. A SAML provider's answer is a form from
//! another site, with which browsers send no such cookie; so the form is shown once more, from here, and sent again.

mod cookies;
mod post;

use axum::{
    Router,
    extract::{
        DefaultBodyLimit, Form, Path, Query, RawQuery,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use commands::{
    Failure,
    single_sign_on::{Answered, Begin, Handle, LoggedOut, LogoutMessage, Pending, SamlAnswer},
};
use domain::Code;
use identity::openid::Callback;
use schema::SsoTestId;
use serde::Deserialize;
use url::Url;

use self::post::PostPage;
use crate::{
    entry,
    errors::Stop,
    http::Web,
    pages::{Arrival, Page, Problem, Visit},
    session::is_led_by_us,
};

/// Largest form with a message of SAML in bytes: 256 KiB in base64, escaped.
const LARGEST_FORM: usize = 1024 * 1024;
/// Marks a form that was sent again from here.
const AGAIN: &str = "again";

/// The routes. They are there with a frontend too: providers know them.
pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/sso/{provider}/start", get(start))
        .route("/saml/{provider}/metadata", get(metadata))
        .route("/saml/{provider}/acs", post(saml_answer))
        .route("/saml/{provider}/slo", get(slo_query).post(slo_form))
        .route("/oidc/{provider}/callback", get(openid_answer))
        .route("/oidc/{provider}/signed-out", get(signed_out))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
}

/// The routes as metrics name them.
pub(crate) fn known_route(path: &str) -> Option<&'static str> {
    let (first, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (_, last) = rest.split_once('/')?;
    match (first, last) {
        ("sso", "start") => Some("/sso/start"),
        ("saml", "metadata") => Some("/saml/metadata"),
        ("saml", "acs") => Some("/saml/acs"),
        ("saml", "slo") => Some("/saml/slo"),
        ("oidc", "callback") => Some("/oidc/callback"),
        ("oidc", "signed-out") => Some("/oidc/signed-out"),
        _ => None,
    }
}

/// What a link to begin carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    test: Option<String>,
    return_to: Option<String>,
    login_hint: String,
}

async fn start(
    visit: Visit,
    Path(provider): Path<String>,
    Query(start): Query<Start>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // Who leads others here could have them signed in to an account of their own (login CSRF).
    if !is_led_by_us(&headers, &visit.app.config) {
        let on = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let actions = vec![(on, visit.say("sso-continue"))];
        let (heading, paragraphs) = (visit.say("sso-title"), vec![visit.say("sso-led-here")]);
        return visit.show(&Page { heading, paragraphs, actions, ..Page::default() });
    }
    let begun = visit
        .run(async move |app, caller| {
            app.throttles.single_sign_on(caller.address, app.platform.clock().now())?;
            let provider = parse(&provider)?;
            let test = start.test.as_deref().map(parse::<SsoTestId>).transpose()?;
            let wanted = Begin { test, return_to: start.return_to, login_hint: start.login_hint };
            Ok(app.sso.begin(provider, wanted).await?)
        })
        .await;
    match begun {
        Ok(begun) => {
            let cookie = cookies::set(&visit.app.config, &begun.pending.handle(), &begun.sealed);
            match begun.to {
                Ok(url) => ([(header::SET_COOKIE, cookie)], to(&url)).into_response(),
                Err(form) => {
                    let page = PostPage::to_provider(visit.language, form);
                    ([(header::SET_COOKIE, cookie)], page.respond(&visit.app.config)).into_response()
                }
            }
        }
        Err(stop) => refuse(&visit, &stop),
    }
}

async fn metadata(visit: Visit, Path(provider): Path<String>) -> Response {
    let found = visit.run(async move |app, _| Ok(app.sso.metadata(parse(&provider)?).await?)).await;
    match found {
        Ok(xml) => ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        Err(stop) => refuse(&visit, &stop),
    }
}

/// The form of a SAML provider.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SamlForm {
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
    again: Option<String>,
}

async fn saml_answer(
    Arrival(visit): Arrival,
    Path(provider): Path<String>,
    form: Result<Form<SamlForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return unreadable(&visit, provider).await };
    let handle = Handle::of(form.relay_state.as_deref().unwrap_or_default());
    let pending = cookies::find(&visit, &handle);
    let response = form.response.unwrap_or_default();
    if pending.is_none() && form.again.is_none() {
        let relay_state = form.relay_state.map(|state| ("RelayState", state));
        let fields = [("SAMLResponse", response), (AGAIN, "1".to_owned())].into_iter().chain(relay_state).collect();
        return PostPage::again(visit.language, fields).respond(&visit.app.config);
    }
    let answered = visit
        .run(async move |app, caller| {
            app.throttles.single_sign_on(caller.address, app.platform.clock().now())?;
            let asked = (pending, caller.origin());
            Ok(app.sso.saml_answer(&app.request(&caller), parse(&provider)?, asked, SamlAnswer { response }).await?)
        })
        .await;
    answer(&visit, Some(&handle), answered)
}

/// What cannot even be taken apart leaves a line in the history too.
async fn unreadable(visit: &Visit, provider: String) -> Response {
    let answered = visit
        .run(async move |app, caller| {
            app.throttles.single_sign_on(caller.address, app.platform.clock().now())?;
            Ok(app.sso.unreadable_answer(parse(&provider)?).await?)
        })
        .await;
    answer(visit, None, answered)
}

async fn openid_answer(
    visit: Visit,
    Path(provider): Path<String>,
    callback: Result<Query<Callback>, QueryRejection>,
) -> Response {
    let Ok(Query(callback)) = callback else { return unreadable(&visit, provider).await };
    let handle = Handle::of(callback.state.as_deref().unwrap_or_default());
    let pending = cookies::find(&visit, &handle);
    let answered = visit
        .run(async move |app, caller| {
            app.throttles.single_sign_on(caller.address, app.platform.clock().now())?;
            let asked = (pending, caller.origin());
            Ok(app.sso.openid_answer(&app.request(&caller), parse(&provider)?, asked, callback).await?)
        })
        .await;
    answer(&visit, Some(&handle), answered)
}

/// What the browser is shown: who signed in goes on, a test shows what was checked, and who was refused learns where to ask.
fn answer(visit: &Visit, handle: Option<&Handle>, answered: Result<Answered, Stop>) -> Response {
    let config = &visit.app.config;
    let mut response = match answered {
        Ok(Answered::SignedIn { signed_in, return_to }) => {
            let home = Url::parse(&config.links.signed_in).ok();
            let url = home.and_then(|home| return_to.map_or(Ok(home.clone()), |path| home.join(&path)).ok());
            let on = url.map_or_else(|| Redirect::to("/").into_response(), |url| to(&url));
            ([(header::SET_COOKIE, entry::cookie(&visit.app, &signed_in))], on).into_response()
        }
        Ok(Answered::Tested { transcript, .. }) => {
            let passed = transcript.failed().is_none();
            let mark = |passed: bool| if passed { "✓" } else { "✗" };
            let facts = transcript.results().iter().map(|result| {
                let name = serde_json::to_value(result.check).ok();
                let name = name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
                let shown = format!("{} ← {}", result.expected, result.actual);
                (format!("{} {name}", mark(result.passed)), shown)
            });
            let paragraph = visit.say(if passed { "sso-test-passed" } else { "sso-test-failed" });
            let heading = visit.say("sso-test-title");
            visit.show(&Page { heading, paragraphs: vec![paragraph], facts: facts.collect(), ..Page::default() })
        }
        Ok(Answered::Refused { request }) => {
            let mut page = refused(visit);
            page.facts = vec![(visit.say("sso-reference"), request.to_string())];
            visit.respond(&page, StatusCode::FORBIDDEN)
        }
        Err(stop) => refuse(visit, &stop),
    };
    let cookie = handle.and_then(|handle| HeaderValue::try_from(cookies::clear(config, handle)).ok());
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn slo_query(visit: Visit, Path(provider): Path<String>, RawQuery(query): RawQuery) -> Response {
    logout(&visit, provider, LogoutMessage::Query(query.unwrap_or_default())).await
}

async fn slo_form(
    Arrival(visit): Arrival,
    Path(provider): Path<String>,
    form: Result<Form<SamlForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return unreadable(&visit, provider).await };
    let is_response = form.response.is_some();
    let message = form.response.or(form.request).unwrap_or_default();
    logout(&visit, provider, LogoutMessage::Form { message, is_response, relay_state: form.relay_state }).await
}

async fn logout(visit: &Visit, provider: String, message: LogoutMessage) -> Response {
    let done = visit
        .run(async move |app, caller| {
            app.throttles.single_sign_on(caller.address, app.platform.clock().now())?;
            Ok(app.sso.logout_message(parse(&provider)?, message).await?)
        })
        .await;
    match done {
        Ok(LoggedOut::Here(url)) => to(&url),
        Ok(LoggedOut::Silently | LoggedOut::There) => visit.show(&ended(visit)),
        Ok(LoggedOut::Refused(request)) => {
            let mut page = refused(visit);
            page.facts = vec![(visit.say("sso-reference"), request.to_string())];
            visit.respond(&page, StatusCode::FORBIDDEN)
        }
        Err(stop) => refuse(visit, &stop),
    }
}

async fn signed_out(visit: Visit) -> Response {
    visit.show(&ended(&visit))
}

fn ended(visit: &Visit) -> Page {
    let links = vec![(visit.app.config.links.sign_in.clone(), visit.say("sign-in-title"))];
    Page { heading: visit.say("signed-out-title"), paragraphs: vec![visit.say("signed-out")], links, ..Page::default() }
}

fn refused(visit: &Visit) -> Page {
    let links = vec![(visit.app.config.links.sign_in.clone(), visit.say("sign-in-title"))];
    let problems = vec![Problem { field: None, message: visit.say("sso-refused") }];
    Page { heading: visit.say("sso-title"), problems, links, ..Page::default() }
}

fn refuse(visit: &Visit, stop: &Stop) -> Response {
    let links = vec![(visit.app.config.links.sign_in.clone(), visit.say("sign-in-title"))];
    visit.refuse(Page { heading: visit.say("sso-title"), links, ..Page::default() }, stop)
}

fn parse<T: std::str::FromStr>(id: &str) -> Result<T, Stop> {
    id.parse().map_err(|_| Stop::from(Failure::from(Code::NotFound)))
}

/// On to an address of ours or of a provider.
fn to(url: &Url) -> Response {
    Redirect::to(url.as_str()).into_response()
}

/// What this browser has asked of a provider, if it kept it.
fn open(visit: &Visit, sealed: &str) -> Option<Pending> {
    visit.app.sso.open_pending(sealed)
}
