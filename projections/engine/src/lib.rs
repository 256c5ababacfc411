//! The engine of the views: follows the log, keeps each view in a SQLite file of its own and answers reads from it.
//!
//! A [`Projection`] says which rows an event makes. A [`View`] runs it: rows and checkpoint are committed together, a
//! watermark tells how far the rows reach ([`View::wait_for`]), changes are told to whoever listens
//! ([`View::changes`]), and [`Reads`] answers queries from a snapshot. A view is disposable: it holds nothing that the
//! log does not, so a missing, damaged or outdated file is simply built again, beside the old one while that one can
//! still be read.
//!
//! [`listing`], [`index`], [`search`] and [`tenants`] are what views have in common: pages by cursor, filters and search
//! by any part of a text among a million rows, and rows of one organization lying side by side.

mod build;
mod changes;
pub mod columns;
mod feed;
mod file;
pub mod index;
pub mod listing;
pub mod paging;
mod projection;
mod readers;
pub mod search;
pub mod tenants;
mod view;
mod writer;

pub use build::{BuildError, Snapshot, build_until};
pub use changes::{Change, Changes, Update};
pub use projection::{Context, PersonKeys, Projection, ProjectionError};
pub use readers::{Reads, ViewError};
pub use view::{Failed, StartError, Status, View, WaitError};
