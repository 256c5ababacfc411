//! The command stream of one connection: takes the steps that the [`Flow`] decides on.

use std::sync::Arc;

use commands::{Done, Failure, Loaded, Request};
use domain::{Code, Device, DeviceCommand};
use futures::{Stream, stream};
use graphql_ws_server::Close;
use schema::{CommandId, RecordedEvent, events::DeviceEvent};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{
    flow::{Flow, Step},
    graphql::frames::{CommandFrame, Cursor, DesiredSettings, DeviceFrame, Revoked, StreamReset, Welcome},
    metrics::FrameLabel,
    shared::Shared,
    unit::{ConnectedUnit, REPLACED},
};

/// An open command stream. Everything is pulled: a command is dispatched when the connection has taken the frame before
/// it, so a unit that does not read costs nobody else anything.
pub(crate) struct CommandStream {
    open: OpenStream,
    flow: Flow,
    /// The device, as far as it is known to be current.
    device: Option<Arc<Loaded<Device>>>,
    /// Commands requested while the stream is open that have not been sent yet.
    requested: Vec<(CommandId, Arc<RecordedEvent>)>,
    welcomed: bool,
    revoked: bool,
}

impl CommandStream {
    /// Opens the stream in the history and begins after the last command that the unit has stored.
    pub(crate) async fn begin(open: OpenStream, after: Option<u64>, window: usize) -> Result<Self, Failure> {
        let device = {
            let _turn = open.shared.turns.acquire().await;
            let request = open.shared.platform.request(open.unit.identity.principal());
            open.execute(&request, DeviceCommand::Connect { connection: open.stream }).await?.after
        };
        let flow = Flow::new(after, window, &device.state);
        Ok(Self { open, flow, device: Some(device), requested: vec![], welcomed: false, revoked: false })
    }

    /// The frames, as long as the connection lasts.
    pub(crate) fn frames(self) -> impl Stream<Item = DeviceFrame> + Send + 'static {
        stream::unfold(self, async |mut commands| match commands.next().await {
            Ok(frame) => {
                let label = FrameLabel { r#type: frame.type_name() };
                commands.open.shared.metrics.frames.get_or_create(&label).inc();
                Some((frame, commands))
            }
            Err(close) => {
                commands.open.unit.close(close);
                None
            }
        })
    }

    async fn next(&mut self) -> Result<DeviceFrame, Close> {
        loop {
            // On the heap, and gone while the stream waits: most units are idle most of the time.
            if let Some(frame) = Box::pin(self.advance()).await? {
                return Ok(frame);
            }
            self.open.unit.news().await;
        }
    }

    /// Takes steps up to the next frame; none if there is nothing to do.
    async fn advance(&mut self) -> Result<Option<DeviceFrame>, Close> {
        if !self.welcomed {
            self.welcomed = true;
            return Ok(Some(self.welcome()));
        }
        loop {
            if self.take_news()? {
                return Ok(Some(Revoked { reason: "This unit has to be set up again.".to_owned() }.into()));
            }
            let device = self.current_device().await?;
            let frame = match self.flow.next(&device.state) {
                Step::Wait => {
                    let open = |id| device.state.command(id).is_some_and(|command| !command.stage.has_ended());
                    self.requested.retain(|(command, _)| open(*command));
                    return Ok(None);
                }
                Step::Reset { resume_from } => Some(reset(resume_from)),
                Step::Settings { revision, name } => Some(DesiredSettings { revision, name }.into()),
                Step::Acknowledge { command, attempt } => {
                    self.acknowledge(command, attempt).await?;
                    None
                }
                Step::Dispatch { command, boot_id } => self.dispatch(command, boot_id).await?,
            };
            if let Some(frame) = frame {
                self.device.get_or_insert(device);
                return Ok(Some(frame));
            }
        }
    }

    fn welcome(&self) -> DeviceFrame {
        let identity = self.open.unit.identity;
        let (stream, now) = (self.open.stream, self.open.shared.now());
        Welcome {
            device_id: identity.device.to_string().into(),
            epoch: identity.epoch,
            connection_id: stream.to_string().into(),
            server_time: now,
        }
        .into()
    }

    /// Takes up what has become known. True if the unit has to be told that it is revoked; after that comes the end.
    fn take_news(&mut self) -> Result<bool, Close> {
        let news = self.open.unit.take_news();
        if news.revoked {
            return if std::mem::replace(&mut self.revoked, true) { Err(Close::FORBIDDEN) } else { Ok(true) };
        }
        if news.changed {
            self.device = None;
        }
        if let Some((boot_id, last_sequence)) = news.status {
            self.flow.reported(boot_id, last_sequence);
        }
        self.requested.extend(news.requested);
        Ok(false)
    }

    /// The device as the log has it. If it has a newer stream, elsewhere or here, this one is over.
    async fn current_device(&mut self) -> Result<Arc<Loaded<Device>>, Close> {
        let device = match self.device.take() {
            Some(current) => current,
            None => {
                let loaded = self.open.shared.platform.load::<Device>(&self.open.unit.identity.device).await;
                loaded.map_err(|failure| self.open.out_of_order(&failure))?
            }
        };
        if device.state.connection() == Some(self.open.stream) { Ok(device) } else { Err(REPLACED) }
    }

    /// Acknowledges in the unit's place.
    async fn acknowledge(&mut self, command: CommandId, attempt: u32) -> Result<(), Close> {
        let request = self.open.shared.own_request();
        let done = self.open.execute(&request, DeviceCommand::Acknowledge { command, attempt }).await;
        self.device = Some(done.map_err(|failure| self.open.out_of_order(&failure))?.after);
        Ok(())
    }

    /// Appends the dispatch, then hands out the frame; none if the command is not wanted any more.
    async fn dispatch(&mut self, command: CommandId, boot_id: Uuid) -> Result<Option<DeviceFrame>, Close> {
        let shared = &self.open.shared;
        let waiting = self.requested.iter().position(|(id, _)| *id == command);
        let requested = waiting.map(|index| self.requested.swap_remove(index).1);
        let mut request = shared.own_request();
        if let Some(event) = &requested {
            request = Request { correlation: event.correlation, cause: Some(event.id), ..request };
        }
        let done = match self.open.execute(&request, DeviceCommand::Dispatch { command, boot_id }).await {
            Ok(done) => done,
            Err(failure) if matches!(failure.code(), Some(Code::Expired | Code::CommandUnknown)) => return Ok(None),
            Err(failure) => return Err(self.open.out_of_order(&failure)),
        };
        let dispatched = done.events.iter().find_map(|event| match event {
            DeviceEvent::CommandDispatched(dispatched) => Some(dispatched.attempt),
            _ => None,
        });
        let (Some(attempt), Some(state)) = (dispatched, done.after.state.command(command)) else { return Ok(None) };
        let frame = CommandFrame {
            command_id: command.to_string().into(),
            kind: state.kind.into(),
            sequence: state.sequence,
            attempt,
            expires_at: state.expires_at,
            cursor: Cursor(state.sequence),
        };
        if let Some(event) = requested {
            let waited = (shared.now() - event.recorded_at).to_std().unwrap_or_default();
            shared.metrics.latency.observe(waited.as_secs_f64());
        }
        self.device = Some(done.after);
        Ok(Some(frame.into()))
    }
}

fn reset(resume_from: u64) -> DeviceFrame {
    let reason = "The platform has never sent as many commands as this unit has stored.".to_owned();
    StreamReset { reason, cursor: (resume_from > 0).then_some(Cursor(resume_from)) }.into()
}

/// The place of a connection's one command stream. Closes the stream in the history when it is dropped.
pub(crate) struct OpenStream {
    shared: Arc<Shared>,
    unit: Arc<ConnectedUnit>,
    stream: Uuid,
    /// Where the closing runs: a stream may be dropped anywhere.
    runtime: Handle,
}

impl OpenStream {
    /// None if the connection has a command stream already.
    pub(crate) fn new(shared: Arc<Shared>, unit: Arc<ConnectedUnit>) -> Option<Self> {
        let (stream, runtime) = (shared.stream_id(), Handle::current());
        unit.begin_stream(stream).then_some(Self { shared, unit, stream, runtime })
    }

    async fn execute(&self, request: &Request, command: DeviceCommand) -> Result<Done<Device>, Failure> {
        self.shared.platform.execute::<Device>(request, &self.unit.identity.device, command).await
    }

    /// The unit shall try again: what is out of order may be so for this connection or moment only.
    fn out_of_order(&self, failure: &Failure) -> Close {
        tracing::error!(device = %self.unit.identity.device, %failure, "a command stream is interrupted");
        Close::TRY_AGAIN_LATER
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.unit.end_stream();
        let (shared, identity, connection) = (self.shared.clone(), self.unit.identity, self.stream);
        let close = async move {
            let _turn = shared.turns.acquire().await;
            let request = shared.platform.request(identity.principal());
            let command = DeviceCommand::Disconnect { connection };
            if let Err(failure) = shared.platform.execute::<Device>(&request, &identity.device, command).await {
                tracing::error!(device = %identity.device, %failure, "a unit stays shown as connected");
            }
        };
        self.shared.tasks.spawn_on(close, &self.runtime);
    }
}
