//! Rules for pods and the namespace: the restricted profile of pod security, and what the farm asks beyond it.

use serde_json::Value;

use crate::k8s::object::{Object, Pod};
use crate::yaml::{list, map, text};

/// Coordinator and workers are gone this long after SIGTERM at the latest; docs/farm.md, "Ending".
const DRAIN_SECONDS: u64 = 10;

/// Checks a namespace or what makes pods.
pub fn check(object: &Object, objects: &[Object], findings: &mut Vec<String>) {
    let title = object.title();
    let mut find = |what: String| findings.push(format!("{title}: {what}"));
    match object.kind() {
        "Namespace" => {
            let enforced = text(&object.value()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]);
            if enforced != "restricted" {
                find(format!("pod-security.kubernetes.io/enforce is {enforced:?}, not restricted"));
            }
        }
        "Pod" | "Job" | "CronJob" | "DaemonSet" | "ReplicaSet" => {
            find(format!("a {} is not looked at by these rules: extend them", object.kind()));
        }
        _ => {
            if let Some(pod) = object.pod() {
                check_pod(object, pod, objects, &mut find);
                for container in pod.all_containers() {
                    let name = text(&container["name"]);
                    check_container(container, &mut |what| find(format!("container {name}: {what}")));
                }
                for container in pod.containers() {
                    let name = text(&container["name"]);
                    check_probes(container, &mut |what| find(format!("container {name}: {what}")));
                }
            }
        }
    }
}

fn check_pod(object: &Object, pod: Pod<'_>, objects: &[Object], find: &mut impl FnMut(String)) {
    let spec = pod.spec();
    let named = |kind: &str, name: &str| objects.iter().any(|other| other.kind() == kind && other.name() == name);
    if spec["automountServiceAccountToken"] != false {
        find("automountServiceAccountToken is not false".to_owned());
    }
    if spec["enableServiceLinks"] != false {
        find("enableServiceLinks is not false: other services would be in its environment".to_owned());
    }
    let account = text(&spec["serviceAccountName"]);
    if !named("ServiceAccount", account) {
        find(format!("serviceAccountName {account:?} is not among the objects"));
    }
    let class = text(&spec["priorityClassName"]);
    if !named("PriorityClass", class) {
        find(format!("priorityClassName {class:?} is not among the objects"));
    }
    for shared in ["hostNetwork", "hostPID", "hostIPC"] {
        if !(spec[shared].is_null() || spec[shared] == false) {
            find(format!("{shared} is set"));
        }
    }
    let security = &spec["securityContext"];
    if security["runAsNonRoot"] != true {
        find("runAsNonRoot is not true".to_owned());
    }
    if security["runAsUser"].as_u64().is_none_or(|user| user == 0) {
        find("runAsUser is not a user other than root".to_owned());
    }
    if text(&security["seccompProfile"]["type"]) != "RuntimeDefault" {
        find("seccompProfile is not RuntimeDefault".to_owned());
    }
    const VOLUMES: [&str; 5] = ["configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"];
    for volume in pod.volumes() {
        for (kind, _) in map(volume).filter(|(name, _)| *name != "name" && !VOLUMES.contains(name)) {
            find(format!("volume {}: {kind} is none of {VOLUMES:?}", text(&volume["name"])));
        }
    }
    let before: u64 = pod.containers().map(pre_stop_seconds).max().unwrap_or_default();
    let needed = before + drain_seconds(object, objects) + 1;
    let grace = spec["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    if grace < needed {
        find(format!("terminationGracePeriodSeconds is {grace}, preStop and drain need {needed}"));
    }
    let one = object.value()["spec"]["replicas"] == 1;
    if !one && list(&spec["topologySpreadConstraints"]).next().is_none() {
        find("topologySpreadConstraints are missing: one node could hold all of them".to_owned());
    }
}

/// How long a container's preStop takes.
fn pre_stop_seconds(container: &Value) -> u64 {
    container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap_or_default()
}

/// How long the process takes to end: our own 10 s, NATS as its configuration says.
fn drain_seconds(object: &Object, objects: &[Object]) -> u64 {
    if object.name() != "nats" {
        return DRAIN_SECONDS;
    }
    let files = objects.iter().filter(|object| object.kind() == "ConfigMap").flat_map(Object::data);
    let lines = files.flat_map(|(_, text)| text.lines());
    let seconds = lines.filter_map(|line| {
        line.trim().strip_prefix("lame_duck_duration:")?.trim().trim_matches('"').strip_suffix('s')?.parse().ok()
    });
    seconds.max().unwrap_or(u64::from(u16::MAX))
}

fn check_container(container: &Value, find: &mut impl FnMut(String)) {
    let image = text(&container["image"]);
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once('@').or_else(|| name.split_once(':')) {
        None => find(format!("image {image:?} has neither tag nor digest")),
        Some((_, "latest" | "")) => find(format!("image {image:?} is the latest, whatever that is")),
        Some(_) => {}
    }
    let security = &container["securityContext"];
    if security["allowPrivilegeEscalation"] != false {
        find("allowPrivilegeEscalation is not false".to_owned());
    }
    if security["readOnlyRootFilesystem"] != true {
        find("readOnlyRootFilesystem is not true".to_owned());
    }
    if !(security["privileged"].is_null() || security["privileged"] == false) {
        find("privileged is set".to_owned());
    }
    let drops_all = list(&security["capabilities"]["drop"]).any(|capability| capability == "ALL");
    if !drops_all || list(&security["capabilities"]["add"]).next().is_some() {
        find("capabilities: ALL must be dropped and none added".to_owned());
    }
    let resources = &container["resources"];
    for needed in ["requests.cpu", "requests.memory", "limits.memory"] {
        let (part, name) = needed.split_once('.').unwrap_or_default();
        if !resources[part][name].is_string() && !resources[part][name].is_number() {
            find(format!("resources.{needed} is missing"));
        }
    }
    for (device, count) in map(&resources["limits"]).filter(|(name, _)| name.starts_with("nvidia.com/")) {
        if *count != 1 || resources["requests"][device] != 1 {
            find(format!("{device}: a worker uses one device, no more and no less"));
        }
    }
    for variable in list(&container["env"]) {
        let name = text(&variable["name"]);
        let secret = ["PASSWORD", "TOKEN", "SECRET", "KEY"].iter().any(|word| name.contains(word));
        if secret && !variable["value"].is_null() {
            find(format!("environment variable {name} must come from a Secret"));
        }
    }
}

fn check_probes(container: &Value, find: &mut impl FnMut(String)) {
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let asked = &container[probe]["httpGet"];
        let port = text(&asked["port"]);
        if asked.is_null() {
            find(format!("{probe} is missing"));
        } else if !list(&container["ports"]).any(|listed| text(&listed["name"]) == port) {
            find(format!("{probe}: the container has no port {port:?}"));
        }
    }
    let path = |probe: &str| text(&container[probe]["httpGet"]["path"]).to_owned();
    if path("readinessProbe") == path("livenessProbe") {
        find("readinessProbe and livenessProbe ask the same: what is not ready would be killed".to_owned());
    }
}
