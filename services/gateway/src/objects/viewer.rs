//! The person who asks.

use async_graphql::{Context, ID, Object, SimpleObject};
use commands::processes::sign_in::OpenSession;
use domain::{Principal, session::SESSION_LIFETIME};
use engine::paging::Paging;
use history::HistoryFilter;
use identity::SessionToken;
use schema::{AccountId, SessionId, Timestamp};

use super::{
    organization::Organization,
    person::{LoginMethod, Person, visible_person},
    role::Right,
};
use crate::{
    access::{Reader, Reading},
    app::{App, ContextExt, Source},
    errors::Stop,
    scalars::{Position, id},
};

/// Sessions of a person that are looked through for those that are open.
const MOST_SESSIONS: usize = 200;

/// A signed-in browser or client.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Session {
    /// Id of the session.
    id: ID,
    /// When it began.
    started_at: Timestamp,
    /// When it was last used, as far as is known: after a restart of the platform no later than that.
    last_used_at: Timestamp,
    /// When it ends whatever happens.
    expires_at: Timestamp,
    /// How the person signed in.
    login_method: LoginMethod,
    /// Browser and system, such as `Firefox on Windows`; null if the client did not say.
    device: Option<String>,
    /// Network that the person signed in from, shortened, such as `203.0.113.0/24`; null if it is not known.
    network: Option<String>,
    /// It is the one that this request came with.
    is_current: bool,
}

impl Session {
    fn new(open: OpenSession, current: SessionId) -> Self {
        Self {
            id: id(open.session),
            started_at: open.started_at,
            last_used_at: open.last_used_at,
            expires_at: open.expires_at,
            login_method: open.method.into(),
            device: open.origin.as_ref().and_then(|origin| origin.device.clone()),
            network: open.origin.map(|origin| origin.network),
            is_current: open.session == current,
        }
    }
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
    account: AccountId,
    system_admin: bool,
    rights: Vec<Right>,
}

impl Viewer {
    /// None if nobody has signed in.
    pub(crate) fn new(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Person { session, account, system_admin, rights, .. } => {
                let rights = if *system_admin { schema::Right::ALL.to_vec() } else { rights.iter().copied().collect() };
                let rights = rights.into_iter().map(Right::from).collect();
                Some(Self { session: *session, account: *account, system_admin: *system_admin, rights })
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
        let open = context.app()?.platform.open_sessions(self.account, &[self.session]).await;
        let open = open.map_err(|failure| context.report(Stop::from(failure)))?;
        Ok(open.into_iter().next().map(|open| Session::new(open, self.session)))
    }

    /// All their sessions that are open, newest first; of the latest 200 that began. `signOut` ends one, `signOutEverywhere` all.
    #[graphql(complexity = "20 + 20 * child_complexity")]
    async fn sessions(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<Session>>> {
        let (app, reader) = (context.app()?, context.reader(Reading::Own)?);
        let work = async {
            let sessions = begun_sessions(app, &reader).await?;
            Ok::<_, Stop>(app.platform.open_sessions(reader.account, &sessions).await?)
        };
        let open = work.await.map_err(|stop| context.report(stop))?;
        Ok(Some(open.into_iter().map(|open| Session::new(open, self.session)).collect()))
    }
}

/// The latest sessions that the person has begun, as long ago as one can be open, newest first: the history knows them.
async fn begun_sessions(app: &App, reader: &Reader) -> Result<Vec<SessionId>, Stop> {
    let log = app.platform.log();
    let head = log.head().await.map_err(|error| Stop::Unavailable(error.to_string()))?;
    app.reach(Source::History, head.map(Position)).await?;
    let filter = HistoryFilter {
        subject: Some(reader.account.into()),
        types: vec!["session.started".to_owned()],
        from: Some(app.platform.clock().now() - SESSION_LIFETIME),
        ..HistoryFilter::default()
    };
    let page =
        app.history.page(reader.organization, filter, Paging::Forward { first: MOST_SESSIONS, after: None }).await?;
    let positions: Vec<_> = page.edges.iter().map(|edge| edge.node.position).collect();
    let events = log.events_at(&positions).await.map_err(|error| Stop::Unavailable(error.to_string()))?;
    Ok(events.into_iter().flatten().filter_map(|event| event.stream.id().parse().ok()).collect())
}

/// The organization of whoever asks.
pub(crate) async fn own_organization(context: &Context<'_>) -> async_graphql::Result<Option<Organization>> {
    let reader = context.reader(Reading::Own)?;
    let found = context.app()?.directory.organization(reader.organization).await;
    Ok(found.map_err(|error| context.report(error.into()))?.map(Organization::from))
}
