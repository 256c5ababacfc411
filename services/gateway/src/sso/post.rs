//! A page that sends a form by itself, or by a button where no script runs.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use identity::saml::PostForm;
use texts::{Language, text};

use url::Url;

use crate::config::GatewayConfig;

/// SHA-256 of the one script, in base64: no other runs.
const SCRIPT_SHA256: &str = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

/// See the module.
#[derive(Template)]
#[template(path = "post.html")]
pub(super) struct PostPage {
    language: Language,
    /// Empty for the address that the browser is at.
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl PostPage {
    /// Takes a request to a provider.
    pub(super) fn to_provider(language: Language, form: PostForm) -> Self {
        Self { language, action: form.action, fields: form.fields }
    }

    /// Sends a form of another site again, from here.
    pub(super) fn again(language: Language, fields: Vec<(&'static str, String)>) -> Self {
        Self { language, action: String::new(), fields }
    }

    fn say(&self, id: &str) -> String {
        text(self.language, id, &[])
    }

    pub(super) fn respond(&self, config: &GatewayConfig) -> Response {
        // A provider may lead on to other addresses of its own, which browsers count as targets of the form.
        let targets = match (self.action.is_empty(), config.plain_http_providers) {
            // Whoever signed in is led on to the frontend, which counts likewise.
            (true, _) => format!("'self' {}", origin(&config.links.signed_in)),
            (false, false) => "https:".to_owned(),
            (false, true) => "https: http:".to_owned(),
        };
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src '{SCRIPT_SHA256}'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        );
        match self.render() {
            Ok(html) => {
                let headers = [
                    (header::CONTENT_SECURITY_POLICY, policy),
                    // With `no-referrer` a form would come with `Origin: null`.
                    (header::REFERRER_POLICY, "strict-origin".to_owned()),
                    (header::CONTENT_LANGUAGE, self.language.tag().to_owned()),
                ];
                (StatusCode::OK, headers, Html(html)).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    #[test]
    fn only_the_one_script_may_run() {
        let fields = vec![("SAMLResponse", "<\"&".to_owned())];
        let html = PostPage::again(Language::English, fields).render().unwrap();
        let script = html.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let digest = <sha2::Sha256 as sha2::Digest>::digest(script);
        assert_eq!(SCRIPT_SHA256, format!("sha256-{}", BASE64.encode(&digest)));
        assert!(!html.contains("<\"&"), "{html}");
    }
}
