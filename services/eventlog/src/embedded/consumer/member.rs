//! Members of consumer groups.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use schema::{RecordedEvent, Timestamp};

use super::{
    super::{guard, log::Log, subscription::LogSubscription},
    ledger::Ledger,
    state::{Next, State},
    store::load,
};
use crate::{Clock, Consumer, Delivery, ReadError, Subscription};

/// The groups that have or had members since the log was opened.
pub(crate) struct Groups {
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    groups: tokio::sync::Mutex<HashMap<String, Arc<Group>>>,
}

impl Groups {
    pub(crate) fn new(log: Arc<Log>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock, groups: tokio::sync::Mutex::default() }
    }

    /// A new member of `group`.
    pub(crate) async fn join(&self, group: &str, types: &[&str]) -> Result<Member, ReadError> {
        // Held while a group is loaded, so that it is loaded once.
        let mut groups = self.groups.lock().await;
        let known = groups.get(group).cloned();
        let types: Vec<String> = types.iter().map(|name| (*name).to_owned()).collect();
        let group = match known {
            Some(known) => known.for_types(types)?,
            None => {
                let opened = Arc::new(self.open(group, types).await?);
                groups.insert(group.to_owned(), opened.clone());
                opened
            }
        };
        Ok(Member { group, held: HashMap::new() })
    }

    async fn open(&self, name: &str, mut types: Vec<String>) -> Result<Group, ReadError> {
        let group = name.to_owned();
        let loaded = self.log.query(move |reader| load(reader.connection(), &group)).await?;
        let source = LogSubscription::new(self.log.clone(), loaded.checkpoint);
        types.sort_unstable();
        Ok(Group {
            types,
            log: self.log.clone(),
            clock: self.clock.clone(),
            ledger: Arc::new(Ledger::new(name, loaded)),
            source: tokio::sync::Mutex::new(source),
        })
    }
}

/// What the members of a group share.
struct Group {
    types: Vec<String>,
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    ledger: Arc<Ledger>,
    source: tokio::sync::Mutex<LogSubscription>,
}

impl Group {
    /// Itself, if it takes these types: what one member would not want, another must not be given.
    fn for_types(self: Arc<Self>, mut types: Vec<String>) -> Result<Arc<Self>, ReadError> {
        types.sort_unstable();
        if self.types == types {
            Ok(self)
        } else {
            Err(ReadError::Unavailable(format!("the group {} has members that take other types", self.ledger.group)))
        }
    }

    async fn next(&self) -> Result<Delivery, ReadError> {
        loop {
            // Asked for before the state is looked at, so that no change after the look is missed.
            let mut changed = std::pin::pin!(self.ledger.changed.notified());
            changed.as_mut().enable();
            let next = guard(&self.ledger.state).next(self.clock.now());
            match next {
                Next::Deliver(event) => return Ok(Delivery { event, attempt: 1 }),
                Next::Redeliver(position) => {
                    if let Some(delivery) = self.redeliver(position).await? {
                        return Ok(delivery);
                    }
                }
                Next::Wait { due, more } => tokio::select! {
                    fetched = self.fetch(), if more => fetched?,
                    () = changed => {}
                    () = self.sleep(due), if due.is_some() => {}
                },
            }
        }
    }

    async fn sleep(&self, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.clock.sleep_until(due).await;
        }
    }

    /// The event is read before it is marked as handed out: nothing is lost if the member stops waiting meanwhile.
    async fn redeliver(&self, position: u64) -> Result<Option<Delivery>, ReadError> {
        let event = self.log.read_all(position - 1, 1).await?.pop();
        let event = event.ok_or_else(|| ReadError::Damaged(format!("position {position} is missing")))?;
        let attempt = guard(&self.ledger.state).redeliver(position, self.clock.now());
        Ok(attempt.map(|attempt| Delivery { event, attempt }))
    }

    /// Waits for the next page of the log. Can be dropped while it waits: the page is accepted in the same step in which
    /// it arrives.
    async fn fetch(&self) -> Result<(), ReadError> {
        let mut source = self.source.lock().await;
        if guard(&self.ledger.state).has_ready() {
            return Ok(());
        }
        let page = source.next().await?;
        let wanted = |event: &RecordedEvent| self.types.iter().any(|name| **name == *event.event_type);
        self.settle(|state| state.accept(page, wanted))
    }

    /// Changes the state and lets it be written with the next commit, or a little later.
    fn settle(&self, change: impl FnOnce(&mut State) -> bool) -> Result<(), ReadError> {
        let mut state = guard(&self.ledger.state);
        let ask = change(&mut state) && state.ask();
        drop(state);
        self.ledger.changed.notify_waiters();
        if ask { self.log.note_idly(self.ledger.clone()) } else { Ok(()) }
    }

    /// Durable when it returns.
    async fn park(&self, position: u64, reason: &str) -> Result<(), ReadError> {
        if !guard(&self.ledger.state).park(position, reason) {
            return Ok(());
        }
        self.ledger.changed.notify_waiters();
        self.log.note(self.ledger.clone()).await
    }
}

/// A member of a group. What it was given and has not answered goes to the others when it is dropped.
pub(crate) struct Member {
    group: Arc<Group>,
    /// Position and number of the deliveries that are not answered.
    held: HashMap<u64, u32>,
}

#[async_trait]
impl Consumer for Member {
    async fn next(&mut self) -> Result<Delivery, ReadError> {
        let delivery = self.group.next().await?;
        self.held.insert(delivery.event.position.commit, delivery.attempt);
        Ok(delivery)
    }

    async fn ack(&mut self, delivery: &Delivery) -> Result<(), ReadError> {
        let position = delivery.event.position.commit;
        self.group.settle(|state| state.acknowledge(position))?;
        self.held.remove(&position);
        Ok(())
    }

    async fn retry_at(&mut self, delivery: &Delivery, at: Timestamp) -> Result<(), ReadError> {
        let position = delivery.event.position.commit;
        self.group.settle(|state| state.put_off(position, at))?;
        self.held.remove(&position);
        Ok(())
    }

    async fn park(&mut self, delivery: &Delivery, reason: &str) -> Result<(), ReadError> {
        let position = delivery.event.position.commit;
        self.group.park(position, reason).await?;
        self.held.remove(&position);
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = guard(&self.group.ledger.state);
        for (position, attempts) in self.held.drain() {
            state.give_back(position, attempts);
        }
        drop(state);
        self.group.ledger.changed.notify_waiters();
    }
}
