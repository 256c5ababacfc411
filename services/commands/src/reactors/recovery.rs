//! Answers requests for a new password, where nobody can watch: whether there is an account, and which link helps.

use async_trait::async_trait;
use domain::{Account, AccountCommand, AccountStatus, EmailReservation, account::RESET_LINK_LIFETIME};
use eventlog::Delivery;
use schema::{
    Event,
    events::{RecoveryEvent, recovery::RecoveryRequested},
};

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request};

/// See the module.
pub struct Recovery;

#[async_trait]
impl Reactor for Recovery {
    const NAME: &'static str = "recovery";
    const TYPES: &'static [&'static str] = &["recovery.requested"];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        match event {
            // Whoever asked so long ago has given up, or asked again.
            Event::Recovery(_) if request.at >= delivery.event.recorded_at + RESET_LINK_LIFETIME => Verdict::Finished,
            Event::Recovery(RecoveryEvent::Requested(requested)) => help(platform, request, requested).await.into(),
            _ => Verdict::Finished,
        }
    }
}

async fn help(platform: &Platform, request: &Request, requested: RecoveryRequested) -> Result<(), Failure> {
    let RecoveryRequested { email_key, challenge } = requested;
    let Some(holder) = platform.load::<EmailReservation>(&email_key).await?.state.holder() else { return Ok(()) };
    let person = platform.load::<Account>(&holder).await?;
    let has_address = person.state.details().is_some_and(|details| details.email_key == email_key);
    let command = match person.state.status() {
        AccountStatus::Activated if has_address => AccountCommand::IssueResetLink { challenge },
        // There is no password yet to be forgotten: the way in is the link that activates.
        AccountStatus::Added if has_address => AccountCommand::IssueActivationLink { challenge, mailed: true },
        _ => return Ok(()),
    };
    match platform.execute::<Account>(request, &holder, command).await {
        // It has been activated or deactivated at this very moment.
        Err(Failure::Rejected(_)) => Ok(()),
        other => other.map(drop),
    }
}
