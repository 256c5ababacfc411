//! What all connections of a dispatcher have in common, and who may connect.

use std::sync::Arc;

use commands::{Failure, Platform, Request, processes::pairing::UnitIdentity};
use domain::{Code, Principal};
use graphql_ws_server::{Close, Connection};
use identity::{AccessClaims, AccessTokens, EntropyExt, Limiter, Policy};
use schema::{AccountId, DeviceId, Timestamp};
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{DispatcherConfig, metrics::Metrics, registry::Registry, unit::ConnectedUnit};

/// Operations of one unit: 20 a second on average, 100 at once. Some ten times what a unit does that catches up after a
/// long absence.
const OPERATIONS_PER_UNIT: Policy = Policy::quota(100, 5);
/// How the history names what the dispatcher does by itself.
const NAME: &str = "dispatcher";

/// See the module.
pub(crate) struct Shared {
    pub(crate) config: DispatcherConfig,
    pub(crate) platform: Arc<Platform>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
    /// One permit for each unit that is being let in or out.
    pub(crate) turns: Semaphore,
    /// One permit for each open WebSocket.
    pub(crate) places: Arc<Semaphore>,
    /// Open connections, and what has to be done after their end.
    pub(crate) tasks: TaskTracker,
    /// Ends all connections.
    pub(crate) stop: CancellationToken,
    /// Whether changes in the log are being followed.
    pub(crate) following: watch::Sender<bool>,
    tokens: AccessTokens,
    operations: Limiter<DeviceId>,
}

/// Why a unit is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token, or not a valid one.
    Unauthenticated,
    /// The enrollment that the token was issued for is over.
    NotAllowed,
    /// It cannot be found out now.
    Unavailable,
}

impl From<Denied> for Close {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Self::UNAUTHORIZED,
            Denied::NotAllowed => Self::FORBIDDEN,
            Denied::Unavailable => Self::TRY_AGAIN_LATER,
        }
    }
}

impl Shared {
    pub(crate) fn new(config: DispatcherConfig, platform: Arc<Platform>, metrics: Metrics) -> Self {
        Self {
            turns: Semaphore::new(config.connecting_at_once),
            places: Arc::new(Semaphore::new(config.max_connections)),
            tokens: AccessTokens::new(platform.keys()),
            operations: Limiter::new(OPERATIONS_PER_UNIT),
            registry: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            following: watch::Sender::new(false),
            config,
            platform,
            metrics,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.platform.clock().now()
    }
    /// Something that the dispatcher does by itself.
    pub(crate) fn own_request(&self) -> Request {
        self.platform.request(Principal::System(NAME))
    }
    /// The name of a new command stream; it shows which dispatcher it belongs to.
    pub(crate) fn stream_id(&self) -> Uuid {
        let mut bytes = self.platform.entropy().bytes::<16>();
        let mark = instance_mark(&self.config.instance);
        bytes.iter_mut().zip(mark).for_each(|(byte, of_instance)| *byte = of_instance);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
    /// Whether a command stream belongs to this dispatcher, or did before it was started again.
    pub(crate) fn is_own_stream(&self, stream: Uuid) -> bool {
        stream.as_bytes().starts_with(&instance_mark(&self.config.instance))
    }

    /// Counts an operation of a unit.
    pub(crate) fn admit_operation(&self, device: DeviceId) -> Result<(), Code> {
        self.operations.admit(device, self.now()).map_err(|_| Code::RateLimited)
    }

    /// What an access token says, if it is valid now.
    pub(crate) fn verify(&self, token: &str) -> Result<(UnitIdentity, AccessClaims), Denied> {
        let claims = self.tokens.verify(token, self.now()).map_err(|_| Denied::Unauthenticated)?;
        let identity = UnitIdentity { device: claims.device, organization: claims.organization, epoch: claims.epoch };
        Ok((identity, claims))
    }

    /// Whether the enrollment still holds.
    pub(crate) async fn check_enrollment(&self, identity: UnitIdentity) -> Result<(), Denied> {
        match self.platform.unit(identity.device).await {
            Ok(Some((current, _))) if current == identity => Ok(()),
            Ok(_) => Err(Denied::NotAllowed),
            Err(failure) => Err(unavailable(identity, &failure)),
        }
    }

    /// Looks again whether units may stay that `owner` has set up: those that may not are cut off. One that cannot be
    /// looked at has to connect again.
    pub(crate) fn recheck_units_of(self: &Arc<Self>, owner: AccountId) {
        for unit in self.registry.of(owner) {
            let shared = self.clone();
            self.tasks.spawn(async move {
                match shared.check_enrollment(unit.identity).await {
                    Ok(()) => {}
                    Err(Denied::NotAllowed) => unit.revoke(),
                    Err(denied) => unit.close(denied.into()),
                }
            });
        }
    }

    /// Lets a unit in on a WebSocket. It is registered before its enrollment is looked up: a revocation is then either
    /// in what is looked up, or finds the unit registered.
    pub(crate) async fn connect(self: &Arc<Self>, token: &str, socket: Connection) -> Result<Registration, Close> {
        let (identity, claims) = self.verify(token)?;
        let _turn = self.turns.acquire().await;
        let owner = self.platform.owner_of(identity.device).await.map_err(|failure| unavailable(identity, &failure))?;
        let owner = owner.ok_or(Denied::NotAllowed)?;
        let registration = Registration::new(self.clone(), ConnectedUnit::new(identity, owner, socket, self.now()));
        self.check_enrollment(identity).await?;
        let allowed = registration.unit.lives_until(claims.expires_at, self.now());
        allowed.map(|()| registration).map_err(|_| Close::FORBIDDEN)
    }
}

fn unavailable(identity: UnitIdentity, failure: &Failure) -> Denied {
    tracing::error!(device = %identity.device, %failure, "a unit could not be checked");
    Denied::Unavailable
}

/// The first 48 bits of the names of an instance's command streams: of 1,000 instances, two have the same with a
/// chance of 1 in 500 million.
fn instance_mark(instance: &str) -> [u8; 6] {
    let [a, b, c, d, e, f, ..] = Uuid::new_v5(&Uuid::NAMESPACE_OID, instance.as_bytes()).into_bytes();
    [a, b, c, d, e, f]
}

/// A unit's place among the connected ones, until it is dropped.
pub(crate) struct Registration {
    pub(crate) unit: Arc<ConnectedUnit>,
    shared: Arc<Shared>,
}

impl Registration {
    fn new(shared: Arc<Shared>, unit: ConnectedUnit) -> Self {
        let unit = Arc::new(unit);
        shared.metrics.connected.inc();
        shared.registry.insert(unit.clone());
        Self { unit, shared }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.registry.remove(&self.unit);
        self.shared.metrics.connected.dec();
    }
}
