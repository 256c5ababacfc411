//! Which rows the events make.

use engine::{Context, Projection, ProjectionError, columns, search, tenants};
use rusqlite::OptionalExtension;
use schema::{
    AccountId, Event, OrganizationId, Profile, RoleId, StreamId,
    events::{
        AccountEvent, OrganizationEvent, RoleEvent,
        account::AccountCreated,
        organization::{OrganizationCreated, OrganizationDomainAllowed, OrganizationLogoChanged, OrganizationRenamed},
        role::{RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleUnassigned},
    },
};
use uuid::Uuid;

use crate::PersonStatus;

/// The search table of people.
pub(crate) const PEOPLE_SEARCH: &str = "people_search";

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

type Rows<'a> = Context<'a, DirectoryChange>;
type Outcome = Result<(), ProjectionError>;

impl Projection for DirectoryProjection {
    const NAME: &'static str = "directory";
    const VERSION: u32 = 2;
    type Change = DirectoryChange;
    type Gathered = ();

    fn schema() -> String {
        [tenants::SCHEMA, &search::schema(PEOPLE_SEARCH), include_str!("schema.sql")].concat()
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
            Event::Account(AccountEvent::Created(e)) => account_created(context, e),
            Event::Account(AccountEvent::Activated(_)) => account_activated(context),
            Event::Account(AccountEvent::Abandoned(_)) => account_abandoned(context),
            Event::Account(AccountEvent::ActivationLinkIssued(_)) => Ok(()),
            Event::Role(RoleEvent::Created(e)) => role_created(context, e),
            Event::Role(RoleEvent::Edited(e)) => role_edited(context, e),
            Event::Role(RoleEvent::Deleted(e)) => role_deleted(context, e),
            Event::Role(RoleEvent::Assigned(e)) => role_assigned(context, e),
            Event::Role(RoleEvent::Unassigned(e)) => role_unassigned(context, e),
            _ => Ok(()),
        }
    }
}

/// The organization or account that the stream is of.
fn stream_of<T: std::str::FromStr>(context: &Rows<'_>) -> Result<T, ProjectionError> {
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

/// What a person is called.
fn display_name(profile: &Profile) -> String {
    format!("{} {}", profile.given_name, profile.family_name).trim().to_owned()
}

fn account_created(context: &mut Rows<'_>, e: &AccountCreated) -> Outcome {
    let tenant = tenants::find_or_add(context.rows, e.organization)?;
    let id = tenants::next_row(context.rows, tenant)?;
    let email = context.keys.open(&e.email)?;
    let profile = context.keys.open(&e.profile)?;
    let display_name = profile.as_ref().map(display_name);
    let name_sort = search::fold(display_name.as_deref().unwrap_or_default());
    let email_sort = search::fold(email.as_deref().unwrap_or_default());
    let search_text = format!("{name_sort} {email_sort}");
    let profile = profile.unwrap_or_default();
    context
        .rows
        .prepare_cached(
            "INSERT INTO people VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18, ?19, ?20, ?21, ?22, ?23, ?24, NULL)",
        )?
        .execute(rusqlite::params![
            id,
            tenant.number(),
            &search_text,
            name_sort,
            email_sort,
            profile.department.as_deref().map(search::fold),
            e.account.0.as_bytes(),
            PersonStatus::Added.number(),
            e.domain,
            columns::to_json(&e.login_method)?,
            email,
            display_name.is_some().then_some(profile.given_name),
            display_name.is_some().then_some(profile.family_name),
            display_name,
            profile.job_title,
            profile.department,
            profile.division,
            profile.location,
            profile.phone,
            profile.manager_email,
            profile.start_date.map(|date| date.to_string()),
            e.locale,
            columns::to_json(&e.origin)?,
            columns::from_time(context.event.recorded_at),
        ])?;
    context.enter(PEOPLE_SEARCH, id, search_text);
    context.changed(e.organization, DirectoryChange::PersonAdded(e.account));
    Ok(())
}

fn account_activated(context: &mut Rows<'_>) -> Outcome {
    let account: AccountId = stream_of(context)?;
    let organization = context
        .rows
        .prepare_cached(
            "UPDATE people SET status = ?2, activated_at = ?3 WHERE account_id = ?1
             RETURNING (SELECT t.organization FROM tenants t WHERE t.number = people.organization)",
        )?
        .query_row(
            (account.0.as_bytes(), PersonStatus::Activated.number(), columns::from_time(context.event.recorded_at)),
            |row| row.get(0),
        )
        .optional()?
        .map(Uuid::from_bytes)
        .ok_or(ProjectionError::Unexpected("an account was activated that was not created"))?;
    context.changed(OrganizationId(organization), DirectoryChange::PersonChanged(account));
    Ok(())
}

/// Most accounts that are abandoned were never created, and so are not in the directory.
fn account_abandoned(context: &mut Rows<'_>) -> Outcome {
    let account: AccountId = stream_of(context)?;
    let removed = context
        .rows
        .prepare_cached(
            "DELETE FROM people WHERE account_id = ?1
             RETURNING id, search_text, (SELECT t.organization FROM tenants t WHERE t.number = people.organization)",
        )?
        .query_row([account.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2).map(Uuid::from_bytes)?))
        })
        .optional()?;
    if let Some((id, search_text, organization)) = removed {
        context.take_out(PEOPLE_SEARCH, id, search_text);
        context.changed(OrganizationId(organization), DirectoryChange::PersonRemoved(account));
    }
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
        context.changed(organization, DirectoryChange::PersonChanged(AccountId(Uuid::from_bytes(holder))));
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
    holder_changed(context, e.role, e.account)
}

fn role_unassigned(context: &mut Rows<'_>, e: &RoleUnassigned) -> Outcome {
    context
        .rows
        .prepare_cached("DELETE FROM role_holders WHERE role_id = ?1 AND account_id = ?2")?
        .execute((e.role.0.as_bytes(), e.account.0.as_bytes()))?;
    holder_changed(context, e.role, e.account)
}

fn holder_changed(context: &mut Rows<'_>, role: RoleId, account: AccountId) -> Outcome {
    let organization = stream_of(context)?;
    context.changed(organization, DirectoryChange::RoleChanged(role));
    context.changed(organization, DirectoryChange::PersonChanged(account));
    Ok(())
}
