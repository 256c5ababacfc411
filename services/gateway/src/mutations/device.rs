//! Portal units: connecting them, and what admins have them do.

use async_graphql::{Context, ID, InputObject, Object};
use domain::{
    Device as DeviceState, DeviceCommand as Command,
    text::{self, TITLE_CHARACTERS},
};
use schema::{CommandId, CommandKind, DeviceId};

use crate::{
    app::{ContextExt, Source, signed_in},
    errors::Stop,
    objects::{command::DeviceCommand, device::Device, pairing::UnitPairing},
    payload::{about, answer, payload},
    scalars::{self, Position, parse_id},
};

/// Input of `connectDevice`.
#[derive(InputObject)]
struct ConnectDeviceInput {
    /// The code that the unit shows, as typed; case, spaces and hyphens do not matter.
    user_code: String,
    /// What to call the unit; its model unless told otherwise.
    name: Option<String>,
}

payload! {
    /// What came of `connectDevice`.
    ConnectDevicePayload {
        /// Id of the device. It appears when the unit next asks, within seconds: subscribe to `deviceChanged` before you
        /// call this.
        device_id: ID,
        /// The unit.
        pairing: UnitPairing,
    }
}

/// Input of `renameDevice`.
#[derive(InputObject)]
struct RenameDeviceInput {
    /// The device.
    device_id: ID,
    /// What it is to be called.
    name: String,
}

payload! {
    /// What came of `renameDevice`.
    RenameDevicePayload {
        /// The device as it is now; the unit applies its name when it is online.
        device: Device,
    }
}

/// Input of `rebootDevice`.
#[derive(InputObject)]
struct RebootDeviceInput {
    /// The device.
    device_id: ID,
}

payload! {
    /// What came of `rebootDevice`.
    RebootDevicePayload {
        /// The device.
        device: Device,
        /// The command. Follow it with `deviceChanged` or `deviceCommand`.
        command: DeviceCommand,
    }
}

#[derive(Default)]
pub(crate) struct DeviceMutations;

#[Object]
impl DeviceMutations {
    /// Connects the Portal unit that shows the code to your account and organization. After 5 wrong codes in 10 minutes
    /// it is refused for a while. Any signed-in person may call it; show them `pairing` first.
    #[graphql(complexity = "100 + child_complexity")]
    async fn connect_device(
        &self,
        context: &Context<'_>,
        input: ConnectDeviceInput,
    ) -> async_graphql::Result<ConnectDevicePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let account = signed_in(caller)?.account;
            let request = app.request(caller);
            let connecting = app.platform.connect_device(&request, &input.user_code, input.name.as_deref());
            let connected = app.throttles.user_code(account, caller.address, request.at, connecting).await;
            let (device, pairing, position) = connected?;
            let id = pairing.state.requested().map(|requested| requested.pairing);
            Ok(ConnectDevicePayload {
                device_id: Some(scalars::id(device)),
                pairing: id.and_then(|id| UnitPairing::new(id, &pairing.state)),
                position: position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Gives a Portal unit another name. Needs the right `MANAGE_DEVICES`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn rename_device(
        &self,
        context: &Context<'_>,
        input: RenameDeviceInput,
    ) -> async_graphql::Result<RenameDevicePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let device: DeviceId = parse_id(&input.device_id, "deviceId")?;
            let name = text::line(&input.name, TITLE_CHARACTERS).map_err(|rejection| rejection.at("name"))?;
            let request = app.request(caller);
            let executed = app.platform.execute::<DeviceState>(&request, &device, Command::Rename { name }).await;
            let done = executed.map_err(about("deviceId"))?;
            let read = app.devices.device(organization, device);
            let device = app.read_back(Source::Devices, done.position, read).await;
            Ok::<_, Stop>(RenameDevicePayload {
                device: device.map(Device::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Has a Portal unit start again. Not wanted any more after 10 minutes. It has succeeded when the unit reports from a
    /// new start. Needs the right `MANAGE_DEVICES`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn reboot_device(
        &self,
        context: &Context<'_>,
        input: RebootDeviceInput,
    ) -> async_graphql::Result<RebootDevicePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let device: DeviceId = parse_id(&input.device_id, "deviceId")?;
            let request = app.request(caller);
            let command = CommandId(request.derive("command"));
            let wanted = Command::Request { command, kind: CommandKind::Reboot };
            let executed = app.platform.execute::<DeviceState>(&request, &device, wanted).await;
            let done = executed.map_err(about("deviceId"))?;
            let found = app.devices.device(organization, device);
            let device = app.read_back(Source::Devices, done.position, found).await;
            let command = app.read_back(Source::Devices, None, app.devices.command(organization, command)).await;
            Ok::<_, Stop>(RebootDevicePayload {
                device: device.map(Device::from),
                command: command.map(DeviceCommand::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
