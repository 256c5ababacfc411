//! Which rows the events of accounts make.

use engine::{ProjectionError, columns, search};
use rusqlite::{OptionalExtension, Params, params};
use schema::{
    AccountId, OrganizationId, Profile,
    events::{
        AccountEvent,
        account::{AccountCreated, AccountEmailChanged, AccountLocaleChanged, AccountProfileChanged},
    },
};
use uuid::Uuid;

use crate::{
    PersonStatus,
    listing::PEOPLE,
    projection::{DirectoryChange, Outcome, Rows, stream_of},
};

/// Applies an event of an account.
pub(crate) fn apply(context: &mut Rows<'_>, event: &AccountEvent) -> Outcome {
    let at = columns::from_time(context.event.recorded_at);
    match event {
        AccountEvent::Created(e) => created(context, e),
        AccountEvent::Activated(_) | AccountEvent::ActivatedBySso(_) => {
            change(context, "UPDATE people SET status = ?2, activated_at = ?3 WHERE id = ?1", |id| {
                (id, PersonStatus::Activated.number(), at)
            })
        }
        AccountEvent::Abandoned(_) => abandoned(context),
        AccountEvent::ProfileChanged(e) => profile_changed(context, e),
        AccountEvent::LocaleChanged(AccountLocaleChanged { locale }) => {
            change(context, "UPDATE people SET locale = ?2 WHERE id = ?1", |id| (id, locale))
        }
        AccountEvent::EmailChanged(e) => email_changed(context, e),
        AccountEvent::Deactivated(_) => {
            change(context, "UPDATE people SET status = ?2, deactivated_at = ?3 WHERE id = ?1", |id| {
                (id, PersonStatus::Deactivated.number(), at)
            })
        }
        AccountEvent::Reactivated(_) => change(
            context,
            "UPDATE people SET status = iif(activated_at IS NULL, ?2, ?3), deactivated_at = NULL WHERE id = ?1",
            |id| (id, PersonStatus::Added.number(), PersonStatus::Activated.number()),
        ),
        AccountEvent::StatusSetToCreated(_) => change(
            context,
            "UPDATE people SET status = ?2, activated_at = NULL, must_reset_password = 0 WHERE id = ?1",
            |id| (id, PersonStatus::Added.number()),
        ),
        AccountEvent::LoginMethodChanged(e) => {
            let method = columns::to_json(&e.method)?;
            change(context, "UPDATE people SET login_method = ?2 WHERE id = ?1", |id| (id, &method))
        }
        AccountEvent::PasswordResetForced(_) => {
            change(context, "UPDATE people SET must_reset_password = 1 WHERE id = ?1", |id| [id])
        }
        AccountEvent::PasswordChanged(_) => {
            change(context, "UPDATE people SET must_reset_password = 0 WHERE id = ?1", |id| [id])
        }
        // Nothing that is on display.
        AccountEvent::ActivationLinkIssued(_)
        | AccountEvent::SubjectLinked(_)
        | AccountEvent::EmailChangeBegun(_)
        | AccountEvent::EmailChangeAbandoned(_)
        | AccountEvent::LoggedOutEverywhere(_)
        | AccountEvent::SessionsEnded(_)
        | AccountEvent::PasswordResetLinkIssued(_) => Ok(()),
    }
}

/// What is made of a profile for display, filters, search and sorting; empty once the person was erased.
struct Described {
    profile: Option<Profile>,
    display_name: Option<String>,
    name_key: String,
    department_key: String,
    division_key: String,
    location_key: String,
    manager_key: String,
}

impl Described {
    fn new(profile: Option<Profile>) -> Self {
        let display_name = profile.as_ref().map(|p| format!("{} {}", p.given_name, p.family_name).trim().to_owned());
        let fold = |of: fn(&Profile) -> Option<&String>| {
            profile.as_ref().and_then(of).map(|text| search::fold(text)).unwrap_or_default()
        };
        Self {
            name_key: display_name.as_deref().map(search::fold).unwrap_or_default(),
            department_key: fold(|p| p.department.as_ref()),
            division_key: fold(|p| p.division.as_ref()),
            location_key: fold(|p| p.location.as_ref()),
            manager_key: fold(|p| p.manager_email.as_ref()),
            display_name,
            profile,
        }
    }

    fn search_text(&self, email_key: &str) -> String {
        format!("{} {email_key}", self.name_key)
    }
}

fn created(context: &mut Rows<'_>, e: &AccountCreated) -> Outcome {
    let email = context.keys.open(&e.email)?;
    let described = Described::new(context.keys.open(&e.profile)?);
    let email_key = email.as_deref().map(search::fold).unwrap_or_default();
    let (tenant, id) = context.gathered.new_row(context.rows, e.organization)?;
    let profile = described.profile.as_ref();
    context
        .rows
        .prepare_cached(
            "INSERT INTO people VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, NULL, \
             NULL, 0, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)",
        )?
        .execute(params![
            id,
            tenant.number(),
            described.search_text(&email_key),
            described.name_key,
            email_key,
            described.department_key,
            described.division_key,
            described.location_key,
            described.manager_key,
            e.account.0.as_bytes(),
            PersonStatus::Added.number(),
            e.domain,
            columns::to_json(&e.login_method)?,
            e.locale,
            columns::to_json(&e.origin)?,
            columns::from_time(context.event.recorded_at),
            email,
            profile.map(|p| &p.given_name),
            profile.map(|p| &p.family_name),
            described.display_name,
            profile.map(|p| &p.job_title),
            profile.map(|p| &p.department),
            profile.map(|p| &p.division),
            profile.map(|p| &p.location),
            profile.map(|p| &p.phone),
            profile.map(|p| &p.manager_email),
            profile.and_then(|p| p.start_date).map(|date| date.to_string()),
        ])?;
    context.changed(e.organization, DirectoryChange::PersonAdded(e.account));
    Ok(())
}

fn profile_changed(context: &mut Rows<'_>, e: &AccountProfileChanged) -> Outcome {
    let described = Described::new(context.keys.open(&e.profile)?);
    let profile = described.profile.as_ref();
    let sql = "UPDATE people SET search_text = ?2 || ' ' || email_key, name_key = ?2, department_key = ?3, \
               division_key = ?4, location_key = ?5, manager_key = ?6, given_name = ?7, family_name = ?8, \
               display_name = ?9, job_title = ?10, department = ?11, division = ?12, location = ?13, phone = ?14, \
               manager_email = ?15, start_date = ?16 WHERE id = ?1";
    change(context, sql, |id| {
        (
            id,
            &described.name_key,
            &described.department_key,
            &described.division_key,
            &described.location_key,
            &described.manager_key,
            profile.map(|p| &p.given_name),
            profile.map(|p| &p.family_name),
            &described.display_name,
            profile.map(|p| &p.job_title),
            profile.map(|p| &p.department),
            profile.map(|p| &p.division),
            profile.map(|p| &p.location),
            profile.map(|p| &p.phone),
            profile.map(|p| &p.manager_email),
            profile.and_then(|p| p.start_date).map(|date| date.to_string()),
        )
    })
}

fn email_changed(context: &mut Rows<'_>, e: &AccountEmailChanged) -> Outcome {
    let email = context.keys.open(&e.email)?;
    let email_key = email.as_deref().map(search::fold).unwrap_or_default();
    let sql = "UPDATE people SET search_text = name_key || ' ' || ?2, email_key = ?2, email = ?3, domain = ?4 \
               WHERE id = ?1";
    change(context, sql, |id| (id, &email_key, &email, &e.domain))
}

/// Most accounts that are abandoned were never created, and so are not in the directory.
fn abandoned(context: &mut Rows<'_>) -> Outcome {
    let account: AccountId = stream_of(context)?;
    if let Some((id, organization)) = find(context, account)? {
        context.gathered.will_change(context.rows, &PEOPLE, id)?;
        context.rows.prepare_cached("DELETE FROM people WHERE id = ?1")?.execute([id])?;
        context.changed(organization, DirectoryChange::PersonRemoved(account));
    }
    Ok(())
}

/// Changes the row of the account that the event is of, and says so.
fn change<V: Params>(context: &mut Rows<'_>, sql: &str, values: impl FnOnce(i64) -> V) -> Outcome {
    let account: AccountId = stream_of(context)?;
    let found = find(context, account)?;
    let (id, organization) =
        found.ok_or(ProjectionError::Unexpected("something happened to an account that was not created"))?;
    context.gathered.will_change(context.rows, &PEOPLE, id)?;
    context.rows.prepare_cached(sql)?.execute(values(id))?;
    context.changed(organization, DirectoryChange::PersonChanged(account));
    Ok(())
}

/// The row of an account, and whose it is.
pub(crate) fn find(context: &Rows<'_>, account: AccountId) -> Result<Option<(i64, OrganizationId)>, ProjectionError> {
    let found = context
        .rows
        .prepare_cached(
            "SELECT p.id, t.organization FROM people p JOIN tenants t ON t.number = p.organization
             WHERE p.account_id = ?1",
        )?
        .query_row([account.0.as_bytes()], |row| Ok((row.get(0)?, OrganizationId(Uuid::from_bytes(row.get(1)?)))))
        .optional()?;
    Ok(found)
}
