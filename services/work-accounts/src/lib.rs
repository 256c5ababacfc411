//! The binary's inside: command line, configuration and wiring. Tests start the platform through [`Server`] exactly as
//! the command line does.

/// A good part of a request is small allocations; this allocator takes less time for them than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod config;
pub mod operations;
mod run;
pub mod server;
pub mod telemetry;
pub mod tour;

pub use run::main;
pub use server::{Server, StartError};
