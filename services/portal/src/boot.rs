//! From one start of the unit to the next: pairs if need be, then serves the organization it belongs to.

use std::time::Duration;

use data_encoding::HEXUPPER;
use uuid::Uuid;

use crate::{
    OfflineReason, PortalError, Screen, ScreenEvent, StoreError, Surroundings, UnitKey,
    backoff::Backoff,
    enrolled::Enrolled,
    state::{Standing, UnitState},
    unit::Unit,
};

/// What ends a boot.
#[derive(Debug)]
pub(crate) enum Halt {
    Stopped,
    Rebooting,
    Denied(String),
    Revoked(String),
    Failed(PortalError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) struct Boot<'a, S> {
    pub(crate) unit: &'a Unit<S>,
    pub(crate) boot_id: Uuid,
    pub(crate) state: UnitState,
    pub(crate) key: UnitKey,
    pub(crate) backoff: Backoff,
    /// Why there is no connection, as the screen shows it.
    pub(crate) offline: Option<OfflineReason>,
}

impl<'a, S: Screen> Boot<'a, S> {
    /// Reads what was stored. This start fulfils a reboot that is pending.
    pub(crate) async fn start(unit: &'a Unit<S>) -> Result<Self, StoreError> {
        let config = &unit.shared.config;
        let (stored, key) = unit.store.load().await?;
        let mut state = stored.clone().unwrap_or_else(|| new_state(unit));
        if unit.serial().is_some_and(|serial| serial != state.serial) {
            return Err(StoreError::OtherSerial(state.serial));
        }
        let key = match (key, &mut state.standing) {
            (Some(key), _) => key,
            (None, Standing::Enrolled(_)) => return Err(StoreError::KeyMissing),
            (None, standing) => {
                // A code that was asked for with another key is of no use.
                *standing = Standing::Unpaired;
                let key = UnitKey::generate(&*config.surroundings.entropy);
                unit.store.save_key(&key).await?;
                key
            }
        };
        if let Standing::Enrolled(enrollment) = &mut state.standing
            && enrollment.boot()
        {
            tracing::debug!("this start is the reboot that was asked for");
        }
        if stored.as_ref() != Some(&state) {
            unit.store.save(&state).await?;
        }
        let boot_id = config.surroundings.uuid();
        unit.screen.show(ScreenEvent::BootedAs { serial: state.serial.clone(), boot_id });
        let backoff = Backoff::new(config.pacing.retry_floor, config.pacing.retry_ceiling);
        Ok(Self { unit, boot_id, state, key, backoff, offline: None })
    }

    /// Runs until something ends the boot, and puts in order what that leaves behind.
    pub(crate) async fn live(mut self) -> Halt {
        let halt = self.until_halt().await;
        let tidied = match halt {
            Halt::Revoked(_) => self.forget().await,
            Halt::Denied(_) => self.unpair().await,
            Halt::Stopped | Halt::Rebooting | Halt::Failed(_) => Ok(()),
        };
        tidied.map_or_else(Halt::from, |()| halt)
    }

    async fn until_halt(&mut self) -> Halt {
        let (enrollment, token) = match &self.state.standing {
            Standing::Enrolled(enrollment) => (enrollment.clone(), None),
            Standing::Unpaired | Standing::Pairing(_) => {
                match self.unit.shutdown.clone().run_until_cancelled(self.pair()).await {
                    Some(Ok((enrollment, token))) => (enrollment, Some(token)),
                    Some(Err(halt)) => return halt,
                    None => return Halt::Stopped,
                }
            }
        };
        Enrolled::new(self, enrollment).serve(token).await
    }

    /// Shows why there is no connection, once, and waits before the next try.
    pub(crate) async fn pause(&mut self, reason: OfflineReason) {
        if self.offline.replace(reason) != Some(reason) {
            self.unit.screen.show(ScreenEvent::Offline { reason });
        }
        tokio::time::sleep(self.next_wait()).await;
    }

    pub(crate) fn next_wait(&mut self) -> Duration {
        self.backoff.next(self.unit.shared.config.surroundings.fraction())
    }

    pub(crate) async fn save(&self) -> Result<(), StoreError> {
        self.unit.store.save(&self.state).await
    }

    async fn unpair(&mut self) -> Result<(), StoreError> {
        self.state.standing = Standing::Unpaired;
        self.save().await
    }

    /// The next pairing is one of a new key.
    async fn forget(&mut self) -> Result<(), StoreError> {
        self.unpair().await?;
        self.unit.store.forget_key().await
    }
}

fn new_state<S: Screen>(unit: &Unit<S>) -> UnitState {
    let config = &unit.shared.config;
    let serial = unit.serial().map_or_else(|| random_serial(&config.surroundings), str::to_owned);
    UnitState { serial, model: config.model.clone(), standing: Standing::Unpaired }
}

/// 40 random bits: far more than there are virtual units, and short enough to read out.
fn random_serial(surroundings: &Surroundings) -> String {
    let mut bytes = [0; 5];
    surroundings.entropy.fill(&mut bytes);
    format!("VP{}", HEXUPPER.encode(&bytes))
}
