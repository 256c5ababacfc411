//! Which rows the events make.

use engine::{Context, Projection, ProjectionError, columns, index::Edits, search, tenants};
use rusqlite::{Connection, types::Value};
use schema::{
    AccountId, Event, RoleId, StreamId,
    events::{
        OrganizationEvent, RoleEvent,
        organization::{
            OrganizationCreated, OrganizationDomainAllowed, OrganizationDomainRemoved, OrganizationLogoChanged,
            OrganizationRenamed,
        },
        role::{RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleUnassigned},
    },
};
use uuid::Uuid;

use crate::{
    accounts,
    listing::{PEOPLE, ROLE},
};

/// What changed in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryChange {
    /// The organization itself.
    OrganizationChanged,
    /// Somebody was added.
    PersonAdded(AccountId),
    /// Something about a person, roles included.
    PersonChanged(AccountId),
    /// Somebody is no longer there.
    PersonRemoved(AccountId),
    /// A role is new or other than before, its holders included.
    RoleChanged(RoleId),
    /// A role is no longer there.
    RoleRemoved(RoleId),
}

/// Makes the rows of the directory.
#[derive(Debug)]
pub enum DirectoryProjection {}

pub(crate) type Rows<'a> = Context<'a, DirectoryChange, Edits>;
pub(crate) type Outcome = Result<(), ProjectionError>;

impl Projection for DirectoryProjection {
    const NAME: &'static str = "directory";
    const VERSION: u32 = 3;
    type Change = DirectoryChange;
    type Gathered = Edits;

    fn schema() -> String {
        [tenants::SCHEMA, &PEOPLE.schema(), include_str!("schema.sql")].concat()
    }

    fn indexes() -> String {
        PEOPLE.indexes()
    }

    fn concerns(stream: &StreamId) -> bool {
        matches!(stream.category(), "organization" | "account" | "roles")
    }

    fn apply(context: &mut Rows<'_>, event: &Event) -> Outcome {
        match event {
            Event::Organization(OrganizationEvent::Created(e)) => organization_created(context, e),
            Event::Organization(OrganizationEvent::Renamed(e)) => organization_renamed(context, e),
            Event::Organization(OrganizationEvent::LogoChanged(e)) => logo_changed(context, e),
            Event::Organization(OrganizationEvent::DomainAllowed(e)) => domain_allowed(context, e),
            Event::Organization(OrganizationEvent::DomainRemoved(e)) => domain_removed(context, e),
            Event::Account(event) => accounts::apply(context, event),
            Event::Role(RoleEvent::Created(e)) => role_created(context, e),
            Event::Role(RoleEvent::Edited(e)) => role_edited(context, e),
            Event::Role(RoleEvent::Deleted(e)) => role_deleted(context, e),
            Event::Role(RoleEvent::Assigned(e)) => role_assigned(context, e),
            Event::Role(RoleEvent::Unassigned(e)) => role_unassigned(context, e),
            _ => Ok(()),
        }
    }

    fn finish(rows: &Connection, edits: Edits) -> Outcome {
        Ok(edits.write(rows, &PEOPLE)?)
    }
}

/// The organization or account that the stream is of.
pub(crate) fn stream_of<T: std::str::FromStr>(context: &Rows<'_>) -> Result<T, ProjectionError> {
    context.event.stream.id().parse().map_err(|_| ProjectionError::Unexpected("the stream is named otherwise"))
}

fn organization_created(context: &mut Rows<'_>, e: &OrganizationCreated) -> Outcome {
    let tenant = tenants::find_or_add(context.rows, e.organization)?;
    let at = columns::from_time(context.event.recorded_at);
    context.rows.prepare_cached("INSERT INTO organizations VALUES (?1, ?2, ?3, ?4, NULL, NULL, NULL)")?.execute((
        tenant.number(),
        &e.name,
        e.founder.0.as_bytes(),
        at,
    ))?;
    context.changed(e.organization, DirectoryChange::OrganizationChanged);
    Ok(())
}

fn organization_renamed(context: &mut Rows<'_>, e: &OrganizationRenamed) -> Outcome {
    let organization = stream_of(context)?;
    let tenant = tenants::find_or_add(context.rows, organization)?;
    context
        .rows
        .prepare_cached("UPDATE organizations SET name = ?2 WHERE number = ?1")?
        .execute((tenant.number(), &e.name))?;
    context.changed(organization, DirectoryChange::OrganizationChanged);
    Ok(())
}

fn logo_changed(context: &mut Rows<'_>, e: &OrganizationLogoChanged) -> Outcome {
    let organization = stream_of(context)?;
    let tenant = tenants::find_or_add(context.rows, organization)?;
    context
        .rows
        .prepare_cached(
            "UPDATE organizations SET logo_sha256 = ?2, logo_width = ?3, logo_height = ?4 WHERE number = ?1",
        )?
        .execute((tenant.number(), &e.sha256, e.width, e.height))?;
    context.changed(organization, DirectoryChange::OrganizationChanged);
    Ok(())
}

fn domain_allowed(context: &mut Rows<'_>, e: &OrganizationDomainAllowed) -> Outcome {
    let organization = stream_of(context)?;
    let tenant = tenants::find_or_add(context.rows, organization)?;
    let at = columns::from_time(context.event.recorded_at);
    context.rows.prepare_cached("INSERT OR IGNORE INTO organization_domains VALUES (?1, ?2, ?3)")?.execute((
        tenant.number(),
        &e.domain,
        at,
    ))?;
    context.changed(organization, DirectoryChange::OrganizationChanged);
    Ok(())
}

fn domain_removed(context: &mut Rows<'_>, e: &OrganizationDomainRemoved) -> Outcome {
    let organization = stream_of(context)?;
    let tenant = tenants::find_or_add(context.rows, organization)?;
    context
        .rows
        .prepare_cached("DELETE FROM organization_domains WHERE organization = ?1 AND domain = ?2")?
        .execute((tenant.number(), &e.domain))?;
    context.changed(organization, DirectoryChange::OrganizationChanged);
    Ok(())
}

fn role_created(context: &mut Rows<'_>, e: &RoleCreated) -> Outcome {
    let organization = stream_of(context)?;
    let tenant = tenants::find_or_add(context.rows, organization)?;
    let at = columns::from_time(context.event.recorded_at);
    let rights = columns::to_json(&e.rights)?;
    context.rows.prepare_cached("INSERT INTO roles VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
        e.role.0.as_bytes(),
        tenant.number(),
        &e.name,
        search::fold(&e.name),
        rights,
        e.system_admin,
        at,
    ))?;
    context.changed(organization, DirectoryChange::RoleChanged(e.role));
    Ok(())
}

fn role_edited(context: &mut Rows<'_>, e: &RoleEdited) -> Outcome {
    let rights = columns::to_json(&e.rights)?;
    context
        .rows
        .prepare_cached("UPDATE roles SET name = ?2, name_sort = ?3, rights = ?4 WHERE role_id = ?1")?
        .execute((e.role.0.as_bytes(), &e.name, search::fold(&e.name), rights))?;
    context.changed(stream_of(context)?, DirectoryChange::RoleChanged(e.role));
    Ok(())
}

fn role_deleted(context: &mut Rows<'_>, e: &RoleDeleted) -> Outcome {
    let organization = stream_of(context)?;
    let mut take = context.rows.prepare_cached("DELETE FROM role_holders WHERE role_id = ?1 RETURNING account_id")?;
    let holders: Vec<[u8; 16]> =
        take.query_map([e.role.0.as_bytes()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for holder in holders {
        holds(context, e.role, AccountId(Uuid::from_bytes(holder)), false)?;
    }
    context.rows.prepare_cached("DELETE FROM roles WHERE role_id = ?1")?.execute([e.role.0.as_bytes()])?;
    context.changed(organization, DirectoryChange::RoleRemoved(e.role));
    Ok(())
}

fn role_assigned(context: &mut Rows<'_>, e: &RoleAssigned) -> Outcome {
    let at = columns::from_time(context.event.recorded_at);
    context.rows.prepare_cached("INSERT OR IGNORE INTO role_holders VALUES (?1, ?2, ?3)")?.execute((
        e.role.0.as_bytes(),
        e.account.0.as_bytes(),
        at,
    ))?;
    context.changed(stream_of(context)?, DirectoryChange::RoleChanged(e.role));
    holds(context, e.role, e.account, true)
}

fn role_unassigned(context: &mut Rows<'_>, e: &RoleUnassigned) -> Outcome {
    context
        .rows
        .prepare_cached("DELETE FROM role_holders WHERE role_id = ?1 AND account_id = ?2")?
        .execute((e.role.0.as_bytes(), e.account.0.as_bytes()))?;
    context.changed(stream_of(context)?, DirectoryChange::RoleChanged(e.role));
    holds(context, e.role, e.account, false)
}

/// Somebody holds a role from now on, or no longer. The roles of who is deactivated only rest: the person holds them still.
fn holds(context: &mut Rows<'_>, role: RoleId, account: AccountId, holds: bool) -> Outcome {
    if let Some((id, _)) = accounts::find(context, account)? {
        let value = Value::Blob(role.0.as_bytes().to_vec());
        context.gathered.has(context.rows, &PEOPLE, id, (&ROLE, &value), holds)?;
    }
    context.changed(stream_of(context)?, DirectoryChange::PersonChanged(account));
    Ok(())
}
