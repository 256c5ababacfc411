//! Serves logos. Anybody may see them: they stand on pages of people who have not signed in yet. Their names cannot be
//! guessed and what is behind a name never changes.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use directory::LogoRow;
use files::FileName;
use schema::OrganizationId;
use tokio::time::timeout;

use crate::{
    download::{Pieces, pieces},
    http::Web,
};

/// A year, as long as caches keep anything (RFC 2616 14.21), without asking again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Logos that are given out at once, and of one organization: each is held in memory until the client has it.
pub(crate) const LOGOS_AT_ONCE: usize = 64;
pub(crate) const LOGOS_OF_ONE: usize = 16;
/// How long a client may take for one.
const LONGEST: Duration = Duration::from_secs(60);
/// Bytes that are given out at a time.
const PIECE: usize = 64 * 1024;

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
    let nothing = || (StatusCode::NOT_FOUND, "There is no such logo.\n").into_response();
    let name = |organization| FileName::logo(organization, file.strip_suffix(".png")?);
    let organization: Option<OrganizationId> = organization.parse().ok();
    let Some((organization, name)) = organization.zip(organization.and_then(name)) else { return nothing() };
    let tag = format!("\"{}\"", file.trim_end_matches(".png"));
    let caching = [(header::CACHE_CONTROL, FOR_EVER), (header::ETAG, &tag)];
    // What is behind a name never changes, so the storage need not be asked.
    if is_known(&headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let Ok(turn) = web.logos.take(organization) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many are looking; try again in a moment.\n").into_response();
    };
    match web.api.app.platform.files().get(&name).await {
        Ok(Some(png)) => {
            let (kind, length) = ((header::CONTENT_TYPE, "image/png"), png.len().to_string());
            let content = [kind, (header::CONTENT_DISPOSITION, "inline"), (header::CONTENT_LENGTH, &length)];
            let (pieces, body) = pieces();
            web.tasks.spawn(async move {
                let _turn = turn;
                // Else the connection is cut.
                timeout(LONGEST, give(pieces, &png)).await.ok();
            });
            (caching, content, body).into_response()
        }
        Ok(None) => nothing(),
        Err(error) => {
            tracing::error!(%error, "a logo cannot be read");
            (StatusCode::SERVICE_UNAVAILABLE, "The logo cannot be read now.\n").into_response()
        }
    }
}

async fn give(pieces: Pieces, png: &[u8]) {
    for piece in png.chunks(PIECE) {
        if !pieces.give(piece.to_vec()).await.unwrap_or(false) {
            return;
        }
    }
    pieces.end().await;
}

/// Whether the client has it already (RFC 9110 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    tags.any(|known| known == tag || known == "*")
}
