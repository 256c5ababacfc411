//! Structured log lines.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Writes log lines to standard error; `RUST_LOG` chooses which, by default information and above. `quiet` raises the
/// default to warnings.
pub fn start(format: LogFormat, quiet: bool) {
    let default = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}
