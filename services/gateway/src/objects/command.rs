//! A command to a Portal unit.

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use devices::{CommandRow, CommandStep};
use schema::{Actor as SchemaActor, CommandId, DeviceId, Timestamp};

use super::{
    device::{Device, visible_device},
    person::{Person, visible_person},
};
use crate::{access::Reading, app::ContextExt, scalars::id};

/// What a command asks a unit to do.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::CommandKind")]
pub(crate) enum DeviceCommandKind {
    /// Start again; proven by a new boot id.
    Reboot,
}

/// Where a command stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "devices::CommandState")]
pub(crate) enum DeviceCommandState {
    /// An admin asked for it.
    Requested,
    /// The unit is offline or busy: it waits.
    Queued,
    /// It was sent to the unit.
    Dispatched,
    /// The unit has stored it.
    Received,
    /// It is done.
    Succeeded,
    /// The unit could not do it.
    Failed,
    /// The unit would not do it.
    Rejected,
    /// It was not done in time.
    Expired,
}

/// What kind of actor caused something.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum ActorKind {
    /// A person.
    Person,
    /// A Portal unit.
    Device,
    /// The platform itself.
    System,
    /// Somebody who had not signed in.
    Anonymous,
}

/// Who caused something.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Actor {
    #[graphql(skip)]
    actor: SchemaActor,
    /// What kind of actor.
    kind: ActorKind,
}

#[ComplexObject]
impl Actor {
    /// The person, if it was one whom you may know.
    #[graphql(complexity = "2 + child_complexity")]
    async fn person(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        match self.actor {
            SchemaActor::Account(account) => visible_person(context, account).await,
            _ => Ok(None),
        }
    }
}

impl From<&SchemaActor> for ActorKind {
    fn from(actor: &SchemaActor) -> Self {
        match actor {
            SchemaActor::Account(_) => Self::Person,
            SchemaActor::Device(_) => Self::Device,
            SchemaActor::System(_) => Self::System,
            SchemaActor::Anonymous => Self::Anonymous,
        }
    }
}

impl From<SchemaActor> for Actor {
    fn from(actor: SchemaActor) -> Self {
        Self { kind: (&actor).into(), actor }
    }
}

/// Something that happened to a command.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct DeviceCommandStep {
    /// Where the command stood from then on.
    state: DeviceCommandState,
    /// When.
    at: Timestamp,
    /// Who caused it.
    actor: Actor,
    /// Which sending it is about, counted from 1.
    attempt: Option<u64>,
    /// The unit's own code for what went wrong.
    code: Option<String>,
}

impl From<CommandStep> for DeviceCommandStep {
    fn from(step: CommandStep) -> Self {
        Self { state: step.state.into(), at: step.at, actor: step.actor.into(), attempt: step.attempt, code: step.code }
    }
}

/// A command to a Portal unit. Delivered at least once, in the order of `sequence`; the unit acts on it once.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct DeviceCommand {
    #[graphql(skip)]
    command: CommandId,
    #[graphql(skip)]
    to: DeviceId,
    #[graphql(skip)]
    requester: SchemaActor,
    /// Id of the command.
    pub(crate) id: ID,
    /// What is to be done.
    kind: DeviceCommandKind,
    /// Where it stands.
    state: DeviceCommandState,
    /// Its place in the order of the unit's commands, from 1.
    sequence: u64,
    /// How often it was sent.
    attempts: u64,
    /// When it was asked for.
    requested_at: Timestamp,
    /// When it was last sent.
    dispatched_at: Option<Timestamp>,
    /// When the unit had stored it.
    received_at: Option<Timestamp>,
    /// When it ended, however.
    finished_at: Option<Timestamp>,
    /// When it is no longer wanted; null if it waits until answered or cancelled.
    expires_at: Option<Timestamp>,
    /// The unit's own code for what went wrong.
    code: Option<String>,
}

#[ComplexObject]
impl DeviceCommand {
    /// The unit.
    #[graphql(complexity = "2 + child_complexity")]
    async fn device(&self, context: &Context<'_>) -> async_graphql::Result<Option<Device>> {
        visible_device(context, self.to).await
    }

    /// Who asked for it.
    #[graphql(complexity = "1 + child_complexity")]
    async fn requested_by(&self) -> Actor {
        self.requester.clone().into()
    }

    /// What became of it, step by step.
    #[graphql(complexity = "2 + 5 * child_complexity")]
    async fn steps(&self, context: &Context<'_>) -> async_graphql::Result<Vec<DeviceCommandStep>> {
        let reader = context.reader(Reading::Devices)?;
        let loaded = context.app()?.loaders.steps.load_one((reader.organization, self.command)).await;
        let steps = loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default();
        Ok(steps.into_iter().map(DeviceCommandStep::from).collect())
    }
}

impl From<CommandRow> for DeviceCommand {
    fn from(row: CommandRow) -> Self {
        Self {
            command: row.id,
            to: row.device,
            requester: row.requested_by,
            id: id(row.id),
            kind: row.kind.into(),
            state: row.state.into(),
            sequence: row.sequence,
            attempts: row.attempt,
            requested_at: row.requested_at,
            dispatched_at: row.dispatched_at,
            received_at: row.received_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
            code: row.code,
        }
    }
}

/// A command, if whoever asks may see its device.
pub(crate) async fn visible_command(
    context: &Context<'_>,
    command: CommandId,
) -> async_graphql::Result<Option<DeviceCommand>> {
    let reader = context.reader(Reading::Devices)?;
    let found = context.app()?.devices.command(reader.organization, command).await;
    let Some(row) = found.map_err(|error| context.report(error.into()))? else { return Ok(None) };
    Ok(visible_device(context, row.device).await?.map(|_| row.into()))
}
