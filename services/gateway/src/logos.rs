//! Serves logos. Anybody may see them: they stand on pages of people who have not signed in yet. Their names cannot be
//! guessed and what is behind a name never changes.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use directory::LogoRow;
use files::FileName;
use schema::OrganizationId;

use crate::http::Web;

/// A year, as long as caches keep anything (RFC 2616 14.21), without asking again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Where a logo is served.
pub(crate) fn url(origin: &str, organization: OrganizationId, logo: &LogoRow) -> String {
    format!("{origin}/logos/{organization}/{}.png", logo.sha256)
}

/// `GET /logos/{organization}/{sha256}.png`
pub(crate) async fn logo(
    State(web): State<Web>,
    Path((organization, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let name = || FileName::logo(organization.parse().ok()?, file.strip_suffix(".png")?);
    let nothing = || (StatusCode::NOT_FOUND, "There is no such logo.\n").into_response();
    let Some(name) = name() else { return nothing() };
    match web.api.app.platform.files().get(&name).await {
        Ok(Some(png)) => {
            let tag = format!("\"{}\"", file.trim_end_matches(".png"));
            let caching = [(header::CACHE_CONTROL, FOR_EVER), (header::ETAG, &tag)];
            if is_known(&headers, &tag) {
                return (StatusCode::NOT_MODIFIED, caching).into_response();
            }
            let content = [(header::CONTENT_TYPE, "image/png"), (header::CONTENT_DISPOSITION, "inline")];
            (caching, content, png).into_response()
        }
        Ok(None) => nothing(),
        Err(error) => {
            tracing::error!(%error, "a logo cannot be read");
            (StatusCode::SERVICE_UNAVAILABLE, "The logo cannot be read now.\n").into_response()
        }
    }
}

/// Whether the client has it already (RFC 9110 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    tags.any(|known| known == tag || known == "*")
}
