//! The query.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use commands::Failure;
use domain::Device;

use super::{errors::graphql_error, frames::DesiredSettings, parts};

/// What a unit can ask.
pub(crate) struct Query;

/// What a unit can ask.
#[Object]
impl Query {
    /// The unit that asks, as the platform knows it.
    async fn unit(&self, context: &Context<'_>) -> Result<Unit> {
        let (shared, caller) = parts(context)?;
        let identity = caller.identity;
        shared.admit_operation(identity.device).map_err(|code| graphql_error(Failure::from(code)))?;
        let device = shared.platform.load::<Device>(&identity.device).await.map_err(graphql_error)?;
        let (revision, name) = device.state.desired_settings();
        Ok(Unit {
            device_id: identity.device.to_string().into(),
            epoch: identity.epoch,
            last_sequence: device.state.last_sequence(),
            connected: device.state.connection().is_some(),
            settings: DesiredSettings { revision, name: name.to_owned() },
        })
    }
}

/// A unit, as the platform knows it.
#[derive(Debug, SimpleObject)]
struct Unit {
    /// Which device it is.
    device_id: ID,
    /// How many times this hardware has been enrolled, this time included.
    epoch: u64,
    /// Sequence of the newest command to it; 0: there was none.
    last_sequence: u64,
    /// Whether its command stream is open.
    connected: bool,
    /// How it is to be set.
    settings: DesiredSettings,
}
