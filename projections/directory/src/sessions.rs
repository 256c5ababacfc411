//! Which sessions a person may have. Whether one is still good is for its stream to say; these rows only find it.

use engine::columns;
use rusqlite::Connection;
use schema::{AccountId, SessionId, events::SessionEvent};
use uuid::Uuid;

use crate::projection::{Outcome, Rows, stream_of};

/// Most sessions that are listed for a person, newest first.
const MOST: u32 = 100;

/// Applies an event of a session.
pub(crate) fn apply(context: &mut Rows<'_>, event: &SessionEvent) -> Outcome {
    match event {
        SessionEvent::Started(e) => {
            let began = columns::from_time(context.event.recorded_at);
            let account = e.account.0.as_bytes();
            // A good moment to forget those that have run out: nothing else happens to them.
            context
                .rows
                .prepare_cached("DELETE FROM sessions WHERE account_id = ?1 AND expires_at <= ?2")?
                .execute((account, began))?;
            context.rows.prepare_cached("INSERT OR IGNORE INTO sessions VALUES (?1, ?2, ?3, ?4)")?.execute((
                e.session.0.as_bytes(),
                account,
                began,
                columns::from_time(e.expires_at),
            ))?;
        }
        SessionEvent::Ended(_) => {
            let session: SessionId = stream_of(context)?;
            context
                .rows
                .prepare_cached("DELETE FROM sessions WHERE session_id = ?1")?
                .execute([session.0.as_bytes()])?;
        }
        SessionEvent::OpenedFrom(_) | SessionEvent::Federated(_) => {}
    }
    Ok(())
}

/// All sessions of the account have ended.
pub(crate) fn end_all(context: &mut Rows<'_>) -> Outcome {
    let account: AccountId = stream_of(context)?;
    context.rows.prepare_cached("DELETE FROM sessions WHERE account_id = ?1")?.execute([account.0.as_bytes()])?;
    Ok(())
}

/// The sessions of a person, newest first.
pub(crate) fn of(rows: &Connection, account: AccountId) -> rusqlite::Result<Vec<SessionId>> {
    let mut select = rows.prepare_cached(
        "SELECT session_id FROM sessions WHERE account_id = ?1 ORDER BY began_at DESC, session_id LIMIT ?2",
    )?;
    let found = select.query_map((account.0.as_bytes(), MOST), |row| row.get(0))?;
    found.map(|id| id.map(|id| SessionId(Uuid::from_bytes(id)))).collect()
}
