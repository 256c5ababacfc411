//! How a dispatcher is set up.

use std::time::Duration;

use graphql_ws_server::Settings;

/// How a dispatcher is set up. The defaults are meant for production.
#[derive(Debug, Clone)]
pub struct DispatcherConfig {
    /// Names this dispatcher, the same after each restart; of several that share a log, each has its own. By it a
    /// dispatcher that has crashed recognises the connections that it has left open in the history. Default
    /// `dispatcher`.
    pub instance: String,
    /// Units connected at once; one more is asked to come back later. Default 20,000.
    pub max_connections: usize,
    /// Units that are being let in at once, so that many that come back together do not hold up the commands. Default 64.
    pub connecting_at_once: usize,
    /// How long after its start a dispatcher ends what a crash has left open: most units have come back by then. Default
    /// 90 s.
    pub sweep_after: Duration,
    /// How long a graceful stop may take. Default 10 s.
    pub shutdown_deadline: Duration,
    /// Limits of each WebSocket. By default those of the protocol; a unit sends messages of less than 16 KiB and few
    /// mutations at once.
    pub socket: Settings,
}

impl Default for DispatcherConfig {
    fn default() -> Self {
        Self {
            instance: "dispatcher".to_owned(),
            max_connections: 20_000,
            connecting_at_once: 64,
            sweep_after: Duration::from_secs(90),
            shutdown_deadline: Duration::from_secs(10),
            socket: Settings {
                max_message_bytes: 16 * 1024,
                max_operations: 8,
                buffer_bytes: 2 * 1024,
                ..Settings::default()
            },
        }
    }
}
