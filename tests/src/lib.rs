//! Fixtures of the end-to-end tests, and the benchmarks.
//!
//! The tests run the platform as a process of its own, speak to it as frontends and units do, and look into its files
//! from outside. Nothing here stands in for a part of the platform or of its surroundings: the mail server, the clients
//! and the units are real ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure in a fixture is a failed test, and should say where"
)]

pub mod bench;
pub mod client;
pub mod harness;
pub mod log;
pub mod names;
pub mod node;
pub mod organization;
pub mod platform;
pub mod process;
pub mod providers;
pub mod repository;
pub mod saml;
pub mod sdl;
pub mod smtp;
pub mod storage;
pub mod unit;
