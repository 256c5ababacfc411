//! Live data: what changes, told as soon as queries see it.

mod guard;
mod history;
mod imports;
mod updates;

use async_graphql::{Context, ID, MergedSubscription, Subscription as GraphQlSubscription};
use futures::Stream;
use schema::DeviceId;

use self::{
    guard::Guard,
    updates::{DeviceUpdate, DirectoryUpdate},
};
use crate::{
    access::Reading,
    app::ContextExt,
    errors::Stop,
    objects::{
        history::{HistoryEntry, HistoryFilter},
        import::ImportProgress,
    },
    scalars::{Position, parse_id},
};

/// What can be followed, over a WebSocket at `/graphql` with the protocol `graphql-transport-ws`. Pass the session as
/// `{"authorization": "Bearer <token>"}` in the payload of `connection_init`; browsers may leave it out and are known by
/// their cookie. When the session ends, the WebSocket is closed with 4401.
#[derive(Default, MergedSubscription)]
pub(crate) struct Subscription(LiveData);

#[derive(Default)]
struct LiveData;

#[GraphQlSubscription]
impl LiveData {
    /// What changes in the directory: the organization, people, roles and who holds them. Needs any admin right.
    async fn directory_changed(
        &self,
        context: &Context<'_>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<DirectoryUpdate>> + use<>> {
        let guard = Guard::new(context, Reading::Directory)?;
        let changes = context.app()?.views.directory.changes();
        Ok(updates::of_directory(changes, guard))
    }

    /// What changes among the Portal units and the commands to them; without the right `MANAGE_DEVICES`, among those that
    /// you set up yourself.
    async fn device_changed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this device.")] device_id: Option<ID>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<DeviceUpdate>> + use<>> {
        let guard = Guard::new(context, Reading::Devices)?;
        let only: Option<DeviceId> =
            device_id.map(|id| parse_id(&id, "deviceId")).transpose().map_err(|r| context.report(r.into()))?;
        let changes = context.app()?.views.devices.changes();
        Ok(updates::of_devices(changes, guard, only))
    }

    /// How far an import of people is: now, and whenever it has got on. Ends when every row is dealt with. Needs the right
    /// `MANAGE_ACCOUNTS`.
    async fn import_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the import.")] id: ID,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<ImportProgress>> + use<>> {
        let guard = Guard::new(context, Reading::Imports)?;
        let (app, caller) = (context.app()?, context.caller()?);
        let work = async {
            let import = parse_id(&id, "id")?;
            app.platform.import(&app.request(caller), guard.organization(), import).await?;
            Ok::<_, Stop>(import)
        };
        let import = work.await.map_err(|stop| context.report(stop))?;
        Ok(imports::progress(import, guard))
    }

    /// What happens in your organization, as it is appended to the history. Nothing is left out and nothing told twice;
    /// after an interruption go on from the position of the last entry. Needs the right `READ_HISTORY`.
    async fn history_appended(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<HistoryFilter>,
        #[graphql(desc = "Tell first what stands after this position; unless given, only what comes.")] after: Option<
            Position,
        >,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<HistoryEntry>> + use<>> {
        let guard = Guard::new(context, Reading::History)?;
        let app = context.app()?;
        let changes = app.views.history.changes();
        let work = async {
            let filter = filter.unwrap_or_default().parse()?;
            let after = match after {
                Some(Position(after)) => Some(after),
                None => app.history.end(guard.organization()).await?,
            };
            Ok::<_, Stop>((filter, after))
        };
        let (filter, after) = work.await.map_err(|stop| context.report(stop))?;
        Ok(history::following(guard, changes, filter, after))
    }
}
