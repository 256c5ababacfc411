//! Files of imports: templates to fill in, and the result of an import with a line for each row.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::{Loaded, processes::imports::Review};
use domain::{Code, Import};
use schema::ImportId;
use spreadsheets::{Column, CsvWriter, people_template_csv, people_template_xlsx};
use uuid::Uuid;

use crate::{
    access::{Reader, Reading},
    download::{Pieces, pieces, refusal},
    errors::Stop,
    http::{RequestId, Web, peer},
    objects::import::account_of,
    session::{Caller, Credentials, comes_from_elsewhere, sender},
};

/// The type of XLSX (RFC 6838 registry of IANA).
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Lines of the result that are written at once.
const LINES: u32 = 1_000;

/// `GET /import-template.csv`
pub(crate) async fn template_csv() -> Response {
    let disposition = "attachment; filename=\"people.csv\"";
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, disposition)];
    (headers, people_template_csv()).into_response()
}

/// `GET /import-template.xlsx`
pub(crate) async fn template_xlsx() -> Response {
    let headers = [(header::CONTENT_TYPE, XLSX), (header::CONTENT_DISPOSITION, "attachment; filename=\"people.xlsx\"")];
    match tokio::task::spawn_blocking(people_template_xlsx).await {
        Ok(Ok(bytes)) => (headers, bytes).into_response(),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The template cannot be made.\n").into_response(),
    }
}

/// `GET /imports/{id}/result.csv`: one line for each row of the file.
pub(crate) async fn result(State(web): State<Web>, Path(import): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let app = web.api.app.clone();
    // A page of another origin could not read the answer, but it could make the platform work.
    if comes_from_elsewhere(&parts.headers, &app.config) {
        return (StatusCode::FORBIDDEN, "Open the result from a page of this origin.\n").into_response();
    }
    let correlation = parts.extensions.get().map_or(Uuid::nil(), |RequestId(id)| *id);
    let token = Credentials::of(&parts.headers, &app.config).token;
    let sender = sender(&parts.headers, peer(&parts.extensions), app.config.trusted_proxies);
    let found = async {
        let caller = Caller::authenticate(&app.platform, token, sender, correlation).await?;
        let reader = Reader::new(caller.principal(), Reading::Imports)?;
        let import: ImportId = import.parse().map_err(|_| Code::NotFound)?;
        let loaded = app.platform.import(&app.request(&caller), reader.organization, import).await?;
        let review = app.platform.review_import(import, &loaded).await?.ok_or(Code::NotFound)?;
        loaded.state.confirmed().ok_or(Code::NotFound)?;
        let turn = web.downloads.take(reader.organization)?;
        Ok::<_, Stop>((Lines::new(import, &loaded, review), turn))
    };
    match found.await {
        Ok((lines, turn)) => {
            let disposition = "attachment; filename=\"result.csv\"";
            let headers =
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, disposition)];
            let (pieces, body) = pieces();
            let stop = web.stop.clone();
            web.tasks.spawn(async move {
                let _turn = turn;
                stop.run_until_cancelled(lines.give(pieces)).await;
            });
            (headers, body).into_response()
        }
        Err(stop) => refusal(stop, correlation),
    }
}

struct Lines {
    import: ImportId,
    review: Arc<Review>,
    refused: HashMap<u32, String>,
    through: u32,
    next: u32,
}

impl Lines {
    fn new(import: ImportId, loaded: &Loaded<Import>, review: Arc<Review>) -> Self {
        let refused = loaded.state.refused().iter().map(|refused| (refused.row, refused.code.clone())).collect();
        Self { import, review, refused, through: loaded.state.through(), next: 0 }
    }

    /// Writes the lines as the client takes them.
    async fn give(mut self, pieces: Pieces) {
        while let Some(piece) = self.next_piece() {
            if !pieces.give(piece.into_bytes()).await.unwrap_or(false) {
                return;
            }
        }
        pieces.end().await;
    }

    fn next_piece(&mut self) -> Option<String> {
        let rows = u32::try_from(self.review.len()).unwrap_or(u32::MAX);
        if self.next >= rows {
            return None;
        }
        let end = self.next.saturating_add(LINES).min(rows);
        let mut writer = CsvWriter::new();
        if self.next == 0 {
            writer.row(["Line", "Email", "First Name", "Last Name", "Outcome", "Code", "Message", "Account"]);
        } else {
            // The byte order mark stands at the beginning only.
            drop(writer.take());
        }
        for row in self.next..end {
            self.line(row, &mut writer);
        }
        self.next = end;
        Some(writer.take())
    }

    fn line(&self, row: u32, writer: &mut CsvWriter) {
        let Some(entry) = self.review.entry(row) else { return };
        let line = self.review.line(row).unwrap_or_default().to_string();
        let code = self.refused.get(&row).map(String::as_str);
        let known = Code::ALL.iter().find(|known| Some(known.name()) == code);
        let (outcome, account) = match code {
            _ if self.review.is_removed(row) => ("REMOVED", String::new()),
            Some(_) => ("REFUSED", String::new()),
            None if row < self.through => ("CREATED", account_of(self.import, row)),
            None => ("NOT_YET", String::new()),
        };
        let message = known.map_or("", |code| code.message());
        let [email, given, family] = [Column::Email, Column::FirstName, Column::LastName].map(|c| entry.get(c));
        writer.row([&line, email, given, family, outcome, code.unwrap_or_default(), message, &account]);
    }
}
