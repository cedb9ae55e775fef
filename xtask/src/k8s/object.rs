//! Rendered objects, and how rules look into them.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::yaml::{list, map, text};

/// One rendered object.
#[derive(Debug, Clone)]
pub struct Object(Value);

/// Reads the documents that kubectl printed.
pub fn read(rendered: &str) -> Result<Vec<Object>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(rendered).context("what kubectl rendered is no YAML")?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).map(Object).collect())
}

impl Object {
    /// All of it.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        text(&self.0["kind"])
    }

    /// Its group and version.
    pub fn api_version(&self) -> &str {
        text(&self.0["apiVersion"])
    }

    /// Its name.
    pub fn name(&self) -> &str {
        text(&self.0["metadata"]["name"])
    }

    /// Kind and name, for findings.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// The pod that it makes, if it makes pods.
    pub fn pod(&self) -> Option<Pod<'_>> {
        let template = &self.0["spec"]["template"];
        template["spec"].is_object().then_some(Pod { template })
    }

    /// Its `data`.
    pub fn data(&self) -> impl Iterator<Item = (&str, &str)> {
        map(&self.0["data"]).map(|(name, value)| (name, text(value)))
    }
}

/// A pod's template.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'a> {
    template: &'a Value,
}

impl<'a> Pod<'a> {
    /// Its specification.
    pub fn spec(&self) -> &'a Value {
        &self.template["spec"]
    }

    /// Its labels.
    pub fn labels(&self) -> &'a Value {
        &self.template["metadata"]["labels"]
    }

    /// The containers that run while the pod does.
    pub fn containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        list(&self.spec()["containers"])
    }

    /// All containers, those that run before included.
    pub fn all_containers(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        list(&self.spec()["initContainers"]).chain(self.containers())
    }

    /// Its volumes.
    pub fn volumes(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        list(&self.spec()["volumes"])
    }
}

/// Whether all of `selector`'s labels are among `labels`. An empty selector selects all.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    map(selector).all(|(name, value)| labels[name] == *value)
}
