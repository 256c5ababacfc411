//! Finishes, or undoes, what a crash left between two appends: completed sign-ups without their organization,
//! reservations of addresses without an account, changes of addresses, hardware without its device, suspended roles of
//! accounts that are as before or activated again, passwords that were replaced.

use async_trait::async_trait;
use chrono::Duration;
use domain::{Account, AccountCommand, AccountStatus, Code, EmailReservation, Signup, reservation::EmailCommand};
use eventlog::Delivery;
use schema::{
    AccountId, EmailKey, Event, SignupId,
    events::{AccountEvent, ReservationEvent, RoleEvent, SignupEvent},
};

use uuid::Uuid;

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request, processes::access::Loss};

/// How long whoever made a reservation has to go on with it. Far longer than any request takes; being wrong is harmless,
/// as a slow creation of an abandoned account is refused.
const GRACE: Duration = Duration::seconds(60);

/// See the module.
pub struct Finisher;

#[async_trait]
impl Reactor for Finisher {
    const NAME: &'static str = "finisher";
    const TYPES: &'static [&'static str] = &[
        "signup.completed",
        "email.reserved",
        "hardware.enrolled",
        "role.holder_suspended",
        "account.activated",
        "account.activated_by_sso",
        "account.reactivated",
        "account.email_changed",
        "account.login_method_changed",
        "account.password_changed",
        "account.status_set_to_created",
    ];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let due = delivery.event.recorded_at + GRACE;
        if request.at < due {
            return Verdict::At(due);
        }
        let stream = delivery.event.stream.id();
        match event {
            Event::Signup(SignupEvent::Completed(_)) => match stream.parse() {
                Ok(signup) => finish_signup(platform, request, signup).await.into(),
                Err(error) => Verdict::Park(error.to_string()),
            },
            Event::Reservation(ReservationEvent::EmailReserved(e)) => match e.signup {
                Some(signup) => finish_signup(platform, request, signup).await.into(),
                None => release(platform, request, EmailKey(stream.to_owned()), e.account).await.into(),
            },
            Event::Reservation(ReservationEvent::HardwareEnrolled(e)) => {
                platform.finish_pairing(request, e.pairing).await.map(drop).into()
            }
            Event::Role(RoleEvent::HolderSuspended(e)) => {
                let loss = if e.set_back { Loss::SetBack } else { Loss::Deactivated };
                platform.finish_suspension(request, e.account, e.session_epoch, loss).await.into()
            }
            Event::Account(event) => match stream.parse() {
                Ok(account) => finish_account(platform, request, account, event).await.into(),
                Err(error) => Verdict::Park(error.to_string()),
            },
            _ => Verdict::Finished,
        }
    }
}

async fn finish_signup(platform: &Platform, request: &Request, signup: SignupId) -> Result<(), Failure> {
    match platform.finish_signup(request, signup).await {
        Err(failure) if failure.code() == Some(Code::EmailTaken) => give_up_signup(platform, request, signup).await,
        other => other.map(drop),
    }
}

/// Somebody else got the same address between the check and the reservation: the organization is not founded, and what
/// the founder gave for it is deleted.
async fn give_up_signup(platform: &Platform, request: &Request, signup: SignupId) -> Result<(), Failure> {
    let signup = platform.load::<Signup>(&signup).await?;
    let (Some(begun), Some(completed)) = (signup.state.begun(), signup.state.completed()) else { return Ok(()) };
    if abandon(platform, request, begun.account).await? {
        platform.discard_credential(begun.account, completed.credential).await?;
        platform.people().discard(begun.account).await?;
    }
    Ok(())
}

/// Closes the stream of an account that was never created. Tells whether that is so.
async fn abandon(platform: &Platform, request: &Request, account: AccountId) -> Result<bool, Failure> {
    let done = platform.execute::<Account>(request, &account, AccountCommand::Abandon).await?;
    Ok(done.after.state.status() == AccountStatus::Abandoned)
}

async fn finish_account(
    platform: &Platform,
    request: &Request,
    account: AccountId,
    event: AccountEvent,
) -> Result<(), Failure> {
    match event {
        AccountEvent::Activated(_) | AccountEvent::ActivatedBySso(_) | AccountEvent::Reactivated(_) => {
            platform.resume_roles(request, account).await.map(drop)
        }
        AccountEvent::EmailChanged(e) => platform.release_email(request, account, &e.previous_key).await,
        AccountEvent::PasswordChanged(e) => discard(platform, account, e.replaced).await,
        AccountEvent::LoginMethodChanged(e) => discard(platform, account, e.replaced).await,
        AccountEvent::StatusSetToCreated(e) => discard(platform, account, e.replaced).await,
        _ => Ok(()),
    }
}

async fn discard(platform: &Platform, account: AccountId, replaced: Option<Uuid>) -> Result<(), Failure> {
    match replaced {
        Some(credential) => platform.discard_credential(account, credential).await,
        None => Ok(()),
    }
}

/// Gives an address back whose account was never created, or has another one. First the account's own stream is closed,
/// which makes a creation that is still under way fail; only then the address is free. So it never has two accounts.
async fn release(platform: &Platform, request: &Request, email: EmailKey, account: AccountId) -> Result<(), Failure> {
    if abandon(platform, request, account).await? {
        platform.execute::<EmailReservation>(request, &email, EmailCommand::Release(account)).await?;
        return platform.people().discard(account).await;
    }
    platform.release_email(request, account, &email).await
}
