//! What the dispatcher counts.

use std::sync::atomic::AtomicI64;

use graphql_ws_server::Ended;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Bounds of the dispatch latency in seconds: finely around the goals of 5 ms (half of all) and 25 ms (all but 1%).
const LATENCY_BOUNDS: [f64; 12] = [0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5, 2.5];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FrameLabel {
    pub(crate) r#type: &'static str,
}

/// `code` is that of the close frame we sent, or `peer` if the unit closed the connection or was lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CloseLabel {
    code: String,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) connected: Gauge<i64, AtomicI64>,
    pub(crate) frames: Family<FrameLabel, Counter>,
    pub(crate) latency: Histogram,
    closes: Family<CloseLabel, Counter>,
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            connected: Gauge::default(),
            frames: Family::default(),
            latency: Histogram::new(LATENCY_BOUNDS),
            closes: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("dispatcher");
        registry.register("connected_units", "Units that are connected now", metrics.connected.clone());
        registry.register("frames", "Frames sent to units, by type", metrics.frames.clone());
        registry.register(
            "dispatch_latency_seconds",
            "From the request of a command for a connected unit to the frame that sends it",
            metrics.latency.clone(),
        );
        registry.register("closes", "Connections that ended, by close code", metrics.closes.clone());
        metrics
    }

    pub(crate) fn ended(&self, ended: &Ended) {
        let code = match ended {
            Ended::ByServer(close) => close.code.to_string(),
            Ended::ByPeer => "peer".to_owned(),
        };
        self.closes.get_or_create(&CloseLabel { code }).inc();
    }
}
