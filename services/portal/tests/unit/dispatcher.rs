//! The dispatcher's schema, as the protocol defines it.

use std::sync::{Arc, Mutex};

use async_graphql::{
    Context, Enum, ID, InputObject, Object, Request, Schema, SimpleObject, Subscription, Union, scalar,
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::platform::{Platform, Seen};

pub(crate) type DispatcherSchema = Schema<Query, Mutation, Frames>;

pub(crate) fn schema() -> DispatcherSchema {
    Schema::build(Query, Mutation, Frames).finish()
}

/// What the resolvers know of the connection they run on.
#[derive(Clone)]
pub(crate) struct OnConnection {
    pub(crate) platform: Arc<Platform>,
    pub(crate) device: String,
    pub(crate) connection: u32,
    pub(crate) frames: Arc<Mutex<Option<mpsc::UnboundedReceiver<DeviceFrame>>>>,
}

impl OnConnection {
    pub(crate) fn request(&self, payload: serde_json::Value) -> Request {
        serde_json::from_value::<Request>(payload).unwrap().data(self.clone())
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Cursor(pub(crate) String);
scalar!(Cursor);

#[derive(Clone, Union)]
pub(crate) enum DeviceFrame {
    Welcome(Welcome),
    DeviceCommand(DeviceCommand),
    DesiredSettings(DesiredSettings),
    StreamReset(StreamReset),
    Revoked(Revoked),
}

#[derive(Clone, SimpleObject)]
pub(crate) struct Welcome {
    device_id: ID,
    epoch: u64,
    connection_id: ID,
    server_time: DateTime<Utc>,
}

#[derive(Clone, SimpleObject)]
pub(crate) struct DesiredSettings {
    pub(crate) revision: u64,
    pub(crate) name: String,
}

#[derive(Clone, SimpleObject)]
pub(crate) struct DeviceCommand {
    command_id: ID,
    kind: DeviceCommandKind,
    sequence: u64,
    attempt: u32,
    expires_at: Option<DateTime<Utc>>,
    cursor: Cursor,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum DeviceCommandKind {
    Reboot,
    Sing,
}

#[derive(Clone, SimpleObject)]
pub(crate) struct StreamReset {
    pub(crate) reason: String,
    pub(crate) cursor: Option<Cursor>,
}

#[derive(Clone, SimpleObject)]
pub(crate) struct Revoked {
    pub(crate) reason: String,
}

/// A command in the making.
pub(crate) fn command(sequence: u64, attempt: u32, kind: DeviceCommandKind, expires_in: i64) -> DeviceFrame {
    DeviceFrame::DeviceCommand(DeviceCommand {
        command_id: format!("cmd_{sequence}").into(),
        kind,
        sequence,
        attempt,
        expires_at: Some(now() + chrono::TimeDelta::seconds(expires_in)),
        cursor: Cursor(sequence.to_string()),
    })
}

pub(crate) fn reboot(sequence: u64, attempt: u32) -> DeviceFrame {
    command(sequence, attempt, DeviceCommandKind::Reboot, 600)
}

pub(crate) fn settings(revision: u64, name: &str) -> DeviceFrame {
    DeviceFrame::DesiredSettings(DesiredSettings { revision, name: name.to_owned() })
}

#[expect(clippy::disallowed_methods, reason = "the platform of the tests has the machine's clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

pub(crate) struct Query;

#[Object]
impl Query {
    async fn version(&self) -> u32 {
        1
    }
}

pub(crate) struct Frames;

#[Subscription]
impl Frames {
    async fn device_commands(
        &self,
        context: &Context<'_>,
        after: Option<Cursor>,
        #[graphql(default = 4)] window: u32,
    ) -> impl Stream<Item = DeviceFrame> {
        let on = context.data_unchecked::<OnConnection>();
        let after = after.map(|cursor| cursor.0.parse().unwrap());
        assert_eq!(window, 4);
        on.platform.see(Seen::Subscribed { device: on.device.clone(), after });
        let welcome = DeviceFrame::Welcome(Welcome {
            device_id: on.device.clone().into(),
            epoch: 1,
            connection_id: on.connection.to_string().into(),
            server_time: now(),
        });
        let mut frames = on.frames.lock().unwrap().take().unwrap();
        stream::once(async { welcome }).chain(stream::poll_fn(move |context| frames.poll_recv(context)))
    }
}

#[derive(SimpleObject, Default)]
struct Payload {
    position: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct Renewal {
    expires_at: DateTime<Utc>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct UserError {
    code: String,
    field: Option<String>,
    message: String,
}

#[derive(InputObject)]
struct Acknowledge {
    command_id: ID,
    attempt: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    Rejected,
}

#[derive(InputObject)]
struct Report {
    command_id: ID,
    attempt: u32,
    outcome: Outcome,
    detail: Option<String>,
}

/// What a unit says of itself.
#[derive(InputObject, Debug, Clone)]
pub(crate) struct Status {
    pub(crate) boot_id: Uuid,
    pub(crate) last_sequence: u64,
    pub(crate) software_version: String,
    pub(crate) settings_revision: u64,
    pub(crate) connected_accounts: Vec<String>,
}

#[derive(InputObject)]
struct Renew {
    access_token: String,
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn acknowledge_command(&self, context: &Context<'_>, input: Acknowledge) -> Payload {
        let on = context.data_unchecked::<OnConnection>();
        on.platform.see(Seen::Acknowledged { command: input.command_id.to_string(), attempt: input.attempt });
        if on.platform.script().swallow_acknowledgements {
            std::future::pending::<()>().await;
        }
        let refused = on.platform.script().refuse_acknowledgements;
        let error = || UserError { code: "TOO_LATE".into(), field: None, message: "not any more".into() };
        Payload { position: None, user_errors: refused.then(error).into_iter().collect() }
    }

    async fn report_command_result(&self, context: &Context<'_>, input: Report) -> Payload {
        let on = context.data_unchecked::<OnConnection>();
        on.platform.see(Seen::Result {
            command: input.command_id.to_string(),
            outcome: input.outcome,
            detail: input.detail,
        });
        assert_eq!(input.attempt, 1);
        Payload::default()
    }

    async fn report_status(&self, context: &Context<'_>, input: Status) -> Payload {
        let on = context.data_unchecked::<OnConnection>();
        on.platform.see(Seen::Status { device: on.device.clone(), status: input });
        Payload::default()
    }

    async fn renew_token(&self, context: &Context<'_>, input: Renew) -> Renewal {
        let on = context.data_unchecked::<OnConnection>();
        on.platform.see(Seen::Renewed { connection: on.connection, token: input.access_token });
        Renewal { expires_at: now(), user_errors: Vec::new() }
    }
}
