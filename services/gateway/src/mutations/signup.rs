//! Setting an organization up: work email, mailed code, password.

use async_graphql::{Context, ID, InputObject, Object};
use commands::processes::sign_in::SessionStart;
use commands::processes::sign_up::Founding;
use domain::text::EmailAddress;
use schema::{Profile, SignupId, Timestamp};

use super::session::begin;
use crate::{
    app::{ContextExt, Source},
    entry::password,
    objects::viewer::{NewSession, Viewer},
    payload::{answer, payload},
    scalars::{Position, id, parse_id},
};

/// Language of people who do not say otherwise.
pub(super) const DEFAULT_LOCALE: &str = "en";

/// Input of `beginSignup`.
#[derive(InputObject)]
struct BeginSignupInput {
    /// Work email address. Addresses of consumer mail services are refused.
    email: String,
    /// Language of the person, a BCP 47 tag such as `de` or `pt-BR`. `en` unless told otherwise.
    locale: Option<String>,
}

payload! {
    /// What came of `beginSignup`.
    BeginSignupPayload {
        /// Names the sign-up from now on. Keep it secret: whoever has it and the mailed code can go on.
        signup_id: ID,
        /// When the mailed code ends.
        code_expires_at: Timestamp,
    }
}

/// Input of `confirmSignup`.
#[derive(InputObject)]
struct ConfirmSignupInput {
    /// From `beginSignup`.
    signup_id: ID,
    /// The six digits that were mailed.
    code: String,
}

payload! {
    /// What came of `confirmSignup`.
    ConfirmSignupPayload {
        /// The sign-up, whose address is confirmed now.
        signup_id: ID,
    }
}

/// Input of `completeSignup`.
#[derive(InputObject)]
struct CompleteSignupInput {
    /// From `beginSignup`.
    signup_id: ID,
    /// Name of the organization.
    organization_name: String,
    /// Given name of the first person.
    given_name: String,
    /// Family name of the first person.
    family_name: String,
    /// Password of the first person: 15 to 128 characters, not a common one.
    password: String,
    /// Language of the first person, a BCP 47 tag such as `de` or `pt-BR`; `en` unless told otherwise.
    locale: Option<String>,
}

payload! {
    /// What came of `completeSignup`.
    CompleteSignupPayload {
        /// The first person, signed in.
        viewer: Viewer,
        /// The session that has begun.
        session: NewSession,
    }
}

#[derive(Default)]
pub(crate) struct SignupMutations;

#[Object]
impl SignupMutations {
    /// Begins to set an organization up: mails a code to a work email address. The answer is the same whether or not the
    /// address has an account; if it has, the mail says so. Anybody may call it.
    #[graphql(complexity = "500 + child_complexity")]
    async fn begin_signup(
        &self,
        context: &Context<'_>,
        input: BeginSignupInput,
    ) -> async_graphql::Result<BeginSignupPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let email = EmailAddress::parse(&input.email).map_err(|rejection| rejection.at("email"))?;
            let locale = input.locale.as_deref().unwrap_or(DEFAULT_LOCALE);
            let request = app.request(caller);
            let email_key = app.platform.keys().email_key(email.as_str());
            app.throttles.sign_up(email_key, caller.address, request.at)?;
            let (begun, done) = app.platform.begin_signup(&request, &input.email, locale).await?;
            Ok(BeginSignupPayload {
                signup_id: Some(id(begun.signup)),
                code_expires_at: Some(begun.code_expires_at),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Confirms the email address with the mailed code. A wrong code counts; after 10 the sign-up has to begin again.
    /// Anybody may call it.
    #[graphql(complexity = "500 + child_complexity")]
    async fn confirm_signup(
        &self,
        context: &Context<'_>,
        input: ConfirmSignupInput,
    ) -> async_graphql::Result<ConfirmSignupPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signup: SignupId = parse_id(&input.signup_id, "signupId")?;
            let done = app.platform.confirm_signup(&app.request(caller), signup, &input.code).await?;
            Ok(ConfirmSignupPayload {
                signup_id: Some(id(signup)),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Founds the organization with the first person as its system admin, and signs that person in. Anybody may call it
    /// whose email address is confirmed.
    #[graphql(complexity = "500 + child_complexity")]
    async fn complete_signup(
        &self,
        context: &Context<'_>,
        input: CompleteSignupInput,
    ) -> async_graphql::Result<CompleteSignupPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signup: SignupId = parse_id(&input.signup_id, "signupId")?;
            let founding = Founding {
                organization_name: input.organization_name,
                profile: Profile { given_name: input.given_name, family_name: input.family_name, ..Profile::default() },
                locale: input.locale.unwrap_or_else(|| DEFAULT_LOCALE.to_owned()),
                password: password(input.password)?,
            };
            let request = app.request(caller);
            let founded = app.platform.complete_signup(&request, signup, founding).await?;
            let signed_in = app
                .platform
                .start_session(&request, founded.proven(), SessionStart::by_password(caller.origin()))
                .await?;
            let (viewer, session) = begin(context, &signed_in)?;
            // The session began last, so its position stands behind everything that the sign-up has made.
            app.read_back(Source::Directory, signed_in.position, async { Ok(Some(())) }).await;
            Ok(CompleteSignupPayload {
                viewer,
                session: Some(session),
                position: signed_in.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
