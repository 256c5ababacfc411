//! What a page shows, and how it is written out: HTML without script, to be used with any browser and by any reader.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use texts::{Language, find, text};

use crate::errors::Stop;

/// Nothing but our own stylesheet, and forms to nobody else.
const SOURCES: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// With `no-referrer` browsers would send forms with `Origin: null`, as those of strangers. This way pages elsewhere learn
/// the origin and no more: the query of a link stays here.
const REFERRER: &str = "strict-origin";

/// A page.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) heading: String,
    /// What went wrong with the form that was sent.
    pub(crate) problems: Vec<Problem>,
    pub(crate) paragraphs: Vec<String>,
    /// Names and values.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) form: Option<Form>,
    /// Addresses to go on to, shown as buttons, and what they are called.
    pub(crate) actions: Vec<(String, String)>,
    /// Addresses and what they are called.
    pub(crate) links: Vec<(String, String)>,
}

/// What a person can mend.
pub(crate) struct Problem {
    /// Name of the field, if it is about one of the form.
    pub(crate) field: Option<&'static str>,
    pub(crate) message: String,
}

/// A form.
pub(crate) struct Form {
    /// Path that it is sent to.
    pub(super) action: &'static str,
    /// Token of the mailed link.
    pub(super) token: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) submit: String,
}

/// A field of a form.
pub(crate) struct Field {
    /// Name and id.
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) hint: Option<String>,
    /// `type` of the input.
    pub(super) kind: &'static str,
    /// What browsers fill it in with.
    pub(super) autocomplete: &'static str,
    pub(super) value: String,
    /// Shown for information, and for password managers.
    pub(super) read_only: bool,
}

impl Page {
    fn problem_of(&self, name: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == Some(name)).map(|problem| problem.message.as_str())
    }

    /// The ids of what is said about a field.
    fn described_by(&self, field: &Field) -> Option<String> {
        let hint = field.hint.as_ref().map(|_| format!("{}-hint", field.name));
        let problem = self.problem_of(field.name).map(|_| format!("{}-problem", field.name));
        let ids: Vec<_> = hint.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Says why the form was refused, and with which status.
    pub(super) fn refuse(&mut self, language: Language, stop: &Stop) -> StatusCode {
        let fields = self.form.iter().flat_map(|form| &form.fields).map(|field| field.name);
        let fields: Vec<_> = fields.collect();
        match stop {
            Stop::Rejected(rejections) => {
                self.problems.extend(rejections.iter().map(|rejection| Problem {
                    field: fields.iter().copied().find(|name| rejection.field.as_deref() == Some(*name)),
                    message: message(language, rejection.code.name()),
                }));
                match rejections.first().map(|rejection| rejection.code) {
                    Some(domain::Code::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
                    Some(domain::Code::Busy | domain::Code::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                }
            }
            Stop::Unavailable(_) | Stop::Fault(_) => {
                self.problems.push(Problem { field: None, message: message(language, "UNAVAILABLE") });
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Writes it out.
    pub(super) fn respond(&self, status: StatusCode, language: Language) -> Response {
        match (Document { language, page: self }).render() {
            Ok(html) => {
                let headers = [
                    (header::CONTENT_SECURITY_POLICY, SOURCES),
                    (header::REFERRER_POLICY, REFERRER),
                    (header::CONTENT_LANGUAGE, language.tag()),
                ];
                (status, headers, Html(html)).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// What to tell a person about a code of the API.
pub(super) fn message(language: Language, code: &str) -> String {
    find(language, &format!("error-{code}"), &[]).unwrap_or_else(|| text(language, "error-other", &[]))
}

#[derive(Template)]
#[template(path = "page.html")]
struct Document<'a> {
    language: Language,
    page: &'a Page,
}

impl Document<'_> {
    fn say(&self, id: &str) -> String {
        text(self.language, id, &[])
    }
}
