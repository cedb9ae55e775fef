//! Entity tags: what a caller has already is not sent again.

use axum::http::{HeaderMap, header};

/// A tag of a digest.
pub(super) fn tag(sha256: &[u8; 32]) -> String {
    format!("\"{}\"", crate::board::hex(sha256))
}

/// True when the caller's `If-None-Match` names the tag.
pub(super) fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut known = known.flat_map(|tags| tags.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
