//! The port for operators: is it alive, is it ready, how is it doing.

use std::sync::{Arc, atomic::AtomicU64};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use dispatcher::Dispatcher;
use engine::Status;
use eventlog::embedded::Embedded;
use gateway::Views;
use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

type PerView = Family<Vec<(&'static str, &'static str)>, Gauge>;

struct Operations {
    registry: Registry,
    views: Views,
    dispatcher: Dispatcher,
    log: Arc<Embedded>,
    lag: PerView,
    failed: PerView,
    resident: Gauge,
    appends: Gauge<u64, AtomicU64>,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(mut registry: Registry, views: Views, dispatcher: Dispatcher, log: Arc<Embedded>) -> Router {
    let (lag, failed, resident, appends) = (PerView::default(), PerView::default(), Gauge::default(), Gauge::default());
    registry.register("view_lag", "Events that the answers of a view are behind the log", lag.clone());
    registry.register("view_failed", "1 if a view has stopped at an event that it cannot apply", failed.clone());
    registry.register("log_appends", "Appends acknowledged since the start", appends.clone());
    registry.register_with_unit("memory_resident", "Memory of the process", Unit::Bytes, resident.clone());
    let state = Arc::new(Operations { registry, views, dispatcher, log, lag, failed, resident, appends });
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state)
}

impl Operations {
    async fn statuses(&self) -> [Status; 3] {
        let views = &self.views;
        [views.directory.status().await, views.devices.status().await, views.history.status().await]
    }
}

async fn readyz(State(operations): State<Arc<Operations>>) -> impl IntoResponse {
    let mut ready = operations.dispatcher.is_ready();
    let mut lines = format!("dispatcher: {}\n", if ready { "ready" } else { "starting" });
    for view in operations.statuses().await {
        let word = match &view.failed {
            Some(failed) => format!("stopped: {}", failed.error),
            None if view.ready => "ready".to_owned(),
            None => "catching up".to_owned(),
        };
        ready &= view.ready && view.failed.is_none();
        lines.push_str(&format!("view {}: {word}, {} events behind\n", view.name, view.lag));
    }
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines)
}

async fn metrics(State(operations): State<Arc<Operations>>) -> impl IntoResponse {
    for view in operations.statuses().await {
        let labels = vec![("view", view.name)];
        operations.lag.get_or_create(&labels).set(i64::try_from(view.lag).unwrap_or(i64::MAX));
        operations.failed.get_or_create(&labels).set(view.failed.is_some().into());
    }
    operations.appends.set(operations.log.stats().appends.get());
    operations.resident.set(resident_bytes().unwrap_or(0));
    let mut text = String::new();
    match encode(&mut text, &operations.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Resident memory, from `/proc`; none where there is no such file.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<i64>().ok().map(|kilobytes| kilobytes * 1024)
}
