//! The custom kinds that the overlays use, as far as they use them: a field that is not listed here is refused.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::object::Object;

/// Groups of kinds that Kubernetes itself does not have.
const GROUPS: [&str; 3] = ["cert-manager.io/", "keda.sh/", "monitoring.coreos.com/"];

/// Whether an object is of such a kind.
pub fn is_custom(object: &Object) -> bool {
    GROUPS.iter().any(|group| object.api_version().starts_with(group))
}

/// Reads the object by the fields of its kind.
pub fn check(object: &Object) -> Result<(), String> {
    let read = match (object.api_version(), object.kind()) {
        ("keda.sh/v1alpha1", "ScaledObject") => read::<ScaledObject>,
        ("monitoring.coreos.com/v1", "PodMonitor") => read::<PodMonitor>,
        ("monitoring.coreos.com/v1", "PrometheusRule") => read::<PrometheusRule>,
        ("cert-manager.io/v1", "Certificate") => read::<Certificate>,
        ("cert-manager.io/v1", "Issuer") => read::<Issuer>,
        (group, kind) => {
            return Err(format!("{kind} of {group} is not known here: list its fields in xtask/src/k8s/custom.rs"));
        }
    };
    read(object.value()).map_err(|error| format!("{}: {error}", object.title()))
}

fn read<Spec: DeserializeOwned>(value: &Value) -> Result<(), serde_json::Error> {
    Whole::<Spec>::deserialize(value).map(drop)
}

/// What all objects have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read to be checked")]
struct Whole<Spec> {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields, rename_all = "camelCase")]
            #[expect(dead_code, reason = "read to be checked")]
            struct $name {
                $($(#[$attribute])* $field: $type,)+
            }
        )+
    };
}

fields! {
    /// Names and labels.
    Metadata {
        name: String,
        namespace: String,
        labels: Option<Map<String, Value>>,
        annotations: Option<Map<String, Value>>,
    }
    /// KEDA: scales a workload.
    ScaledObject {
        scale_target_ref: Named,
        polling_interval: u32,
        cooldown_period: u32,
        min_replica_count: u32,
        max_replica_count: u32,
        fallback: Fallback,
        advanced: Advanced,
        triggers: Vec<Trigger>,
    }
    /// A reference.
    Named { name: String, kind: Option<String> }
    /// When the trigger cannot be asked.
    Fallback { failure_threshold: u32, replicas: u32, behavior: FallbackBehavior }
    /// More of a scaled object.
    Advanced { horizontal_pod_autoscaler_config: AutoscalerConfig }
    /// How its autoscaler behaves.
    AutoscalerConfig { behavior: Behaviours }
    /// Up and down.
    Behaviours { scale_up: Behaviour, scale_down: Behaviour }
    /// In one direction.
    Behaviour { stabilization_window_seconds: u32, policies: Vec<ScalingPolicy>, select_policy: Choice }
    /// How fast.
    ScalingPolicy { r#type: Unit, value: u32, period_seconds: u32 }
    /// What is asked.
    Trigger { r#type: TriggerKind, metric_type: MetricKind, metadata: PrometheusQuery }
    /// A question to Prometheus; all texts.
    PrometheusQuery { server_address: String, query: String, threshold: String, ignore_null_values: String }
    /// Prometheus operator: pods to scrape.
    PodMonitor { selector: Selector, pod_metrics_endpoints: Vec<Endpoint> }
    /// By labels.
    Selector { match_labels: Map<String, Value> }
    /// Where and how often.
    Endpoint { port: String, path: String, interval: String, scrape_timeout: String, relabelings: Vec<Relabeling> }
    /// A label made of others.
    Relabeling { source_labels: Vec<String>, target_label: String, replacement: String }
    /// Prometheus operator: rules; what is in them, promtool checks.
    PrometheusRule { groups: Vec<Value> }
    /// cert-manager: a certificate.
    Certificate {
        secret_name: String,
        duration: String,
        private_key: PrivateKey,
        issuer_ref: Named,
        #[serde(default, rename = "isCA")]
        is_ca: bool,
        common_name: Option<String>,
        renew_before: Option<String>,
        usages: Option<Vec<String>>,
        dns_names: Option<Vec<String>>,
    }
    /// Its key.
    PrivateKey { algorithm: String, size: u32, rotation_policy: String }
    /// cert-manager: who signs.
    Issuer { self_signed: Option<Map<String, Value>>, ca: Option<Authority> }
    /// An authority's certificate.
    Authority { secret_name: String }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum FallbackBehavior {
    CurrentReplicasIfHigher,
}

#[derive(Deserialize)]
enum Choice {
    Max,
    Min,
}

#[derive(Deserialize)]
enum Unit {
    Percent,
    Pods,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TriggerKind {
    Prometheus,
}

#[derive(Deserialize)]
enum MetricKind {
    AverageValue,
}
