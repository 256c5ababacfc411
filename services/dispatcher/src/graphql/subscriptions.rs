//! The subscription.

use async_graphql::{Context, Result, Subscription};
use commands::Failure;
use domain::{Code, Rejection};
use futures::Stream;

use super::{
    errors::graphql_error,
    frames::{Cursor, DeviceFrame},
    parts,
};
use crate::stream::{CommandStream, OpenStream};

/// Most commands that may be sent and not acknowledged.
const LARGEST_WINDOW: i32 = 16;
/// That number if the unit does not say.
const USUAL_WINDOW: i32 = 4;

/// What a unit can follow.
pub(crate) struct Subscription;

/// What a unit can follow.
#[Subscription]
impl Subscription {
    /// The unit's commands and settings. Begins with a Welcome and the DesiredSettings; commands follow, in the order of
    /// their sequence, once the unit has reported its status on this connection. One stream per connection, and one
    /// connection per unit: a newer one closes the older with 4410.
    async fn device_commands(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Cursor of the last command that the unit has stored; null: none.")] after: Option<Cursor>,
        #[graphql(
            desc = "Most commands sent and not acknowledged, from 1 to 16.",
            default_with = "Some(USUAL_WINDOW)"
        )]
        window: Option<i32>,
    ) -> Result<impl Stream<Item = DeviceFrame> + use<>> {
        let (shared, caller) = parts(context)?;
        let refused = |rejection: Rejection| graphql_error(Failure::Rejected(rejection));
        shared.admit_operation(caller.identity.device).map_err(|code| refused(code.into()))?;
        let window = window.unwrap_or(USUAL_WINDOW);
        let window = (1..=LARGEST_WINDOW).contains(&window).then_some(window).and_then(|w| usize::try_from(w).ok());
        let window = window.ok_or_else(|| refused(Rejection::new(Code::InvalidValue, "Use a window from 1 to 16.")))?;
        let only_one = || Rejection::new(Code::AlreadyUsed, "A connection has one command stream, and it is open.");
        let unit = caller.registration.as_ref().map(|registration| registration.unit.clone());
        let open = unit.and_then(|unit| OpenStream::new(shared.clone(), unit)).ok_or_else(|| refused(only_one()))?;
        let stream = CommandStream::begin(open, after.map(|cursor| cursor.0), window).await;
        Ok(stream.map_err(graphql_error)?.frames())
    }
}
