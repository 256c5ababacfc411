//! What a unit reports.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, Scalar, ScalarType, SimpleObject, Value};
use commands::Failure;
use domain::{
    Code, Device, DeviceCommand, Rejection,
    text::{self, TITLE_CHARACTERS},
};
use schema::{CommandId, Position, Timestamp, events::device::DeviceStatusReported};
use uuid::Uuid;

use super::{
    Caller,
    errors::{UserError, user_errors},
    parts,
};
use crate::shared::{Denied, Shared};

/// What a unit can report.
pub(crate) struct Mutation;

/// What a unit can report.
#[Object]
impl Mutation {
    /// The unit has stored the command on disk, with its epoch and sequence. Repeating it changes nothing.
    async fn acknowledge_command(
        &self,
        context: &Context<'_>,
        input: AcknowledgeCommandInput,
    ) -> Result<DeviceReportPayload> {
        let command = || {
            let command = command_id(&input.command_id)?;
            Ok(DeviceCommand::Acknowledge { command, attempt: input.attempt })
        };
        report(context, command).await
    }

    /// How a command ended. The first result stands. A reboot is not reported: the status after it proves it.
    async fn report_command_result(
        &self,
        context: &Context<'_>,
        input: ReportCommandResultInput,
    ) -> Result<DeviceReportPayload> {
        let command = || {
            let detail = text::optional_line(input.detail.as_deref(), TITLE_CHARACTERS).map_err(|e| e.at("detail"))?;
            Ok(DeviceCommand::ReportResult {
                command: command_id(&input.command_id)?,
                attempt: input.attempt,
                outcome: input.outcome.into(),
                code: detail.unwrap_or_default(),
            })
        };
        report(context, command).await
    }

    /// How the unit is. Report it right after the Welcome, whenever something in it changes, and every 30 seconds.
    async fn report_status(&self, context: &Context<'_>, input: ReportStatusInput) -> Result<DeviceReportPayload> {
        let (boot_id, last_sequence) = (input.boot_id, input.last_sequence);
        let payload = report(context, || input.into_command()).await?;
        if payload.user_errors.is_empty()
            && let Some(registration) = &parts(context)?.1.registration
        {
            registration.unit.reported(boot_id, last_sequence);
        }
        Ok(payload)
    }

    /// Lets this connection last as long as a newer access token of the same unit. Without it the connection closes with
    /// 4401 when the token ends that it was opened with.
    async fn renew_token(&self, context: &Context<'_>, input: RenewTokenInput) -> Result<RenewTokenPayload> {
        let (shared, caller) = parts(context)?;
        Ok(match renew(shared, caller, &input.access_token).await {
            Ok(expires_at) => RenewTokenPayload { expires_at: Some(expires_at), user_errors: vec![] },
            Err(failure) => RenewTokenPayload { expires_at: None, user_errors: user_errors(failure) },
        })
    }
}

async fn report(
    context: &Context<'_>,
    command: impl FnOnce() -> Result<DeviceCommand, Rejection>,
) -> Result<DeviceReportPayload> {
    let (shared, caller) = parts(context)?;
    Ok(match execute(shared, caller, command).await {
        Ok(position) => DeviceReportPayload { position: position.map(LogPosition), user_errors: vec![] },
        Err(failure) => DeviceReportPayload { position: None, user_errors: user_errors(failure) },
    })
}

async fn execute(
    shared: &Shared,
    caller: &Caller,
    command: impl FnOnce() -> Result<DeviceCommand, Rejection>,
) -> Result<Option<Position>, Failure> {
    let identity = caller.identity;
    shared.admit_operation(identity.device)?;
    if let Some(registration) = &caller.registration {
        registration.unit.seen(shared.now());
    }
    let command = command()?;
    // On a WebSocket that was opened before the unit was cut off, too.
    shared.check_enrollment(identity).await.map_err(|denied| match denied {
        Denied::Unavailable => Code::Unavailable,
        Denied::Unauthenticated | Denied::NotAllowed => Code::Forbidden,
    })?;
    let request = shared.platform.request(identity.principal());
    Ok(shared.platform.execute::<Device>(&request, &identity.device, command).await?.position)
}

async fn renew(shared: &Shared, caller: &Caller, token: &str) -> Result<Timestamp, Failure> {
    let at_token = |code: Code| Failure::from(code).at("accessToken");
    shared.admit_operation(caller.identity.device)?;
    let Some(registration) = &caller.registration else {
        return Err(
            Rejection::new(Code::InvalidValue, "Renew the token on the WebSocket that it is to keep open.").into()
        );
    };
    let denied = |denied| match denied {
        Denied::Unauthenticated => at_token(Code::InvalidValue),
        Denied::NotAllowed => at_token(Code::Forbidden),
        Denied::Unavailable => Code::Unavailable.into(),
    };
    let (identity, claims) = shared.verify(token).map_err(denied)?;
    if identity != caller.identity {
        return Err(at_token(Code::Forbidden));
    }
    shared.check_enrollment(identity).await.map_err(denied)?;
    registration.unit.lives_until(claims.expires_at, shared.now()).map_err(at_token)?;
    Ok(claims.expires_at)
}

fn command_id(id: &ID) -> Result<CommandId, Rejection> {
    id.parse().map_err(|_| Code::InvalidId.at("commandId"))
}

/// Which command was stored.
#[derive(InputObject)]
struct AcknowledgeCommandInput {
    /// Id of the command.
    command_id: ID,
    /// Which sending of it, as the frame says.
    attempt: u32,
}

/// How a command ended.
#[derive(InputObject)]
struct ReportCommandResultInput {
    /// Id of the command.
    command_id: ID,
    /// Which sending of it, as the frame says.
    attempt: u32,
    /// How it ended.
    outcome: CommandOutcome,
    /// The unit's own code for what went wrong; one line of at most 200 characters.
    detail: Option<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Outcome")]
enum CommandOutcome {
    /// It is done.
    Succeeded,
    /// The unit could not do it.
    Failed,
    /// The unit would not do it.
    Rejected,
}

/// How a unit is.
#[derive(InputObject)]
struct ReportStatusInput {
    /// Made anew at every start of the unit.
    boot_id: Uuid,
    /// Sequence of the last command that the unit has stored; 0: none.
    last_sequence: u64,
    /// Version of the unit's software; one line of at most 200 characters.
    software_version: String,
    /// Revision of the desired settings that the unit has applied; 0: none.
    settings_revision: u64,
    /// Services whose accounts are connected on the unit, such as `portal_for_business`: at most 20 words of at most 40
    /// lower-case letters and underscores.
    connected_accounts: Vec<String>,
}

impl ReportStatusInput {
    fn into_command(self) -> Result<DeviceCommand, Rejection> {
        let software_version = text::line(&self.software_version, TITLE_CHARACTERS);
        let services = self.connected_accounts.iter().map(String::as_str);
        Ok(DeviceCommand::ReportStatus(DeviceStatusReported {
            boot_id: self.boot_id,
            last_sequence: self.last_sequence,
            software_version: software_version.map_err(|e| e.at("softwareVersion"))?,
            settings_revision: self.settings_revision,
            connected_accounts: text::connected_accounts(services).map_err(|e| e.at("connectedAccounts"))?,
        }))
    }
}

/// A newer token.
#[derive(InputObject)]
struct RenewTokenInput {
    /// An access token of this unit and enrollment, from the token endpoint.
    access_token: String,
}

/// What became of a report.
#[derive(Debug, SimpleObject)]
struct DeviceReportPayload {
    /// Where the last event that followed from it stands in the history; null if it was known already.
    position: Option<LogPosition>,
    /// Why nothing was done; empty if all went well.
    user_errors: Vec<UserError>,
}

/// What became of the renewal.
#[derive(Debug, SimpleObject)]
struct RenewTokenPayload {
    /// When this connection ends unless it is renewed again.
    expires_at: Option<Timestamp>,
    /// Why nothing was done; empty if all went well.
    user_errors: Vec<UserError>,
}

#[derive(Debug, Clone, Copy)]
struct LogPosition(Position);

/// A place in the history of all events. Opaque.
#[Scalar(name = "Position")]
impl ScalarType for LogPosition {
    fn parse(value: Value) -> async_graphql::InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(async_graphql::InputValueError::expected_type(value)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}
