//! The Portal units of an organization and the commands to them.
//!
//! [`DevicesProjection`] makes the rows, [`Devices`] answers queries. Every query is of one organization; what belongs
//! to another is as if it were not there.

mod commands;
mod list;
mod projection;
mod rows;

use std::collections::HashMap;

use engine::{Reads, ViewError, listing::Count, paging::Page};
use schema::{CommandId, DeviceId, OrganizationId};

pub use list::{DevicesFilter, DevicesQuery, DevicesSort, SortField};
pub use projection::{DeviceChange, DevicesProjection};
pub use rows::{CommandRow, CommandState, CommandStep, DeviceRow};

/// Answers queries about devices. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Devices {
    reads: Reads,
}

impl Devices {
    /// Reads a view of [`DevicesProjection`]: the live one or one as of the past.
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// One page of devices. The cursors are good for the same `sort.field` only.
    pub async fn devices(
        &self,
        organization: OrganizationId,
        query: DevicesQuery,
    ) -> Result<Page<DeviceRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| list::page(rows, tenant, &query)).await
    }

    /// How many devices fit; takes time in proportion to their number.
    pub async fn count(
        &self,
        organization: OrganizationId,
        filter: DevicesFilter,
        search: Option<String>,
    ) -> Result<Count, ViewError> {
        let count = move |rows: &_, tenant| list::count(rows, tenant, &filter, search.as_deref());
        self.reads.read_of(organization, count).await
    }

    /// A device.
    pub async fn device(&self, organization: OrganizationId, device: DeviceId) -> Result<Option<DeviceRow>, ViewError> {
        Ok(self.devices_by_ids(organization, vec![device]).await?.remove(&device))
    }

    /// The devices among `devices` that are the organization's.
    pub async fn devices_by_ids(
        &self,
        organization: OrganizationId,
        devices: Vec<DeviceId>,
    ) -> Result<HashMap<DeviceId, DeviceRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| list::by_ids(rows, tenant, &devices)).await
    }

    /// The latest `first` commands to each of `devices`, newest first; no device without commands is in the answer.
    pub async fn commands_of(
        &self,
        organization: OrganizationId,
        devices: Vec<DeviceId>,
        first: usize,
    ) -> Result<HashMap<DeviceId, Vec<CommandRow>>, ViewError> {
        let query = move |rows: &_, tenant| commands::of_devices(rows, tenant, &devices, first);
        self.reads.read_of(organization, query).await
    }

    /// How many commands to each of `devices` have not ended.
    pub async fn pending_counts(
        &self,
        organization: OrganizationId,
        devices: Vec<DeviceId>,
    ) -> Result<HashMap<DeviceId, u64>, ViewError> {
        let query = move |rows: &_, tenant| commands::pending_counts(rows, tenant, &devices);
        self.reads.read_of(organization, query).await
    }

    /// A command.
    pub async fn command(
        &self,
        organization: OrganizationId,
        command: CommandId,
    ) -> Result<Option<CommandRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| commands::one(rows, tenant, command)).await
    }

    /// What became of a command, step by step; empty if there is no such command.
    pub async fn command_steps(
        &self,
        organization: OrganizationId,
        command: CommandId,
    ) -> Result<Vec<CommandStep>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| commands::steps(rows, tenant, command)).await
    }

    /// What became of each of `commands`, step by step; empty for what is no command.
    pub async fn steps_of(
        &self,
        organization: OrganizationId,
        commands: Vec<CommandId>,
    ) -> Result<HashMap<CommandId, Vec<CommandStep>>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| commands::steps_of(rows, tenant, &commands)).await
    }
}
