//! How far an import is.

use std::time::Duration;

use domain::Import;
use futures::{Stream, stream};
use schema::ImportId;

use super::guard::Guard;
use crate::objects::import::ImportProgress;

/// How often is looked whether there is news. The state is kept up to date in memory, so a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The progress now, and whenever it has changed; ends after the last.
pub(crate) fn progress(import: ImportId, guard: Guard) -> impl Stream<Item = async_graphql::Result<ImportProgress>> {
    stream::unfold(Some((guard, None::<ImportProgress>)), move |state| async move {
        let (mut guard, told) = state?;
        if told.is_some_and(|told| told.is_final()) {
            return None;
        }
        loop {
            if let Err(error) = guard.current().await {
                return Some((Err(error), None));
            }
            match guard.app.platform.load::<Import>(&import).await {
                Err(failure) => return Some((Err(guard.report(failure.into())), None)),
                Ok(loaded) => {
                    let progress = ImportProgress::of(&loaded.state);
                    if told != Some(progress) {
                        return Some((Ok(progress), Some((guard, Some(progress)))));
                    }
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
}
