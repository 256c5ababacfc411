//! The way out to the internet: look-ups in the DNS, and fetching from websites that people name. Whatever fetches goes
//! through here, so that nobody can make the platform fetch from inside the network it stands in.

pub mod addresses;
pub mod dns;
pub mod http;
