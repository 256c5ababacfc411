//! Files of people: logos, and sealed files of people to import. [`Files`] keeps them in a folder or in storage that
//! speaks the protocol of S3; [`logo`] makes a harmless image of whatever was uploaded.

mod http;
pub mod logo;
mod name;
mod sealed;
mod store;

pub use self::{
    name::FileName,
    sealed::{FileKey, NONCE_BYTES},
    store::{Files, FilesError, LARGEST_FILE, OpenError},
};
