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
    session::{Caller, Credentials, client_address},
};

/// A request for a page, or with a form.
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) language: Language,
    pub(super) caller: Arc<Caller>,
    web: Web,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    /// Refuses forms that a page of somebody else has sent.
    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let app = web.api.app.clone();
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::accepted(accepted.unwrap_or_default());
        let credentials = Credentials::of(&parts.headers, &app.config);
        if parts.method == Method::POST && credentials.is_forgeable_form(&parts.headers, &app.config) {
            let message = texts::text(language, "error-foreign-form", &[]);
            let problems = vec![Problem { field: None, message }];
            let heading = texts::text(language, "sign-in-title", &[]);
            let links = vec![("/sign-in", heading.clone())];
            let page = Page { heading, problems, links, ..Page::default() };
            return Err(page.respond(StatusCode::FORBIDDEN, language));
        }
        let correlation = parts.extensions.get().map_or(Uuid::nil(), |RequestId(id)| *id);
        let address = client_address(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
        match Caller::authenticate(&app.platform, credentials.token, address, correlation).await {
            Ok(caller) => Ok(Self { app, language, caller: Arc::new(caller), web: web.clone() }),
            Err(failure) => {
                tracing::error!(request = %correlation, reason = %failure, "a request failed");
                Err(unavailable(language, failure))
            }
        }
    }
}

fn unavailable(language: Language, failure: Failure) -> Response {
    let mut page = Page { heading: "Work Accounts".to_owned(), ..Page::default() };
    let status = page.refuse(language, &failure.into());
    page.respond(status, language)
}

impl Visit {
    /// What a text says in the language of the browser.
    pub(super) fn say(&self, id: &str) -> String {
        texts::text(self.language, id, &[])
    }

    /// Writes a page out.
    pub(super) fn show(&self, page: &Page) -> Response {
        page.respond(StatusCode::OK, self.language)
    }

    /// Writes a page out again that says why its form was refused.
    pub(super) fn refuse(&self, mut page: Page, stop: &Stop) -> Response {
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
    pub(super) async fn run<T, W>(&self, work: impl FnOnce(Arc<App>, Arc<Caller>) -> W) -> Result<T, Stop>
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
