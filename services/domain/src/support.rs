//! A request to the support.

use schema::{
    Actor, OrganizationId, Right, SupportRequestId,
    events::support::{SupportEvent, SupportRequested},
};

use crate::{Access, Aggregate, Code, Intent, Rejection, text};

/// Most characters of a message.
pub const MESSAGE_CHARACTERS: usize = 5_000;

/// A message: lines of readable text, at most [`MESSAGE_CHARACTERS`] characters in all.
pub fn message(text: &str) -> Result<String, Rejection> {
    let too_long = || Rejection::new(Code::TooLong, format!("Use at most {MESSAGE_CHARACTERS} characters."));
    // A character is at most 4 bytes in UTF-8 and composed of at most 4.
    if text.len() > MESSAGE_CHARACTERS * 16 {
        return Err(too_long());
    }
    let line = |line: &str| {
        let line = text::optional_line(Some(&line.replace('\t', " ")), MESSAGE_CHARACTERS)?;
        Ok::<_, Rejection>(line.unwrap_or_default())
    };
    let lines = text.lines().map(line).collect::<Result<Vec<_>, _>>()?.join("\n");
    let message = lines.trim();
    match message.chars().count() {
        0 => Err(Code::Required.into()),
        n if n > MESSAGE_CHARACTERS => Err(too_long()),
        _ => Ok(message.to_owned()),
    }
}

/// Ask for help. Text is checked and sealed.
#[derive(Debug, Clone)]
pub struct RequestSupport(pub Box<SupportRequested>);

/// A request.
#[derive(Debug, Clone, Default)]
pub struct SupportRequest {
    requested: Option<SupportRequested>,
}

impl SupportRequest {
    /// What was asked.
    pub fn requested(&self) -> Option<&SupportRequested> {
        self.requested.as_ref()
    }
}

impl Aggregate for SupportRequest {
    type Id = SupportRequestId;
    type Event = SupportEvent;
    type Command = RequestSupport;
    const CATEGORY: &'static str = "support";

    fn evolve(self, event: &SupportEvent) -> Self {
        let SupportEvent::Requested(e) = event;
        Self { requested: Some(e.clone()) }
    }

    fn decide(&self, intent: &Intent<RequestSupport>) -> Result<Vec<SupportEvent>, Rejection> {
        let RequestSupport(request) = &intent.command;
        match &self.requested {
            Some(_) => Ok(vec![]),
            None if intent.actor != Actor::Account(request.account) => Err(Code::Forbidden.into()),
            None => Ok(vec![(**request).clone().into()]),
        }
    }

    fn access(_: &RequestSupport) -> Access {
        Access::Right(Right::ContactSupport)
    }

    fn target(command: &RequestSupport) -> Option<OrganizationId> {
        Some(command.0.organization)
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.requested.as_ref().map(|requested| requested.organization)
    }

    fn owner(&self) -> Option<Actor> {
        self.requested.as_ref().map(|requested| Actor::Account(requested.account))
    }
}
