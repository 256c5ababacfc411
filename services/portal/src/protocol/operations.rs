//! The documents that a unit sends. Variables have scalar types only, so that they depend on no name of an input type.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Cursor, DeviceFrame};
use crate::Secret;

pub(super) const COMMANDS: &str = "subscription($after: Cursor, $window: Int) { \
    deviceCommands(after: $after, window: $window) { __typename \
    ... on Welcome { deviceId epoch connectionId serverTime } \
    ... on DeviceCommand { commandId kind sequence attempt expiresAt cursor } \
    ... on DesiredSettings { revision name } \
    ... on StreamReset { reason resume_from: cursor } \
    ... on Revoked { reason } } }";

pub(super) const ACKNOWLEDGE: &str = "mutation($commandId: ID!, $attempt: Int!) { \
    answer: acknowledgeCommand(input: { commandId: $commandId, attempt: $attempt }) { userErrors { code message } } }";

pub(super) const REPORT_STATUS: &str = "mutation($bootId: UUID!, $lastSequence: Int!, $softwareVersion: String!, \
    $settingsRevision: Int!, $connectedAccounts: [String!]!) { \
    answer: reportStatus(input: { bootId: $bootId, lastSequence: $lastSequence, softwareVersion: $softwareVersion, \
    settingsRevision: $settingsRevision, connectedAccounts: $connectedAccounts }) { userErrors { code message } } }";

pub(super) const RENEW_TOKEN: &str = "mutation($accessToken: String!) { \
    answer: renewToken(input: { accessToken: $accessToken }) { expiresAt userErrors { code message } } }";

/// How a command ended, as the unit reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// Tried in vain.
    Failed,
    /// Not tried.
    Rejected,
}

impl Outcome {
    /// The outcome stands in the document itself: as a variable it would need the name of its type.
    pub(super) fn report(self) -> &'static str {
        macro_rules! document {
            ($outcome:literal) => {
                concat!(
                    "mutation($commandId: ID!, $attempt: Int!, $detail: String) { answer: reportCommandResult(input: ",
                    "{ commandId: $commandId, attempt: $attempt, outcome: ",
                    $outcome,
                    ", detail: $detail }) { userErrors { code message } } }"
                )
            };
        }
        match self {
            Self::Succeeded => document!("SUCCEEDED"),
            Self::Failed => document!("FAILED"),
            Self::Rejected => document!("REJECTED"),
        }
    }
}

/// What a unit tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Made anew at every start of the unit.
    pub boot_id: Uuid,
    /// Sequence of the last command that the unit has stored; 0: none.
    pub last_sequence: u64,
    /// Version of the unit's software.
    pub software_version: String,
    /// Revision of the settings that the unit has applied; 0: none.
    pub settings_revision: u64,
    /// Services whose accounts are connected on the unit.
    pub connected_accounts: Vec<String>,
}

/// The answer to a mutation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Why the dispatcher did not do it; empty: it did.
    pub user_errors: Vec<UserError>,
    /// After a renewal: when the connection ends unless renewed again.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Answer {
    /// Whether the dispatcher did it.
    pub fn accepted(&self) -> bool {
        self.user_errors.is_empty()
    }
}

/// An expected failure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserError {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
}

#[derive(Serialize)]
pub(super) struct CommandsVariables {
    pub(super) after: Option<Cursor>,
    pub(super) window: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommandVariables<'a> {
    pub(super) command_id: &'a str,
    pub(super) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RenewVariables<'a> {
    access_token: &'a str,
}

impl<'a> RenewVariables<'a> {
    pub(super) fn new(token: &'a Secret) -> Self {
        Self { access_token: token.reveal() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommandsData {
    pub(super) device_commands: DeviceFrame,
}

#[derive(Deserialize)]
pub(super) struct AnswerData {
    pub(super) answer: Answer,
}
