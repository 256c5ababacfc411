//! The units that are connected to this process, by device. Also tells when each was last seen.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use schema::{AccountId, DeviceId, Timestamp};

use crate::unit::{ConnectedUnit, REPLACED};

/// One lock: it is held for a look-up only, tens of nanoseconds, so that even 10,000 events a second keep it busy for less
/// than a thousandth of the time.
#[derive(Debug, Default)]
pub(crate) struct Registry(RwLock<Units>);

#[derive(Debug, Default)]
struct Units {
    by_device: HashMap<DeviceId, Arc<ConnectedUnit>>,
    by_owner: HashMap<AccountId, HashSet<DeviceId>>,
}

impl Registry {
    /// The newest connection of a unit counts; an older one ends.
    pub(crate) fn insert(&self, unit: Arc<ConnectedUnit>) {
        let (device, owner) = (unit.identity.device, unit.owner);
        let mut units = self.write();
        let older = units.by_device.insert(device, unit);
        units.by_owner.entry(owner).or_default().insert(device);
        drop(units);
        if let Some(older) = older {
            older.close(REPLACED);
        }
    }
    /// Takes a connection out that has ended, unless a newer one has taken its place already.
    pub(crate) fn remove(&self, unit: &Arc<ConnectedUnit>) {
        let mut units = self.write();
        let device = unit.identity.device;
        if !units.by_device.get(&device).is_some_and(|current| Arc::ptr_eq(current, unit)) {
            return;
        }
        units.by_device.remove(&device);
        if let Entry::Occupied(mut devices) = units.by_owner.entry(unit.owner) {
            devices.get_mut().remove(&device);
            if devices.get().is_empty() {
                devices.remove();
            }
        }
    }
    pub(crate) fn get(&self, device: DeviceId) -> Option<Arc<ConnectedUnit>> {
        self.read().by_device.get(&device).cloned()
    }
    /// Those that an account has set up.
    pub(crate) fn of(&self, owner: AccountId) -> Vec<Arc<ConnectedUnit>> {
        let units = self.read();
        let devices = units.by_owner.get(&owner).into_iter().flatten();
        devices.filter_map(|device| units.by_device.get(device).cloned()).collect()
    }

    /// No code that holds the lock can leave the maps half written, so a poisoned lock is as good as any.
    fn read(&self) -> RwLockReadGuard<'_, Units> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> RwLockWriteGuard<'_, Units> {
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
