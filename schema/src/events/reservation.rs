//! What must be unique, each in a stream of its own: `email-<hash>`, `user_code-<hash>`, `domain-<name>`,
//! `hardware-<hash>`, `import_file-<hash>`, `saml_assertion-<hash>`;
//! and `sso_provider-<id>`, which tells whose an identity provider is. The stream's revision makes the reservation: of many who race for it exactly one appends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, ChallengeId, DeviceId, ImportId, OrganizationId, PairingId, SignupId, SsoRequestId, Timestamp};

events! {
    /// Events of reservations.
    ReservationEvent {
        /// An email address is taken by an account.
        EmailReserved(EmailReserved) = "email.reserved" @ 1,
        /// An email address is taken by an account that an import creates. The import itself finishes or undoes it.
        EmailReservedForImport(EmailReservedForImport) = "email.reserved_for_import" @ 1,
        /// An email address is free again.
        EmailReleased(EmailReleased) = "email.released" @ 1,
        /// A code that a unit shows is taken by a pairing, until it ends.
        UserCodeReserved(UserCodeReserved) = "user_code.reserved" @ 1,
        /// A domain was verified and belongs to one organization.
        DomainReserved(DomainReserved) = "domain.reserved" @ 2,
        /// A domain is free again.
        DomainReleased(DomainReleased) = "domain.released" @ 1,
        /// Hardware was set up.
        HardwareEnrolled(HardwareEnrolled) = "hardware.enrolled" @ 1,
        /// Hardware may be set up again.
        HardwareReleased(HardwareReleased) = "hardware.released" @ 1,
        /// A file of people was uploaded: who uploads it again is told.
        ImportFileUploaded(ImportFileUploaded) = "import_file.uploaded" @ 1,
        /// An identity provider belongs to an organization.
        SsoProviderAssigned(SsoProviderAssigned) = "sso_provider.assigned" @ 1,
        /// An assertion of an identity provider was used; it cannot be used again.
        SamlAssertionUsed(SamlAssertionUsed) = "saml_assertion.used" @ 1,
    }
}

/// Payload of `email.reserved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailReserved {
    /// Who has it.
    pub account: AccountId,
    /// The sign-up that took it; none if an admin adds the person. Tells how to finish or undo what a crash left.
    pub signup: Option<SignupId>,
}

/// Payload of `sso_provider.assigned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderAssigned {
    /// Whose it is.
    pub organization: OrganizationId,
}

/// Payload of `saml_assertion.used`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SamlAssertionUsed {
    /// The request that it answered.
    pub request: SsoRequestId,
}

/// Payload of `email.released`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailReleased {
    /// Who had it.
    pub account: AccountId,
}

/// Payload of `user_code.reserved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserCodeReserved {
    /// The pairing that shows it.
    pub pairing: PairingId,
    /// From then on it is free again.
    pub expires_at: Timestamp,
}

/// Payload of `domain.reserved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DomainReserved {
    /// Who verified it.
    pub organization: OrganizationId,
    /// The attempt whose proof was found. As long as that can still be confirmed, nobody gives the domain back.
    pub challenge: ChallengeId,
}

/// Payload of `domain.released`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DomainReleased {
    /// Who had it.
    pub organization: OrganizationId,
}

/// Payload of `hardware.enrolled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HardwareEnrolled {
    /// The device it is now.
    pub device: DeviceId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The pairing that connects it: enough to finish the enrollment after a crash.
    pub pairing: PairingId,
    /// How many times it has been enrolled, this time included.
    pub epoch: u64,
}

/// Payload of `hardware.released`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HardwareReleased {
    /// The device it was.
    pub device: DeviceId,
}

/// Payload of `email.reserved_for_import`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmailReservedForImport {
    /// Who has it.
    pub account: AccountId,
    /// The import that creates the account.
    pub import: ImportId,
}

/// Payload of `import_file.uploaded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportFileUploaded {
    /// The import of this upload.
    pub import: ImportId,
}
