//! Ends what has run out of time: sign-ups, pairings, commands to units. The event that sets a deadline is put off until
//! the deadline comes, which the log remembers over restarts.

use async_trait::async_trait;
use domain::{Device, DeviceCommand, Pairing, PairingCommand, Signup, SignupCommand};
use eventlog::Delivery;
use schema::{
    DeviceId, Event,
    events::{DeviceEvent, PairingEvent, SignupEvent, signup::SignupBegun},
};

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request};

/// See the module.
pub struct Deadlines;

#[async_trait]
impl Reactor for Deadlines {
    const NAME: &'static str = "deadlines";
    const TYPES: &'static [&'static str] = &["signup.begun", "pairing.requested", "device.command_requested"];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let due = match &event {
            Event::Signup(SignupEvent::Begun(e)) => Some(e.expires_at),
            Event::Pairing(PairingEvent::Requested(e)) => Some(e.expires_at),
            Event::Device(DeviceEvent::CommandRequested(e)) => e.expires_at,
            _ => None,
        };
        match due {
            None => return Verdict::Finished,
            Some(due) if request.at < due => return Verdict::At(due),
            Some(_) => {}
        }
        let done = match event {
            Event::Signup(SignupEvent::Begun(e)) => expire_signup(platform, request, &e).await,
            Event::Pairing(PairingEvent::Requested(e)) => {
                platform.execute::<Pairing>(request, &e.pairing, PairingCommand::Expire).await.map(drop)
            }
            Event::Device(DeviceEvent::CommandRequested(e)) => match delivery.event.stream.id().parse::<DeviceId>() {
                Ok(device) => platform
                    .execute::<Device>(request, &device, DeviceCommand::Expire { command: e.command })
                    .await
                    .map(drop),
                Err(error) => return Verdict::Park(error.to_string()),
            },
            _ => Ok(()),
        };
        done.into()
    }
}

/// Nobody can complete it any more, so the address that was given is forgotten.
async fn expire_signup(platform: &Platform, request: &Request, begun: &SignupBegun) -> Result<(), Failure> {
    let done = platform.execute::<Signup>(request, &begun.signup, SignupCommand::Expire).await?;
    match done.after.state.completed() {
        Some(_) => Ok(()),
        None => platform.people().discard(begun.account).await,
    }
}
