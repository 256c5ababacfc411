//! Connecting a Portal unit (RFC 8628), and telling which unit a request comes from.

use domain::{
    Access, Account, Code, Device, DeviceCommand, HardwareReservation, Pairing, PairingCommand, PairingState,
    Principal, Rejection, UserCodeReservation, authorize,
    reservation::{HardwareCommand, ReserveUserCode},
    text::{self, TITLE_CHARACTERS},
};
use identity::{DeviceCode, EntropyExt, UnitKey, UserCode};
use schema::{
    AccountId, DeviceId, HardwareKey, OrganizationId, PairingId, Position, Timestamp,
    events::{
        device::DeviceEnrolled,
        pairing::{PairingApproved, PairingRequested},
    },
};

use crate::{Failure, Loaded, Platform, Request};

/// How many codes are drawn before giving up: with 20^8 codes even the second is rare.
const DRAWS: u32 = 5;

/// What a unit says of itself.
#[derive(Debug, Clone)]
pub struct UnitDescription {
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: String,
    /// Version of its software.
    pub software_version: String,
    /// Its public key, a JWK.
    pub jwk: String,
    /// Network that the request came from.
    pub network: String,
}

/// A pairing that waits for a person.
#[derive(Debug)]
pub struct Awaiting {
    /// What the unit asks with.
    pub device_code: DeviceCode,
    /// What the unit shows.
    pub user_code: UserCode,
    /// When both end.
    pub expires_at: Timestamp,
}

/// What a unit that asks for its token is told.
#[derive(Debug, Clone)]
pub enum Poll {
    /// Nobody has connected it yet.
    Pending,
    /// Too late: begin again.
    Expired,
    /// It is set up elsewhere by now.
    Denied,
    /// The device code is not one of ours.
    Unknown,
    /// It belongs to an organization.
    Enrolled(UnitIdentity),
}

/// Which unit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitIdentity {
    /// The device.
    pub device: DeviceId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its enrollment.
    pub epoch: u64,
}

impl UnitIdentity {
    /// How it acts.
    pub fn principal(&self) -> Principal {
        Principal::Unit { device: self.device, organization: self.organization }
    }
}

impl Platform {
    /// A unit asks to be connected. Refused while the hardware is set up somewhere.
    pub async fn request_pairing(&self, request: &Request, unit: UnitDescription) -> Result<Awaiting, Failure> {
        let line = |text: &str, field| text::line(text, TITLE_CHARACTERS).map_err(|e: Rejection| e.at(field));
        let (serial, model) = (line(&unit.serial, "serial")?, line(&unit.model, "model")?);
        let software_version = line(&unit.software_version, "software_version")?;
        let key = UnitKey::parse(&unit.jwk).map_err(|_| Code::InvalidValue.at("jwk"))?;
        let hardware = self.keys.hardware_key(&model, &serial);
        let in_use = self.load::<HardwareReservation>(&hardware).await?.state.enrolled().is_some();
        if in_use && self.logged_out_unit(&hardware).await?.is_none() {
            return Err(Code::UnitInUse.into());
        }
        let pairing = PairingId(self.entropy.uuid_v4());
        let user_code = self.reserve_user_code(request, pairing).await?;
        let requested = PairingRequested {
            pairing,
            hardware,
            serial,
            model,
            software_version,
            public_key: key.canonical_json().to_owned(),
            user_code: self.keys.user_code_key(&user_code),
            network: unit.network,
            // Set by the decision.
            expires_at: request.at,
        };
        let done = self.execute::<Pairing>(request, &pairing, PairingCommand::Request(Box::new(requested))).await?;
        let expires_at = done.after.state.requested().map_or(request.at, |r| r.expires_at);
        let device_code = DeviceCode::derive(&self.keys, pairing, expires_at);
        Ok(Awaiting { device_code, user_code, expires_at })
    }

    async fn reserve_user_code(&self, request: &Request, pairing: PairingId) -> Result<UserCode, Failure> {
        for _ in 0..DRAWS {
            let code = self.entropy.user_code();
            let key = self.keys.user_code_key(&code);
            let system = request.as_system("pairing");
            match self.execute::<UserCodeReservation>(&system, &key, ReserveUserCode { pairing }).await {
                Ok(_) => return Ok(code),
                Err(failure) if failure.code() == Some(Code::AlreadyUsed) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Code::Busy.into())
    }

    /// What a signed-in person is shown before they connect the unit whose code they entered.
    pub async fn pairing_by_code(
        &self,
        request: &Request,
        user_code: &str,
    ) -> Result<(PairingId, std::sync::Arc<Loaded<Pairing>>), Failure> {
        authorize(&request.principal, Access::Member, None, None)?;
        let unknown = || Failure::from(Code::UserCodeUnknown).at("userCode");
        let code: UserCode = user_code.parse().map_err(|_| unknown())?;
        let key = self.keys.user_code_key(&code);
        let reserved = self.load::<UserCodeReservation>(&key).await?;
        let id = reserved.state.pairing(request.at).ok_or_else(unknown)?;
        let pairing = self.load::<Pairing>(&id).await?;
        match pairing.state.state() {
            PairingState::Pending => Ok((id, pairing)),
            // Approved by this very person: entering the code again shows the same.
            PairingState::Approved | PairingState::Completed
                if pairing
                    .state
                    .approved()
                    .is_some_and(|a| request.principal.actor() == schema::Actor::Account(a.account)) =>
            {
                Ok((id, pairing))
            }
            _ => Err(unknown()),
        }
    }

    /// Connects the unit that shows the code to the person's organization. The device appears when the unit comes for
    /// its token.
    pub async fn connect_device(
        &self,
        request: &Request,
        user_code: &str,
        name: Option<&str>,
    ) -> Result<(DeviceId, std::sync::Arc<Loaded<Pairing>>, Option<Position>), Failure> {
        let Principal::Person { account, organization, .. } = request.principal else {
            return Err(Code::NotSignedIn.into());
        };
        let name = text::optional_line(name, TITLE_CHARACTERS).map_err(|e| e.at("name"))?;
        let (id, pairing) = self.pairing_by_code(request, user_code).await?;
        let model = pairing.state.requested().map(|r| r.model.clone()).unwrap_or_default();
        let device = DeviceId(uuid::Uuid::new_v5(&id.0, b"device"));
        let account_epoch = self.load::<Account>(&account).await?.state.unit_epoch();
        let name = name.unwrap_or(model);
        let command = PairingCommand::Approve { account, account_epoch, organization, device, name };
        let done = self.execute::<Pairing>(request, &id, command).await?;
        Ok((device, done.after, done.position))
    }

    /// A unit asks whether it has been connected; if so it is enrolled.
    pub async fn poll_pairing(&self, request: &Request, device_code: &str) -> Result<Poll, Failure> {
        let Ok(code) = device_code.parse::<DeviceCode>() else {
            return Ok(Poll::Unknown);
        };
        let pairing = self.load::<Pairing>(&code.pairing()).await?;
        let Some(requested) = pairing.state.requested().filter(|r| code.verify(&self.keys, r.expires_at)) else {
            return Ok(Poll::Unknown);
        };
        match pairing.state.state() {
            PairingState::Pending if request.at < requested.expires_at => Ok(Poll::Pending),
            // Also asked again because the answer got lost: then nothing is enrolled anew.
            PairingState::Approved | PairingState::Completed => self.finish_pairing(request, code.pairing()).await,
            _ => Ok(Poll::Expired),
        }
    }

    /// Takes an approved pairing to its end. Repeated, it goes on where it was interrupted.
    pub async fn finish_pairing(&self, request: &Request, id: PairingId) -> Result<Poll, Failure> {
        let request = request.as_system("pairing");
        let pairing = self.load::<Pairing>(&id).await?;
        let (Some(requested), Some(approved)) = (pairing.state.requested(), pairing.state.approved()) else {
            return Ok(Poll::Unknown);
        };
        let device = approved.device;
        // Once the device is there, its hardware may have been released: that is not undone.
        if self.load::<Device>(&device).await?.state.enrolled().is_none() {
            match self.enroll(&request, id, requested, approved).await {
                Ok(()) => {}
                Err(failure) if failure.code() == Some(Code::UnitInUse) => return Ok(Poll::Denied),
                // Enrolled, released and forgotten by a device that never came: it begins again.
                Err(failure) if failure.code() == Some(Code::Expired) => return Ok(Poll::Expired),
                Err(failure) => return Err(failure),
            }
        }
        match self.execute::<Pairing>(&request, &id, PairingCommand::Complete).await {
            Ok(_) => Ok(self.unit(device).await?.map_or(Poll::Expired, |(identity, _)| Poll::Enrolled(identity))),
            Err(failure) if failure.code() == Some(Code::Expired) => Ok(Poll::Expired),
            Err(failure) => Err(failure),
        }
    }

    async fn enroll(
        &self,
        request: &Request,
        pairing: PairingId,
        requested: &PairingRequested,
        approved: &PairingApproved,
    ) -> Result<(), Failure> {
        let (device, organization) = (approved.device, approved.organization);
        if !self.keeps_unit(approved.account, approved.account_epoch).await? {
            return Err(Code::Expired.into());
        }
        let logged_out = self.logged_out_unit(&requested.hardware).await?;
        let enroll = HardwareCommand::Enroll { device, organization, pairing, logged_out };
        let enrolled = self.execute::<HardwareReservation>(request, &requested.hardware, enroll).await?;
        let epoch = enrolled.after.state.enrolled().map_or(1, |e| e.epoch);
        let command = DeviceCommand::Enroll(Box::new(DeviceEnrolled {
            device,
            organization,
            account: approved.account,
            account_epoch: approved.account_epoch,
            pairing,
            hardware: requested.hardware.clone(),
            epoch,
            serial: requested.serial.clone(),
            model: requested.model.clone(),
            software_version: requested.software_version.clone(),
            name: approved.name.clone(),
            public_key: requested.public_key.clone(),
        }));
        self.execute::<Device>(request, &device, command).await.map(drop)
    }

    /// Whether the account has been neither deactivated nor logged out everywhere since it had this unit epoch.
    async fn keeps_unit(&self, account: AccountId, epoch: u64) -> Result<bool, Failure> {
        Ok(self.load::<Account>(&account).await?.state.keeps_unit(epoch))
    }

    /// The device that the hardware is set up as, if it was logged out with its account: then it may be set up again
    /// without being reset.
    async fn logged_out_unit(&self, hardware: &HardwareKey) -> Result<Option<DeviceId>, Failure> {
        let Some(current) = self.load::<HardwareReservation>(hardware).await?.state.enrolled().map(|e| e.device) else {
            return Ok(None);
        };
        // It is only just being set up.
        if self.load::<Device>(&current).await?.state.enrolled().is_none() {
            return Ok(None);
        }
        Ok(self.unit(current).await?.is_none().then_some(current))
    }

    /// The unit behind a device id, if it still is what its hardware is enrolled as and its account has neither been
    /// deactivated nor logged out everywhere since: asked for every token and every connection.
    pub async fn unit(&self, device: DeviceId) -> Result<Option<(UnitIdentity, String)>, Failure> {
        let state = self.load::<Device>(&device).await?;
        let Some(enrolled) = state.state.enrolled() else {
            return Ok(None);
        };
        let hardware = self.load::<HardwareReservation>(&enrolled.hardware).await?;
        let current = hardware.state.enrolled().is_some_and(|current| current.device == device);
        if !current || state.state.is_logged_out() {
            return Ok(None);
        }
        if !self.keeps_unit(enrolled.account, enrolled.account_epoch).await? {
            self.note_log_out(device).await;
            return Ok(None);
        }
        let identity = UnitIdentity { device, organization: enrolled.organization, epoch: enrolled.epoch };
        Ok(Some((identity, enrolled.public_key.clone())))
    }

    /// Writes down that a unit was logged out with its account, so that admins see it. It is refused all the same if this
    /// fails, and written down the next time.
    async fn note_log_out(&self, device: DeviceId) {
        let request = self.request(Principal::System("units"));
        if let Err(failure) = self.execute::<Device>(&request, &device, DeviceCommand::LogOut).await {
            tracing::warn!(%device, %failure, "a unit is not shown as logged out yet");
        }
    }

    /// Who set a device up, which never changes.
    pub async fn owner_of(&self, device: DeviceId) -> Result<Option<AccountId>, Failure> {
        Ok(self.load::<Device>(&device).await?.state.enrolled().map(|enrolled| enrolled.account))
    }
}
