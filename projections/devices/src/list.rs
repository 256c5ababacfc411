//! Queries about devices.

use std::collections::HashMap;

use engine::{
    ViewError,
    listing::{By, Condition, Count, Facet, FromRow, Listing, Order, SortColumn, Source, Wanted},
    paging::{Page, Paging},
    search::Terms,
    tenants::Tenant,
};
use rusqlite::{Connection, OptionalExtension, types::Value};
use schema::{AccountId, DeviceId};

use crate::{DeviceRow, rows::DEVICE_COLUMNS};

static OWNER: Facet = Facet { tag: 1, source: Source::Column("owner") };
static ONLINE: Facet = Facet { tag: 2, source: Source::Column("online") };
static MODEL: Facet = Facet { tag: 3, source: Source::Column("model") };
static BY_NAME: SortColumn = SortColumn { tag: 65, column: "name_sort", kept_sorted: true };
static BY_MODEL: SortColumn = SortColumn { tag: 66, column: "model", kept_sorted: true };
static BY_LAST_SEEN: SortColumn = SortColumn { tag: 67, column: "last_seen", kept_sorted: false };

pub(crate) static DEVICES: Listing = Listing {
    table: "devices",
    columns: DEVICE_COLUMNS,
    facets: &[&OWNER, &ONLINE, &MODEL],
    ranges: &[],
    sorts: &[&BY_NAME, &BY_MODEL, &BY_LAST_SEEN],
};

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
    /// The order in which they were set up.
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
        let by = match self.field {
            SortField::Name => By::Column(&BY_NAME),
            SortField::Model => By::Column(&BY_MODEL),
            SortField::LastSeen => By::Column(&BY_LAST_SEEN),
            SortField::Enrolled => By::Addition,
        };
        let tag = if let By::Column(column) = by { column.tag } else { 68 };
        Order { tag, by, descending: self.descending }
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
        // Those that usually leave the fewest come first.
        let values: [(&'static Facet, Option<Value>); 3] = [
            (&OWNER, self.owner.map(|owner| Value::Blob(owner.0.as_bytes().to_vec()))),
            (&ONLINE, self.online.map(Value::from)),
            (&MODEL, self.model.clone().map(Value::Text)),
        ];
        values.into_iter().filter_map(|(facet, value)| Some(Condition::Has(facet, value?))).collect()
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
) -> Result<Count, ViewError> {
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
