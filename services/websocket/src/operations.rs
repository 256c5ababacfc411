//! The operations under way on one connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_graphql::{Response, futures_util::stream::BoxStream};
use futures::{Stream, stream::FusedStream};

/// What an operation yields: responses, then its end.
pub(crate) enum Yielded {
    Response { id: String, response: Box<Response> },
    Completed { id: String },
}

/// A stream over what all operations yield, in turn. Few operations are under way at once, so a list is enough.
#[derive(Default)]
pub(crate) struct Operations {
    running: Vec<(String, BoxStream<'static, Response>)>,
    /// Where to look first: the one after the last that had something, so that a busy one does not starve the others.
    next: usize,
}

impl Operations {
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.running.iter().any(|(running, _)| running == id)
    }
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }
    pub(crate) fn insert(&mut self, id: String, responses: BoxStream<'static, Response>) {
        self.running.push((id, responses));
    }
    pub(crate) fn remove(&mut self, id: &str) {
        self.running.retain(|(running, _)| running != id);
    }
}

impl Stream for Operations {
    type Item = Yielded;

    /// Never ends; pending while there is nothing.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Yielded>> {
        let count = self.running.len();
        let first = self.next;
        for index in (first..first + count).map(|n| n % count) {
            let Some((id, responses)) = self.running.get_mut(index) else { continue };
            let yielded = match responses.as_mut().poll_next(context) {
                Poll::Pending => continue,
                Poll::Ready(Some(response)) => Yielded::Response { id: id.clone(), response: Box::new(response) },
                Poll::Ready(None) => Yielded::Completed { id: self.running.remove(index).0 },
            };
            self.next = index + 1;
            return Poll::Ready(Some(yielded));
        }
        Poll::Pending
    }
}

impl FusedStream for Operations {
    fn is_terminated(&self) -> bool {
        false
    }
}
