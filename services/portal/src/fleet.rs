//! Many units in one process.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Ended, PortalConfig, PortalError, Screen, Storage,
    store::{Store, lock},
    unit::{Shared, Unit},
};

/// How the units of a fleet ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetSummary {
    /// Shut down.
    pub stopped: usize,
    /// Refused at pairing.
    pub denied: usize,
    /// Could not go on; the trace says why.
    pub failed: usize,
}

/// Runs `units` virtual units that share one HTTP client, each in a task of its own with its screen from
/// `screens(index)`: an approver learns the codes there. Returns when all have ended.
///
/// A unit of a persistent fleet keeps its state in `unit-<number>` below the configured folder. Each unit needs one
/// open file for its connection.
///
/// # Errors
/// The fleet's folder or the network cannot be used. The failure of one unit does not end the others.
pub async fn run_fleet<S: Screen>(
    config: PortalConfig,
    units: usize,
    shutdown: CancellationToken,
    screens: impl Fn(usize) -> S,
) -> Result<FleetSummary, PortalError> {
    let folder = match &config.storage {
        Storage::Memory => None,
        Storage::Folder(path) => Some((path.clone(), lock(path.clone()).await?)),
    };
    let shared = Arc::new(Shared::new(config)?);
    let mut running = JoinSet::new();
    for index in 0..units {
        let number = format!("{:06}", index + 1);
        let store = match &folder {
            None => Store::open(&Storage::Memory).await?,
            Some((path, lock)) => Store::open_within(path.join(format!("unit-{number}")), Arc::clone(lock)).await?,
        };
        let unit = Unit {
            shared: Arc::clone(&shared),
            serial: shared.config.serial.as_ref().map(|beginning| format!("{beginning}{number}")),
            store,
            screen: screens(index),
            shutdown: shutdown.clone(),
        };
        running.spawn(async move { unit.live().await });
        let spacing = tokio::time::sleep(shared.config.pacing.fleet_spacing);
        if shutdown.run_until_cancelled(spacing).await.is_none() {
            break;
        }
    }
    let mut summary = FleetSummary::default();
    while let Some(ended) = running.join_next().await {
        summary.count(ended);
    }
    Ok(summary)
}

impl FleetSummary {
    fn count(&mut self, ended: Result<Result<Ended, PortalError>, tokio::task::JoinError>) {
        match ended {
            Ok(Ok(Ended::Stopped)) => self.stopped += 1,
            Ok(Ok(Ended::Denied)) => self.denied += 1,
            Ok(Err(error)) => {
                self.failed += 1;
                tracing::error!(%error, "a unit of the fleet cannot go on");
            }
            Err(error) => {
                self.failed += 1;
                tracing::error!(%error, "a unit of the fleet was cut off");
            }
        }
    }
}
