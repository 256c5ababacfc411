//! One unit, through all its boots.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    Gateway, GatewayError, Network, NetworkError, PortalConfig, Screen, ScreenEvent, StoreError,
    boot::{Boot, Halt},
    store::Store,
};

/// Why a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// It was shut down.
    Stopped,
    /// The platform or the person refused to connect it.
    Denied,
}

/// A unit cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way to the platform cannot be set up.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The gateway will never connect a unit such as this one.
    #[error("the gateway does not accept the unit's request to be connected: {0}")]
    Registration(#[source] GatewayError),
}

/// Runs a virtual unit until it is shut down or refused. Lost connections are made again; when it no longer belongs to the
/// organization, or was logged out with its account, it forgets its credentials and shows a new code.
///
/// Dropping the future at any moment is a crash of the unit: what it had stored holds.
///
/// # Errors
/// The unit's folder or the network cannot be used, or the gateway rejects the unit's registration for good.
pub async fn run(config: PortalConfig, shutdown: CancellationToken, screen: impl Screen) -> Result<Ended, PortalError> {
    let store = Store::open(&config.storage).await?;
    let shared = Shared::new(config)?;
    Unit { shared: Arc::new(shared), serial: None, store, screen, shutdown }.live().await
}

/// What all units of a process have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: PortalConfig,
    pub(crate) network: Arc<Network>,
    pub(crate) gateway: Gateway,
}

impl Shared {
    pub(crate) fn new(config: PortalConfig) -> Result<Self, PortalError> {
        let network = Arc::new(Network::new(&config.gateway, config.pacing.request_timeout)?);
        let gateway = Gateway::new(Arc::clone(&network), &config.gateway)?;
        Ok(Self { config, network, gateway })
    }
}

pub(crate) struct Unit<S> {
    pub(crate) shared: Arc<Shared>,
    /// The serial number if it differs from the configured one.
    pub(crate) serial: Option<String>,
    pub(crate) store: Store,
    pub(crate) screen: S,
    pub(crate) shutdown: CancellationToken,
}

impl<S: Screen> Unit<S> {
    pub(crate) async fn live(&self) -> Result<Ended, PortalError> {
        loop {
            // A boot owns everything that a restart forgets.
            let halt = match Boot::start(self).await {
                Ok(boot) => boot.live().await,
                Err(error) => Halt::from(error),
            };
            match halt {
                Halt::Stopped => return Ok(Ended::Stopped),
                Halt::Failed(error) => return Err(error),
                Halt::Denied(reason) => {
                    self.screen.show(ScreenEvent::Denied { reason });
                    return Ok(Ended::Denied);
                }
                // It starts over, as a unit that was never set up.
                Halt::Revoked(reason) => self.screen.show(ScreenEvent::Revoked { reason }),
                Halt::Rebooting => {
                    self.screen.show(ScreenEvent::Rebooting);
                    let boot_time = tokio::time::sleep(self.shared.config.pacing.boot_time);
                    if self.shutdown.run_until_cancelled(boot_time).await.is_none() {
                        return Ok(Ended::Stopped);
                    }
                }
            }
        }
    }

    pub(crate) fn serial(&self) -> Option<&str> {
        self.serial.as_deref().or(self.shared.config.serial.as_deref())
    }
}
