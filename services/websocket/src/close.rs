//! How a connection ends.

use std::borrow::Cow;

/// Code and reason of a close frame. The constants with codes from 4400 are those of the `graphql-transport-ws`
/// protocol; those from 1000 are of RFC 6455 7.4.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// What clients match on.
    pub code: u16,
    /// For people; at most 123 bytes (RFC 6455 5.5), cut if longer.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// All went well.
    pub const NORMAL: Self = Self::new(1000, "done");
    /// The server stops; connect again.
    pub const GOING_AWAY: Self = Self::new(1001, "the server is going away, connect again");
    /// No sign of life for too long.
    pub const SILENT: Self = Self::new(1001, "no sign of life");
    /// A message was longer than allowed.
    pub const TOO_BIG: Self = Self::new(1009, "message too big");
    /// Something went wrong on the server.
    pub const INTERNAL_ERROR: Self = Self::new(1011, "internal error");
    /// Come back later.
    pub const TRY_AGAIN_LATER: Self = Self::new(1013, "try again later");
    /// A message that the protocol does not know.
    pub const INVALID_MESSAGE: Self = Self::new(4400, "invalid message");
    /// No valid token, or none yet.
    pub const UNAUTHORIZED: Self = Self::new(4401, "Unauthorized");
    /// The token is valid, but whoever it names may not connect.
    pub const FORBIDDEN: Self = Self::new(4403, "Forbidden");
    /// The client does not speak `graphql-transport-ws`.
    pub const SUBPROTOCOL: Self = Self::new(4406, "Subprotocol not acceptable");
    /// `connection_init` did not come in time.
    pub const INIT_TIMEOUT: Self = Self::new(4408, "Connection initialisation timeout");
    /// More than one `connection_init`.
    pub const TOO_MANY_INITS: Self = Self::new(4429, "Too many initialisation requests");

    /// Any other code, such as an application's own from 4000 to 4999.
    pub const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// An operation of this id is under way already.
    pub(crate) fn subscriber_exists(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    /// The reason, cut at a character's border to what fits into a control frame.
    pub(crate) fn fitting_reason(&self) -> &str {
        let mut end = self.reason.len().min(123);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        self.reason.get(..end).unwrap_or_default()
    }
}
