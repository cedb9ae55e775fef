//! `/openapi.json`: what it describes is there, and what is sent is as it describes.

use std::collections::BTreeSet;

use crate::desk::*;
use proofyard_coordinator::{
    client::{BlockStatus, ErrorBody, Receipt, SignedReceipt},
    endpoint::{Limits, document},
};
use serde_json::Value;

fn json() -> Value {
    serde_json::from_str(&document()).expect("JSON")
}

#[tokio::test]
async fn every_path_and_method_answers_and_no_other_does() {
    let served = served(Limits::default()).await;
    let described = served.get("/openapi.json").await;
    assert_eq!((described.status, described.header("content-type")), (200, "application/json"));
    assert_eq!(serde_json::from_slice::<Value>(&described.body).expect("JSON"), json());
    let json = json();
    assert_eq!(json["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    for (path, item) in json["paths"].as_object().expect("paths") {
        let real = path.replace("{id}", &"aa".repeat(32));
        for method in ["get", "post", "put", "delete", "patch"] {
            let request = served.http.request(method.to_uppercase().parse().expect("a method"), served.url(&real));
            let response = request.send().await.expect("an answer");
            let status = response.status().as_u16();
            match item.get(method) {
                Some(operation) => {
                    let known = |status: &str| operation["responses"].get(status).is_some();
                    let class = format!("{}XX", status / 100);
                    assert!(known(&status.to_string()) || known(&class), "{method} {path}: {status}");
                }
                None => assert_eq!(status, 405, "{method} {path}"),
            }
        }
    }
}

/// A value has exactly the properties of its schema: all required ones and no unknown one.
fn conforms(schemas: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().expect("a name");
        return conforms(schemas, &schemas[name], value, &format!("{at}:{name}"));
    }
    if let Some(list) = schema["oneOf"].as_array() {
        assert!(!list.is_empty());
        if !value.is_null() {
            conforms(schemas, list.last().expect("one"), value, at);
        }
        return;
    }
    match value {
        Value::Object(object) => {
            let properties = schema["properties"].as_object().unwrap_or_else(|| panic!("{at}: {schema}"));
            let required: BTreeSet<_> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for name in required {
                assert!(object.contains_key(name), "{at}: {name} is missing");
            }
            for (name, value) in object {
                let schema = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not described"));
                conforms(schemas, schema, value, &format!("{at}.{name}"));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| conforms(schemas, &schema["items"], value, at)),
        Value::String(_) => assert!(describes(schema, "string") || schema.get("enum").is_some(), "{at}: {schema}"),
        Value::Number(_) => assert!(describes(schema, "integer") || describes(schema, "number"), "{at}: {schema}"),
        Value::Bool(_) => assert!(describes(schema, "boolean"), "{at}: {schema}"),
        Value::Null => {}
    }
}

fn describes(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(some) => some.iter().any(|one| one == kind),
        _ => false,
    }
}

#[tokio::test]
async fn what_is_sent_is_as_described() {
    let served = served(Limits::default()).await;
    let json = json();
    let schemas = &json["components"]["schemas"];
    let check = |name: &str, value: Value| {
        assert!(schemas.get(name).is_some(), "{name} is not described");
        conforms(schemas, &schemas[name], &value, name);
    };
    let value = |message: &dyn erased::Json| message.json();
    check("QuoteRequest", value(&quote_request(1)));
    check("BlockSubmission", value(&submission(1, b"block")));
    check("SignedQuote", value(&quote_for(&quote_request(1))));
    let receipt =
        Receipt { block_commitment: KNOWN, block_id: KNOWN, nonce: alloy_primitives::U256::ZERO, accepted_at: 1 };
    check("SignedReceipt", value(&SignedReceipt { receipt, signature: vec![1].into() }));
    let reason = ErrorBody { code: "PY-Q-001".to_owned(), message: "x".to_owned(), transaction: Some(1) };
    let mut status = BlockStatus::new(String::new(), 12);
    status.block_commitment = Some(KNOWN);
    status.ladder.slack_seconds = Some(1.5);
    status.error = Some(reason.clone());
    status.ladder.fall(proofyard_coordinator::client::Rung::Slashed, reason);
    check("BlockStatus", value(&status));
    for (path, name) in [("/v1/status", "FarmStatus"), ("/healthz", "Health"), ("/readyz", "Readiness")] {
        check(name, serde_json::from_slice(&served.get(path).await.body).expect("JSON"));
    }
    check("ErrorBody", serde_json::from_slice(&served.get("/x").await.body).expect("JSON"));
    let closed = ["QuoteRequest", "BlockSubmission", "SignedQuote", "Quote", "Header"];
    for name in closed {
        assert_eq!(schemas[name]["additionalProperties"], Value::Bool(false), "{name} refuses unknown fields");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let json = json();
    let items = json["paths"].as_object().expect("paths").values();
    let names: Vec<_> = items
        .flat_map(|item| item.as_object().expect("an item").values())
        .map(|operation| operation["operationId"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[test]
fn every_schema_that_is_named_is_there_and_every_one_there_is_named() {
    let json = json();
    let mut named = BTreeSet::new();
    let mut stack = vec![&json];
    while let Some(value) = stack.pop() {
        match value {
            Value::Object(object) => {
                named.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                stack.extend(object.values());
            }
            Value::Array(list) => stack.extend(list),
            _ => {}
        }
    }
    let there: BTreeSet<_> = json["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    assert_eq!(named, there);
}

mod erased {
    /// Anything that becomes JSON.
    pub trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).expect("JSON")
        }
    }
}
