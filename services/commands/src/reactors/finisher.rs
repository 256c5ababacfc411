//! Finishes, or undoes, what a crash left between two appends: completed sign-ups without their organization,
//! reservations of addresses without an account, hardware without its device.

use async_trait::async_trait;
use chrono::Duration;
use domain::{Account, AccountCommand, AccountStatus, Code, Device, EmailReservation, reservation::EmailCommand};
use eventlog::Delivery;
use schema::{
    AccountId, EmailKey, Event, SignupId,
    events::{ReservationEvent, SignupEvent},
};

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request};

/// How long whoever made a reservation has to go on with it. Far longer than any request takes; being wrong is harmless,
/// as a slow creation of an abandoned account is refused.
const GRACE: Duration = Duration::seconds(60);

/// See the module.
pub struct Finisher;

#[async_trait]
impl Reactor for Finisher {
    const NAME: &'static str = "finisher";
    const TYPES: &'static [&'static str] = &["signup.completed", "email.reserved", "hardware.enrolled"];

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
            Event::Reservation(ReservationEvent::HardwareEnrolled(e)) => match platform.load::<Device>(&e.device).await
            {
                Ok(device) if device.state.enrolled().is_none() => {
                    platform.finish_pairing(request, e.pairing).await.map(drop).into()
                }
                other => other.map(drop).into(),
            },
            _ => Verdict::Finished,
        }
    }
}

async fn finish_signup(platform: &Platform, request: &Request, signup: SignupId) -> Result<(), Failure> {
    match platform.finish_signup(request, signup).await {
        // An admin added the same address between the check and the reservation: the organization is not founded.
        Err(failure) if failure.code() == Some(Code::EmailTaken) => Ok(()),
        other => other.map(drop),
    }
}

/// Gives an address back whose account was never created. First the account's own stream is closed, which makes a
/// creation that is still under way fail; only then the address is free. So it never has two accounts.
async fn release(platform: &Platform, request: &Request, email: EmailKey, account: AccountId) -> Result<(), Failure> {
    let after = platform.execute::<Account>(request, &account, AccountCommand::Abandon).await?.after;
    if after.state.status() == AccountStatus::Abandoned {
        platform.execute::<EmailReservation>(request, &email, EmailCommand::Release(account)).await?;
        platform.people().discard(account).await?;
    }
    Ok(())
}
