//! The types of the API that stand for things: made from the rows of the views.

pub(crate) mod command;
pub(crate) mod device;
pub(crate) mod domain;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod node;
pub(crate) mod organization;
pub(crate) mod pairing;
pub(crate) mod person;
pub(crate) mod role;
pub(crate) mod single_sign_on;
pub(crate) mod viewer;
