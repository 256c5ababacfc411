//! Commands: load, decide, append, retry. The processes that touch several streams, and the reactors that turn events
//! into further commands or effects.

pub mod domain_proof;
pub mod failure;
mod last_use;
pub mod mail;
pub mod people_keys;
pub mod platform;
pub mod processes;
pub mod reactors;
pub mod request;
pub mod single_sign_on;

pub use failure::Failure;
pub use platform::{Done, Loaded, Platform, PlatformParts};
pub use request::Request;
pub use single_sign_on::SingleSignOnService;
