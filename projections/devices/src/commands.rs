//! Queries about commands.

use std::collections::HashMap;

use engine::{ViewError, listing::FromRow, tenants::Tenant};
use rusqlite::{Connection, OptionalExtension};
use schema::{CommandId, DeviceId};

use crate::{CommandRow, CommandStep};

/// The latest commands to each device.
pub(crate) fn of_devices(
    rows: &Connection,
    tenant: Tenant,
    devices: &[DeviceId],
    first: usize,
) -> Result<HashMap<DeviceId, Vec<CommandRow>>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT * FROM device_commands WHERE device_id = ?1 AND organization = ?2 ORDER BY sequence DESC LIMIT ?3",
    )?;
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    let mut found = HashMap::new();
    for device in devices {
        let key = (device.0.as_bytes(), tenant.number(), first);
        let commands = select.query_map(key, CommandRow::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        if !commands.is_empty() {
            found.insert(*device, commands);
        }
    }
    Ok(found)
}

/// How many commands to each device have not ended.
pub(crate) fn pending_counts(
    rows: &Connection,
    tenant: Tenant,
    devices: &[DeviceId],
) -> Result<HashMap<DeviceId, u64>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT count(*) FROM device_commands WHERE device_id = ?1 AND organization = ?2 AND finished_at IS NULL",
    )?;
    let mut counts = HashMap::with_capacity(devices.len());
    for device in devices {
        let count: i64 = select.query_row((device.0.as_bytes(), tenant.number()), |row| row.get(0))?;
        counts.insert(*device, count.cast_unsigned());
    }
    Ok(counts)
}

/// A command.
pub(crate) fn one(rows: &Connection, tenant: Tenant, command: CommandId) -> Result<Option<CommandRow>, ViewError> {
    let mut select =
        rows.prepare_cached("SELECT * FROM device_commands WHERE command_id = ?1 AND organization = ?2")?;
    Ok(select.query_row((command.0.as_bytes(), tenant.number()), CommandRow::from_row).optional()?)
}

/// What became of a command, step by step.
pub(crate) fn steps(rows: &Connection, tenant: Tenant, command: CommandId) -> Result<Vec<CommandStep>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT s.* FROM command_steps s JOIN device_commands c ON c.command_id = s.command_id
         WHERE s.command_id = ?1 AND c.organization = ?2 ORDER BY s.revision",
    )?;
    let steps = select
        .query_map((command.0.as_bytes(), tenant.number()), CommandStep::from_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(steps)
}

/// What became of each command, step by step.
pub(crate) fn steps_of(
    rows: &Connection,
    tenant: Tenant,
    commands: &[CommandId],
) -> Result<HashMap<CommandId, Vec<CommandStep>>, ViewError> {
    commands.iter().map(|command| Ok((*command, steps(rows, tenant, *command)?))).collect()
}
