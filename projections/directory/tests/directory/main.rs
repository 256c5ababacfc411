//! The directory on a real log: what each event changes, and what the queries answer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test, its helpers included")]

#[path = "../../../engine/tests/support/mod.rs"]
mod support;

mod accounts;
mod lists;
mod organization;
mod paging;
mod roles;
mod search;
mod setup;
