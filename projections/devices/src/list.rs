//! Queries about devices.

use std::collections::HashMap;

use engine::{
    ViewError,
    listing::{Condition, FromRow, Listing, Order, Wanted},
    paging::{Page, Paging},
    search::Terms,
    tenants::Tenant,
};
use rusqlite::{Connection, OptionalExtension, types::Value};
use schema::{AccountId, DeviceId};

use crate::{DeviceRow, projection::DEVICES_SEARCH, rows::DEVICE_COLUMNS};

const DEVICES: Listing = Listing { table: "devices", search_table: DEVICES_SEARCH, columns: DEVICE_COLUMNS };

/// Which devices to list. What is none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DevicesFilter {
    /// Whether its command stream is open.
    pub online: Option<bool>,
    /// Model, as the unit says.
    pub model: Option<String>,
    /// Who set it up.
    pub owner: Option<AccountId>,
}

/// What to sort devices by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortField {
    /// Name, accents and case aside.
    #[default]
    Name,
    /// Model.
    Model,
    /// When it was last heard of.
    LastSeen,
    /// When it was set up.
    Enrolled,
}

/// How to sort devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DevicesSort {
    /// By what.
    pub field: SortField,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl DevicesSort {
    fn order(self) -> Order {
        let (tag, column, index) = match self.field {
            SortField::Name => (65, "name_sort", "devices_by_name"),
            SortField::Model => (66, "model", "devices_by_model"),
            SortField::LastSeen => (67, "last_seen", "devices_by_last_seen"),
            SortField::Enrolled => (68, "enrolled_at", "devices_by_enrollment"),
        };
        Order { tag, column, index, descending: self.descending }
    }
}

/// Which devices, in which order, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicesQuery {
    /// Which to list.
    pub filter: DevicesFilter,
    /// Words of which each must be part of the name, the model or the serial number.
    pub search: Option<String>,
    /// In which order.
    pub sort: DevicesSort,
    /// Which page.
    pub paging: Paging,
}

impl DevicesFilter {
    fn conditions(&self) -> Vec<Condition> {
        // Those that usually name the fewest come first.
        let conditions = [
            self.owner.map(|owner| Condition {
                sql: "t.owner = ?",
                values: vec![Value::Blob(owner.0.as_bytes().to_vec())],
                selection: Some("SELECT id FROM devices WHERE organization = ? AND owner = ?"),
            }),
            self.online.map(|online| Condition {
                sql: "t.online = ?",
                values: vec![online.into()],
                selection: Some("SELECT id FROM devices WHERE organization = ? AND online = ?"),
            }),
            self.model.clone().map(|model| Condition {
                sql: "t.model = ?",
                values: vec![model.into()],
                selection: Some("SELECT id FROM devices WHERE organization = ? AND model = ?"),
            }),
        ];
        conditions.into_iter().flatten().collect()
    }
}

/// One page of devices.
pub(crate) fn page(rows: &Connection, tenant: Tenant, query: &DevicesQuery) -> Result<Page<DeviceRow>, ViewError> {
    let terms = Terms::parse(query.search.as_deref().unwrap_or_default());
    let wanted = Wanted { tenant, conditions: query.filter.conditions(), terms: &terms };
    DEVICES.page(rows, &wanted, query.sort.order(), &query.paging)
}

/// How many devices fit.
pub(crate) fn count(
    rows: &Connection,
    tenant: Tenant,
    filter: &DevicesFilter,
    search: Option<&str>,
) -> Result<u64, ViewError> {
    let terms = Terms::parse(search.unwrap_or_default());
    DEVICES.count(rows, &Wanted { tenant, conditions: filter.conditions(), terms: &terms })
}

/// The devices among `devices` that are the organization's.
pub(crate) fn by_ids(
    rows: &Connection,
    tenant: Tenant,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, DeviceRow>, ViewError> {
    let mut find = rows.prepare_cached(&format!(
        "SELECT {DEVICE_COLUMNS} FROM devices t WHERE t.device_id = ?1 AND t.organization = ?2"
    ))?;
    let mut found = HashMap::with_capacity(devices.len());
    for device in devices {
        let key = (device.0.as_bytes(), tenant.number());
        if let Some(row) = find.query_row(key, DeviceRow::from_row).optional()? {
            found.insert(*device, row);
        }
    }
    Ok(found)
}
