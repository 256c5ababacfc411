//! Connecting a Portal unit by the code on its screen (RFC 8628).

use chrono::Duration;
use schema::{
    AccountId, Actor, DeviceId, OrganizationId, PairingId,
    events::pairing::{PairingApproved, PairingCompleted, PairingEvent, PairingExpired, PairingRequested},
};

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How long the code on the screen is good (RFC 8628 3.2 leaves it open; NIST SP 800-63B gives codes 10 minutes).
pub const PAIRING_LIFETIME: Duration = Duration::minutes(10);

/// What can be wanted of a pairing.
#[derive(Debug, Clone)]
pub enum PairingCommand {
    /// Show a code. `expires_at` is set by the decision.
    Request(Box<PairingRequested>),
    /// Connect the unit: the person who acts has signed in, entered the code and chosen to.
    Approve {
        /// Who.
        account: AccountId,
        /// The account's unit epoch.
        account_epoch: u64,
        /// Of which organization.
        organization: OrganizationId,
        /// The device it will be.
        device: DeviceId,
        /// What to call it, checked.
        name: String,
    },
    /// The unit has been enrolled and gets its first token.
    Complete,
    /// Give up if its time has come.
    Expire,
}

/// Where a pairing stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PairingState {
    /// There is none.
    #[default]
    Absent,
    /// The unit shows its code.
    Pending,
    /// A person has chosen to connect it.
    Approved,
    /// The unit is enrolled.
    Completed,
    /// Nobody connected it in time.
    Expired,
}

/// A pairing.
#[derive(Debug, Clone, Default)]
pub struct Pairing {
    state: PairingState,
    requested: Option<PairingRequested>,
    approved: Option<PairingApproved>,
}

impl Pairing {
    /// Where it stands.
    pub fn state(&self) -> PairingState {
        self.state
    }
    /// What the unit said of itself.
    pub fn requested(&self) -> Option<&PairingRequested> {
        self.requested.as_ref()
    }
    /// Who connected it.
    pub fn approved(&self) -> Option<&PairingApproved> {
        self.approved.as_ref()
    }
}

impl Aggregate for Pairing {
    type Id = PairingId;
    type Event = PairingEvent;
    type Command = PairingCommand;
    const CATEGORY: &'static str = "pairing";

    fn evolve(mut self, event: &PairingEvent) -> Self {
        match event {
            PairingEvent::Requested(e) => {
                self.requested = Some(e.clone());
                self.state = PairingState::Pending;
            }
            PairingEvent::Approved(e) => {
                self.approved = Some(e.clone());
                self.state = PairingState::Approved;
            }
            PairingEvent::Completed(_) => self.state = PairingState::Completed,
            PairingEvent::Expired(_) => self.state = PairingState::Expired,
        }
        self
    }

    fn decide(&self, intent: &Intent<PairingCommand>) -> Result<Vec<PairingEvent>, Rejection> {
        let Some(requested) = &self.requested else {
            return match &intent.command {
                PairingCommand::Request(request) => {
                    let expires_at = intent.at + PAIRING_LIFETIME;
                    Ok(vec![PairingRequested { expires_at, ..(**request).clone() }.into()])
                }
                _ => Err(Code::UserCodeUnknown.at("userCode")),
            };
        };
        let late = intent.at >= requested.expires_at;
        if let PairingCommand::Approve { account, .. } = &intent.command
            && intent.actor != Actor::Account(*account)
        {
            return Err(Code::Forbidden.into());
        }
        match (&intent.command, self.state) {
            (PairingCommand::Request(_), _) => Err(Code::AlreadyUsed.into()),
            (PairingCommand::Approve { account, account_epoch, organization, device, name }, PairingState::Pending)
                if !late =>
            {
                let approved = PairingApproved {
                    account: *account,
                    account_epoch: *account_epoch,
                    organization: *organization,
                    device: *device,
                    name: name.clone(),
                };
                Ok(vec![approved.into()])
            }
            (PairingCommand::Approve { account, .. }, PairingState::Approved | PairingState::Completed)
                if self.approved.as_ref().is_some_and(|approved| approved.account == *account) =>
            {
                Ok(vec![])
            }
            // Whether it ran out, is used or never was is nobody's business who does not hold the unit.
            (PairingCommand::Approve { .. }, _) => Err(Code::UserCodeUnknown.at("userCode")),
            // A unit whose token got lost on the way may ask again for as long as its device code lives.
            (PairingCommand::Complete, PairingState::Completed) if !late => Ok(vec![]),
            // Finishing what was approved in time is never too late: the unit is enrolled by now.
            (PairingCommand::Complete, PairingState::Approved | PairingState::Expired) => {
                let approved = self.approved.as_ref().ok_or(Code::Expired)?;
                Ok(vec![PairingCompleted { device: approved.device }.into()])
            }
            (PairingCommand::Complete, PairingState::Pending) if !late => Err(Code::PairingPending.into()),
            (PairingCommand::Complete, _) => Err(Code::Expired.into()),
            (PairingCommand::Expire, PairingState::Pending | PairingState::Approved) if late => {
                Ok(vec![PairingExpired {}.into()])
            }
            (PairingCommand::Expire, _) => Ok(vec![]),
        }
    }

    fn access(command: &PairingCommand) -> Access {
        match command {
            // A unit that is not connected is nobody; the request is bounded per address.
            PairingCommand::Request(_) => Access::Anyone,
            PairingCommand::Approve { .. } => Access::Member,
            PairingCommand::Complete | PairingCommand::Expire => Access::System,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.approved.as_ref().map(|approved| approved.organization)
    }

    fn owner(&self) -> Option<Actor> {
        self.approved.as_ref().map(|approved| Actor::Account(approved.account))
    }
}
