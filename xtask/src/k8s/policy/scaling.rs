//! Autoscaling: the target is there, and the floor that the query subtracts is the floor that runs.

use crate::k8s::object::Object;
use crate::yaml::{list, text};

/// The workers that are always there.
const FLOOR: &str = "worker-gpu";

/// Checks every scaled object.
pub fn check(objects: &[Object], findings: &mut Vec<String>) {
    let deployment = |name: &str| objects.iter().find(|object| object.kind() == "Deployment" && object.name() == name);
    for scaled in objects.iter().filter(|object| object.kind() == "ScaledObject") {
        let mut find = |what: String| findings.push(format!("{}: {what}", scaled.title()));
        let spec = &scaled.value()["spec"];
        let target = text(&spec["scaleTargetRef"]["name"]);
        if deployment(target).is_none() {
            find(format!("there is no Deployment {target:?}"));
        }
        let floor = deployment(FLOOR).and_then(|floor| floor.value()["spec"]["replicas"].as_u64()).unwrap_or_default();
        for trigger in list(&spec["triggers"]) {
            let query = text(&trigger["metadata"]["query"]);
            if subtracted(query) != Some(floor) {
                find(format!("{query:?} must subtract the {floor} workers of {FLOOR}"));
            }
            if trigger["metadata"]["ignoreNullValues"] != "false" {
                find("ignoreNullValues must be \"false\": silence is no reason to remove workers".to_owned());
            }
        }
    }
}

/// N of `... - N, 0)`.
fn subtracted(query: &str) -> Option<u64> {
    let (_, rest) = query.split_once(" - ")?;
    rest.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::subtracted;

    #[test]
    fn the_floor_is_read_from_the_query() {
        assert_eq!(subtracted("clamp_min(max(wanted) - 4, 0)"), Some(4));
        assert_eq!(subtracted("max(wanted)"), None);
    }
}
