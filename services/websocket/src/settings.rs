//! Limits of a connection.

use std::time::Duration;

use axum::extract::WebSocketUpgrade;

/// The subprotocol that is spoken.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Limits of a connection. The defaults suit both people's browsers and tens of thousands of idle units.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long `connection_init` may take to arrive. Default 3 s, as the reference server of the protocol has it.
    pub init_timeout: Duration,
    /// How often the server pings. Default 20 s.
    pub ping_interval: Duration,
    /// How long nothing at all may arrive. Default 60 s: two pings may get lost.
    pub idle_timeout: Duration,
    /// How long a peer may take to read one message. Default 20 s.
    pub write_timeout: Duration,
    /// Longest message that is accepted, in bytes. Default 64 KiB.
    pub max_message_bytes: usize,
    /// Operations under way at once. One more is refused with the error code `TOO_MANY_OPERATIONS`. Default 16.
    pub max_operations: usize,
    /// Size of the read buffer and of the write buffer, in bytes. Default 4 KiB.
    pub buffer_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(3),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(20),
            max_message_bytes: 64 * 1024,
            max_operations: 16,
            buffer_bytes: 4 * 1024,
        }
    }
}

impl Settings {
    /// Sets subprotocol, buffers and message sizes of an upgrade.
    pub fn apply<F>(&self, upgrade: WebSocketUpgrade<F>) -> WebSocketUpgrade<F> {
        upgrade
            .protocols([SUBPROTOCOL])
            .read_buffer_size(self.buffer_bytes)
            // Written at once: nothing is gained by gathering small messages of one connection.
            .write_buffer_size(0)
            .max_message_size(self.max_message_bytes)
            .max_frame_size(self.max_message_bytes)
    }
}
