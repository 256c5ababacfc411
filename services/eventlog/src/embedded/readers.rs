//! A few threads with a connection each that answer queries.

use std::{sync::Arc, thread::JoinHandle};

use tokio::sync::oneshot;

use super::{
    OpenError,
    queue::{AbandonAtEnd, Closed, Queue},
};

type Query<C> = Box<dyn FnOnce(&mut C) + Send>;

/// The most queries that wait for a thread. More wait before they are queued.
const MAX_QUEUED: u32 = 1024;

/// Runs queries on connections of type `C`.
pub(super) struct Readers<C> {
    queue: Arc<Queue<Query<C>>>,
}

impl<C: Send + 'static> Readers<C> {
    /// Starts a thread per connection.
    pub(super) fn start(name: &str, connections: Vec<C>, threads: &mut Vec<JoinHandle<()>>) -> Result<Self, OpenError> {
        // Made first: if a thread cannot be started, dropping it ends those that were.
        let readers = Self { queue: Arc::new(Queue::new(MAX_QUEUED)) };
        for connection in connections {
            let queue = readers.queue.clone();
            let run = move || serve(&queue, connection);
            threads.push(super::spawn(name, run)?);
        }
        Ok(readers)
    }

    /// Runs one query on the next free connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut C) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let (answer, answered) = oneshot::channel();
        let query = move |connection: &mut C| {
            // Whoever asked may have gone away meanwhile.
            if !answer.is_closed() {
                answer.send(query(connection)).ok();
            }
        };
        self.queue.push(Box::new(query), 1).await?;
        answered.await.map_err(|_| Closed)
    }

    /// Answers what is queued and ends the threads.
    pub(super) fn close(&self) {
        self.queue.close();
    }
}

impl<C> Drop for Readers<C> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn serve<C>(queue: &Queue<Query<C>>, mut connection: C) {
    let _abandon = AbandonAtEnd(queue);
    while let Some(batch) = queue.take(1, usize::MAX) {
        batch.items.into_iter().for_each(|query| query(&mut connection));
    }
}
