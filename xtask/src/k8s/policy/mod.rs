//! The farm's own rules for rendered objects, each as a function that says what breaks it.

mod pods;
mod references;
mod rights;
mod scaling;

use super::object::Object;

/// All that breaks a rule, one line each.
pub fn check(objects: &[Object]) -> Vec<String> {
    let mut findings = Vec::new();
    for object in objects {
        pods::check(object, objects, &mut findings);
    }
    references::check(objects, &mut findings);
    rights::check(objects, &mut findings);
    scaling::check(objects, &mut findings);
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::k8s::object::{self, Object};

    /// A small farm that keeps all rules.
    fn farm() -> Value {
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": "operations" } });
        let labels = json!({ "app.kubernetes.io/name": "worker" });
        json!([
            { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "proofyard", "labels": {
                "pod-security.kubernetes.io/enforce": "restricted" } } },
            { "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "worker", "namespace": "proofyard" },
              "automountServiceAccountToken": false },
            { "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": "floor" }, "value": 10 },
            { "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "bus", "namespace": "proofyard" },
              "data": { "password": "eA==" } },
            { "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
              "metadata": { "name": "worker", "namespace": "proofyard" },
              "spec": { "maxUnavailable": 1, "selector": { "matchLabels": labels.clone() } } },
            { "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "worker", "namespace": "proofyard" },
              "spec": { "replicas": 2, "selector": { "matchLabels": labels.clone() }, "template": {
                "metadata": { "labels": labels.clone() },
                "spec": {
                    "serviceAccountName": "worker", "automountServiceAccountToken": false, "enableServiceLinks": false,
                    "priorityClassName": "floor", "terminationGracePeriodSeconds": 15,
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" } },
                    "topologySpreadConstraints": [{ "labelSelector": { "matchLabels": labels } }],
                    "containers": [{
                        "name": "worker", "image": "worker:1",
                        "ports": [{ "name": "operations", "containerPort": 9640 }],
                        "startupProbe": probe("/healthz"), "livenessProbe": probe("/healthz"),
                        "readinessProbe": probe("/readyz"),
                        "env": [{ "name": "X", "valueFrom": { "secretKeyRef": { "name": "bus", "key": "password" } } }],
                        "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] } },
                        "resources": { "requests": { "cpu": "1", "memory": "1Gi" }, "limits": { "memory": "1Gi" } },
                        "volumeMounts": [{ "name": "bus", "mountPath": "/run/bus", "readOnly": true }]
                    }],
                    "volumes": [{ "name": "bus", "secret": { "secretName": "bus" } }]
                } } } }
        ])
    }

    fn objects(farm: &Value) -> Vec<Object> {
        let documents: Vec<_> = farm.as_array().unwrap().iter().map(Value::to_string).collect();
        object::read(&documents.join("\n---\n")).unwrap()
    }

    #[test]
    fn a_farm_that_keeps_the_rules_is_let_through() {
        assert_eq!(check(&objects(&farm())), Vec::<String>::new());
    }

    #[test]
    fn each_broken_rule_is_named() {
        const POD: &str = "/5/spec/template/spec";
        const CONTAINER: &str = "/5/spec/template/spec/containers/0";
        let changes: [(&str, &str, Value, &str); 27] = [
            ("/0/metadata/labels/pod-security.kubernetes.io~1enforce", "", json!("baseline"), "restricted"),
            ("/1/automountServiceAccountToken", "", json!(true), "automountServiceAccountToken"),
            (POD, "/automountServiceAccountToken", json!(null), "automountServiceAccountToken"),
            (POD, "/serviceAccountName", json!("other"), "other"),
            (POD, "/priorityClassName", json!("none"), "priorityClassName"),
            (POD, "/terminationGracePeriodSeconds", json!(10), "terminationGracePeriodSeconds"),
            (POD, "/securityContext/runAsNonRoot", json!(false), "runAsNonRoot"),
            (POD, "/securityContext/runAsUser", json!(0), "runAsUser"),
            (POD, "/securityContext/seccompProfile/type", json!("Unconfined"), "seccomp"),
            (POD, "/hostNetwork", json!(true), "hostNetwork"),
            (POD, "/volumes/0", json!({ "name": "bus", "hostPath": { "path": "/" } }), "hostPath"),
            (POD, "/volumes/0/secret/secretName", json!("missing"), "missing"),
            (POD, "/topologySpreadConstraints", json!([]), "topologySpreadConstraints"),
            (CONTAINER, "/image", json!("worker"), "image"),
            (CONTAINER, "/image", json!("worker:latest"), "latest"),
            (CONTAINER, "/securityContext/readOnlyRootFilesystem", json!(false), "readOnlyRootFilesystem"),
            (CONTAINER, "/securityContext/allowPrivilegeEscalation", json!(null), "allowPrivilegeEscalation"),
            (CONTAINER, "/securityContext/capabilities/drop", json!(["NET_RAW"]), "capabilities"),
            (CONTAINER, "/securityContext/privileged", json!(true), "privileged"),
            (CONTAINER, "/resources/limits/memory", json!(null), "limits.memory"),
            (CONTAINER, "/resources/requests/cpu", json!(null), "requests.cpu"),
            (CONTAINER, "/livenessProbe", json!(null), "livenessProbe"),
            (CONTAINER, "/readinessProbe/httpGet/port", json!("http"), "http"),
            (CONTAINER, "/env/0", json!({ "name": "BUS_PASSWORD", "value": "x" }), "BUS_PASSWORD"),
            (CONTAINER, "/env/0/valueFrom/secretKeyRef/key", json!("pass"), "pass"),
            (CONTAINER, "/volumeMounts/0/readOnly", json!(false), "readOnly"),
            ("/4/spec/selector/matchLabels", "/app.kubernetes.io~1name", json!("nobody"), "PodDisruptionBudget"),
        ];
        for (place, below, value, named) in changes {
            let mut farm = farm();
            let path = format!("{place}{below}");
            match farm.pointer_mut(&path) {
                Some(found) => *found = value,
                None => {
                    let (parent, key) = path.rsplit_once('/').unwrap();
                    farm.pointer_mut(parent).unwrap()[key] = value;
                }
            }
            let findings = check(&objects(&farm));
            assert!(findings.iter().any(|finding| finding.contains(named)), "{path}: {findings:?}");
        }
    }
}
