//! The updates of the subscriptions.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use devices::DeviceChange;
use directory::DirectoryChange;
use engine::{Changes, Update};
use futures::{Stream, stream};
use schema::{AccountId, CommandId, DeviceId, RoleId};

use super::guard::Guard;
use crate::{
    access::Reading,
    app::ContextExt,
    errors::Stop,
    objects::{
        command::{DeviceCommand, visible_command},
        device::{Device, visible_device},
        person::{Person, visible_person},
        role::Role,
    },
    scalars::{Position, id},
};

/// What changed in the directory.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum DirectoryChangeKind {
    /// The organization itself.
    OrganizationChanged,
    /// Somebody was added.
    PersonAdded,
    /// Something about a person, their roles included.
    PersonChanged,
    /// Somebody is no longer there.
    PersonRemoved,
    /// A role is new or other than before, its holders included.
    RoleChanged,
    /// A role is no longer there.
    RoleRemoved,
    /// More changed than can be told: query again what is on display.
    Refetch,
}

/// A change in the directory.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct DirectoryUpdate {
    #[graphql(skip)]
    account: Option<AccountId>,
    #[graphql(skip)]
    role_id: Option<RoleId>,
    /// What changed.
    kind: DirectoryChangeKind,
    /// Id of the person or role; null if it is about neither.
    id: Option<ID>,
    /// Where the change stands in the history; null for `REFETCH`.
    position: Option<Position>,
}

#[ComplexObject]
impl DirectoryUpdate {
    /// The person as it is now; null if it is about none or the person is no longer there.
    async fn person(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        match self.account {
            Some(account) => visible_person(context, account).await,
            None => Ok(None),
        }
    }

    /// The role as it is now; null if it is about none or the role is no longer there.
    async fn role(&self, context: &Context<'_>) -> async_graphql::Result<Option<Role>> {
        let Some(role) = self.role_id else { return Ok(None) };
        let reader = context.reader(Reading::Directory)?;
        let found = context.app()?.directory.role(reader.organization, role).await;
        Ok(found.map_err(|error| context.report(error.into()))?.map(Role::from))
    }
}

impl From<Update<DirectoryChange>> for DirectoryUpdate {
    fn from(update: Update<DirectoryChange>) -> Self {
        let Update::Changed(change) = update else {
            return Self { account: None, role_id: None, kind: DirectoryChangeKind::Refetch, id: None, position: None };
        };
        let (kind, account, role_id) = match change.what {
            DirectoryChange::OrganizationChanged => (DirectoryChangeKind::OrganizationChanged, None, None),
            DirectoryChange::PersonAdded(account) => (DirectoryChangeKind::PersonAdded, Some(account), None),
            DirectoryChange::PersonChanged(account) => (DirectoryChangeKind::PersonChanged, Some(account), None),
            DirectoryChange::PersonRemoved(account) => (DirectoryChangeKind::PersonRemoved, Some(account), None),
            DirectoryChange::RoleChanged(role) => (DirectoryChangeKind::RoleChanged, None, Some(role)),
            DirectoryChange::RoleRemoved(role) => (DirectoryChangeKind::RoleRemoved, None, Some(role)),
        };
        let id = account.map(id).or(role_id.map(id));
        Self { account, role_id, kind, id, position: Some(Position(change.position)) }
    }
}

/// What changed among the devices.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum DeviceChangeKind {
    /// A device was set up.
    DeviceAdded,
    /// Something about a device.
    DeviceChanged,
    /// A command to it was requested or has come further.
    CommandChanged,
    /// More changed than can be told: query again what is on display.
    Refetch,
}

/// A change among the devices.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct DeviceUpdate {
    #[graphql(skip)]
    about: Option<DeviceId>,
    #[graphql(skip)]
    about_command: Option<CommandId>,
    /// What changed.
    kind: DeviceChangeKind,
    /// Where the change stands in the history; null for `REFETCH`.
    position: Option<Position>,
    /// Id of the device; null for `REFETCH`.
    device_id: Option<ID>,
}

#[ComplexObject]
impl DeviceUpdate {
    /// The device as it is now; null for `REFETCH`.
    async fn device(&self, context: &Context<'_>) -> async_graphql::Result<Option<Device>> {
        match self.about {
            Some(device) => visible_device(context, device).await,
            None => Ok(None),
        }
    }

    /// The command as it is now; null if it is about none.
    async fn command(&self, context: &Context<'_>) -> async_graphql::Result<Option<DeviceCommand>> {
        match self.about_command {
            Some(command) => visible_command(context, command).await,
            None => Ok(None),
        }
    }
}

impl From<Update<DeviceChange>> for DeviceUpdate {
    fn from(update: Update<DeviceChange>) -> Self {
        let Update::Changed(change) = update else {
            return Self {
                about: None,
                about_command: None,
                kind: DeviceChangeKind::Refetch,
                position: None,
                device_id: None,
            };
        };
        let (kind, device, command) = match change.what {
            DeviceChange::DeviceAdded(device) => (DeviceChangeKind::DeviceAdded, device, None),
            DeviceChange::DeviceChanged(device) => (DeviceChangeKind::DeviceChanged, device, None),
            DeviceChange::CommandChanged { device, command } => {
                (DeviceChangeKind::CommandChanged, device, Some(command))
            }
        };
        let position = Some(Position(change.position));
        Self { about: Some(device), about_command: command, kind, position, device_id: Some(id(device)) }
    }
}

/// Whether an update is told.
type Told = async_graphql::Result<bool>;

/// Changes for as long as the guard lets them through. `told` may leave some out.
fn guarded<C, U, F>(changes: Changes<C>, guard: Guard, told: F) -> impl Stream<Item = async_graphql::Result<U>>
where
    C: Clone,
    U: From<Update<C>>,
    F: AsyncFn(&mut Guard, &U) -> Told,
{
    // None once an error was told: nothing comes after it.
    stream::unfold(Some((changes, guard, told)), |state| async move {
        let (mut changes, mut guard, told) = state?;
        loop {
            let organization = guard.organization();
            let update = tokio::select! {
                update = changes.next(organization) => U::from(update?),
                () = guard.stirred() => match guard.look().await {
                    Ok(()) => continue,
                    Err(error) => return Some((Err(error), None)),
                },
            };
            match told(&mut guard, &update).await {
                Ok(true) => return Some((Ok(update), Some((changes, guard, told)))),
                Ok(false) => {}
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
}

/// Changes of the directory.
pub(crate) fn of_directory(
    changes: Changes<DirectoryChange>,
    guard: Guard,
) -> impl Stream<Item = async_graphql::Result<DirectoryUpdate>> {
    guarded(changes, guard, async |guard: &mut Guard, _: &DirectoryUpdate| guard.current().await.map(|_| true))
}

/// Changes among the devices that the person may see, or of one of them.
pub(crate) fn of_devices(
    changes: Changes<DeviceChange>,
    guard: Guard,
    only: Option<DeviceId>,
) -> impl Stream<Item = async_graphql::Result<DeviceUpdate>> {
    guarded(changes, guard, async move |guard: &mut Guard, update: &DeviceUpdate| {
        let app = guard.app.clone();
        let reader = guard.current().await?;
        let Some(device) = update.about else { return Ok(true) };
        if only.is_some_and(|only| only != device) {
            return Ok(false);
        }
        if reader.devices_of().is_none() {
            return Ok(true);
        }
        let found = app.devices.device(reader.organization, device).await;
        let row = found.map_err(|error| Stop::from(error).into_error())?;
        Ok(row.is_some_and(|row| reader.sees_device_of(row.owner)))
    })
}
