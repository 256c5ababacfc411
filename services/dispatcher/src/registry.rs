//! The units that are connected to this process, by device. Also tells when each was last seen.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use schema::{DeviceId, Timestamp};

use crate::unit::{ConnectedUnit, REPLACED};

/// One map behind one lock: it is held for a look-up only, tens of nanoseconds, so that even 10,000 events a second keep
/// it busy for less than a thousandth of the time.
#[derive(Debug, Default)]
pub(crate) struct Registry(RwLock<HashMap<DeviceId, Arc<ConnectedUnit>>>);

impl Registry {
    /// The newest connection of a unit counts; an older one ends.
    pub(crate) fn insert(&self, unit: Arc<ConnectedUnit>) {
        let older = self.write().insert(unit.identity.device, unit);
        if let Some(older) = older {
            older.close(REPLACED);
        }
    }
    /// Takes a connection out that has ended, unless a newer one has taken its place already.
    pub(crate) fn remove(&self, unit: &Arc<ConnectedUnit>) {
        let mut units = self.write();
        if units.get(&unit.identity.device).is_some_and(|current| Arc::ptr_eq(current, unit)) {
            units.remove(&unit.identity.device);
        }
    }
    pub(crate) fn get(&self, device: DeviceId) -> Option<Arc<ConnectedUnit>> {
        self.read().get(&device).cloned()
    }

    /// No code that holds the lock can leave the map half written, so a poisoned lock is as good as any.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<DeviceId, Arc<ConnectedUnit>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, HashMap<DeviceId, Arc<ConnectedUnit>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells when a connected unit last gave a sign of itself. Heartbeats are no events: they are remembered here and
/// nowhere else. When a unit is not connected, the event of its disconnection tells.
#[derive(Debug, Clone)]
pub struct Presence(pub(crate) Arc<Registry>);

impl Presence {
    /// When the unit was last heard of; none if it is not connected to this process.
    pub fn last_seen(&self, device: DeviceId) -> Option<Timestamp> {
        self.0.get(device)?.seen_at()
    }
}
