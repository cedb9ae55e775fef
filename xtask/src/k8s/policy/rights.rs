//! What may be asked of the Kubernetes API: nothing, but for the one process that writes deletion costs.

use serde_json::{Value, json};

use crate::k8s::object::{Object, Pod, selects};
use crate::yaml::{list, text};

/// All that any account of the farm may do.
fn allowed() -> Value {
    json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"] }])
}

/// Checks accounts, what they may do, and which pods hold their tokens.
pub fn check(objects: &[Object], findings: &mut Vec<String>) {
    for object in objects {
        let mut find = |what: &str| findings.push(format!("{}: {what}", object.title()));
        match object.kind() {
            "ServiceAccount" if object.value()["automountServiceAccountToken"] != false => {
                find("automountServiceAccountToken is not false: who needs a token mounts it");
            }
            "ClusterRole" | "ClusterRoleBinding" => find("nothing of the farm may do anything outside its namespace"),
            "Role" if object.value()["rules"] != allowed() => {
                find("it allows more, or less, than to list and patch pods")
            }
            _ => {}
        }
        let Some(pod) = object.pod() else { continue };
        let account = text(&pod.spec()["serviceAccountName"]);
        let mut sources = pod.volumes().flat_map(|volume| list(&volume["projected"]["sources"]));
        let holds_token = sources.any(|source| !source["serviceAccountToken"].is_null());
        if holds_token != is_bound(objects, account) {
            find(if holds_token {
                "it mounts a token that allows nothing"
            } else {
                "its account has rights and it no token"
            });
        }
    }
    for object in objects.iter().filter(|object| object.kind() == "ConfigMap") {
        for (_, file) in object.data().filter(|(name, _)| *name == "deletion-cost.toml") {
            if !selects_workers(file, objects) {
                findings.push(format!(
                    "{}: label_selector in deletion-cost.toml means no pod, or others than workers",
                    object.title()
                ));
            }
        }
    }
}

/// Whether a RoleBinding gives a Role of the objects to the account.
fn is_bound(objects: &[Object], account: &str) -> bool {
    objects.iter().filter(|object| object.kind() == "RoleBinding").any(|binding| {
        let role = &binding.value()["roleRef"];
        let known = objects
            .iter()
            .any(|object| object.kind() == "Role" && role["kind"] == "Role" && role["name"] == object.name());
        let mut subjects = list(&binding.value()["subjects"]);
        known && subjects.any(|subject| subject["kind"] == "ServiceAccount" && subject["name"] == account)
    })
}

/// Whether the selector of the file means the pods that run workers, and only those.
fn selects_workers(file: &str, objects: &[Object]) -> bool {
    let Ok(file) = file.parse::<toml::Table>() else { return false };
    let selector = file.get("label_selector").and_then(toml::Value::as_str).unwrap_or_default();
    let Some((name, value)) = selector.split_once('=') else { return false };
    let selector = json!({ name: value });
    let runs_worker = |pod: &Pod<'_>| pod.containers().any(|container| container["name"] == "worker");
    let pods: Vec<Pod<'_>> = objects.iter().filter_map(Object::pod).collect();
    pods.iter().any(runs_worker) && pods.iter().all(|pod| runs_worker(pod) == selects(&selector, pod.labels()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::object;

    /// A process that may annotate pods, and a worker.
    fn farm() -> Value {
        json!([
            { "kind": "ServiceAccount", "metadata": { "name": "costs" }, "automountServiceAccountToken": false },
            { "kind": "Role", "metadata": { "name": "costs" }, "rules": allowed() },
            { "kind": "RoleBinding", "metadata": { "name": "costs" }, "roleRef": { "kind": "Role", "name": "costs" },
              "subjects": [{ "kind": "ServiceAccount", "name": "costs" }] },
            { "kind": "Deployment", "metadata": { "name": "costs" }, "spec": { "template": { "spec": {
                "serviceAccountName": "costs", "containers": [{ "name": "costs" }],
                "volumes": [{ "name": "account", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } }]
            } } } },
            { "kind": "Deployment", "metadata": { "name": "worker" }, "spec": { "template": {
                "metadata": { "labels": { "app": "worker" } },
                "spec": { "serviceAccountName": "worker", "containers": [{ "name": "worker" }], "volumes": [] }
            } } },
            { "kind": "ConfigMap", "metadata": { "name": "costs" },
              "data": { "deletion-cost.toml": "label_selector = \"app=worker\"" } },
        ])
    }

    fn found(farm: &Value) -> Vec<String> {
        let documents: Vec<_> = farm.as_array().unwrap().iter().map(Value::to_string).collect();
        let mut findings = Vec::new();
        check(&object::read(&documents.join("\n---\n")).unwrap(), &mut findings);
        findings
    }

    #[test]
    fn one_account_may_list_and_patch_pods_and_each_right_beyond_is_named() {
        assert_eq!(found(&farm()), Vec::<String>::new());
        let token = farm()[3]["spec"]["template"]["spec"]["volumes"].clone();
        for (place, value, named) in [
            ("/0/automountServiceAccountToken", json!(true), "automountServiceAccountToken"),
            ("/1/rules/0/verbs", json!(["list", "patch", "delete"]), "more"),
            ("/1/rules/0/resources", json!(["pods", "secrets"]), "more"),
            ("/1/kind", json!("ClusterRole"), "outside its namespace"),
            ("/2/kind", json!("ClusterRoleBinding"), "outside its namespace"),
            ("/2/subjects/0/name", json!("worker"), "Deployment worker: its account has rights"),
            ("/3/spec/template/spec/volumes", json!([]), "Deployment costs: its account has rights"),
            ("/4/spec/template/spec/volumes", token, "Deployment worker: it mounts a token"),
            ("/5/data/deletion-cost.toml", json!("label_selector = \"app=wroker\""), "label_selector"),
            ("/5/data/deletion-cost.toml", json!("label_selector = \"\""), "label_selector"),
        ] {
            let mut farm = farm();
            *farm.pointer_mut(place).unwrap() = value;
            let findings = found(&farm);
            assert!(findings.iter().any(|finding| finding.contains(named)), "{place}: {findings:?}");
        }
    }
}
