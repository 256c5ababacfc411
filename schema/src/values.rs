//! Small values that events share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an admin role allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Manage email domains.
    ManageDomains,
    /// Manage organization settings and integrations.
    ManageOrganization,
    /// Add and deactivate accounts.
    ManageAccounts,
    /// Manage all Portal devices.
    ManageDevices,
    /// Read the event history.
    ReadHistory,
    /// Contact support.
    ContactSupport,
}

impl Right {
    /// Every right there is: what a system admin has.
    pub const ALL: [Self; 6] = [
        Self::ManageDomains,
        Self::ManageOrganization,
        Self::ManageAccounts,
        Self::ManageDevices,
        Self::ReadHistory,
        Self::ContactSupport,
    ];
}

/// How a person proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// Email and password.
    Password,
    /// The organization's identity provider.
    SingleSignOn,
}

/// Where an account came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountOrigin {
    /// The person signed the organization up.
    Signup,
    /// An admin added the person.
    Admin,
    /// An admin imported a file.
    Import,
}

/// How an organization proves that an email domain is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationMethod {
    /// A code mailed to an administrative address of the domain.
    Email,
    /// A file in the root folder of the domain's website.
    HtmlFile,
    /// A TXT record in the DNS.
    DnsTxt,
}

/// A row of an import of which no account was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedRow {
    /// Counts the rows of the file from 0, the header aside.
    pub row: u32,
    /// The stable code of the API that says why.
    #[schemars(extend("examples" = ["EMAIL_TAKEN"]))]
    pub code: String,
}

/// What the directory knows of a person besides the email address. Sealed as a whole.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Given name, NFC.
    pub given_name: String,
    /// Family name, NFC.
    pub family_name: String,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Division.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// Office or city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Phone number as entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Email address of the manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager_email: Option<String>,
    /// First day at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<chrono::NaiveDate>,
}

impl std::fmt::Debug for Profile {
    // Never shows personal data in a trace.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// From where somebody signed in. Sealed as a whole.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionOrigin {
    /// Browser and system, such as `Firefox on Windows`; none if the client did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Network that the request came from, shortened.
    #[schemars(extend("examples" = ["203.0.113.0/24"]))]
    pub network: String,
}

impl std::fmt::Debug for SessionOrigin {
    // Never shows personal data in a trace.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionOrigin(…)")
    }
}

/// A person and their session in the words of an identity provider. Sealed as a whole.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FederatedName {
    /// What the provider calls the person.
    pub value: String,
    /// Format of the name, a URI; empty if the provider says none.
    pub format: String,
    /// Qualifiers of the name, as they came.
    pub qualifiers: [Option<String>; 2],
    /// What the provider calls the session.
    pub session_index: Option<String>,
}

impl std::fmt::Debug for FederatedName {
    // Never shows personal data in a trace.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FederatedName(…)")
    }
}

/// What a command asks a unit to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// Start again; proven by a new boot id.
    Reboot,
}

/// An account that is connected on a unit, as the unit reports it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ConnectedAccount {
    /// Which service, such as `portal_for_business` or `whatsapp`.
    #[schemars(extend("examples" = ["whatsapp"]))]
    pub service: String,
}
