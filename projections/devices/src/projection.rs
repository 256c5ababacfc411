//! Which rows the events make.

use engine::{Context, Projection, ProjectionError, columns, index::Edits, search, tenants};
use rusqlite::{Connection, OptionalExtension, Params};
use schema::{
    CommandId, DeviceId, Event, OrganizationId, StreamId,
    events::{
        DeviceEvent,
        device::{DeviceCommandRequested, DeviceEnrolled, DeviceRenamed, DeviceStatusReported},
    },
};
use uuid::Uuid;

use crate::{CommandState, list::DEVICES};

/// The revision of the desired settings that a device is enrolled with.
const FIRST_SETTINGS: i64 = 1;

/// What changed among the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChange {
    /// A device was set up.
    DeviceAdded(DeviceId),
    /// Something about a device.
    DeviceChanged(DeviceId),
    /// A command was requested or has come further.
    CommandChanged {
        /// The device.
        device: DeviceId,
        /// The command.
        command: CommandId,
    },
}

/// Makes the rows of the devices.
#[derive(Debug)]
pub enum DevicesProjection {}

type Rows<'a> = Context<'a, DeviceChange, Edits>;
type Outcome = Result<(), ProjectionError>;

impl Projection for DevicesProjection {
    const NAME: &'static str = "devices";
    const VERSION: u32 = 2;
    type Change = DeviceChange;
    type Gathered = Edits;

    fn schema() -> String {
        [tenants::SCHEMA, &DEVICES.schema(), include_str!("schema.sql")].concat()
    }

    fn indexes() -> String {
        DEVICES.indexes()
    }

    fn concerns(stream: &StreamId) -> bool {
        stream.category() == "device"
    }

    fn apply(context: &mut Rows<'_>, event: &Event) -> Outcome {
        let Event::Device(event) = event else { return Ok(()) };
        match event {
            DeviceEvent::Enrolled(e) => enrolled(context, e),
            DeviceEvent::Renamed(e) => renamed(context, e),
            DeviceEvent::Connected(e) => connected(context, e.connection),
            DeviceEvent::Disconnected(e) => disconnected(context, e.connection),
            DeviceEvent::StatusReported(e) => status_reported(context, e),
            DeviceEvent::CommandRequested(e) => requested(context, e),
            DeviceEvent::CommandQueued(e) => step(context, e.command, CommandState::Queued, None, None),
            DeviceEvent::CommandDispatched(e) => {
                step(context, e.command, CommandState::Dispatched, Some(e.attempt), None)
            }
            DeviceEvent::CommandReceived(e) => step(context, e.command, CommandState::Received, Some(e.attempt), None),
            DeviceEvent::CommandSucceeded(e) => step(context, e.command, CommandState::Succeeded, None, None),
            DeviceEvent::CommandFailed(e) => step(context, e.command, CommandState::Failed, None, Some(&e.code)),
            DeviceEvent::CommandRejected(e) => step(context, e.command, CommandState::Rejected, None, Some(&e.code)),
            DeviceEvent::LoggedOut(_) => logged_out(context),
            DeviceEvent::CommandExpired(e) => step(context, e.command, CommandState::Expired, None, None),
        }
    }

    fn finish(rows: &Connection, edits: Edits) -> Outcome {
        Ok(edits.write(rows, &DEVICES)?)
    }
}

/// The device that the stream is of.
fn device_of(context: &Rows<'_>) -> Result<DeviceId, ProjectionError> {
    context.event.stream.id().parse().map_err(|_| ProjectionError::Unexpected("the stream is named otherwise"))
}

fn search_text(name: &str, model: &str, serial: &str) -> String {
    search::fold(&format!("{name} {model} {serial}"))
}

fn enrolled(context: &mut Rows<'_>, e: &DeviceEnrolled) -> Outcome {
    let (tenant, id) = context.gathered.new_row(context.rows, e.organization)?;
    let text = search_text(&e.name, &e.model, &e.serial);
    let at = columns::from_time(context.event.recorded_at);
    context
        .rows
        .prepare_cached(
            "INSERT INTO devices VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, ?11, NULL, ?12, NULL, ?13, 0, '[]', ?12)",
        )?
        .execute((
            id,
            tenant.number(),
            text,
            search::fold(&e.name),
            e.device.0.as_bytes(),
            &e.model,
            e.account.0.as_bytes(),
            &e.name,
            &e.serial,
            &e.software_version,
            e.epoch.cast_signed(),
            at,
            FIRST_SETTINGS,
        ))?;
    context.changed(e.organization, DeviceChange::DeviceAdded(e.device));
    Ok(())
}

fn renamed(context: &mut Rows<'_>, e: &DeviceRenamed) -> Outcome {
    let device = device_of(context)?;
    let (model, serial) = context
        .rows
        .prepare_cached("SELECT model, serial FROM devices WHERE device_id = ?1")?
        .query_row([device.0.as_bytes()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .optional()?
        .ok_or(NOT_ENROLLED)?;
    let text = search_text(&e.name, &model, &serial);
    change(
        context,
        device,
        "UPDATE devices SET name = ?2, name_sort = ?3, search_text = ?4, settings_desired = ?5 WHERE device_id = ?1",
        (device.0.as_bytes(), &e.name, search::fold(&e.name), text, e.settings_revision.cast_signed()),
    )
}

fn connected(context: &mut Rows<'_>, connection: Uuid) -> Outcome {
    let device = device_of(context)?;
    let at = columns::from_time(context.event.recorded_at);
    change(
        context,
        device,
        "UPDATE devices SET online = 1, connection = ?2, last_seen = ?3 WHERE device_id = ?1",
        (device.0.as_bytes(), connection.as_bytes(), at),
    )
}

/// The end of a connection that a newer one has replaced says nothing about the device.
fn disconnected(context: &mut Rows<'_>, connection: Uuid) -> Outcome {
    let device = device_of(context)?;
    let at = columns::from_time(context.event.recorded_at);
    change(
        context,
        device,
        "UPDATE devices SET online = 0, connection = NULL, last_seen = ?3 WHERE device_id = ?1 AND connection = ?2",
        (device.0.as_bytes(), connection.as_bytes(), at),
    )
}

fn logged_out(context: &mut Rows<'_>) -> Outcome {
    let device = device_of(context)?;
    change(context, device, "UPDATE devices SET logged_out = 1 WHERE device_id = ?1", [device.0.as_bytes()])
}

fn status_reported(context: &mut Rows<'_>, e: &DeviceStatusReported) -> Outcome {
    let device = device_of(context)?;
    let accounts = columns::to_json(&e.connected_accounts)?;
    let at = columns::from_time(context.event.recorded_at);
    change(
        context,
        device,
        "UPDATE devices SET boot_id = ?2, software_version = ?3, settings_applied = ?4, connected_accounts = ?5,
         last_seen = ?6 WHERE device_id = ?1",
        (
            device.0.as_bytes(),
            e.boot_id.as_bytes(),
            &e.software_version,
            e.settings_revision.cast_signed(),
            accounts,
            at,
        ),
    )
}

/// Changes a device, if `sql` still concerns it, and says so.
fn change(context: &mut Rows<'_>, device: DeviceId, sql: &str, values: impl Params) -> Outcome {
    let Found { id, organization, .. } = find(context, device)?;
    context.gathered.will_change(context.rows, &DEVICES, id)?;
    if context.rows.prepare_cached(sql)?.execute(values)? > 0 {
        context.changed(organization, DeviceChange::DeviceChanged(device));
    }
    Ok(())
}

const NOT_ENROLLED: ProjectionError = ProjectionError::Unexpected("a device was not enrolled");

/// A device's row, and whose it is.
struct Found {
    id: i64,
    tenant: i64,
    organization: OrganizationId,
}

fn find(context: &Rows<'_>, device: DeviceId) -> Result<Found, ProjectionError> {
    context
        .rows
        .prepare_cached(
            "SELECT d.id, t.number, t.organization FROM devices d JOIN tenants t ON t.number = d.organization
             WHERE d.device_id = ?1",
        )?
        .query_row([device.0.as_bytes()], |row| {
            Ok(Found {
                id: row.get(0)?,
                tenant: row.get(1)?,
                organization: OrganizationId(Uuid::from_bytes(row.get(2)?)),
            })
        })
        .optional()?
        .ok_or(NOT_ENROLLED)
}

fn requested(context: &mut Rows<'_>, e: &DeviceCommandRequested) -> Outcome {
    let device = device_of(context)?;
    let Found { tenant, organization, .. } = find(context, device)?;
    context
        .rows
        .prepare_cached(
            "INSERT INTO device_commands VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, NULL, NULL, NULL, ?9, NULL)",
        )?
        .execute((
            e.command.0.as_bytes(),
            tenant,
            device.0.as_bytes(),
            columns::to_json(&e.kind)?,
            columns::to_json(&CommandState::Requested)?,
            e.sequence.cast_signed(),
            context.event.actor.to_string(),
            columns::from_time(context.event.recorded_at),
            e.expires_at.map(columns::from_time),
        ))?;
    record_step(context, e.command, CommandState::Requested, None, None)?;
    context.changed(organization, DeviceChange::CommandChanged { device, command: e.command });
    Ok(())
}

/// Takes a command to another state. A late result is displayed as what really happened.
fn step(
    context: &mut Rows<'_>,
    command: CommandId,
    state: CommandState,
    attempt: Option<u32>,
    code: Option<&str>,
) -> Outcome {
    let at = columns::from_time(context.event.recorded_at);
    let when = |is: bool| is.then_some(at);
    let changed = context
        .rows
        .prepare_cached(
            "UPDATE device_commands SET state = ?2, attempt = coalesce(?3, attempt), code = ?4,
             dispatched_at = coalesce(?5, dispatched_at), received_at = coalesce(?6, received_at), finished_at = ?7
             WHERE command_id = ?1",
        )?
        .execute((
            command.0.as_bytes(),
            columns::to_json(&state)?,
            attempt,
            code,
            when(state == CommandState::Dispatched),
            when(state == CommandState::Received),
            when(state.has_ended()),
        ))?;
    if changed == 0 {
        return Err(ProjectionError::Unexpected("a command was not requested"));
    }
    record_step(context, command, state, attempt, code)?;
    let device = device_of(context)?;
    let organization = find(context, device)?.organization;
    context.changed(organization, DeviceChange::CommandChanged { device, command });
    Ok(())
}

fn record_step(
    context: &Rows<'_>,
    command: CommandId,
    state: CommandState,
    attempt: Option<u32>,
    code: Option<&str>,
) -> Outcome {
    context.rows.prepare_cached("INSERT INTO command_steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
        command.0.as_bytes(),
        context.event.revision.cast_signed(),
        columns::to_json(&state)?,
        columns::from_time(context.event.recorded_at),
        context.event.actor.to_string(),
        attempt,
        code,
    ))?;
    Ok(())
}
