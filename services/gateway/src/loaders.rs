//! Batched reads behind the edges of the graph: what many fields of one answer ask for is read at once. Every key names
//! the organization, so batches may mix requests.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader};
use devices::{CommandRow, CommandStep, DeviceRow, Devices};
use directory::{Directory, PersonRow, RoleRow};
use engine::ViewError;
use schema::{AccountId, CommandId, DeviceId, OrganizationId, RoleId};

use crate::errors::Stop;

/// Why a batch could not be read; shared by all who wait for it.
#[derive(Debug, Clone)]
pub(crate) struct LoadError(Arc<ViewError>);

impl From<LoadError> for Stop {
    fn from(LoadError(error): LoadError) -> Self {
        match &*error {
            ViewError::Building | ViewError::Stopped => Self::Unavailable(error.to_string()),
            _ => Self::Fault(error.to_string()),
        }
    }
}

/// Splits keys by what cannot be read at once, reads each group, and joins the answers.
async fn by_group<G, K, V, R>(
    keys: impl Iterator<Item = (G, K)>,
    read: impl Fn(G, Vec<K>) -> R,
) -> Result<HashMap<(G, K), V>, LoadError>
where
    G: Hash + Eq + Copy,
    K: Hash + Eq,
    R: Future<Output = Result<HashMap<K, V>, ViewError>>,
{
    let mut groups: HashMap<G, Vec<K>> = HashMap::new();
    for (group, key) in keys {
        groups.entry(group).or_default().push(key);
    }
    let mut answers = HashMap::new();
    for (group, keys) in groups {
        let found = read(group, keys).await.map_err(|error| LoadError(Arc::new(error)))?;
        answers.extend(found.into_iter().map(|(key, value)| ((group, key), value)));
    }
    Ok(answers)
}

macro_rules! loader {
    ($(#[$doc:meta])* $name:ident($view:ty): $key:ty => $value:ty, |$this:ident, $organization:ident, $keys:ident| $read:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name($view);

        impl Loader<(OrganizationId, $key)> for $name {
            type Value = $value;
            type Error = LoadError;
            async fn load(&self, keys: &[(OrganizationId, $key)]) -> Result<HashMap<(OrganizationId, $key), $value>, LoadError> {
                let $this = &self.0;
                by_group(keys.iter().copied(), |$organization, $keys| $read).await
            }
        }
    };
    // With a page size, which belongs to the group.
    ($(#[$doc:meta])* $name:ident($view:ty): sized $key:ty => $value:ty, |$this:ident, $organization:ident, $keys:ident, $size:ident| $read:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name($view);

        impl Loader<(OrganizationId, usize, $key)> for $name {
            type Value = $value;
            type Error = LoadError;
            async fn load(
                &self,
                keys: &[(OrganizationId, usize, $key)],
            ) -> Result<HashMap<(OrganizationId, usize, $key), $value>, LoadError> {
                let $this = &self.0;
                let keys = keys.iter().map(|(organization, size, key)| ((*organization, *size), *key));
                let found = by_group(keys, |($organization, $size), $keys| $read).await?;
                Ok(found.into_iter().map(|(((organization, size), key), value)| ((organization, size, key), value)).collect())
            }
        }
    };
}

loader! {
    /// People by id.
    People(Directory): AccountId => PersonRow, |view, organization, keys| view.people_by_ids(organization, keys)
}
loader! {
    /// Roles of people.
    RolesOf(Directory): AccountId => Vec<RoleRow>, |view, organization, keys| view.roles_of(organization, keys)
}
loader! {
    /// First holders of roles.
    Holders(Directory): sized RoleId => Vec<PersonRow>, |view, organization, keys, size| view.holders_of(organization, keys, size)
}
loader! {
    /// Numbers of holders of roles.
    HolderCounts(Directory): RoleId => u64, |view, organization, keys| view.holder_counts(organization, keys)
}
loader! {
    /// Devices by id.
    DevicesById(Devices): DeviceId => DeviceRow, |view, organization, keys| view.devices_by_ids(organization, keys)
}
loader! {
    /// Latest commands to devices.
    CommandsOf(Devices): sized DeviceId => Vec<CommandRow>, |view, organization, keys, size| view.commands_of(organization, keys, size)
}
loader! {
    /// Numbers of open commands to devices.
    PendingCommands(Devices): DeviceId => u64, |view, organization, keys| view.pending_counts(organization, keys)
}
loader! {
    /// Steps of commands.
    StepsOf(Devices): CommandId => Vec<CommandStep>, |view, organization, keys| view.steps_of(organization, keys)
}

/// All loaders.
pub(crate) struct Loaders {
    pub(crate) people: DataLoader<People>,
    pub(crate) roles_of: DataLoader<RolesOf>,
    pub(crate) holders: DataLoader<Holders>,
    pub(crate) holder_counts: DataLoader<HolderCounts>,
    pub(crate) devices: DataLoader<DevicesById>,
    pub(crate) commands: DataLoader<CommandsOf>,
    pub(crate) pending_commands: DataLoader<PendingCommands>,
    pub(crate) steps: DataLoader<StepsOf>,
}

impl Loaders {
    pub(crate) fn new(directory: &Directory, devices: &Devices) -> Self {
        Self {
            people: DataLoader::new(People(directory.clone()), tokio::spawn),
            roles_of: DataLoader::new(RolesOf(directory.clone()), tokio::spawn),
            holders: DataLoader::new(Holders(directory.clone()), tokio::spawn),
            holder_counts: DataLoader::new(HolderCounts(directory.clone()), tokio::spawn),
            devices: DataLoader::new(DevicesById(devices.clone()), tokio::spawn),
            commands: DataLoader::new(CommandsOf(devices.clone()), tokio::spawn),
            pending_commands: DataLoader::new(PendingCommands(devices.clone()), tokio::spawn),
            steps: DataLoader::new(StepsOf(devices.clone()), tokio::spawn),
        }
    }
}
