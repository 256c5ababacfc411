//! The handle by which an application ends a connection.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::Close;

/// What the application wants of the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wish {
    pub(crate) close: Option<Close>,
    pub(crate) deadline: Option<(Instant, Close)>,
}

/// A handle on an open connection. Cheap to clone; it does not keep the connection open.
#[derive(Debug, Clone)]
pub struct Connection {
    wish: Arc<watch::Sender<Wish>>,
}

impl Connection {
    pub(crate) fn new() -> (Self, watch::Receiver<Wish>) {
        let (sender, receiver) = watch::channel(Wish::default());
        (Self { wish: Arc::new(sender) }, receiver)
    }

    /// Ends the connection. What its operations have ready at this moment is still sent. The first reason counts.
    pub fn close(&self, close: Close) {
        self.wish.send_if_modified(|wish| {
            let first = wish.close.is_none();
            wish.close.get_or_insert(close);
            first
        });
    }

    /// Ends the connection after `time` from now, in place of any end set before: for tokens that expire and are
    /// renewed.
    pub fn close_after(&self, time: Duration, close: Close) {
        let deadline = Instant::now().checked_add(time).map(|at| (at, close));
        self.wish.send_modify(|wish| wish.deadline = deadline);
    }

    /// Returns when the connection has ended, or at once if it has already.
    pub async fn closed(&self) {
        self.wish.closed().await;
    }
}
