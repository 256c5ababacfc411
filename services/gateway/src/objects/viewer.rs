//! The person who asks.

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::{Principal, Session as SessionState};
use identity::SessionToken;
use schema::{SessionId, Timestamp};

use super::{
    organization::Organization,
    person::{Person, visible_person},
    role::Right,
};
use crate::{access::Reading, app::ContextExt, errors::Stop, scalars::id};

/// A signed-in browser or client.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Session {
    /// Id of the session.
    id: ID,
    /// When it ends whatever happens.
    expires_at: Timestamp,
}

/// A session that has just begun. Browsers got its cookie with this answer; other clients send the token.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct NewSession {
    /// Id of the session.
    id: ID,
    /// For clients that are not browsers: send it as `Authorization: Bearer <token>`. Shown this once; keep it secret.
    token: String,
    /// When it ends whatever happens.
    expires_at: Timestamp,
}

impl NewSession {
    pub(crate) fn new(token: &SessionToken, expires_at: Timestamp) -> Self {
        Self { id: id(token.session()), token: token.to_text(), expires_at }
    }
}

/// The person who asks, and what they may do at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    session: SessionId,
    system_admin: bool,
    rights: Vec<Right>,
}

impl Viewer {
    /// None if nobody has signed in.
    pub(crate) fn new(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Person { session, system_admin, rights, .. } => {
                let rights = if *system_admin { schema::Right::ALL.to_vec() } else { rights.iter().copied().collect() };
                let rights = rights.into_iter().map(Right::from).collect();
                Some(Self { session: *session, system_admin: *system_admin, rights })
            }
            _ => None,
        }
    }
}

/// The person who asks, and what they may do at this moment.
#[Object]
impl Viewer {
    /// Their own account.
    #[graphql(complexity = "2 + child_complexity")]
    async fn person(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        let reader = context.reader(Reading::Own)?;
        visible_person(context, reader.account).await
    }

    /// Their organization.
    #[graphql(complexity = "2 + child_complexity")]
    async fn organization(&self, context: &Context<'_>) -> async_graphql::Result<Option<Organization>> {
        own_organization(context).await
    }

    /// Whether they are a system admin: they have every right and alone may manage roles.
    async fn is_system_admin(&self) -> bool {
        self.system_admin
    }

    /// What they may do, out of all their roles.
    async fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// The session that this request came with.
    async fn session(&self, context: &Context<'_>) -> async_graphql::Result<Option<Session>> {
        let platform = &context.app()?.platform;
        let loaded = platform.load::<SessionState>(&self.session).await;
        let loaded = loaded.map_err(|failure| context.report(Stop::from(failure)))?;
        let started = loaded.state.valid(platform.clock().now());
        Ok(started.map(|started| Session { id: id(started.session), expires_at: started.expires_at }))
    }
}

/// The organization of whoever asks.
pub(crate) async fn own_organization(context: &Context<'_>) -> async_graphql::Result<Option<Organization>> {
    let reader = context.reader(Reading::Own)?;
    let found = context.app()?.directory.organization(reader.organization).await;
    Ok(found.map_err(|error| context.report(error.into()))?.map(Organization::from))
}
