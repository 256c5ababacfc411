//! Follows the log, once for the whole process, and tells each connected unit what concerns it.
//!
//! Why no change is missed. The position from which the log is followed is taken before any unit is let in, and reading
//! goes on from the last event seen whatever happens in between. A unit is registered before its state is read. So an
//! event is either in the state that was read, or comes by here later and finds the unit registered.

use std::{convert::Infallible, sync::Arc, time::Duration};

use eventlog::ReadError;
use schema::{
    AccountId, DeviceId, Position, RecordedEvent,
    events::{DeviceEvent, EventFamily, ReservationEvent},
};

use crate::shared::Shared;

/// The first pause between two tries to reach the log; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Events after which the units of an account are logged out.
const LOGGED_OUT: [&str; 3] = ["account.deactivated", "account.logged_out_everywhere", "account.status_set_to_created"];

/// Where the log ends now. Waits for the log if it cannot be reached.
pub(crate) async fn head(shared: &Shared) -> Option<Position> {
    let mut pause = FIRST_PAUSE;
    loop {
        match shared.platform.log().head().await {
            Ok(head) => return head,
            Err(error) => rest(&mut pause, &error).await,
        }
    }
}

/// Follows the log after `after`, for ever.
pub(crate) async fn run(shared: &Arc<Shared>, mut after: Option<Position>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let Err(error) = follow(shared, &mut after).await;
        if shared.following.send_replace(false) {
            pause = FIRST_PAUSE;
        }
        rest(&mut pause, &error).await;
    }
}

async fn rest(pause: &mut Duration, error: &ReadError) {
    tracing::error!(%error, "the log cannot be followed; trying again");
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LAST_PAUSE);
}

async fn follow(shared: &Arc<Shared>, after: &mut Option<Position>) -> Result<Infallible, ReadError> {
    let mut subscription = shared.platform.log().subscribe(*after).await?;
    shared.following.send_replace(true);
    loop {
        for event in subscription.next().await? {
            notice(shared, &event);
            *after = Some(event.position);
        }
    }
}

fn notice(shared: &Arc<Shared>, event: &Arc<RecordedEvent>) {
    match event.stream.category() {
        "device" => notice_device(shared, event),
        "hardware" => notice_hardware(shared, event),
        "account" => notice_account(shared, event),
        _ => {}
    }
}

fn notice_device(shared: &Shared, event: &Arc<RecordedEvent>) {
    let Ok(device) = event.stream.id().parse::<DeviceId>() else { return };
    let Some(unit) = shared.registry.get(device) else { return };
    match DeviceEvent::decode(&event.event_type, event.version, &event.payload) {
        Ok(DeviceEvent::CommandRequested(requested)) => unit.requested(requested.command, event.clone()),
        // These change nothing in what is to be sent.
        Ok(DeviceEvent::CommandQueued(_) | DeviceEvent::CommandDispatched(_) | DeviceEvent::StatusReported(_)) => {}
        // Its own stream. Any other one takes over from it.
        Ok(DeviceEvent::Connected(connected)) if unit.is_streaming(connected.connection) => {}
        Ok(DeviceEvent::LoggedOut(_)) => unit.revoke(),
        // Also what a newer version of the platform writes and this one cannot read.
        Ok(_) | Err(_) => unit.changed(),
    }
}

/// What the event says of epochs is found out by looking at the account: one of its units may have been set up since.
fn notice_account(shared: &Arc<Shared>, event: &RecordedEvent) {
    if LOGGED_OUT.contains(&&*event.event_type)
        && let Ok(account) = event.stream.id().parse::<AccountId>()
    {
        shared.recheck_units_of(account);
    }
}

/// Hardware can be enrolled anew only after it was released, so the release is the end of every enrollment that was not
/// logged out.
fn notice_hardware(shared: &Shared, event: &RecordedEvent) {
    if let Ok(ReservationEvent::HardwareReleased(released)) =
        ReservationEvent::decode(&event.event_type, event.version, &event.payload)
        && let Some(unit) = shared.registry.get(released.device)
    {
        unit.revoke();
    }
}
