//! `proofyard submit` and `proofyard status`.

use proofyard_coordinator_client::{Client, ClientError, Timeouts};
use proofyard_job_schema::BlockId;
use serde_json::Value;

use crate::{
    args::{Status, Submit},
    block::read_block,
    failure::Failure,
    screen::report,
};

pub fn client(url: &str) -> Result<Client, Failure> {
    Client::new(url, Timeouts::default()).map_err(failure)
}

pub fn failure(error: ClientError) -> Failure {
    let text = error.to_string();
    match error {
        ClientError::Address { .. } => Failure::Usage(text),
        ClientError::Refused { .. } => Failure::Refused(text),
        _ => Failure::Environment(text),
    }
}

fn print(json: bool, value: impl serde::Serialize) -> Result<(), Failure> {
    match serde_json::to_value(value) {
        Ok(Value::Object(result)) => {
            report(json, &result);
            Ok(())
        }
        Ok(other) => Err(Failure::Environment(format!("unexpected answer {other}"))),
        Err(error) => Err(Failure::Environment(error.to_string())),
    }
}

/// Hands a block in; the same block again is the same submission.
pub async fn submit(arguments: &Submit, json: bool) -> Result<(), Failure> {
    let (bytes, _) = read_block(&arguments.file)?;
    print(json, client(&arguments.coordinator.url)?.submit(bytes, None).await.map_err(failure)?)
}

/// Asks about a block.
pub async fn status(arguments: &Status, json: bool) -> Result<(), Failure> {
    let id: BlockId = arguments.id.parse().map_err(|error| Failure::Usage(format!("{}: {error}", arguments.id)))?;
    print(json, client(&arguments.coordinator.url)?.status(id).await.map_err(failure)?)
}
