//! What must be unique: email addresses, user codes, domains, hardware. One stream each; its revision decides races.

use std::collections::BTreeSet;

use schema::{
    AccountId, DeviceId, EmailKey, HardwareKey, ImportFileKey, ImportId, OrganizationId, PairingId, SamlAssertionKey,
    SignupId, SsoProviderId, SsoRequestId, Timestamp, UserCodeKey,
    events::reservation::{
        DomainReleased, DomainReserved, EmailReleased, EmailReserved, EmailReservedForImport, HardwareEnrolled,
        HardwareReleased, ImportFileUploaded, ReservationEvent, SamlAssertionUsed, SsoProviderAssigned,
        UserCodeReserved,
    },
};

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// Who has an email address.
#[derive(Debug, Clone, Default)]
pub struct EmailReservation {
    holder: Option<AccountId>,
    reservations: u64,
}

/// What can be wanted of an email address.
#[derive(Debug, Clone)]
pub enum EmailCommand {
    /// Take it for an account.
    Reserve {
        /// The account.
        account: AccountId,
        /// The sign-up that wants it, if one does.
        signup: Option<SignupId>,
    },
    /// Take it for an account that an import creates.
    ReserveForImport {
        /// The account.
        account: AccountId,
        /// The import.
        import: ImportId,
    },
    /// Take it for an account that exists and is to have it. A reservation of its own even if the account has the address
    /// already, so that whoever clears an earlier one away leaves this one alone.
    ReserveAnew(AccountId),
    /// Give it back, if this account has it.
    Release(AccountId),
    /// Give it back, if this account has it and has not reserved it again since.
    ReleaseUnlessRenewed {
        /// The account.
        account: AccountId,
        /// The reservations that were counted.
        reservations: u64,
    },
}

impl EmailReservation {
    /// The account that has it.
    pub fn holder(&self) -> Option<AccountId> {
        self.holder
    }
    /// Counts the reservations, by whomever, from 1.
    pub fn reservations(&self) -> u64 {
        self.reservations
    }

    fn reserve(
        &self,
        account: AccountId,
        event: ReservationEvent,
        anew: bool,
    ) -> Result<Vec<ReservationEvent>, Rejection> {
        match self.holder {
            Some(holder) if holder != account => Err(Code::EmailTaken.at("email")),
            Some(_) if !anew => Ok(vec![]),
            _ => Ok(vec![event]),
        }
    }
}

impl Aggregate for EmailReservation {
    type Id = EmailKey;
    type Event = ReservationEvent;
    type Command = EmailCommand;
    const CATEGORY: &'static str = "email";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        self.holder = match event {
            ReservationEvent::EmailReserved(EmailReserved { account, .. })
            | ReservationEvent::EmailReservedForImport(EmailReservedForImport { account, .. }) => {
                self.reservations = self.reservations.saturating_add(1);
                Some(*account)
            }
            ReservationEvent::EmailReleased(_) => None,
            _ => self.holder,
        };
        self
    }

    fn decide(&self, intent: &Intent<EmailCommand>) -> Result<Vec<ReservationEvent>, Rejection> {
        match intent.command.clone() {
            EmailCommand::Reserve { account, signup } => {
                self.reserve(account, EmailReserved { account, signup }.into(), false)
            }
            EmailCommand::ReserveForImport { account, import } => {
                self.reserve(account, EmailReservedForImport { account, import }.into(), false)
            }
            EmailCommand::ReserveAnew(account) => {
                self.reserve(account, EmailReserved { account, signup: None }.into(), true)
            }
            EmailCommand::ReleaseUnlessRenewed { reservations, .. } if reservations != self.reservations => Ok(vec![]),
            EmailCommand::Release(account) | EmailCommand::ReleaseUnlessRenewed { account, .. } => {
                let held = self.holder == Some(account);
                Ok(if held { vec![EmailReleased { account }.into()] } else { vec![] })
            }
        }
    }

    fn access(_: &EmailCommand) -> Access {
        Access::System
    }
}

/// Which pairing shows a user code.
#[derive(Debug, Clone, Default)]
pub struct UserCodeReservation {
    shown: Option<(PairingId, Timestamp)>,
}

/// Take a user code for a pairing.
#[derive(Debug, Clone)]
pub struct ReserveUserCode {
    /// The pairing that will show it.
    pub pairing: PairingId,
}

impl UserCodeReservation {
    /// The pairing that shows it at `at`.
    pub fn pairing(&self, at: Timestamp) -> Option<PairingId> {
        self.shown.filter(|(_, until)| at < *until).map(|(pairing, _)| pairing)
    }
}

impl Aggregate for UserCodeReservation {
    type Id = UserCodeKey;
    type Event = ReservationEvent;
    type Command = ReserveUserCode;
    const CATEGORY: &'static str = "user_code";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        if let ReservationEvent::UserCodeReserved(e) = event {
            self.shown = Some((e.pairing, e.expires_at));
        }
        self
    }

    fn decide(&self, intent: &Intent<ReserveUserCode>) -> Result<Vec<ReservationEvent>, Rejection> {
        match self.pairing(intent.at) {
            Some(pairing) if pairing == intent.command.pairing => Ok(vec![]),
            Some(_) => Err(Code::AlreadyUsed.into()),
            None => {
                let expires_at = intent.at + crate::pairing::PAIRING_LIFETIME;
                Ok(vec![UserCodeReserved { pairing: intent.command.pairing, expires_at }.into()])
            }
        }
    }

    fn access(_: &ReserveUserCode) -> Access {
        Access::System
    }
}

/// Which organization has verified a domain. It is held for one attempt to verify it, which is what makes giving it back
/// safe: an attempt that can no longer be confirmed never can again.
#[derive(Debug, Clone, Default)]
pub struct DomainReservation {
    reserved: Option<DomainReserved>,
}

/// What can be wanted of a domain.
#[derive(Debug, Clone)]
pub enum DomainCommand {
    /// Take it for the organization that has proven it by this attempt.
    Reserve(DomainReserved),
    /// Give it back, if it is held for this attempt.
    Release(DomainReserved),
}

impl DomainReservation {
    /// The organization that verified it.
    pub fn holder(&self) -> Option<OrganizationId> {
        self.reserved.as_ref().map(|reserved| reserved.organization)
    }
    /// What it is held for.
    pub fn reserved(&self) -> Option<&DomainReserved> {
        self.reserved.as_ref()
    }
}

impl Aggregate for DomainReservation {
    type Id = String;
    type Event = ReservationEvent;
    type Command = DomainCommand;
    const CATEGORY: &'static str = "domain";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        match event {
            ReservationEvent::DomainReserved(e) => self.reserved = Some(e.clone()),
            ReservationEvent::DomainReleased(_) => self.reserved = None,
            _ => {}
        }
        self
    }

    fn decide(&self, intent: &Intent<DomainCommand>) -> Result<Vec<ReservationEvent>, Rejection> {
        match (&intent.command, &self.reserved) {
            (DomainCommand::Reserve(wanted), None) => Ok(vec![wanted.clone().into()]),
            (DomainCommand::Reserve(wanted), Some(reserved)) if wanted != reserved => Err(Code::DomainTaken.into()),
            (DomainCommand::Release(given), Some(reserved)) if given == reserved => {
                Ok(vec![DomainReleased { organization: given.organization }.into()])
            }
            (DomainCommand::Reserve(_) | DomainCommand::Release(_), _) => Ok(vec![]),
        }
    }

    fn access(_: &DomainCommand) -> Access {
        Access::System
    }
}

/// Which import a file was last uploaded for.
#[derive(Debug, Clone, Default)]
pub struct ImportFileReservation {
    latest: Option<ImportId>,
}

/// The file was uploaded for this import.
#[derive(Debug, Clone)]
pub struct NoteImportFile(pub ImportId);

impl ImportFileReservation {
    /// The import of the latest upload.
    pub fn latest(&self) -> Option<ImportId> {
        self.latest
    }
}

impl Aggregate for ImportFileReservation {
    type Id = ImportFileKey;
    type Event = ReservationEvent;
    type Command = NoteImportFile;
    const CATEGORY: &'static str = "import_file";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        if let ReservationEvent::ImportFileUploaded(e) = event {
            self.latest = Some(e.import);
        }
        self
    }

    fn decide(&self, intent: &Intent<NoteImportFile>) -> Result<Vec<ReservationEvent>, Rejection> {
        let NoteImportFile(import) = intent.command;
        Ok(if self.latest == Some(import) { vec![] } else { vec![ImportFileUploaded { import }.into()] })
    }

    fn access(_: &NoteImportFile) -> Access {
        Access::System
    }
}

/// Whose an identity provider is. It is never given to another.
#[derive(Debug, Clone, Default)]
pub struct SsoProviderAssignment {
    organization: Option<OrganizationId>,
}

/// Give a new provider to an organization.
#[derive(Debug, Clone)]
pub struct AssignProvider(pub OrganizationId);

impl Aggregate for SsoProviderAssignment {
    type Id = SsoProviderId;
    type Event = ReservationEvent;
    type Command = AssignProvider;
    const CATEGORY: &'static str = "sso_provider";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        if let ReservationEvent::SsoProviderAssigned(e) = event {
            self.organization.get_or_insert(e.organization);
        }
        self
    }

    fn decide(&self, intent: &Intent<AssignProvider>) -> Result<Vec<ReservationEvent>, Rejection> {
        let AssignProvider(organization) = intent.command;
        match self.organization {
            None => Ok(vec![SsoProviderAssigned { organization }.into()]),
            Some(owner) if owner == organization => Ok(vec![]),
            Some(_) => Err(Code::AlreadyUsed.into()),
        }
    }

    fn access(_: &AssignProvider) -> Access {
        Access::System
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }
}

/// Whether an assertion was used.
#[derive(Debug, Clone, Default)]
pub struct SamlAssertionReservation {
    used: Option<SsoRequestId>,
}

/// Use an assertion for the request that it answers.
#[derive(Debug, Clone)]
pub struct UseAssertion(pub SsoRequestId);

impl Aggregate for SamlAssertionReservation {
    type Id = SamlAssertionKey;
    type Event = ReservationEvent;
    type Command = UseAssertion;
    const CATEGORY: &'static str = "saml_assertion";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        if let ReservationEvent::SamlAssertionUsed(e) = event {
            self.used = Some(e.request);
        }
        self
    }

    fn decide(&self, intent: &Intent<UseAssertion>) -> Result<Vec<ReservationEvent>, Rejection> {
        // Not even for the same request: what is repeated after a crash is refused, and the person signs in again.
        match self.used {
            Some(_) => Err(Code::AlreadyUsed.into()),
            None => Ok(vec![SamlAssertionUsed { request: intent.command.0 }.into()]),
        }
    }

    fn access(_: &UseAssertion) -> Access {
        Access::System
    }
}

/// Whether hardware is set up, and where.
#[derive(Debug, Clone, Default)]
pub struct HardwareReservation {
    enrolled: Option<HardwareEnrolled>,
    released: BTreeSet<DeviceId>,
    epochs: u64,
}

/// What can be wanted of hardware.
#[derive(Debug, Clone)]
pub enum HardwareCommand {
    /// Set it up.
    Enroll {
        /// The device it will be.
        device: DeviceId,
        /// The organization it will belong to.
        organization: OrganizationId,
        /// The pairing that connects it.
        pairing: PairingId,
        /// The device that it was until now, which was found to be logged out.
        logged_out: Option<DeviceId>,
    },
    /// It may be set up again, if it still is this device.
    Release(DeviceId),
}

impl HardwareReservation {
    /// The enrollment it is in.
    pub fn enrolled(&self) -> Option<&HardwareEnrolled> {
        self.enrolled.as_ref()
    }

    fn belongs_to(&self, organization: OrganizationId) -> bool {
        self.enrolled.as_ref().is_some_and(|enrolled| enrolled.organization == organization)
    }
}

impl Aggregate for HardwareReservation {
    type Id = HardwareKey;
    type Event = ReservationEvent;
    type Command = HardwareCommand;
    const CATEGORY: &'static str = "hardware";

    fn evolve(mut self, event: &ReservationEvent) -> Self {
        match event {
            ReservationEvent::HardwareEnrolled(e) => {
                self.epochs = e.epoch;
                self.enrolled = Some(e.clone());
            }
            ReservationEvent::HardwareReleased(e) => {
                self.released.insert(e.device);
                self.enrolled = None;
            }
            _ => {}
        }
        self
    }

    fn decide(&self, intent: &Intent<HardwareCommand>) -> Result<Vec<ReservationEvent>, Rejection> {
        let current = self.enrolled.as_ref().map(|enrolled| enrolled.device);
        match (&intent.command, current) {
            // A device is one enrollment: a pairing that is finished late does not bring it back.
            (HardwareCommand::Enroll { device, .. }, _) if self.released.contains(device) => Err(Code::Expired.into()),
            (HardwareCommand::Enroll { device, .. }, Some(current)) if current == *device => Ok(vec![]),
            // Logged out it still is its organization's: another one gets it only after it was released.
            (HardwareCommand::Enroll { organization, logged_out, .. }, Some(_))
                if *logged_out != current || !self.belongs_to(*organization) =>
            {
                Err(Code::UnitInUse.into())
            }
            (HardwareCommand::Enroll { device, organization, pairing, .. }, _) => {
                let released = current.map(|device| HardwareReleased { device }.into());
                let epoch = self.epochs.saturating_add(1);
                let enrolled =
                    HardwareEnrolled { device: *device, organization: *organization, pairing: *pairing, epoch };
                Ok(released.into_iter().chain([enrolled.into()]).collect())
            }
            (HardwareCommand::Release(device), Some(current)) if current == *device => {
                Ok(vec![HardwareReleased { device: *device }.into()])
            }
            (HardwareCommand::Release(_), _) => Ok(vec![]),
        }
    }

    fn access(_: &HardwareCommand) -> Access {
        Access::System
    }
}
