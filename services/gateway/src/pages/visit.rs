//! Somebody with a browser.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use commands::{Failure, processes::sign_in::SignedIn};
use texts::Language;
use uuid::Uuid;

use super::page::{Page, Problem};
use crate::{
    app::App,
    entry,
    errors::Stop,
    http::{RequestId, Web, peer},
    session::{Caller, Credentials, sender},
};

/// A request for a page, or with a form.
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    pub(crate) language: Language,
    pub(crate) caller: Arc<Caller>,
    /// Names and values.
    pub(crate) cookies: Vec<(String, String)>,
    web: Web,
}

/// The same of somebody whom an identity provider sends, with a form of its own: nobody, whatever session the browser has.
pub(crate) struct Arrival(pub(crate) Visit);

impl FromRequestParts<Web> for Arrival {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        Visit::of(parts, web, Credentials::default()).await.map(Self)
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    /// Refuses forms that a page of somebody else has sent.
    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let config = &web.api.app.config;
        let credentials = Credentials::of(&parts.headers, config);
        if parts.method == Method::POST && credentials.is_forgeable_form(&parts.headers, config) {
            let language = language(parts);
            let message = texts::text(language, "error-foreign-form", &[]);
            let problems = vec![Problem { field: None, message }];
            let heading = texts::text(language, "sign-in-title", &[]);
            let links = vec![("/sign-in".to_owned(), heading.clone())];
            let page = Page { heading, problems, links, ..Page::default() };
            return Err(page.respond(StatusCode::FORBIDDEN, language));
        }
        Self::of(parts, web, credentials).await
    }
}

impl Visit {
    async fn of(parts: &Parts, web: &Web, credentials: Credentials) -> Result<Self, Response> {
        let (app, language) = (web.api.app.clone(), language(parts));
        let correlation = parts.extensions.get().map_or(Uuid::nil(), |RequestId(id)| *id);
        let sender = sender(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
        match Caller::authenticate(&app.platform, credentials.token, sender, correlation).await {
            Ok(caller) => {
                let caller = Arc::new(caller);
                Ok(Self { app, language, caller, cookies: cookies(parts), web: web.clone() })
            }
            Err(failure) => {
                tracing::error!(request = %correlation, reason = %failure, "a request failed");
                Err(unavailable(language, failure))
            }
        }
    }
}

fn language(parts: &Parts) -> Language {
    let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::accepted(accepted.unwrap_or_default())
}

fn cookies(parts: &Parts) -> Vec<(String, String)> {
    let headers = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn unavailable(language: Language, failure: Failure) -> Response {
    let mut page = Page { heading: "Work Accounts".to_owned(), ..Page::default() };
    let status = page.refuse(language, &failure.into());
    page.respond(status, language)
}

impl Visit {
    /// What a text says in the language of the browser.
    pub(crate) fn say(&self, id: &str) -> String {
        texts::text(self.language, id, &[])
    }

    /// Writes a page out.
    pub(crate) fn show(&self, page: &Page) -> Response {
        self.respond(page, StatusCode::OK)
    }

    /// Writes a page out with this status.
    pub(crate) fn respond(&self, page: &Page, status: StatusCode) -> Response {
        page.respond(status, self.language)
    }

    /// Writes a page out again that says why its form was refused.
    pub(crate) fn refuse(&self, mut page: Page, stop: &Stop) -> Response {
        match stop {
            Stop::Rejected(rejections) => {
                rejections.iter().for_each(|rejection| self.app.metrics.refused(rejection.code));
            }
            Stop::Unavailable(reason) | Stop::Fault(reason) => {
                tracing::error!(request = %self.caller.correlation, reason, "a request failed");
            }
        }
        let status = page.refuse(self.language, stop);
        page.respond(status, self.language)
    }

    /// Does what a form asks for, on a task of its own: what was begun is ended, even if the browser goes away meanwhile.
    pub(crate) async fn run<T, W>(&self, work: impl FnOnce(Arc<App>, Arc<Caller>) -> W) -> Result<T, Stop>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Stop>> + Send + 'static,
    {
        let work = work(self.app.clone(), self.caller.clone());
        self.web.tasks.spawn(work).await.unwrap_or_else(|error| Err(Stop::Fault(error.to_string())))
    }

    /// Hands the cookie of a new session to the browser and leads it on.
    pub(super) fn enter(&self, signed_in: &SignedIn) -> Response {
        ([(header::SET_COOKIE, entry::cookie(&self.app, signed_in))], Redirect::to("/account")).into_response()
    }
}
