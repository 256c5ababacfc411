//! What admins do with a person's account.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use chrono::NaiveDate;
use commands::{Request, processes::profile::PersonChanges};
use schema::{AccountId, OrganizationId, Timestamp};

use crate::{
    app::{App, ContextExt, Source, signed_in},
    errors::Stop,
    objects::person::Person,
    payload::{answer, payload},
    scalars::{Position, parse_id},
    session::Caller,
};

/// Declares input and payload of a mutation that takes a person and nothing else.
macro_rules! of_person {
    ($mutation:literal: $input:ident, $payload:ident) => {
        #[doc = concat!("Input of `", $mutation, "`.")]
        #[derive(InputObject)]
        struct $input {
            /// Id of the account.
            person_id: ID,
        }

        payload! {
            #[doc = concat!("What came of `", $mutation, "`.")]
            $payload {
                /// The person as they are now.
                person: Person,
            }
        }
    };
}

of_person!("deactivateAccount": DeactivateAccountInput, DeactivateAccountPayload);
of_person!("reactivateAccount": ReactivateAccountInput, ReactivateAccountPayload);
of_person!("logOutEverywhere": LogOutEverywhereInput, LogOutEverywherePayload);
of_person!("forcePasswordReset": ForcePasswordResetInput, ForcePasswordResetPayload);
of_person!("setAccountStatusToCreated": SetAccountStatusToCreatedInput, SetAccountStatusToCreatedPayload);

/// Input of `editPerson`. What is left out stays as it is; null takes away what may be missing.
#[derive(InputObject)]
struct EditPersonInput {
    /// Id of the account.
    person_id: ID,
    /// Email address, of a domain that the organization allows. The person signs in with it from then on; links that were
    /// mailed to the one before are void.
    email: MaybeUndefined<String>,
    /// Given name.
    given_name: MaybeUndefined<String>,
    /// Family name.
    family_name: MaybeUndefined<String>,
    /// Job title.
    job_title: MaybeUndefined<String>,
    /// Department.
    department: MaybeUndefined<String>,
    /// Division.
    division: MaybeUndefined<String>,
    /// Office or city.
    location: MaybeUndefined<String>,
    /// Phone number.
    phone: MaybeUndefined<String>,
    /// Email address of the manager.
    manager_email: MaybeUndefined<String>,
    /// First day at work.
    start_date: MaybeUndefined<NaiveDate>,
    /// Language of mails and pages, a BCP 47 tag such as `de` or `pt-BR`.
    locale: MaybeUndefined<String>,
}

impl From<EditPersonInput> for PersonChanges {
    fn from(input: EditPersonInput) -> Self {
        // What must not be missing is refused as empty.
        let needed = |field: MaybeUndefined<String>| Option::<Option<_>>::from(field).map(Option::unwrap_or_default);
        Self {
            email: needed(input.email),
            locale: needed(input.locale),
            given_name: needed(input.given_name),
            family_name: needed(input.family_name),
            job_title: input.job_title.into(),
            department: input.department.into(),
            division: input.division.into(),
            location: input.location.into(),
            phone: input.phone.into(),
            manager_email: input.manager_email.into(),
            start_date: input.start_date.into(),
        }
    }
}

payload! {
    /// What came of `editPerson`.
    EditPersonPayload {
        /// The person as they are now.
        person: Person,
    }
}

/// Input of `generateActivationLink`.
#[derive(InputObject)]
struct GenerateActivationLinkInput {
    /// Id of the account.
    person_id: ID,
    /// Mails the link to the person instead of showing it to you.
    #[graphql(default)]
    mail: bool,
}

payload! {
    /// What came of `generateActivationLink`.
    GenerateActivationLinkPayload {
        /// The link, to be handed to the person and to nobody else; null if it is mailed. Shown this once.
        link: String,
        /// When the link ends.
        expires_at: Timestamp,
        /// The person.
        person: Person,
    }
}

/// Who is to be changed, and by whose request.
struct Target<'a> {
    app: &'a App,
    request: Request,
    organization: OrganizationId,
    account: AccountId,
}

impl<'a> Target<'a> {
    fn new(app: &'a App, caller: &Caller, person_id: &ID) -> Result<Self, Stop> {
        let organization = signed_in(caller)?.organization;
        Ok(Self { app, request: app.request(caller), organization, account: parse_id(person_id, "personId")? })
    }

    /// Refused if the person got many mails already.
    fn admit_mail(&self) -> Result<(), Stop> {
        Ok(self.app.throttles.mail_to(self.organization, self.account, self.request.at)?)
    }

    /// The person as the change has left them.
    async fn read_back(&self, position: Option<schema::Position>) -> Option<Person> {
        let read = self.app.directory.person(self.organization, self.account);
        self.app.read_back(Source::Directory, position, read).await.map(Person::from)
    }
}

#[derive(Default)]
pub(crate) struct PersonMutations;

#[Object]
impl PersonMutations {
    /// Changes a person's details. Only while the domain of their email address is allowed in the organization. Needs the
    /// right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn edit_person(
        &self,
        context: &Context<'_>,
        input: EditPersonInput,
    ) -> async_graphql::Result<EditPersonPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            if input.email.is_value() {
                to.admit_mail()?;
            }
            let position = app.platform.edit_person(&to.request, to.organization, to.account, input.into()).await?;
            let person = to.read_back(position).await;
            Ok(EditPersonPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Prevents a person from signing in, and logs them out at once: sessions, open subscriptions and the Portal units that
    /// they have set up. Their roles rest meanwhile. One active system admin always remains, and nobody does it to
    /// themselves. Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn deactivate_account(
        &self,
        context: &Context<'_>,
        input: DeactivateAccountInput,
    ) -> async_graphql::Result<DeactivateAccountPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            let position = app.platform.deactivate_account(&to.request, to.organization, to.account).await?;
            let person = to.read_back(position).await;
            Ok(DeactivateAccountPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Undoes a deactivation: the account is as it was before, its roles included. Portal units have to be set up again.
    /// Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn reactivate_account(
        &self,
        context: &Context<'_>,
        input: ReactivateAccountInput,
    ) -> async_graphql::Result<ReactivateAccountPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            let position = app.platform.reactivate_account(&to.request, to.organization, to.account).await?;
            let person = to.read_back(position).await;
            Ok(ReactivateAccountPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Logs a person out of everywhere at once: sessions, open subscriptions and the Portal units that they have set up.
    /// They may sign in again. Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn log_out_everywhere(
        &self,
        context: &Context<'_>,
        input: LogOutEverywhereInput,
    ) -> async_graphql::Result<LogOutEverywherePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            let position = app.platform.log_out_everywhere(&to.request, to.organization, to.account).await?;
            let person = to.read_back(position).await;
            Ok(LogOutEverywherePayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Demands a new password of a person: all sessions end, and a link goes out by mail. Portal units stay logged in.
    /// Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn force_password_reset(
        &self,
        context: &Context<'_>,
        input: ForcePasswordResetInput,
    ) -> async_graphql::Result<ForcePasswordResetPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            to.admit_mail()?;
            let position = app.platform.force_password_reset(&to.request, to.organization, to.account).await?;
            let person = to.read_back(position).await;
            Ok(ForcePasswordResetPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Makes an activated account as if it had only been added: the password is deleted, the person logged out everywhere,
    /// and their roles rest until they activate the account again with a new link. One active system admin always remains,
    /// and nobody does it to themselves. Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn set_account_status_to_created(
        &self,
        context: &Context<'_>,
        input: SetAccountStatusToCreatedInput,
    ) -> async_graphql::Result<SetAccountStatusToCreatedPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            let set_back = app.platform.set_account_status_to_created(&to.request, to.organization, to.account);
            let position = set_back.await?;
            let person = to.read_back(position).await;
            Ok(SetAccountStatusToCreatedPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Makes a link that activates the account of a person who was only added. It works once, for 72 hours; the one before
    /// is void. Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn generate_activation_link(
        &self,
        context: &Context<'_>,
        input: GenerateActivationLinkInput,
    ) -> async_graphql::Result<GenerateActivationLinkPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let to = Target::new(app, caller, &input.person_id)?;
            if input.mail {
                to.admit_mail()?;
            }
            let made =
                app.platform.generate_activation_link(&to.request, to.organization, to.account, input.mail).await?;
            Ok(GenerateActivationLinkPayload {
                link: made.token.map(|token| app.config.links.activate(&token)),
                expires_at: Some(made.expires_at),
                person: to.read_back(made.position).await,
                position: made.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
