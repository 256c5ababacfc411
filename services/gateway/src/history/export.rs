//! `GET /history/export`: the history as a file, in as many pieces as the client takes.
//!
//! Pieces are read as the client takes them, so memory stays the same however long the history is. The export ends where the history ended when it began. Its last line says that it is
//! complete: one that was cut off, by a lost connection or because the right to it ended, has no such line.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Code, Rejection};
use history::HistoryFilter;
use identity::SessionToken;
use schema::{OrganizationId, Position, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{lines, recorded, tell};
use crate::{
    access::{Reader, Reading},
    app::App,
    download::{Pieces, pieces, refusal},
    errors::Stop,
    http::{RequestId, Web, peer},
    objects::history::{known_types, parse_actor},
    session::{Caller, Credentials, comes_from_elsewhere, sender},
    turns::Turn,
};

/// Events of a piece: enough that reading them takes longer than asking for them, and few enough to be held in memory
/// however large they are.
const EVENTS: usize = 250;
/// How old the last look at the session and its rights may be when a piece is given out.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What can be asked for. An unknown parameter is an error: a filter with a slip in its name must not let all through.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    format: Format,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    actor: Option<String>,
    subject: Option<String>,
    /// One or several, with commas in between.
    #[serde(rename = "type")]
    types: Option<String>,
    /// The position of the last event of an export that was cut off.
    after: Option<String>,
    /// Opens what is personal in the payloads; the table is made from opened ones in any case.
    #[serde(default)]
    personal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Lines of JSON.
    JsonL,
    /// A table.
    Csv,
}

impl Parameters {
    fn filter(&self) -> Result<HistoryFilter, Rejection> {
        let types = self.types.iter().flat_map(|types| types.split(',')).map(str::to_owned).collect();
        Ok(HistoryFilter {
            actor: self.actor.as_deref().map(|actor| parse_actor(actor, "actor")).transpose()?,
            subject: self
                .subject
                .as_deref()
                .map(|subject| subject.parse().map_err(|_| Code::InvalidId.at("subject")))
                .transpose()?,
            types: known_types(types, "type")?,
            from: self.from,
            until: self.until,
        })
    }

    fn after(&self) -> Result<Option<Position>, Rejection> {
        self.after.as_deref().map(|after| after.parse().map_err(|_| Code::InvalidCursor.at("after"))).transpose()
    }
}

/// Answers the request.
pub(crate) async fn export(State(web): State<Web>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let app = web.api.app.clone();
    // A page of another origin could not read the answer, but it could make the platform work.
    if comes_from_elsewhere(&parts.headers, &app.config) {
        return (StatusCode::FORBIDDEN, "Open the export from a page of this origin.\n").into_response();
    }
    let parameters = match Query::<Parameters>::try_from_uri(&parts.uri) {
        Ok(Query(parameters)) => parameters,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{}\n", error.body_text())).into_response(),
    };
    let correlation = parts.extensions.get().map_or(Uuid::nil(), |RequestId(id)| *id);
    let token = Credentials::of(&parts.headers, &app.config).token;
    let sender = sender(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
    let begun = async {
        let caller = Caller::authenticate(&app.platform, token.clone(), sender, correlation).await?;
        let reader = Reader::new(caller.principal(), Reading::History)?;
        let (filter, after) = (parameters.filter()?, parameters.after()?);
        let turn = web.downloads.take(reader.organization)?;
        let until = app.history.end(reader.organization).await?;
        Ok::<_, Stop>((reader.organization, token.ok_or(Code::NotSignedIn)?, filter, (after, until), turn))
    };
    match begun.await {
        Ok((organization, token, filter, (after, until), turn)) => {
            let (media_type, attachment) = match parameters.format {
                Format::JsonL => ("application/jsonl; charset=utf-8", "attachment; filename=\"history.jsonl\""),
                Format::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"history.csv\""),
            };
            let export = Export {
                app,
                organization,
                token,
                filter,
                format: parameters.format,
                personal: parameters.personal,
                after,
                until,
                events: 0,
                is_first: true,
                is_last: false,
                looked_at: Instant::now(),
                correlation,
                _turn: turn,
            };
            let (pieces, body) = pieces();
            web.tasks.spawn(export.run(pieces, web.stop.clone()));
            let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, attachment)];
            (headers, body).into_response()
        }
        Err(stop) => refusal(stop, correlation),
    }
}

/// An export under way.
struct Export {
    app: Arc<App>,
    organization: OrganizationId,
    token: SessionToken,
    filter: HistoryFilter,
    format: Format,
    personal: bool,
    /// The last event that was given out.
    after: Option<Position>,
    /// Where the history ended when the export began; none if there is none.
    until: Option<Position>,
    /// How many were given out.
    events: u64,
    is_first: bool,
    is_last: bool,
    looked_at: Instant,
    correlation: Uuid,
    _turn: Turn,
}

impl Export {
    /// Gives out pieces to the end, or until the client is gone or too slow, the right to it ends, or `stop`.
    async fn run(mut self, pieces: Pieces, stop: CancellationToken) {
        let request = self.correlation;
        let outcome = tokio::select! {
            outcome = self.give(pieces) => outcome,
            () = stop.cancelled() => Err(Stop::Unavailable("the gateway is shutting down".to_owned())),
        };
        if let Err(stop) = outcome {
            let reason = stop.trouble().unwrap_or("the right to it has ended");
            tracing::warn!(%request, reason, events = self.events, "an export was cut off");
        }
    }

    async fn give(&mut self, pieces: Pieces) -> Result<(), Stop> {
        while !self.is_last {
            let piece = self.piece().await?;
            if !pieces.give(piece).await? {
                return Ok(());
            }
        }
        pieces.end().await;
        Ok(())
    }

    async fn piece(&mut self) -> Result<Vec<u8>, Stop> {
        let (app, organization) = (self.app.clone(), self.organization);
        if self.looked_at.elapsed() >= LOOK_AGAIN {
            Reader::new(app.platform.recognize(&self.token).await?, Reading::History)?;
            self.looked_at = Instant::now();
        }
        let rows = match self.until {
            Some(until) => {
                let between = (self.after, Some(until));
                app.history.following(organization, self.filter.clone(), between, EVENTS).await?
            }
            None => Vec::new(),
        };
        self.after = rows.last().map(|row| row.position).or(self.after);
        self.events += rows.len() as u64;
        self.is_last = rows.len() < EVENTS;
        let is_first = std::mem::take(&mut self.is_first);
        let total = self.is_last.then_some(self.events);
        let (format, personal) = (self.format, self.personal);
        if format == Format::JsonL && !personal {
            let events = recorded(&app.platform, &rows).await?;
            return blocking(move || lines::sealed(&events, total)).await;
        }
        let told = tell(&app.platform, &app.history, organization, &rows).await?;
        blocking(move || match format {
            Format::JsonL => lines::opened(&told, total),
            Format::Csv => Ok(lines::table(&told, is_first, total)),
        })
        .await
    }
}

/// Runs what takes a while away from the async threads.
async fn blocking(work: impl FnOnce() -> Result<Vec<u8>, Stop> + Send + 'static) -> Result<Vec<u8>, Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Stop::Fault("writing a piece broke off".to_owned())))
}
