//! Looking into YAML that was read as JSON values.

use serde_json::{Map, Value};

/// A list's elements; none when it is no list.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> + use<'_> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// A map's entries; none when it is no map.
pub fn map(value: &Value) -> impl Iterator<Item = (&str, &Value)> + use<'_> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

/// A text; empty when it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
