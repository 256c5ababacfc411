//! What takes more than one stream: each process is a sequence of commands that can be repeated or finished after a
//! crash at any point between them.

pub mod access;
pub mod credentials;
pub mod domains;
pub mod imports;
pub mod links;
pub mod organization;
pub mod pairing;
pub mod passwords;
pub mod people;
pub mod profile;
pub mod roles;
pub mod sign_in;
pub mod sign_up;
pub mod support;
