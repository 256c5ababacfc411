//! The rules of the platform, and nothing else: one file per aggregate with `decide` and `evolve`. No clock, no
//! randomness, no input or output; whatever a decision needs comes in with the [`Intent`].

pub mod access;
pub mod account;
pub mod aggregate;
pub mod device;
pub mod federation;
pub mod import;
pub mod organization;
pub mod pairing;
pub mod recovery;
pub mod rejection;
pub mod reservation;
pub mod roles;
pub mod session;
pub mod signup;
pub mod single_sign_on;
#[cfg(any(test, feature = "spec"))]
pub mod spec;
pub mod sso_answer;
pub mod support;
#[cfg(test)]
mod tests;
pub mod text;

pub use access::{Access, Principal, authorize};
pub use account::{Account, AccountCommand, AccountStatus, FederatedIdentity};
pub use aggregate::{Aggregate, Intent, fold};
pub use device::{CommandState, Device, DeviceCommand, Outcome};
pub use federation::{Federation, NoteSession};
pub use import::{Import, ImportCommand, ImportStatus};
pub use organization::{Organization, OrganizationCommand};
pub use pairing::{Pairing, PairingCommand, PairingState};
pub use recovery::{Recovery, RecoveryCommand, RequestRecovery};
pub use rejection::{Code, Rejection};
pub use reservation::{
    DomainReservation, EmailReservation, HardwareReservation, ImportFileReservation, SamlAssertionReservation,
    SsoProviderAssignment, UserCodeReservation,
};
pub use roles::{Roles, RolesCommand};
pub use session::{Session, SessionCommand};
pub use signup::{Signup, SignupCommand};
pub use single_sign_on::{Details, Provider, SingleSignOn, SingleSignOnCommand};
pub use sso_answer::{SsoAnswer, SsoAnswerCommand};
pub use support::{RequestSupport, SupportRequest};
