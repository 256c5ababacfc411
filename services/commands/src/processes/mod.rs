//! What takes more than one stream: each process is a sequence of commands that can be repeated or finished after a
//! crash at any point between them.

pub mod credentials;
pub mod domains;
pub mod organization;
pub mod pairing;
pub mod people;
pub mod roles;
pub mod sign_in;
pub mod sign_up;
