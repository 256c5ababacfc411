//! The benchmarks: what this machine reaches, each figure beside a floor measured in the same run. A floor is what is
//! left when everything but the unavoidable is taken away.

pub mod accounts;
pub mod append;
pub mod floor;
pub mod history;
pub mod import;
pub mod load;
pub mod machine;
pub mod memory;
pub mod million;
pub mod people;
pub mod reboot;
pub mod rebuild;
pub mod report;
pub mod saml;
pub mod seed;
pub mod sessions;

pub use report::{Bound, Figure};
