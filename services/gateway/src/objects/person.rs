//! A person of the organization.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::NaiveDate;
use directory::PersonRow;
use schema::{AccountId, Timestamp};

use super::role::Role;
use crate::{access::Reading, app::ContextExt, scalars::id};

/// Where an account stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "directory::PersonStatus")]
pub(crate) enum PersonStatus {
    /// Created; the person has not activated the account yet.
    Added,
    /// The person can sign in.
    Activated,
    /// The person cannot sign in.
    Deactivated,
}

/// How a person proves who they are.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::LoginMethod")]
pub(crate) enum LoginMethod {
    /// Email address and password.
    Password,
    /// The organization's identity provider.
    SingleSignOn,
}

/// Where an account came from.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::AccountOrigin")]
pub(crate) enum AccountOrigin {
    /// The person signed the organization up.
    Signup,
    /// An admin added the person.
    Admin,
    /// An admin imported a file.
    Import,
}

/// A person of the organization, with a work account. What is personal is null once the person was erased.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Person {
    #[graphql(skip)]
    account: AccountId,
    /// Id of the account.
    pub(crate) id: ID,
    /// Email address, in lower case.
    email: Option<String>,
    /// Domain of the email address.
    domain: String,
    /// Given name.
    given_name: Option<String>,
    /// Family name.
    family_name: Option<String>,
    /// Given and family name: what to show.
    display_name: Option<String>,
    /// Job title.
    job_title: Option<String>,
    /// Department.
    department: Option<String>,
    /// Division.
    division: Option<String>,
    /// Office or city.
    location: Option<String>,
    /// Phone number, as entered.
    phone: Option<String>,
    /// Email address of the manager.
    manager_email: Option<String>,
    /// First day at work.
    start_date: Option<NaiveDate>,
    /// Where the account stands.
    status: PersonStatus,
    /// How the person signs in.
    login_method: LoginMethod,
    /// Language of mails and pages, a BCP 47 tag.
    locale: String,
    /// Where the account came from.
    origin: AccountOrigin,
    /// When the person was added.
    created_at: Timestamp,
    /// When the person last activated the account; null if it was set back since.
    activated_at: Option<Timestamp>,
    /// When the account was deactivated; null if it is not.
    deactivated_at: Option<Timestamp>,
    /// Whether the person has to choose a new password before signing in.
    must_reset_password: bool,
}

#[ComplexObject]
impl Person {
    /// The roles that the person holds: system admin first, then by name.
    #[graphql(complexity = "2 + 5 * child_complexity")]
    async fn roles(&self, context: &Context<'_>) -> async_graphql::Result<Vec<Role>> {
        let reader = context.reader(Reading::Own)?;
        let loaded = context.app()?.loaders.roles_of.load_one((reader.organization, self.account)).await;
        let roles = loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default();
        Ok(roles.into_iter().map(Role::from).collect())
    }
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        Self {
            account: row.id,
            id: id(row.id),
            email: row.email,
            domain: row.domain,
            given_name: row.given_name,
            family_name: row.family_name,
            display_name: row.display_name,
            job_title: row.job_title,
            department: row.department,
            division: row.division,
            location: row.location,
            phone: row.phone,
            manager_email: row.manager_email,
            start_date: row.start_date,
            status: row.status.into(),
            login_method: row.login_method.into(),
            locale: row.locale,
            origin: row.origin.into(),
            created_at: row.created_at,
            activated_at: row.activated_at,
            deactivated_at: row.deactivated_at,
            must_reset_password: row.must_reset_password,
        }
    }
}

/// The person behind an edge of the graph; none if whoever asks may not know who it is.
pub(crate) async fn visible_person(context: &Context<'_>, account: AccountId) -> async_graphql::Result<Option<Person>> {
    let reader = context.reader(Reading::Own)?;
    if !reader.sees_person(account) {
        return Ok(None);
    }
    let loaded = context.app()?.loaders.people.load_one((reader.organization, account)).await;
    Ok(loaded.map_err(|error| context.report(error.into()))?.map(Person::from))
}
