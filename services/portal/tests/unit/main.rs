//! A virtual unit against a platform that speaks the protocol, and misbehaves when told to.

#[cfg(test)]
mod dispatcher;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod trouble;
