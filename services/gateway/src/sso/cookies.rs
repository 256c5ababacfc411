//! The cookies in which a browser keeps its requests to identity providers: one for each, as people have several tabs.

use commands::single_sign_on::{Handle, Pending};

use super::open;
use crate::{config::GatewayConfig, pages::Visit};

/// How long a browser keeps one, in seconds: as long as a request lasts.
const MAX_AGE_SECONDS: u32 = 600;

fn name(config: &GatewayConfig, handle: &Handle) -> String {
    let prefix = if config.is_secure() { "__Host-sso" } else { "sso" };
    format!("{prefix}-{}", handle.as_str())
}

fn attributes(config: &GatewayConfig) -> &'static str {
    if config.is_secure() { "Path=/; Secure; HttpOnly; SameSite=Lax" } else { "Path=/; HttpOnly; SameSite=Lax" }
}

/// The value of a `Set-Cookie` header that keeps a request.
pub(super) fn set(config: &GatewayConfig, handle: &Handle, sealed: &str) -> String {
    format!("{}={sealed}; Max-Age={MAX_AGE_SECONDS}; {}", name(config, handle), attributes(config))
}

/// The value of a `Set-Cookie` header that removes it.
pub(super) fn clear(config: &GatewayConfig, handle: &Handle) -> String {
    format!("{}=; Max-Age=0; {}", name(config, handle), attributes(config))
}

/// The request of this name, if the browser has sent it along.
pub(super) fn find(visit: &Visit, handle: &Handle) -> Option<Pending> {
    let wanted = name(&visit.app.config, handle);
    let mut values = visit.cookies.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value);
    // Of several nobody can tell which is ours.
    let sealed = values.next().filter(|_| values.next().is_none())?;
    open(visit, sealed).filter(|pending| pending.handle() == *handle)
}
