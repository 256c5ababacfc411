//! The mailbox of a development installation: keeps the mails to be looked at in the browser.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use eventlog::Clock;
use schema::Timestamp;

use super::{Mail, MailError, Outbox};

/// How many mails are kept.
const KEPT: usize = 500;

/// A mail in the mailbox.
#[derive(Debug, Clone)]
pub struct Received {
    /// When it came.
    pub at: Timestamp,
    /// The mail.
    pub mail: Mail,
}

/// Keeps the latest mails in memory, each once.
#[derive(Clone)]
pub struct Mailbox {
    clock: Arc<dyn Clock>,
    mails: Arc<Mutex<VecDeque<Received>>>,
}

impl Mailbox {
    /// Empty.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, mails: Arc::default() }
    }
    /// The mails, newest first.
    pub fn latest(&self) -> Vec<Received> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

#[async_trait]
impl Outbox for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let received = Received { at: self.clock.now(), mail: mail.clone() };
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.iter().all(|known| known.mail.id != mail.id) {
            if mails.len() == KEPT {
                mails.pop_front();
            }
            mails.push_back(received);
        }
        Ok(())
    }
}
