//! Ends what a crash has left open: command streams of this dispatcher, from before it started, that the history still
//! shows as open although the unit has not come back.

use std::collections::HashMap;

use commands::Failure;
use domain::{Device, DeviceCommand};
use eventlog::ReadError;
use futures::{StreamExt, stream};
use schema::{
    DeviceId, Position,
    events::{DeviceEvent, EventFamily},
};
use uuid::Uuid;

use crate::shared::Shared;

/// Events per read.
const PAGE_EVENTS: usize = 1000;
/// Streams that are ended at once: few, so that units that connect meanwhile go first.
const ENDING_AT_ONCE: usize = 8;
/// The only events that matter here.
const TYPES: [&str; 2] = ["device.connected", "device.disconnected"];

/// Reads the history up to `start`, where this process began, and ends what it shows as open. Ending is harmless for a
/// unit that has come back: its newer stream is another one. Takes some 60 bytes for each unit that was connected.
pub(crate) async fn run(shared: &Shared, start: Option<Position>) -> Result<(), ReadError> {
    let open = open_streams(shared, start).await?;
    let count = open.len();
    stream::iter(open)
        .for_each_concurrent(ENDING_AT_ONCE, async |(device, connection)| {
            if let Err(failure) = end(shared, device, connection).await {
                tracing::error!(%device, %failure, "a unit stays shown as connected");
            }
        })
        .await;
    tracing::info!(count, "ended the command streams that were open before the start and have not come back");
    Ok(())
}

async fn open_streams(shared: &Shared, start: Option<Position>) -> Result<HashMap<DeviceId, Uuid>, ReadError> {
    let mut open = HashMap::new();
    let mut after = None;
    while after < start {
        let page = shared.platform.log().read_all(after, PAGE_EVENTS).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        let of_streams =
            page.iter().filter(|event| TYPES.contains(&&*event.event_type) && Some(event.position) <= start);
        for event in of_streams {
            let Ok(device) = event.stream.id().parse::<DeviceId>() else { continue };
            match DeviceEvent::decode(&event.event_type, event.version, &event.payload) {
                Ok(DeviceEvent::Connected(connected)) => {
                    open.insert(device, connected.connection);
                }
                Ok(DeviceEvent::Disconnected(ended)) if open.get(&device) == Some(&ended.connection) => {
                    open.remove(&device);
                }
                _ => {}
            }
        }
    }
    open.retain(|_, connection| shared.is_own_stream(*connection));
    Ok(open)
}

async fn end(shared: &Shared, device: DeviceId, connection: Uuid) -> Result<(), Failure> {
    let command = DeviceCommand::Disconnect { connection };
    shared.platform.execute::<Device>(&shared.own_request(), &device, command).await.map(drop)
}
