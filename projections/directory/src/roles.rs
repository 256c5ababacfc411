//! Queries about the organization, its roles and who holds them.

use std::collections::HashMap;

use engine::{ViewError, columns, listing::FromRow, tenants::Tenant};
use rusqlite::{Connection, OptionalExtension};
use schema::{AccountId, OrganizationId, RoleId};

use crate::{LogoRow, OrganizationRow, PersonRow, RoleRow, rows::PERSON_COLUMNS};

/// The organization and its domains.
pub(crate) fn organization(
    rows: &Connection,
    tenant: Tenant,
    id: OrganizationId,
) -> Result<Option<OrganizationRow>, ViewError> {
    let domains = rows
        .prepare_cached("SELECT domain FROM organization_domains WHERE organization = ?1 ORDER BY domain")?
        .query_map([tenant.number()], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let found = rows
        .prepare_cached("SELECT * FROM organizations WHERE number = ?1")?
        .query_row([tenant.number()], |row| {
            Ok(OrganizationRow {
                id,
                name: row.get("name")?,
                logo: LogoRow::of_organization(row)?,
                founder: AccountId(columns::uuid(row, "founder")?),
                created_at: columns::time(row, "created_at")?,
                domains,
            })
        })
        .optional()?;
    Ok(found)
}

/// All roles.
pub(crate) fn all(rows: &Connection, tenant: Tenant) -> Result<Vec<RoleRow>, ViewError> {
    let mut select = rows
        .prepare_cached("SELECT * FROM roles WHERE organization = ?1 ORDER BY system_admin DESC, name_sort, role_id")?;
    let roles = select.query_map([tenant.number()], RoleRow::from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(roles)
}

/// A role.
pub(crate) fn one(rows: &Connection, tenant: Tenant, role: RoleId) -> Result<Option<RoleRow>, ViewError> {
    let mut select = rows.prepare_cached("SELECT * FROM roles WHERE role_id = ?1 AND organization = ?2")?;
    Ok(select.query_row((role.0.as_bytes(), tenant.number()), RoleRow::from_row).optional()?)
}

/// The roles of each person.
pub(crate) fn of_people(
    rows: &Connection,
    tenant: Tenant,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<RoleRow>>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT r.* FROM role_holders h JOIN roles r ON r.role_id = h.role_id
         WHERE h.account_id = ?1 AND r.organization = ?2 ORDER BY r.system_admin DESC, r.name_sort, r.role_id",
    )?;
    let mut found = HashMap::new();
    for account in accounts {
        let key = (account.0.as_bytes(), tenant.number());
        let roles = select.query_map(key, RoleRow::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        if !roles.is_empty() {
            found.insert(*account, roles);
        }
    }
    Ok(found)
}

/// The first `limit` holders of each role, by name.
pub(crate) fn holders(
    rows: &Connection,
    tenant: Tenant,
    roles: &[RoleId],
    limit: usize,
) -> Result<HashMap<RoleId, Vec<PersonRow>>, ViewError> {
    let mut select = rows.prepare_cached(&format!(
        "SELECT {PERSON_COLUMNS} FROM role_holders h JOIN people t ON t.account_id = h.account_id
         WHERE h.role_id = ?1 AND t.organization = ?2 ORDER BY t.name_key, t.id LIMIT ?3"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = HashMap::new();
    for role in roles {
        let key = (role.0.as_bytes(), tenant.number(), limit);
        let people = select.query_map(key, PersonRow::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        if !people.is_empty() {
            found.insert(*role, people);
        }
    }
    Ok(found)
}

/// How many people hold each role.
pub(crate) fn holder_counts(
    rows: &Connection,
    tenant: Tenant,
    roles: &[RoleId],
) -> Result<HashMap<RoleId, u64>, ViewError> {
    let mut select = rows.prepare_cached(
        "SELECT count(*) FROM role_holders h JOIN people t ON t.account_id = h.account_id
         WHERE h.role_id = ?1 AND t.organization = ?2",
    )?;
    let mut counts = HashMap::with_capacity(roles.len());
    for role in roles {
        let count: i64 = select.query_row((role.0.as_bytes(), tenant.number()), |row| row.get(0))?;
        counts.insert(*role, count.cast_unsigned());
    }
    Ok(counts)
}
