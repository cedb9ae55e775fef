//! What is said when something is not taken.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An error's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Stable code, as `PY-B-021`.
    #[cfg_attr(feature = "openapi", schema(pattern = "^PY-[A-Z]-[0-9]{3}$"))]
    pub code: String,
    /// What, where, and what to do.
    pub message: String,
    /// Index of the offending transaction, if one is to blame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<u32>,
}

/// A field of a request whose value cannot be, whatever the coordinator's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {expected}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub expected: String,
}

impl FieldError {
    pub(crate) fn unless(holds: bool, field: &'static str, expected: &str) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self { field, expected: expected.to_owned() }) }
    }
}
