//! Signing in and out, and choosing another password.

use async_graphql::{Context, ID, InputObject, Object};
use axum::http::header::SET_COOKIE;
use commands::processes::sign_in::SignedIn;
use domain::{Account, AccountCommand, Code, Principal, Session, SessionCommand, session::SESSION_LIFETIME};
use schema::SessionId;

use crate::{
    app::{ContextExt, Source, signed_in},
    entry,
    errors::Stop,
    objects::viewer::{NewSession, Viewer},
    payload::{answer, payload},
    scalars::{Position, id, parse_id},
};

/// Input of `signIn`.
#[derive(InputObject)]
struct SignInInput {
    /// Email address.
    email: String,
    /// Password.
    password: String,
}

payload! {
    /// What came of `signIn`.
    SignInPayload {
        /// The person who signed in.
        viewer: Viewer,
        /// The session that has begun.
        session: NewSession,
    }
}

/// Input of `signOut`.
#[derive(Default, InputObject)]
struct SignOutInput {
    /// Another session of yours; the one that the request comes with unless told otherwise.
    session_id: Option<ID>,
}

payload! {
    /// What came of `signOut`.
    SignOutPayload {
        /// The session that has ended.
        session_id: ID,
        /// Where to lead the browser to end the session at the identity provider too; null if there is none to end.
        logout_url: String,
    }
}

payload! {
    /// What came of `signOutEverywhere`.
    SignOutEverywherePayload {
        /// Whose sessions have ended.
        person_id: ID,
    }
}

/// Input of `requestPasswordReset`.
#[derive(InputObject)]
struct RequestPasswordResetInput {
    /// Email address.
    email: String,
}

payload! {
    /// What came of `requestPasswordReset`: the same for every address.
    RequestPasswordResetPayload {}
}

/// Input of `resetPassword`.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// The value of `token` in the mailed link.
    token: String,
    /// The password to have from now on: 15 to 128 characters, not a common one.
    password: String,
}

payload! {
    /// What came of `resetPassword`.
    ResetPasswordPayload {
        /// The person, signed in.
        viewer: Viewer,
        /// The session that has begun.
        session: NewSession,
    }
}

/// Input of `changePassword`.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password until now.
    current_password: String,
    /// The password to have from now on: 15 to 128 characters, not a common one.
    new_password: String,
}

payload! {
    /// What came of `changePassword`.
    ChangePasswordPayload {
        /// The person, signed in anew.
        viewer: Viewer,
        /// The session that has begun in place of the one that the request came with.
        session: NewSession,
    }
}

/// Hands a new session to the client: the cookie with the answer, and what the payload says. The rest of the request
/// acts as the person who signed in.
pub(super) fn begin(context: &Context<'_>, signed_in: &SignedIn) -> Result<(Option<Viewer>, NewSession), Stop> {
    let fault = |_| Stop::Fault("the context of a request is incomplete".to_owned());
    let (app, caller) = (context.app().map_err(fault)?, context.caller().map_err(fault)?);
    context.append_http_header(SET_COOKIE, entry::cookie(app, signed_in));
    caller.becomes(signed_in.principal.clone());
    let expires_at = app.platform.clock().now() + SESSION_LIFETIME;
    Ok((Viewer::new(&signed_in.principal), NewSession::new(&signed_in.token, expires_at)))
}

#[derive(Default)]
pub(crate) struct SessionMutations;

#[Object]
impl SessionMutations {
    /// Signs in with email address and password. Unknown addresses get the same answer as wrong passwords. Failed tries
    /// make the next ones wait. Anybody may call it.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> async_graphql::Result<SignInPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signed_in = entry::sign_in(app, caller, &input.email, input.password).await?;
            let (viewer, session) = begin(context, &signed_in)?;
            app.read_back(Source::Directory, signed_in.position, async { Ok(Some(())) }).await;
            Ok(SignInPayload {
                viewer,
                session: Some(session),
                position: signed_in.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Asks for a link to choose a new password. If the address has an account with a password, the link goes there by mail
    /// and works once, for 20 minutes; to an account that was only added, a link that activates it. The answer is the same
    /// for every address. Anybody may call it.
    #[graphql(complexity = "500 + child_complexity")]
    async fn request_password_reset(
        &self,
        context: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> async_graphql::Result<RequestPasswordResetPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let position = entry::request_password_reset(app, caller, &input.email).await?;
            Ok(RequestPasswordResetPayload { position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Gives an account another password, with the mailed link, and signs the person in. All their other sessions end.
    /// Anybody may call it who has the link.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn reset_password(
        &self,
        context: &Context<'_>,
        input: ResetPasswordInput,
    ) -> async_graphql::Result<ResetPasswordPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signed_in = entry::reset_password(app, caller, &input.token, input.password).await?;
            let (viewer, session) = begin(context, &signed_in)?;
            app.read_back(Source::Directory, signed_in.position, async { Ok(Some(())) }).await;
            Ok(ResetPasswordPayload {
                viewer,
                session: Some(session),
                position: signed_in.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Gives you another password, if you know the current one. A new session begins, and all others of yours end. Wrong
    /// tries make the next ones wait. Any signed-in person may call it who has a password.
    #[graphql(complexity = "2000 + child_complexity")]
    async fn change_password(
        &self,
        context: &Context<'_>,
        input: ChangePasswordInput,
    ) -> async_graphql::Result<ChangePasswordPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let signed_in = entry::change_password(app, caller, input.current_password, input.new_password).await?;
            let (viewer, session) = begin(context, &signed_in)?;
            app.read_back(Source::Directory, signed_in.position, async { Ok(Some(())) }).await;
            Ok(ChangePasswordPayload {
                viewer,
                session: Some(session),
                position: signed_in.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Signs out: the session ends at once, also for what is subscribed with it. Any signed-in person may call it.
    #[graphql(complexity = "100 + child_complexity")]
    async fn sign_out(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "May be left out.")] input: Option<SignOutInput>,
    ) -> async_graphql::Result<SignOutPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            signed_in(caller)?;
            let Principal::Person { session: current, .. } = caller.principal() else {
                return Err(Code::NotSignedIn.into());
            };
            let wanted = input.unwrap_or_default().session_id;
            let session: SessionId = wanted.map(|id| parse_id(&id, "sessionId")).transpose()?.unwrap_or(current);
            let done = app.platform.execute::<Session>(&app.request(caller), &session, SessionCommand::End).await?;
            if session == current {
                context.append_http_header(SET_COOKIE, app.config.cookie().clear());
                caller.becomes(Principal::Anonymous);
            }
            let logout_url = app.sso.logout_url(session).await.unwrap_or_else(|failure| {
                tracing::warn!(%session, %failure, "a session may go on at the identity provider");
                None
            });
            Ok(SignOutPayload {
                session_id: Some(id(session)),
                logout_url: logout_url.map(String::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Ends all your sessions at once, the present one included, also for what is subscribed with them. Portal units that you
    /// have set up stay. Any signed-in person may call it.
    #[graphql(complexity = "100 + child_complexity")]
    async fn sign_out_everywhere(&self, context: &Context<'_>) -> async_graphql::Result<SignOutEverywherePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let account = signed_in(caller)?.account;
            let request = app.request(caller);
            let done = app.platform.execute::<Account>(&request, &account, AccountCommand::EndSessions).await?;
            context.append_http_header(SET_COOKIE, app.config.cookie().clear());
            caller.becomes(Principal::Anonymous);
            Ok(SignOutEverywherePayload {
                person_id: Some(id(account)),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
