//! Answers requests for a new password, where nobody can watch: whether there is an account, and which link helps.

use async_trait::async_trait;
use domain::{Account, AccountCommand, AccountStatus, EmailReservation, RecoveryCommand, account::RESET_LINK_LIFETIME};
use eventlog::Delivery;
use schema::{
    ChallengeId, EmailKey, Event,
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
    if mail_link(platform, request, &email_key, challenge).await? {
        return Ok(());
    }
    platform.execute::<domain::Recovery>(request, &email_key, RecoveryCommand::Answer(challenge)).await.map(drop)
}

/// Whether a link goes out.
async fn mail_link(
    platform: &Platform,
    request: &Request,
    email_key: &EmailKey,
    challenge: ChallengeId,
) -> Result<bool, Failure> {
    let Some(holder) = platform.load::<EmailReservation>(email_key).await?.state.holder() else { return Ok(false) };
    let person = platform.load::<Account>(&holder).await?;
    let has_address = person.state.details().is_some_and(|details| details.email_key == *email_key);
    let command = match person.state.status() {
        AccountStatus::Activated if has_address && platform.allows_password(holder).await? => {
            AccountCommand::IssueResetLink { challenge }
        }
        // There is no password yet to be forgotten: the way in is the link that activates.
        // One that an admin has handed over is not voided by whoever knows the address.
        AccountStatus::Added if has_address && !person.state.has_shown_link(request.at) => {
            AccountCommand::IssueActivationLink { challenge, mailed: true }
        }
        _ => return Ok(false),
    };
    match platform.execute::<Account>(request, &holder, command).await {
        // It has been activated or deactivated at this very moment.
        Err(Failure::Rejected(_)) => Ok(false),
        other => Ok(!other?.events.is_empty()),
    }
}
