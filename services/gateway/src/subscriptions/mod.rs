//! Live data: what changes, told as soon as queries see it.

mod guard;
mod updates;

use async_graphql::{Context, ID, MergedSubscription, Subscription as GraphQlSubscription};
use futures::Stream;
use schema::DeviceId;

use self::{
    guard::Guard,
    updates::{DeviceUpdate, DirectoryUpdate},
};
use crate::{access::Reading, app::ContextExt, scalars::parse_id};

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
}
