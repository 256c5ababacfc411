//! An organization's identity providers and who signs in with them: stream `single_sign_on-<organization id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{
    AccountId, LoginMethod, OrganizationId, Personal, SsoCheck, SsoCheckResult, SsoConfiguration, SsoProviderId,
    SsoTestId, Timestamp,
};

events! {
    /// Events of an organization's single sign-on.
    SingleSignOnEvent {
        /// A provider was added. It signs nobody in before its test has passed and it was activated.
        ProviderAdded(SsoProviderAdded) = "sso.provider_added" @ 1,
        /// A provider is to be reached otherwise. What was activated before goes on until this is activated.
        ProviderUpdated(SsoProviderUpdated) = "sso.provider_updated" @ 1,
        /// The provider signs nobody in any more, and is gone.
        ProviderRemoved(SsoProviderRemoved) = "sso.provider_removed" @ 1,
        /// An admin begins to sign in for a test.
        TestBegun(SsoTestBegun) = "sso.test_begun" @ 1,
        /// The test has passed or failed.
        TestEnded(SsoTestEnded) = "sso.test_ended" @ 1,
        /// The configuration that has passed its test signs people in from now on.
        ProviderActivated(SsoProviderActivated) = "sso.provider_activated" @ 1,
        /// The provider signs nobody in until it is activated again.
        ProviderDeactivated(SsoProviderDeactivated) = "sso.provider_deactivated" @ 1,
        /// A certificate of an active provider ends soon.
        CertificateExpiring(SsoCertificateExpiring) = "sso.certificate_expiring" @ 1,
        /// New people sign in otherwise.
        DefaultMethodChanged(SsoDefaultMethodChanged) = "sso.default_method_changed" @ 1,
        /// Everybody has to sign in at a provider, but for one system admin.
        Required(SsoRequired) = "sso.required" @ 1,
        /// Everybody signs in by their own method again.
        Released(SsoReleased) = "sso.released" @ 1,
    }
}

/// Payload of `sso.provider_added`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderAdded {
    /// The provider.
    pub provider: SsoProviderId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What people know it by.
    #[schemars(extend("examples" = ["Example login"]))]
    pub name: String,
    /// Verified domains that it serves; all if it names none.
    #[schemars(extend("examples" = [["example.com"]]))]
    pub domains: Vec<String>,
    /// How it is reached and recognized.
    pub configuration: SsoConfiguration,
}

/// Payload of `sso.provider_updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderUpdated {
    /// The provider.
    pub provider: SsoProviderId,
    /// What people know it by.
    #[schemars(extend("examples" = ["Example login"]))]
    pub name: String,
    /// Verified domains that it serves; all if it names none.
    #[schemars(extend("examples" = [["example.com"]]))]
    pub domains: Vec<String>,
    /// How it is reached and recognized.
    pub configuration: SsoConfiguration,
}

/// Payload of `sso.provider_removed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderRemoved {
    /// The provider.
    pub provider: SsoProviderId,
}

/// Payload of `sso.test_begun`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoTestBegun {
    /// The provider.
    pub provider: SsoProviderId,
    /// The test.
    pub test: SsoTestId,
    /// Who tests: the provider has to vouch for this person.
    pub account: AccountId,
    /// Until when the test can be made.
    pub expires_at: Timestamp,
}

/// Payload of `sso.test_ended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoTestEnded {
    /// The provider.
    pub provider: SsoProviderId,
    /// The test.
    pub test: SsoTestId,
    /// The check that failed; none if the test has passed.
    pub failed: Option<SsoCheck>,
    /// Every check with what was expected and what came. It may hold email addresses.
    pub transcript: Personal<Vec<SsoCheckResult>>,
}

/// Payload of `sso.provider_activated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderActivated {
    /// The provider.
    pub provider: SsoProviderId,
    /// The test that its configuration has passed.
    pub test: SsoTestId,
}

/// Payload of `sso.provider_deactivated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoProviderDeactivated {
    /// The provider.
    pub provider: SsoProviderId,
}

/// Payload of `sso.certificate_expiring`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoCertificateExpiring {
    /// The provider.
    pub provider: SsoProviderId,
    /// SHA-256 of the certificate, hexadecimal.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub fingerprint: String,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// Payload of `sso.default_method_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoDefaultMethodChanged {
    /// How people sign in who are added from now on.
    pub method: LoginMethod,
}

/// Payload of `sso.required`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoRequired {
    /// The system admin who still signs in with a password, should the provider fail.
    pub way_back_in: AccountId,
}

/// Payload of `sso.released`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoReleased {}
