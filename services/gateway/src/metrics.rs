//! What the gateway counts and measures. Label values come from fixed sets only.

use std::time::Duration;

use domain::Code;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    route: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ViewLabel {
    view: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CloseLabel {
    code: u32,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// From 0.5 ms to 16 s.
fn request_durations() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

/// From 0.1 ms to 3 s: waits for a view end after 2 s.
fn view_waits() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 16))
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<HttpLabels, Counter>,
    durations: Histograms<RouteLabel>,
    operations: Family<OperationLabel, Counter>,
    refusals: Family<CodeLabel, Counter>,
    view_waits: Histograms<ViewLabel>,
    view_waits_given_up: Family<ViewLabel, Counter>,
    /// Open subscriptions.
    pub(crate) subscriptions: Gauge,
    /// Open WebSockets.
    pub(crate) websockets: Gauge,
    websocket_closes: Family<CloseLabel, Counter>,
}

impl Metrics {
    /// Registers everything under `gateway_`.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(request_durations),
            operations: Family::default(),
            refusals: Family::default(),
            view_waits: Family::new_with_constructor(view_waits),
            view_waits_given_up: Family::default(),
            subscriptions: Gauge::default(),
            websockets: Gauge::default(),
            websocket_closes: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("gateway");
        registry.register("http_requests", "HTTP requests by route and class of status", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the request to the answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("operations", "GraphQL operations by root field", metrics.operations.clone());
        registry.register("user_errors", "Refusals by code", metrics.refusals.clone());
        registry.register_with_unit(
            "view_wait",
            "Time that answers waited for a view to contain a change",
            Unit::Seconds,
            metrics.view_waits.clone(),
        );
        registry.register(
            "view_waits_given_up",
            "Answers that did not wait any longer for a view",
            metrics.view_waits_given_up.clone(),
        );
        registry.register("subscriptions_open", "Open subscriptions", metrics.subscriptions.clone());
        registry.register("websockets_open", "Open WebSockets", metrics.websockets.clone());
        registry.register(
            "websocket_closes",
            "WebSockets that the gateway closed, by code",
            metrics.websocket_closes.clone(),
        );
        metrics
    }

    pub(crate) fn answered(&self, route: &'static str, status: u16, took: Duration) {
        let status = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&HttpLabels { route, status }).inc();
        self.durations.get_or_create(&RouteLabel { route }).observe(took.as_secs_f64());
    }

    /// `operation` must be the name of a root field of the schema.
    pub(crate) fn operated(&self, operation: &str) {
        self.operations.get_or_create(&OperationLabel { operation: operation.to_owned() }).inc();
    }

    pub(crate) fn refused(&self, code: Code) {
        self.refusals.get_or_create(&CodeLabel { code: code.name() }).inc();
    }

    pub(crate) fn waited(&self, view: &'static str, took: Duration, reached: bool) {
        self.view_waits.get_or_create(&ViewLabel { view }).observe(took.as_secs_f64());
        if !reached {
            self.view_waits_given_up.get_or_create(&ViewLabel { view }).inc();
        }
    }

    pub(crate) fn closed_websocket(&self, code: u16) {
        self.websocket_closes.get_or_create(&CloseLabel { code: code.into() }).inc();
    }
}

/// Counts one more for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
