//! An organization and its email domains: stream `organization-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, ChallengeId, OrganizationId, Timestamp, VerificationMethod};

events! {
    /// Events of an organization.
    OrganizationEvent {
        /// The organization exists.
        Created(OrganizationCreated) = "organization.created" @ 1,
        /// Accounts with this email domain may be created.
        DomainAllowed(OrganizationDomainAllowed) = "organization.domain_allowed" @ 1,
        /// It has another name.
        Renamed(OrganizationRenamed) = "organization.renamed" @ 1,
        /// It has another logo.
        LogoChanged(OrganizationLogoChanged) = "organization.logo_changed" @ 1,
        /// An admin wants to prove that a domain is the organization's; it voids an attempt before.
        DomainVerificationBegun(OrganizationDomainVerificationBegun) = "organization.domain_verification_begun" @ 1,
        /// A wrong code was entered.
        DomainCodeRejected(OrganizationDomainCodeRejected) = "organization.domain_code_rejected" @ 1,
        /// The domain is proven to be the organization's, and no other's.
        DomainVerified(OrganizationDomainVerified) = "organization.domain_verified" @ 1,
        /// The proof was not found in time, or another organization was faster.
        DomainVerificationFailed(OrganizationDomainVerificationFailed) = "organization.domain_verification_failed" @ 1,
        /// The proof of a verified domain is no longer there. It stays verified.
        DomainProofLost(OrganizationDomainProofLost) = "organization.domain_proof_lost" @ 1,
        /// The proof is there again.
        DomainProofFound(OrganizationDomainProofFound) = "organization.domain_proof_found" @ 1,
        /// Accounts with this email domain may no longer be created; if it was verified, others may have it.
        DomainRemoved(OrganizationDomainRemoved) = "organization.domain_removed" @ 1,
    }
}

/// Payload of `organization.created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationCreated {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    #[schemars(extend("examples" = ["Example Ltd"]))]
    pub name: String,
    /// Who signed it up.
    pub founder: AccountId,
}

/// Payload of `organization.domain_allowed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainAllowed {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
}

/// Payload of `organization.renamed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationRenamed {
    /// Its name from now on.
    #[schemars(extend("examples" = ["Example Ltd"]))]
    pub name: String,
}

/// Payload of `organization.logo_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationLogoChanged {
    /// SHA-256 of the image, a PNG, hexadecimal. Names its file.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Payload of `organization.domain_verification_begun`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainVerificationBegun {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// How it is to be proven.
    pub method: VerificationMethod,
    /// What the mailed code or the published token is derived from.
    pub challenge: ChallengeId,
    /// What stands before the `@` of the address that the code goes to; none for other methods.
    #[schemars(extend("examples" = ["postmaster"]))]
    pub mailbox: Option<String>,
    /// When the attempt ends.
    pub expires_at: Timestamp,
}

/// Payload of `organization.domain_code_rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainCodeRejected {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// How many more wrong codes may be entered.
    pub tries_left: u32,
}

/// Payload of `organization.domain_verified`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainVerified {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// How it was proven.
    pub method: VerificationMethod,
    /// The challenge that was answered.
    pub challenge: ChallengeId,
}

/// Payload of `organization.domain_verification_failed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainVerificationFailed {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// The challenge that was not answered.
    pub challenge: ChallengeId,
    /// The stable code of the API that says why.
    #[schemars(extend("examples" = ["EXPIRED"]))]
    pub code: String,
}

/// Payload of `organization.domain_proof_lost`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainProofLost {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
}

/// Payload of `organization.domain_proof_found`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainProofFound {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
}

/// Payload of `organization.domain_removed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainRemoved {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
}
