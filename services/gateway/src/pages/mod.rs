//! Small pages for a person with only a mail and a browser: to activate an account, choose a new password, sign in and
//! out. They stand where links in mails lead, for as long as no frontend is configured.
//!
//! Opening a page changes nothing, so mail scanners and previews may follow links; only sending a form does. Forms go the
//! same way as the mutations of the API (see [`entry`]).

mod page;
mod visit;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Form, Query},
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use commands::Failure;
use domain::{Account, Code, Organization, Principal, Session, SessionCommand};
use schema::{AccountId, OrganizationId};
use serde::Deserialize;

use self::{
    page::{Field, Form as PageForm, Page},
    visit::Visit,
};
use crate::{entry, errors::Stop, http::Web};

/// Largest form, in bytes: 128 characters of a password may take 12 bytes each, written as `%F0%9F%98%80`.
const LARGEST_FORM: usize = 16 * 1024;
const STYLES: &str = include_str!("../../templates/pages.css");

/// The paths, for the metrics.
pub(crate) const PATHS: &[&str] =
    &["/activate", "/forgot-password", "/reset-password", "/sign-in", "/sign-out", "/account", "/pages.css"];

/// The routes.
pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/activate", get(activation).post(activate))
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/account", get(account))
        .route("/pages.css", get(styles))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
}

/// What links and forms carry; what is not there counts as empty. Without `Debug`: it holds secrets.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entered {
    token: String,
    email: String,
    password: String,
}

async fn styles() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")], STYLES)
}

fn new_password(visit: &Visit) -> Field {
    Field {
        name: "password",
        label: visit.say("field-new-password"),
        hint: Some(visit.say("hint-new-password")),
        kind: "password",
        autocomplete: "new-password",
        value: String::new(),
    }
}

/// A page on which a person with a mailed link chooses a password. Without a token, or with one that is no longer good,
/// there is nothing to fill in.
fn choose_password(visit: &Visit, texts: [&str; 3], action: &'static str, token: &str) -> Page {
    let [heading, intro, submit] = texts.map(|id| visit.say(id));
    if token.is_empty() {
        return Page { heading, paragraphs: vec![visit.say("link-incomplete")], ..Page::default() };
    }
    let (fields, token) = (vec![new_password(visit)], Some(token.to_owned()));
    let form = Some(PageForm { action, token, fields, submit });
    Page { heading, paragraphs: vec![intro], form, ..Page::default() }
}

/// Whether the link itself is what was refused, so that another password does not help.
fn link_is_dead(stop: &Stop) -> bool {
    matches!(stop, Stop::Rejected(rejections) if rejections.iter().any(|rejection| rejection.code == Code::LinkInvalid))
}

fn activation_page(visit: &Visit, token: &str) -> Page {
    choose_password(visit, ["activate-title", "activate-intro", "activate-submit"], "/activate", token)
}

async fn activation(visit: Visit, Query(entered): Query<Entered>) -> Response {
    visit.show(&activation_page(&visit, &entered.token))
}

async fn activate(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let Entered { token, password, .. } = entered;
    let mut page = activation_page(&visit, &token);
    let entered = visit.run(async move |app, caller| entry::activate(&app, &caller, &token, password).await).await;
    match entered {
        Ok(signed_in) => visit.enter(&signed_in),
        Err(stop) => {
            if link_is_dead(&stop) {
                (page.form, page.paragraphs) = (None, vec![visit.say("activate-again")]);
            }
            visit.refuse(page, &stop)
        }
    }
}

fn signing_in(visit: &Visit, email: String) -> Page {
    let email = Field {
        name: "email",
        label: visit.say("field-email"),
        hint: None,
        kind: "email",
        autocomplete: "username",
        value: email,
    };
    let password = Field {
        name: "password",
        label: visit.say("field-password"),
        hint: None,
        kind: "password",
        autocomplete: "current-password",
        value: String::new(),
    };
    let submit = visit.say("sign-in-submit");
    Page {
        heading: visit.say("sign-in-title"),
        form: Some(PageForm { action: "/sign-in", token: None, fields: vec![email, password], submit }),
        links: vec![("/forgot-password", visit.say("forgot-title"))],
        ..Page::default()
    }
}

async fn sign_in_page(visit: Visit) -> Response {
    match visit.caller.principal() {
        Principal::Person { .. } => Redirect::to("/account").into_response(),
        _ => visit.show(&signing_in(&visit, String::new())),
    }
}

async fn sign_in(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let Entered { email, password, .. } = entered;
    let page = signing_in(&visit, email.clone());
    let entered = visit.run(async move |app, caller| entry::sign_in(&app, &caller, &email, password).await).await;
    match entered {
        Ok(signed_in) => visit.enter(&signed_in),
        Err(stop) => visit.refuse(page, &stop),
    }
}

async fn sign_out(visit: Visit) -> Response {
    let ended = visit
        .run(async move |app, caller| {
            let Principal::Person { session, .. } = caller.principal() else { return Ok(()) };
            app.platform.execute::<Session>(&app.request(&caller), &session, SessionCommand::End).await?;
            Ok(())
        })
        .await;
    match ended {
        Ok(()) => {
            let cookie = visit.app.config.cookie().clear();
            ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
        }
        Err(stop) => visit.refuse(Page { heading: visit.say("account-title"), ..Page::default() }, &stop),
    }
}

async fn account(visit: Visit) -> Response {
    let Principal::Person { account, organization, .. } = visit.caller.principal() else {
        return Redirect::to("/sign-in").into_response();
    };
    let submit = visit.say("sign-out-submit");
    let form = Some(PageForm { action: "/sign-out", token: None, fields: vec![], submit });
    let mut page = Page { heading: visit.say("account-title"), form, ..Page::default() };
    match facts(&visit, account, organization).await {
        Ok(facts) => {
            page.facts = facts;
            visit.show(&page)
        }
        Err(failure) => visit.refuse(page, &failure.into()),
    }
}

/// Who it is. Read from the log, so that it is there as soon as the account is.
async fn facts(
    visit: &Visit,
    account: AccountId,
    organization: OrganizationId,
) -> Result<Vec<(String, String)>, Failure> {
    let platform = &visit.app.platform;
    let (state, owner) =
        (platform.load::<Account>(&account).await?, platform.load::<Organization>(&organization).await?);
    let mut facts = vec![(visit.say("account-organization"), owner.state.name().to_owned())];
    if let Some(details) = state.state.details() {
        if let Some(email) = platform.people().open(&details.email).await? {
            facts.insert(0, (visit.say("field-email"), email));
        }
        if let Some(profile) = platform.people().open(&details.profile).await? {
            facts.insert(0, (visit.say("account-name"), format!("{} {}", profile.given_name, profile.family_name)));
        }
    }
    Ok(facts)
}
