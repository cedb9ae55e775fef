//! `GET /openapi.json`: the endpoint described from its own handlers and types, OpenAPI 3.1.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Type,
        schema::Schema,
        security::{ApiKey, ApiKeyValue, SecurityScheme},
    },
};

use super::{blocks, events, farm, operators, quotes, view};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Proofyard coordinator",
        description = "Quotes, blocks and proofs. Numbers of 256 bits, addresses and hashes are 0x hexadecimal strings; bodies may be gzip.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        farm::status,
        view::view,
        view::events,
        operators::drain,
        quotes::quote,
        blocks::submit,
        blocks::status,
        events::events,
        blocks::proof,
        farm::health,
        farm::ready,
        serve_document,
    ),
    modifiers(&Signed),
)]
struct Document;

/// A body that is bytes, as the document describes it.
pub(super) enum Octets {}

impl PartialSchema for Octets {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(Type::String).content_media_type("application/octet-stream");
        bytes.description(Some("Bytes.")).into()
    }
}

impl ToSchema for Octets {}

/// Says how requests are signed.
struct Signed;

impl Modify for Signed {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let how = "`<address> <nonce, 32 hex digits> <signature>`: EIP-191 over `proofyard request v1\\n{METHOD}\\n{path and \
                   query}\\n{Date-Milliseconds}\\n{nonce}\\n{SHA-256 of the body as sent, hex}`. The header Date-Milliseconds \
                   (Unix) must be within 30 s of the coordinator's clock; a nonce is used once.";
        let key = ApiKey::Header(ApiKeyValue::with_description("Proofyard-Auth", how));
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("signed", SecurityScheme::ApiKey(key));
    }
}

static JSON: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document()));

/// The document as served.
pub fn document() -> String {
    // A document of strings, maps and lists serialises.
    Document::openapi().to_json().unwrap_or_default()
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "document",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value, content_type = "application/json")),
)]
pub(super) async fn serve_document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::OpenApi;

    use super::{super::routes, Document};

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<_> = Document::openapi().paths.paths.into_keys().collect();
        let real: BTreeSet<_> = routes().into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(described, real);
    }
}
