//! What objects name of each other is there: Secrets, ConfigMaps, labels, ports; and who is protected by what.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::k8s::object::{Object, Pod, selects};
use crate::yaml::{list, map, text};

/// Checks all references.
pub fn check(objects: &[Object], findings: &mut Vec<String>) {
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object.kind() == kind);
    let pods: Vec<(&Object, Pod<'_>)> = objects.iter().filter_map(|object| Some((object, object.pod()?))).collect();
    for (object, pod) in &pods {
        let mut find = |what: String| findings.push(format!("{}: {what}", object.title()));
        mounts(*pod, &mut find);
        named(object, *pod, objects, &mut find);
        let budgets = of_kind("PodDisruptionBudget");
        let guarded =
            budgets.filter(|budget| selects(&budget.value()["spec"]["selector"]["matchLabels"], pod.labels()));
        let burst = text(&pod.spec()["priorityClassName"]).ends_with("-burst");
        match (guarded.count(), burst) {
            (1, false) | (0, true) => {}
            (0, false) => find("no PodDisruptionBudget is for it".to_owned()),
            (_, true) => find("a PodDisruptionBudget holds up nodes that the cloud takes back anyway".to_owned()),
            (count, false) => find(format!("{count} PodDisruptionBudgets are for it: evictions are refused then")),
        }
    }
    for service in of_kind("Service") {
        let spec = &service.value()["spec"];
        for port in list(&spec["ports"]) {
            let target = text(&port["targetPort"]);
            let mut served = pods.iter().filter(|(_, pod)| selects(&spec["selector"], pod.labels()));
            let ports = |pod: &Pod<'_>| {
                pod.containers()
                    .flat_map(|container| list(&container["ports"]))
                    .any(|port| text(&port["name"]) == target)
            };
            if !served.any(|(_, pod)| ports(pod)) {
                findings.push(format!("{}: no pod has the port {target:?}", service.title()));
            }
        }
    }
    network(objects, &pods, findings);
}

/// Mounts name volumes, and nothing secret is writable.
fn mounts(pod: Pod<'_>, find: &mut impl FnMut(String)) {
    for container in pod.all_containers() {
        for mount in list(&container["volumeMounts"]) {
            let name = text(&mount["name"]);
            let Some(volume) = pod.volumes().find(|volume| text(&volume["name"]) == name) else { continue };
            let fixed = ["secret", "configMap", "projected"].iter().any(|kind| !volume[kind].is_null());
            if fixed && mount["readOnly"] != true {
                find(format!("container {}: mount {name} is not readOnly", text(&container["name"])));
            }
        }
    }
}

/// Secrets and ConfigMaps that a pod names, with the keys it wants of them.
fn named(object: &Object, pod: Pod<'_>, objects: &[Object], find: &mut impl FnMut(String)) {
    let made_by_certificates: BTreeSet<&str> = objects
        .iter()
        .filter(|object| object.kind() == "Certificate")
        .map(|object| text(&object.value()["spec"]["secretName"]))
        .collect();
    let mut need = |kind: &str, name: &str, keys: &mut dyn Iterator<Item = &str>| match objects
        .iter()
        .find(|other| other.kind() == kind && other.name() == name)
    {
        Some(found) => {
            for key in keys.filter(|key| found.value()["data"][*key].is_null()) {
                find(format!("{kind} {name} has no {key:?}"));
            }
        }
        None if kind == "Secret" && made_by_certificates.contains(name) => {}
        None => find(format!("{kind} {name} is not among the objects")),
    };
    let keys = |volume: &Value| list(&volume["items"]).map(|item| text(&item["key"]).to_owned()).collect::<Vec<_>>();
    let projected = pod.volumes().flat_map(|volume| list(&volume["projected"]["sources"]));
    for source in projected {
        let (secret, map) = (text(&source["secret"]["name"]), text(&source["configMap"]["name"]));
        if !secret.is_empty() {
            need("Secret", secret, &mut keys(&source["secret"]).iter().map(String::as_str));
        }
        // The cluster puts its authority into every namespace.
        if !map.is_empty() && map != "kube-root-ca.crt" {
            need("ConfigMap", map, &mut keys(&source["configMap"]).iter().map(String::as_str));
        }
    }
    for volume in pod.volumes() {
        if !volume["secret"].is_null() {
            let keys = keys(&volume["secret"]);
            need("Secret", text(&volume["secret"]["secretName"]), &mut keys.iter().map(String::as_str));
        }
        if !volume["configMap"].is_null() {
            let keys = keys(&volume["configMap"]);
            need("ConfigMap", text(&volume["configMap"]["name"]), &mut keys.iter().map(String::as_str));
        }
        let claim = text(&volume["persistentVolumeClaim"]["claimName"]);
        if !claim.is_empty() {
            need("PersistentVolumeClaim", claim, &mut std::iter::empty());
        }
    }
    for variable in pod.all_containers().flat_map(|container| list(&container["env"])) {
        for (source, kind) in [("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")] {
            let wanted = &variable["valueFrom"][source];
            if !wanted.is_null() {
                need(kind, text(&wanted["name"]), &mut std::iter::once(text(&wanted["key"])));
            }
        }
    }
    if object.value()["metadata"]["namespace"] != "proofyard" {
        find("it is not in the namespace proofyard".to_owned());
    }
}

/// Where there are network policies, all is closed that is not opened, and each is for somebody.
fn network(objects: &[Object], pods: &[(&Object, Pod<'_>)], findings: &mut Vec<String>) {
    let policies: Vec<_> = objects.iter().filter(|object| object.kind() == "NetworkPolicy").collect();
    if policies.is_empty() {
        return;
    }
    let closes = |policy: &&&Object| {
        let spec = &policy.value()["spec"];
        let both = ["Ingress", "Egress"].iter().all(|way| list(&spec["policyTypes"]).any(|listed| listed == way));
        let all = map(&spec["podSelector"]).next().is_none();
        both && all && spec["ingress"].is_null() && spec["egress"].is_null()
    };
    if policies.iter().find(closes).is_none() {
        findings.push("no NetworkPolicy closes everything that the others do not open".to_owned());
    }
    for policy in policies {
        let selector = &policy.value()["spec"]["podSelector"]["matchLabels"];
        if !pods.iter().any(|(_, pod)| selects(selector, pod.labels())) {
            findings.push(format!("{}: it is for no pod", policy.title()));
        }
    }
}
