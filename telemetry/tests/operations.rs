//! The listener as Prometheus and a kubelet see it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use proofyard_telemetry::{
    metrics::Registrar,
    operations::{Bound, Check, OperationsConfig, Probes},
};

struct Switch(Arc<AtomicBool>);

#[async_trait]
impl Probes for Switch {
    fn alive(&self) -> Vec<Check> {
        vec![Check::new("loop", true, "turns")]
    }

    async fn ready(&self) -> Vec<Check> {
        vec![Check::new("loop", true, "turns"), Check::new("bus", self.0.load(Ordering::Relaxed), "a switch")]
    }
}

#[tokio::test]
async fn metrics_and_health_are_served() {
    let switch = Arc::new(AtomicBool::new(false));
    let config = OperationsConfig { listen: Some(([127, 0, 0, 1], 0).into()) };
    let bound = Bound::take(&config).await.expect("an address").expect("it is on");
    let mut registrar = Registrar::new("worker");
    let scrapes = registrar.counter("scrapes", "Scrapes");
    registrar.sampler(move || scrapes.inc());
    let operations = bound.serve(registrar, Switch(switch.clone()));
    let get = |path: &str| reqwest::get(format!("http://{}{path}", operations.address()));

    let metrics = get("/metrics").await.expect("an answer");
    let kind = metrics.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = metrics.text().await.expect("text");
    assert!(text.contains("\nscrapes_total 1\n") && text.ends_with("# EOF\n"), "{text}");
    assert!(get("/metrics").await.expect("an answer").text().await.expect("text").contains("\nscrapes_total 2\n"));

    assert_eq!(get("/healthz").await.expect("an answer").status(), 200);
    let ready = get("/readyz").await.expect("an answer");
    assert_eq!(ready.status(), 503);
    let body = ready.text().await.expect("text");
    assert!(body.contains("\"ready\":false") && body.contains("\"bus\""), "{body}");
    switch.store(true, Ordering::Relaxed);
    assert_eq!(get("/readyz").await.expect("an answer").status(), 200);
    assert_eq!(get("/").await.expect("an answer").status(), 404);

    let taken = OperationsConfig { listen: Some(operations.address()) };
    let refused = Bound::take(&taken).await.map(|_| ()).expect_err("taken").to_string();
    assert!(refused.starts_with("[PY-O-010]") && refused.contains("operations.listen"), "{refused}");
    assert!(Bound::take(&OperationsConfig::default()).await.expect("off").is_none());
}
