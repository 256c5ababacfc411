//! Small pages for a person with only a mail and a browser: to activate an account, choose a new password, sign in and
//! out. They stand where links in mails lead, for as long as no frontend is configured.
//!
//! Opening a page changes nothing, so mail scanners and previews may follow links; only sending a form does. Forms go the
//! same way as the mutations of the API (see [`entry`]).

mod page;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Form, Query},
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use commands::{
    Failure,
    processes::sign_in::{SignInOptions, SignedIn},
};
use domain::{Account, Code, Organization, Principal, Session, SessionCommand};
use identity::Purpose;
use schema::{AccountId, OrganizationId};
use serde::Deserialize;
use url::Url;

use self::page::{Field, Form as PageForm};
pub(crate) use self::{
    page::{Page, Problem},
    visit::{Arrival, Visit},
};
use crate::{app::App, entry, errors::Stop, http::Web, session::Caller};

/// Largest form, in bytes: 128 characters of a password may take 12 bytes each, written as `%F0%9F%98%80`.
const LARGEST_FORM: usize = 16 * 1024;
const STYLES: &str = include_str!("../../templates/pages.css");

/// The paths, for the metrics.
pub(crate) const PATHS: &[&str] = &[
    "/activate",
    "/reset-password",
    "/forgot-password",
    "/forgot-password/sent",
    "/sign-in",
    "/sign-out",
    "/account",
    "/pages.css",
];

/// The routes.
pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/activate", get(activation).post(activate))
        .route("/reset-password", get(reset).post(reset_password))
        .route("/forgot-password", get(forgot).post(request_link))
        .route("/forgot-password/sent", get(link_sent))
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/account", get(account))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
}

/// How pages look: also those of single sign-on, which are there with a frontend too.
pub(crate) fn styles_router() -> Router<Web> {
    Router::new().route("/pages.css", get(styles))
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

/// A page on which a person with a mailed link chooses a password.
struct Choosing {
    /// What the link has to be good for.
    purpose: Purpose,
    /// Where the form goes.
    action: &'static str,
    /// Names of texts.
    heading: &'static str,
    intro: &'static str,
    submit: &'static str,
    /// What to do when the link is not good.
    way_out: fn(&Visit, &mut Page),
}

const ACTIVATION: Choosing = Choosing {
    purpose: Purpose::ActivationLink,
    action: "/activate",
    heading: "activate-title",
    intro: "activate-intro",
    submit: "activate-submit",
    way_out: |visit, page| page.paragraphs = vec![visit.say("activate-again")],
};

const RESET: Choosing = Choosing {
    purpose: Purpose::PasswordReset,
    action: "/reset-password",
    heading: "reset-title",
    intro: "reset-intro",
    submit: "reset-submit",
    way_out: |visit, page| page.links = vec![("/forgot-password".to_owned(), visit.say("reset-again"))],
};

impl Choosing {
    /// The form; or, if the link is not good, that it is not.
    async fn page(&self, visit: &Visit, token: &str) -> Result<Page, Stop> {
        let mut page = Page { heading: visit.say(self.heading), ..Page::default() };
        if token.is_empty() {
            page.paragraphs.push(visit.say("link-incomplete"));
            return Ok(page);
        }
        let Some(email) = visit.app.platform.email_of_link(self.purpose, token).await? else {
            let message = page::message(visit.language, Code::LinkInvalid.name());
            page.problems.push(Problem { field: None, message });
            (self.way_out)(visit, &mut page);
            return Ok(page);
        };
        let password = Field {
            name: "password",
            label: visit.say("field-new-password"),
            hint: Some(visit.say("hint-new-password")),
            kind: "password",
            autocomplete: "new-password",
            value: String::new(),
            read_only: false,
        };
        let (fields, token) = (vec![email_field(visit, email, true), password], Some(token.to_owned()));
        page.paragraphs.push(visit.say(self.intro));
        page.form = Some(PageForm { action: self.action, token, fields, submit: visit.say(self.submit) });
        Ok(page)
    }

    async fn show(&self, visit: &Visit, token: &str) -> Response {
        match self.page(visit, token).await {
            Ok(page) => visit.show(&page),
            Err(stop) => visit.refuse(self.bare(visit), &stop),
        }
    }

    /// What came of the form.
    async fn answer(&self, visit: &Visit, token: &str, entered: Result<SignedIn, Stop>) -> Response {
        let stop = match entered {
            Ok(signed_in) => return visit.enter(&signed_in),
            Err(stop) => stop,
        };
        match self.page(visit, token).await {
            Ok(page) if page.form.is_some() => visit.refuse(page, &stop),
            // Used, replaced or expired, perhaps since the form was opened: there is nothing to fill in any more.
            Ok(page) if matches!(stop, Stop::Rejected(_)) => {
                visit.refuse(Page { problems: vec![], ..page }, &Code::LinkInvalid.into())
            }
            Ok(_) => visit.refuse(self.bare(visit), &stop),
            Err(trouble) => visit.refuse(self.bare(visit), &trouble),
        }
    }

    fn bare(&self, visit: &Visit) -> Page {
        Page { heading: visit.say(self.heading), ..Page::default() }
    }
}

async fn activation(visit: Visit, Query(entered): Query<Entered>) -> Response {
    ACTIVATION.show(&visit, &entered.token).await
}

async fn activate(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let Entered { token, password, .. } = entered;
    let link = token.clone();
    let done = visit.run(async move |app, caller| entry::activate(&app, &caller, &link, password).await).await;
    ACTIVATION.answer(&visit, &token, done).await
}

async fn reset(visit: Visit, Query(entered): Query<Entered>) -> Response {
    RESET.show(&visit, &entered.token).await
}

async fn reset_password(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let Entered { token, password, .. } = entered;
    let link = token.clone();
    let done = visit.run(async move |app, caller| entry::reset_password(&app, &caller, &link, password).await).await;
    RESET.answer(&visit, &token, done).await
}

fn forgotten(visit: &Visit, email: String) -> Page {
    let (fields, submit) = (vec![email_field(visit, email, false)], visit.say("forgot-submit"));
    Page {
        heading: visit.say("forgot-title"),
        paragraphs: vec![visit.say("forgot-intro")],
        form: Some(PageForm { action: "/forgot-password", token: None, fields, submit }),
        links: vec![("/sign-in".to_owned(), visit.say("sign-in-title"))],
        ..Page::default()
    }
}

async fn forgot(visit: Visit) -> Response {
    visit.show(&forgotten(&visit, String::new()))
}

async fn request_link(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let page = forgotten(&visit, entered.email.clone());
    let asked = async move |app: Arc<App>, caller: Arc<Caller>| {
        entry::request_password_reset(&app, &caller, &entered.email).await
    };
    match visit.run(asked).await {
        // Led on, so that loading the page again asks for nothing more.
        Ok(_) => Redirect::to("/forgot-password/sent").into_response(),
        Err(stop) => visit.refuse(page, &stop),
    }
}

async fn link_sent(visit: Visit) -> Response {
    let links = vec![("/sign-in".to_owned(), visit.say("sign-in-title"))];
    let paragraphs = vec![visit.say("forgot-sent")];
    visit.show(&Page { heading: visit.say("forgot-sent-title"), paragraphs, links, ..Page::default() })
}

fn email_field(visit: &Visit, value: String, read_only: bool) -> Field {
    let (label, autocomplete) = (visit.say("field-email"), "username");
    Field { name: "email", label, hint: None, kind: "email", autocomplete, value, read_only }
}

/// The first page asks for the address alone; what comes next depends on it.
fn signing_in(visit: &Visit, email: String) -> Page {
    let fields = vec![email_field(visit, email, false)];
    Page {
        heading: visit.say("sign-in-title"),
        form: Some(PageForm { action: "/sign-in", token: None, fields, submit: visit.say("sign-in-next") }),
        links: vec![("/forgot-password".to_owned(), visit.say("forgot-title"))],
        ..Page::default()
    }
}

/// The second page leads to the identity provider of the organization whose address it is, or asks for the password. It is
/// the same for every address of a domain, whether or not there is an account.
fn proving(visit: &Visit, email: String, options: &SignInOptions) -> Page {
    let password = Field {
        name: "password",
        label: visit.say("field-password"),
        hint: None,
        kind: "password",
        autocomplete: "current-password",
        value: String::new(),
        read_only: false,
    };
    let mut page = signing_in(visit, email.clone());
    if let Some(form) = &mut page.form {
        form.fields.push(password);
        form.submit = visit.say("sign-in-submit");
    }
    if let Some((provider, name)) = &options.provider {
        let start = Url::parse_with_params(&visit.app.sso.start_url(*provider), [("login_hint", &email)]);
        if let Ok(start) = start {
            let label = texts::text(visit.language, "sign-in-provider", &[("provider", name.into())]);
            page.actions = vec![(start.into(), label)];
        }
        if options.required {
            page.paragraphs = vec![visit.say("sign-in-required")];
        }
    }
    page
}

async fn sign_in_page(visit: Visit) -> Response {
    match visit.caller.principal() {
        Principal::Person { .. } => Redirect::to("/account").into_response(),
        _ => visit.show(&signing_in(&visit, String::new())),
    }
}

async fn sign_in(visit: Visit, Form(entered): Form<Entered>) -> Response {
    let Entered { email, password, .. } = entered;
    if email.trim().is_empty() {
        return visit.refuse(signing_in(&visit, email), &Code::Required.at("email").into());
    }
    let options = match visit.app.platform.sign_in_options(&email).await {
        Ok(options) => options,
        Err(failure) => return visit.refuse(signing_in(&visit, email), &failure.into()),
    };
    let page = proving(&visit, email.clone(), &options);
    if password.is_empty() {
        return visit.show(&page);
    }
    let entered = visit.run(async move |app, caller| entry::sign_in(&app, &caller, &email, password).await).await;
    match entered {
        Ok(signed_in) => visit.enter(&signed_in),
        Err(stop) => visit.refuse(page, &stop),
    }
}

async fn sign_out(visit: Visit) -> Response {
    let ended = visit
        .run(async move |app, caller| {
            let Principal::Person { session, .. } = caller.principal() else { return Ok(None) };
            app.platform.execute::<Session>(&app.request(&caller), &session, SessionCommand::End).await?;
            Ok(app.sso.logout_url(session).await.unwrap_or_else(|failure| {
                tracing::warn!(%session, %failure, "a session may go on at the identity provider");
                None
            }))
        })
        .await;
    match ended {
        Ok(on) => {
            let cookie = [(header::SET_COOKIE, visit.app.config.cookie().clear())];
            match on {
                None => (cookie, Redirect::to("/sign-in")).into_response(),
                // Browsers let a form lead to no other site; a link may.
                Some(on) => {
                    let actions = vec![(on.into(), visit.say("sign-out-provider"))];
                    let (heading, said) = (visit.say("signed-out-title"), visit.say("signed-out-here"));
                    (cookie, visit.show(&Page { heading, paragraphs: vec![said], actions, ..Page::default() }))
                        .into_response()
                }
            }
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
