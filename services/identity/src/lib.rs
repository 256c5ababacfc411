//! How people and Portal units prove who they are: derived keys, codes and links, sessions, passwords, throttling and
//! the tokens of units.
//!
//! Primitives only: nothing here stores, logs or asks for the time. The caller passes the time and the [`Entropy`] in,
//! and decides on streams what a proof is good for. Every secret is wiped from memory when dropped and hides itself
//! from `Debug`.
//!
//! | proof | type | kept by the platform |
//! |---|---|---|
//! | mailed code | [`VerificationCode`] | nothing: derived from the challenge and its expiry |
//! | mailed link | [`LinkToken`] | nothing: derived likewise |
//! | published token | [`DomainToken`] | nothing: derived likewise |
//! | session | [`SessionToken`] | SHA-256 of the secret |
//! | password | [`Password`] | Argon2id [`PasswordRecord`], sealed in the vault |
//! | sign-in at an identity provider | [`saml`], [`openid`] | the request, sealed, in the browser |
//! | unit that waits to be connected | [`DeviceCode`], [`UserCode`] | nothing; keyed hash of the code on the screen |
//! | unit's own key | [`UnitKey`] | the public key |
//! | unit's access token | [`AccessTokens`] | nothing: signed |

mod challenge;
mod device_code;
mod device_token;
mod domain_token;
mod entropy;
mod keys;
mod master;
pub mod openid;
mod password;
pub mod saml;
mod sealed;
mod session;
mod tag;
mod throttle;
mod transcript;
mod unit_key;

pub use challenge::{LinkToken, Purpose, VerificationCode};
pub use device_code::{DeviceCode, POLL_INTERVAL_SECONDS, POLL_SLOW_DOWN_SECONDS, UserCode, UserCodeError};
pub use device_token::{
    ACCESS_TOKEN_LIFETIME_SECONDS, AccessClaims, AccessToken, AccessTokenError, AccessTokens, MAX_TOKEN_BYTES,
};
pub use domain_token::DomainToken;
pub use entropy::{Entropy, EntropyExt, OsEntropy, SeededEntropy};
pub use keys::ServerKeys;
pub use master::{MasterKey, MasterKeyError, load_or_create_master, parse_master};
pub use password::{
    MAX_PASSWORD_CHARACTERS, MIN_PASSWORD_CHARACTERS, Password, PasswordError, PasswordHasher, PasswordPolicy,
    PasswordProblem, PasswordRecord, Verification,
};
pub use sealed::{open_from_browser, seal_for_browser};
pub use session::{SessionCookie, SessionToken, bearer};
pub use tag::InvalidToken;
pub use throttle::{
    DEVICE_AUTHORIZATION_IN_ALL, DEVICE_AUTHORIZATION_PER_ADDRESS, DOMAIN_LOOKS_PER_ORGANIZATION,
    DOMAIN_PROOFS_PER_ORGANIZATION, IMPORTS_PER_ORGANIZATION, LOGOS_PER_ORGANIZATION, Limiter, MAILS_TO_PERSON,
    ONE_USE_OF_ASSERTION, PASSWORD_RESET_PER_ADDRESS, PASSWORD_RESET_PER_EMAIL, Policy, Reset, RetryAfter,
    SIGN_IN_PER_ACCOUNT, SIGN_IN_PER_ADDRESS, SIGN_UP_PER_ADDRESS, SIGN_UP_PER_EMAIL, SSO_PER_ADDRESS,
    SSO_REFUSALS_PER_PROVIDER, SSO_SUPPRESSIONS_PER_PROVIDER, SSO_UNASKED_REFUSALS_PER_PROVIDER, SUPPORT_PER_ACCOUNT,
    USER_CODE_IN_ALL, USER_CODE_PER_ACCOUNT, USER_CODE_PER_ADDRESS, throttled_address,
};
pub use transcript::Transcript;
pub use unit_key::{
    Assertion, AssertionError, CLOCK_SKEW_SECONDS, MAX_ASSERTION_LIFETIME_SECONDS, MAX_JWK_BYTES, UnitKey,
    UnitKeyError, claimed_device,
};
