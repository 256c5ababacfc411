//! Consumer groups: who has dealt with what.
//!
//! The members of a group in this process share one state, so each event goes to one of them. `state` keeps it in memory
//! and is pure; `store` keeps on disk what must outlive the process; `ledger` stands between the two.

mod ledger;
mod member;
mod state;
mod store;

pub(super) use self::{
    ledger::Ledger,
    member::Groups,
    store::{Progress, TABLES, write_progress},
};
