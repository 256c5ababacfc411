//! A dispatcher on a real port with a real log, devices enrolled by the real rules, and two kinds of clients.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use commands::{Platform, PlatformParts};
use dispatcher::{Dispatcher, DispatcherConfig};
use domain::{
    Account, AccountCommand, Device, DeviceCommand, HardwareReservation, Principal, reservation::HardwareCommand,
};
use eventlog::{
    Clock, EventLog, SystemClock,
    embedded::{Embedded, EmbeddedConfig},
};
use files::Files;
use futures::{SinkExt, StreamExt};
use identity::{AccessTokens, EntropyExt, OsEntropy, PasswordHasher, ServerKeys};
use portal::{
    Network, Secret,
    protocol::{self, DeviceFrame, Limits, Status, UnitConnection},
};
use schema::{
    AccountId, AccountOrigin, CommandId, CommandKind, DeviceId, HardwareKey, LoginMethod, OrganizationId, PairingId,
    PersonKey, Personal, Profile,
    events::{
        account::AccountCreated,
        device::{DeviceEnrolled, DeviceEvent},
    },
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const MASTER: [u8; 32] = [7; 32];
/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn platform(folder: &Path) -> Arc<Platform> {
    platform_on(folder, |log| log)
}

/// A platform that sees its log through something.
pub fn platform_on(folder: &Path, through: impl FnOnce(Arc<dyn EventLog>) -> Arc<dyn EventLog>) -> Arc<Platform> {
    let keys = ServerKeys::from_master(&MASTER);
    let config = EmbeddedConfig::new(folder, *keys.vault_key(), Arc::new(SystemClock));
    let embedded = Arc::new(Embedded::open(config).unwrap());
    Arc::new(Platform::new(PlatformParts {
        log: through(embedded.clone()),
        vault: embedded,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        keys,
        passwords: PasswordHasher::default(),
        files: Files::folder(&folder.join("files")).unwrap(),
        outbound: commands::domain_proof::Outbound::new(
            &["127.0.0.1:9".parse().unwrap()],
            outbound::http::Reach::Public,
        )
        .unwrap(),
    }))
}

/// An enrolled unit, as the platform knows it.
#[derive(Clone)]
pub struct Enrolled {
    pub device: DeviceId,
    pub organization: OrganizationId,
    pub account: AccountId,
    pub hardware: HardwareKey,
    pub epoch: u64,
}

/// A person who can sign in.
async fn activated_account(platform: &Platform, organization: OrganizationId) -> AccountId {
    let account = AccountId(OsEntropy.uuid_v4());
    let key = PersonKey::new(OsEntropy.bytes());
    let email = "anna@example.com".to_owned();
    let created = AccountCreated {
        account,
        organization,
        email_key: platform.keys().email_key(&email),
        email: Personal::seal(&key, account, OsEntropy.bytes(), &email).unwrap(),
        domain: "example.com".into(),
        profile: Personal::seal(&key, account, OsEntropy.bytes(), &Profile::default()).unwrap(),
        locale: "en".into(),
        login_method: LoginMethod::Password,
        origin: AccountOrigin::Signup,
    };
    let credential = Some(OsEntropy.uuid_v4());
    let create = AccountCommand::Create { account: Box::new(created), invite: None, credential };
    platform.execute::<Account>(&platform.request(Principal::System("test")), &account, create).await.unwrap();
    account
}

pub async fn enroll(platform: &Platform) -> Enrolled {
    let random = || OsEntropy.uuid_v4();
    let hardware = HardwareKey(random().simple().to_string());
    let (device, organization, pairing) = (DeviceId(random()), OrganizationId(random()), PairingId(random()));
    let system = platform.request(Principal::System("test"));
    let reserve = HardwareCommand::Enroll { device, organization, pairing, logged_out: None };
    platform.execute::<HardwareReservation>(&system, &hardware, reserve).await.unwrap();
    let account = activated_account(platform, organization).await;
    let enrolled = DeviceEnrolled {
        device,
        organization,
        account,
        account_epoch: 0,
        pairing,
        hardware: hardware.clone(),
        epoch: 1,
        serial: "SN1".into(),
        model: "Portal".into(),
        software_version: "1.0".into(),
        name: "Lobby".into(),
        public_key: "{}".into(),
    };
    platform.execute::<Device>(&system, &device, DeviceCommand::Enroll(Box::new(enrolled))).await.unwrap();
    Enrolled { device, organization, account, hardware, epoch: 1 }
}

pub struct World {
    pub platform: Arc<Platform>,
    pub dispatcher: Dispatcher,
    pub metrics: prometheus_client::registry::Registry,
    pub address: String,
    pub stop: CancellationToken,
    pub running: tokio::task::JoinHandle<()>,
    folder: Option<tempfile::TempDir>,
}

impl World {
    pub async fn start() -> Self {
        Self::configured(DispatcherConfig::default()).await
    }

    pub async fn configured(config: DispatcherConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform = platform(folder.path());
        Self { folder: Some(folder), ..Self::on(platform, config).await }
    }

    pub async fn on(platform: Arc<Platform>, config: DispatcherConfig) -> Self {
        let mut metrics = prometheus_client::registry::Registry::default();
        let dispatcher = Dispatcher::new(config, platform.clone(), &mut metrics);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = dispatcher.router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (dispatcher, stop) = (dispatcher.clone(), stop.clone());
            async move { dispatcher.run(stop).await }
        });
        Self { platform, dispatcher, metrics, address, stop, running, folder: None }
    }

    /// A token as the gateway issues it, `age` ago.
    pub fn token(&self, unit: &Enrolled, age: Duration) -> String {
        let now = SystemClock.now() - age;
        let tokens = AccessTokens::new(self.platform.keys());
        tokens.issue(unit.device, unit.organization, unit.epoch, OsEntropy.uuid_v4(), now).unwrap().text
    }

    pub async fn enroll(&self) -> Enrolled {
        enroll(&self.platform).await
    }

    pub async fn reboot(&self, unit: &Enrolled) -> CommandId {
        let command = CommandId(OsEntropy.uuid_v4());
        self.give(unit, DeviceCommand::Request { command, kind: CommandKind::Reboot }).await;
        command
    }

    pub async fn rename(&self, unit: &Enrolled, name: &str) {
        self.give(unit, DeviceCommand::Rename { name: name.into() }).await;
    }

    pub async fn give(&self, unit: &Enrolled, command: DeviceCommand) {
        let system = self.platform.request(Principal::System("test"));
        self.platform.execute::<Device>(&system, &unit.device, command).await.unwrap();
    }

    /// Something happens to the account of whoever set the unit up.
    pub async fn of_account(&self, unit: &Enrolled, command: AccountCommand) {
        let system = self.platform.request(Principal::System("test"));
        self.platform.execute::<Account>(&system, &unit.account, command).await.unwrap();
    }

    pub async fn release(&self, unit: &Enrolled) {
        let system = self.platform.request(Principal::System("test"));
        let release = HardwareCommand::Release(unit.device);
        self.platform.execute::<HardwareReservation>(&system, &unit.hardware, release).await.unwrap();
    }

    /// Everything that happened to a device.
    pub async fn events(&self, unit: &Enrolled) -> Vec<DeviceEvent> {
        use schema::events::EventFamily;
        let stream = schema::StreamId::new("device", &unit.device);
        let recorded = self.platform.log().read_stream(&stream, 0, 10_000).await.unwrap();
        recorded.iter().map(|e| DeviceEvent::decode(&e.event_type, e.version, &e.payload).unwrap()).collect()
    }

    /// Waits until what happened to a device is as asked for.
    pub async fn until(&self, unit: &Enrolled, what: &str, holds: impl Fn(&[DeviceEvent]) -> bool) -> Vec<DeviceEvent> {
        let begun = Instant::now();
        loop {
            let events = self.events(unit).await;
            if holds(&events) {
                return events;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not happen: {events:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Values of a metric, as the text that Prometheus reads.
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        text
    }

    /// The client of real units, signed in.
    pub async fn unit(&self, unit: &Enrolled) -> UnitConnection {
        self.unit_with(&self.token(unit, Duration::ZERO)).await.unwrap()
    }

    pub async fn unit_with(&self, token: &str) -> Result<UnitConnection, protocol::ConnectionError> {
        let url = format!("ws://{}/graphql", self.address).parse().unwrap();
        let network = Network::new(&format!("http://{}", self.address).parse().unwrap(), PATIENCE).unwrap();
        let limits = Limits { answer: PATIENCE, silence: PATIENCE };
        let mut connection = UnitConnection::open(&network, &url, limits).await?;
        connection.initialise(&Secret::new(token)).await?;
        Ok(connection)
    }

    /// A unit whose stream is open and whose status is known: it gets its commands.
    pub async fn following(&self, unit: &Enrolled, after: Option<u64>, window: u32, boot: Uuid) -> UnitConnection {
        let mut connection = self.unit(unit).await;
        connection.subscribe(after, window).await.unwrap();
        assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::Welcome(_)));
        assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::DesiredSettings(_)));
        let answer = connection.report_status(&status(boot, after.unwrap_or(0))).await.unwrap();
        assert!(answer.accepted(), "{answer:?}");
        connection
    }

    /// A client that can do anything wrong.
    pub async fn raw(&self) -> Raw {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        Raw(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    /// A client that can do anything wrong, signed in.
    pub async fn raw_unit(&self, unit: &Enrolled) -> Raw {
        let mut raw = self.raw().await;
        raw.init(&self.token(unit, Duration::ZERO)).await;
        assert_eq!(raw.next().await, json!({ "type": "connection_ack" }));
        raw
    }
}

pub fn status(boot_id: Uuid, last_sequence: u64) -> Status {
    Status {
        boot_id,
        last_sequence,
        software_version: "1.0".into(),
        settings_revision: 1,
        connected_accounts: vec!["portal_for_business".into()],
    }
}

/// The next frame, which must be a command.
pub async fn command(connection: &mut UnitConnection) -> protocol::DeviceCommand {
    match tokio::time::timeout(PATIENCE, connection.next_frame()).await.expect("no command").unwrap() {
        DeviceFrame::DeviceCommand(command) => command,
        other => panic!("not a command: {other:?}"),
    }
}

/// How the connection ends, whatever comes before.
pub async fn close_code(connection: &mut UnitConnection) -> u16 {
    loop {
        match tokio::time::timeout(PATIENCE, connection.next_frame()).await.expect("the connection goes on") {
            Ok(_) | Err(protocol::ConnectionError::StreamEnded) => {}
            Err(protocol::ConnectionError::Closed(code)) => return code.0,
            Err(other) => panic!("{other}"),
        }
    }
}

/// True if no frame comes for a while.
pub async fn is_quiet(connection: &mut UnitConnection) -> bool {
    tokio::time::timeout(Duration::from_millis(150), connection.next_frame()).await.is_err()
}

pub struct Raw(tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>);

impl Raw {
    pub async fn send(&mut self, text: impl Into<String>) {
        self.0.send(Message::Text(text.into().into())).await.unwrap();
    }
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::Binary(bytes.into())).await.unwrap();
    }
    pub async fn init(&mut self, token: &str) {
        let authorization = format!("Bearer {token}");
        let message = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
        self.send(message.to_string()).await;
    }
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } }).to_string()).await;
    }
    /// The answer to one operation, skipping what else comes.
    pub async fn ask(&mut self, query: &str) -> Value {
        let id = OsEntropy.uuid_v4().to_string();
        self.subscribe(&id, query).await;
        loop {
            let message = self.next().await;
            if message["id"] == json!(id) {
                return message["payload"].clone();
            }
        }
    }
    /// The next message as JSON.
    pub async fn next(&mut self) -> Value {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    /// Code of the close frame, whatever comes before; none if the connection just ends.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}
