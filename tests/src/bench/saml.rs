//! How long a response of a SAML provider takes to be checked.

use std::time::{Duration, Instant};

use eventlog::{Clock, SystemClock};
use identity::{
    Transcript,
    saml::{Expected, Provider, ServiceProvider, verify_response},
};

use super::{Bound, Figure, load::histogram};
use crate::saml::Signer;

const TIME: Duration = Duration::from_secs(3);
const REQUEST: &str = "_0123456789abcdef0123456789abcdef";

/// Measures on one processor, in this process.
pub async fn run() -> Vec<Figure> {
    let signer = Signer::new();
    let at = |what: &str| format!("https://accounts.example/saml/sso_1/{what}");
    let service = ServiceProvider { entity_id: at("metadata"), acs_url: at("acs"), slo_url: at("slo") };
    let now = SystemClock.now();
    let response = signer.response(&service, REQUEST, "anna@northwind.example", "_once", now);
    let provider = Provider {
        issuer: signer.issuer().to_owned(),
        sso_url: "https://idp.example/sso".to_owned(),
        logout_url: None,
        certificates: vec![signer.certificate().clone()],
    };
    let measured = tokio::task::spawn_blocking(move || {
        let expected = Expected { provider: &provider, service: &service, request: REQUEST, now };
        let (mut checked, mut bare) = (histogram(), histogram());
        let started = Instant::now();
        while started.elapsed() < TIME {
            let (begun, mut transcript) = (Instant::now(), Transcript::default());
            assert!(verify_response(&response, &expected, &mut transcript).is_some(), "{:?}", transcript.failed());
            checked.record(begun.elapsed().as_micros() as u64).unwrap();
            let begun = Instant::now();
            signer.verify_once();
            bare.record(begun.elapsed().as_micros() as u64).unwrap();
        }
        (checked, bare)
    });
    let (checked, bare) = measured.await.unwrap();
    let figure = |name: &str, quantile: f64, bound| Figure {
        benchmark: "saml",
        name: format!("{name} of checking a response"),
        value: checked.value_at_quantile(quantile) as f64 / 1_000.0,
        unit: "ms",
        bound,
        floor: Some(bare.value_at_quantile(quantile) as f64 / 1_000.0),
        floor_is: "one RSA-2048 signature checked by OpenSSL",
    };
    vec![figure("p50", 0.5, Bound::None), figure("p99", 0.99, Bound::AtMost(5.0))]
}
