//! What the queries answer.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use engine::{columns, listing::FromRow};
use rusqlite::Row;
use schema::{AccountId, AccountOrigin, LoginMethod, OrganizationId, Right, RoleId, Timestamp};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRow {
    /// The organization.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its logo, if it has one.
    pub logo: Option<LogoRow>,
    /// Who signed it up.
    pub founder: AccountId,
    /// When it came into being.
    pub created_at: Timestamp,
    /// Email domains of which accounts may be created, in ASCII form, in alphabetical order.
    pub domains: Vec<String>,
}

/// A logo, a PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoRow {
    /// SHA-256 of the image, hexadecimal. Names its file.
    pub sha256: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl LogoRow {
    /// Reads the logo of an organization.
    pub(crate) fn of_organization(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let sha256: Option<String> = row.get("logo_sha256")?;
        sha256
            .map(|sha256| Ok(Self { sha256, width: row.get("logo_width")?, height: row.get("logo_height")? }))
            .transpose()
    }
}

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonStatus {
    /// Created; the person has not signed in yet.
    Added,
    /// The person can sign in.
    Activated,
    /// The person cannot sign in.
    Deactivated,
}

impl PersonStatus {
    /// What the column holds, in the order of the variants.
    pub(crate) const NUMBERS: [i64; 3] = [0, 1, 2];

    /// What the column holds.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Added => 0,
            Self::Activated => 1,
            Self::Deactivated => 2,
        }
    }

    fn from_number(number: i64) -> rusqlite::Result<Self> {
        [Self::Added, Self::Activated, Self::Deactivated]
            .into_iter()
            .find(|status| status.number() == number)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
    }
}

/// A person. What is personal is none once the person was erased.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The account.
    pub id: AccountId,
    /// Email address.
    pub email: Option<String>,
    /// Domain of the address, in ASCII form.
    pub domain: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Given and family name.
    pub display_name: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Division.
    pub division: Option<String>,
    /// Office or city.
    pub location: Option<String>,
    /// Phone number as entered.
    pub phone: Option<String>,
    /// Email address of the manager.
    pub manager_email: Option<String>,
    /// First day at work.
    pub start_date: Option<NaiveDate>,
    /// Where the account stands.
    pub status: PersonStatus,
    /// How the person signs in.
    pub login_method: LoginMethod,
    /// Language of mails and pages, a BCP 47 tag.
    pub locale: String,
    /// Where the account came from.
    pub origin: AccountOrigin,
    /// When the person was added.
    pub created_at: Timestamp,
    /// When the person last activated the account; none if it was set back since.
    pub activated_at: Option<Timestamp>,
    /// When the account was deactivated; none if it is active.
    pub deactivated_at: Option<Timestamp>,
    /// Whether the person has to choose a new password before signing in.
    pub must_reset_password: bool,
}

impl std::fmt::Debug for PersonRow {
    // Never shows personal data in a trace.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonRow({}, {:?})", self.id, self.status)
    }
}

/// The columns of a [`PersonRow`], of the table `people` named `t`.
pub(crate) const PERSON_COLUMNS: &str = "t.account_id, t.email, t.domain, t.given_name, t.family_name, t.display_name, \
     t.job_title, t.department, t.division, t.location, t.phone, t.manager_email, t.start_date, t.status, \
     t.login_method, t.locale, t.origin, t.created_at, t.activated_at, t.deactivated_at, t.must_reset_password";

impl FromRow for PersonRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let start_date: Option<String> = row.get("start_date")?;
        Ok(Self {
            id: AccountId(columns::uuid(row, "account_id")?),
            email: row.get("email")?,
            domain: row.get("domain")?,
            given_name: row.get("given_name")?,
            family_name: row.get("family_name")?,
            display_name: row.get("display_name")?,
            job_title: row.get("job_title")?,
            department: row.get("department")?,
            division: row.get("division")?,
            location: row.get("location")?,
            phone: row.get("phone")?,
            manager_email: row.get("manager_email")?,
            start_date: start_date.and_then(|date| date.parse().ok()),
            status: PersonStatus::from_number(row.get("status")?)?,
            login_method: columns::from_json(row, "login_method")?,
            locale: row.get("locale")?,
            origin: columns::from_json(row, "origin")?,
            created_at: columns::time(row, "created_at")?,
            activated_at: columns::optional_time(row, "activated_at")?,
            deactivated_at: columns::optional_time(row, "deactivated_at")?,
            must_reset_password: row.get("must_reset_password")?,
        })
    }
}

/// An admin role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// The role.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// Whether it is the system admin role, which nobody can edit or delete.
    pub system_admin: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl FromRow for RoleRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: RoleId(columns::uuid(row, "role_id")?),
            name: row.get("name")?,
            rights: columns::from_json(row, "rights")?,
            system_admin: row.get("system_admin")?,
            created_at: columns::time(row, "created_at")?,
        })
    }
}
