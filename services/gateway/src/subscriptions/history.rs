//! The history as it goes on.

use std::collections::VecDeque;

use engine::{Changes, Update};
use futures::{Stream, stream};
use history::{Appended, HistoryFilter};
use schema::Position;

use super::guard::Guard;
use crate::{errors::Stop, history::tell, objects::history::HistoryEntry};

/// Events that are read at once.
const AT_ONCE: usize = 100;

/// Tells what is appended. It reads from the view from where it stands, so nothing is left out however fast it goes.
struct Following {
    guard: Guard,
    changes: Changes<Appended>,
    filter: HistoryFilter,
    /// Everything up to here was told or does not fit.
    told: Option<Position>,
    /// What was read and is not told yet.
    read: VecDeque<HistoryEntry>,
    /// There may be more after `told`.
    more: bool,
}

/// The events after `after` that fit, oldest first, and then those that come.
pub(crate) fn following(
    guard: Guard,
    changes: Changes<Appended>,
    filter: HistoryFilter,
    after: Option<Position>,
) -> impl Stream<Item = async_graphql::Result<HistoryEntry>> {
    let following = Following { guard, changes, filter, told: after, read: VecDeque::new(), more: true };
    // None once an error was told: nothing comes after it.
    stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        match following.next().await {
            Ok(Some(entry)) => Some((Ok(entry), Some(following))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Following {
    async fn next(&mut self) -> async_graphql::Result<Option<HistoryEntry>> {
        loop {
            self.guard.current().await?;
            if let Some(entry) = self.read.pop_front() {
                return Ok(Some(entry));
            }
            if self.more {
                self.read_on().await.map_err(|stop| self.guard.report(stop))?;
            } else if !self.wait().await? {
                return Ok(None);
            }
        }
    }

    async fn read_on(&mut self) -> Result<(), Stop> {
        let (app, organization) = (self.guard.app.clone(), self.guard.organization());
        let end = app.history.end(organization).await?;
        let rows = app.history.following(organization, self.filter.clone(), (self.told, end), AT_ONCE).await?;
        self.more = rows.len() == AT_ONCE;
        self.told = if self.more { rows.last().map(|row| row.position) } else { end.max(self.told) };
        let told = tell(&app.platform, &app.history, organization, &rows).await?;
        self.read.extend(told.into_iter().map(HistoryEntry::from));
        Ok(())
    }

    /// Returns when there may be more; false if nothing comes any more.
    async fn wait(&mut self) -> async_graphql::Result<bool> {
        let organization = self.guard.organization();
        tokio::select! {
            update = self.changes.next(organization) => match update {
                Some(Update::Changed(change)) => self.more = Some(change.position) > self.told,
                Some(Update::Refetch) => self.more = true,
                None => return Ok(false),
            },
            () = self.guard.stirred() => self.guard.look().await?,
        }
        Ok(true)
    }
}
