//! Adding people and activating their accounts.

use async_graphql::{Context, InputObject, Object};
use chrono::NaiveDate;
use commands::processes::people::NewPerson;
use schema::Profile;

use super::{session::begin, signup::DEFAULT_LOCALE};
use crate::{
    app::{ContextExt, Source, signed_in},
    entry,
    errors::Stop,
    objects::{
        person::Person,
        viewer::{NewSession, Viewer},
    },
    payload::{answer, payload},
    scalars::Position,
};

/// A person to add.
#[derive(InputObject)]
struct CreateAccountInput {
    /// Email address, of a domain that the organization allows.
    email: String,
    /// Given name.
    given_name: String,
    /// Family name.
    family_name: String,
    /// Job title.
    job_title: Option<String>,
    /// Department.
    department: Option<String>,
    /// Division.
    division: Option<String>,
    /// Office or city.
    location: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Email address of the manager.
    manager_email: Option<String>,
    /// First day at work.
    start_date: Option<NaiveDate>,
    /// Language of mails and pages, a BCP 47 tag such as `de` or `pt-BR`; `en` unless told otherwise.
    locale: Option<String>,
}

impl From<CreateAccountInput> for NewPerson {
    fn from(input: CreateAccountInput) -> Self {
        Self {
            email: input.email,
            profile: Profile {
                given_name: input.given_name,
                family_name: input.family_name,
                job_title: input.job_title,
                department: input.department,
                division: input.division,
                location: input.location,
                phone: input.phone,
                manager_email: input.manager_email,
                start_date: input.start_date,
            },
            locale: input.locale.unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
        }
    }
}

payload! {
    /// What came of `createAccount`.
    CreateAccountPayload {
        /// The new person.
        person: Person,
    }
}

/// Input of `createAccounts`.
#[derive(InputObject)]
struct CreateAccountsInput {
    /// The people to add, from 1 to 100.
    people: Vec<CreateAccountInput>,
}

payload! {
    /// What came of `createAccounts`.
    CreateAccountsPayload {
        /// The new people, in the order of the input.
        people: Vec<Person>,
    }
}

/// Input of `activateAccount`.
#[derive(InputObject)]
struct ActivateAccountInput {
    /// The value of `token` in the mailed link.
    token: String,
    /// The password to have from now on: 15 to 128 characters, not a common one.
    password: String,
}

payload! {
    /// What came of `activateAccount`.
    ActivateAccountPayload {
        /// The person, signed in.
        viewer: Viewer,
        /// The session that has begun.
        session: NewSession,
    }
}

#[derive(Default)]
pub(crate) struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Adds a person and mails them a link that activates the account. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn create_account(
        &self,
        context: &Context<'_>,
        input: CreateAccountInput,
    ) -> async_graphql::Result<CreateAccountPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let added = app.platform.create_account(&app.request(caller), organization, input.into()).await?;
            let read = app.directory.person(organization, added.account);
            let person = app.read_back(Source::Directory, added.position, read).await;
            Ok(CreateAccountPayload {
                person: person.map(Person::from),
                position: added.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Adds up to 100 people, all of them or none, and mails each a link. Should the platform be in trouble midway, the errors
    /// name the entries that are missing. The fields of user errors name the entry, such
    /// as `people.3.email`, counted from 0. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "500 + 20 * child_complexity")]
    async fn create_accounts(
        &self,
        context: &Context<'_>,
        input: CreateAccountsInput,
    ) -> async_graphql::Result<CreateAccountsPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let people = input.people.into_iter().map(NewPerson::from).collect();
            let added = app.platform.create_accounts(&app.request(caller), organization, people).await?;
            let position = added.iter().filter_map(|added| added.position).max();
            let read = async {
                let accounts = added.iter().map(|added| added.account).collect();
                let mut found = app.directory.people_by_ids(organization, accounts).await?;
                Ok(Some(added.iter().filter_map(|added| found.remove(&added.account)).map(Person::from).collect()))
            };
            Ok::<_, Stop>(CreateAccountsPayload {
                people: app.read_back(Source::Directory, position, read).await,
                position: position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Activates an account with the mailed link and a password of the person's choice, and signs the person in. A link
    /// works once, for 72 hours, until a newer one is mailed. Anybody may call it who has the link.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn activate_account(
        &self,
        context: &Context<'_>,
        input: ActivateAccountInput,
    ) -> async_graphql::Result<ActivateAccountPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signed_in = entry::activate(app, caller, &input.token, input.password).await?;
            let (viewer, session) = begin(context, &signed_in)?;
            app.read_back(Source::Directory, signed_in.position, async { Ok(Some(())) }).await;
            Ok(ActivateAccountPayload {
                viewer,
                session: Some(session),
                position: signed_in.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
