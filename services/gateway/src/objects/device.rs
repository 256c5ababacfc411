//! A Portal unit.

use async_graphql::{ComplexObject, Context, ID, SimpleObject, connection::Connection};
use devices::DeviceRow;
use schema::{AccountId, DeviceId, Timestamp};
use uuid::Uuid;

use super::{
    command::DeviceCommand,
    person::{Person, visible_person},
};
use crate::{
    access::Reading,
    app::ContextExt,
    errors::Stop,
    paging::{checked_size, first_of, size_for_cost},
    scalars::id,
};

/// Commands of a device unless told otherwise.
const DEFAULT_COMMANDS: i32 = 10;

/// An account that is connected on a unit.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct ConnectedAccount {
    /// Which service, such as `portal_for_business` or `whatsapp`.
    service: String,
}

/// A Portal unit of the organization. Set up again after a factory reset it is another device.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Device {
    #[graphql(skip)]
    device: DeviceId,
    #[graphql(skip)]
    owner: AccountId,
    /// Id of the device.
    pub(crate) id: ID,
    /// What it is called.
    name: String,
    /// Model.
    model: String,
    /// Serial number.
    serial: String,
    /// Version of its software, as it last reported.
    software_version: String,
    /// Whether it is connected to the platform.
    online: bool,
    /// Whether it was logged out with the account of whoever set it up and has to be set up again.
    logged_out: bool,
    /// When it was set up, connected, disconnected or last reported news, whichever was last.
    last_seen_at: Timestamp,
    /// When it was set up.
    set_up_at: Timestamp,
    /// Made anew at every start of the unit; null before its first report.
    boot_id: Option<Uuid>,
    /// Whether it has applied its current name and settings.
    is_up_to_date: bool,
    /// Accounts that are connected on it, as it last reported.
    connected_accounts: Vec<ConnectedAccount>,
}

#[ComplexObject]
impl Device {
    /// Who set it up. Null for those who may not read the directory, if it was somebody else.
    #[graphql(complexity = "2 + child_complexity")]
    async fn set_up_by(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        visible_person(context, self.owner).await
    }

    /// How many commands to it have not ended.
    #[graphql(complexity = 2)]
    async fn pending_command_count(&self, context: &Context<'_>) -> async_graphql::Result<u64> {
        let reader = context.reader(Reading::Devices)?;
        let loaded = context.app()?.loaders.pending_commands.load_one((reader.organization, self.device)).await;
        Ok(loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default())
    }

    /// The latest commands to it, newest first.
    #[graphql(complexity = "2 + size_for_cost(first, None) * child_complexity")]
    async fn commands(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 200.", default_with = "DEFAULT_COMMANDS")] first: i32,
    ) -> async_graphql::Result<Connection<String, DeviceCommand>> {
        let reader = context.reader(Reading::Devices)?;
        let size = checked_size(first).map_err(|rejection| context.report(Stop::from(rejection)))?;
        let loaded = context.app()?.loaders.commands.load_one((reader.organization, size + 1, self.device)).await;
        let commands = loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default();
        Ok(first_of(commands, size, |command| command.sequence.to_string()))
    }
}

impl From<DeviceRow> for Device {
    fn from(row: DeviceRow) -> Self {
        Self {
            device: row.id,
            owner: row.owner,
            id: id(row.id),
            name: row.name,
            model: row.model,
            serial: row.serial,
            software_version: row.software_version,
            online: row.online,
            logged_out: row.logged_out,
            last_seen_at: row.last_seen,
            set_up_at: row.enrolled_at,
            boot_id: row.boot_id,
            is_up_to_date: row.settings_applied >= row.settings_desired,
            connected_accounts: row
                .connected_accounts
                .into_iter()
                .map(|account| ConnectedAccount { service: account.service })
                .collect(),
        }
    }
}

/// A device, if whoever asks may see it.
pub(crate) async fn visible_device(context: &Context<'_>, device: DeviceId) -> async_graphql::Result<Option<Device>> {
    let reader = context.reader(Reading::Devices)?;
    let loaded = context.app()?.loaders.devices.load_one((reader.organization, device)).await;
    let row = loaded.map_err(|error| context.report(error.into()))?;
    Ok(row.filter(|row| reader.sees_device_of(row.owner)).map(Device::from))
}
