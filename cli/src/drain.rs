//! `proofyard drain`.

use std::time::Duration;

use proofyard_coordinator_client::{Client, ClientError, OPERATOR_TOKEN_BYTES_MIN, WorkerStatus};
use proofyard_job_schema::WorkerId;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    args::Drain,
    failure::Failure,
    remote::{client, failure},
    screen::report,
};

/// Holds the token when no file is named: a command line is seen by everybody on a machine.
const TOKEN_VARIABLE: &str = "PROOFYARD_OPERATOR_TOKEN";
/// The code of a worker that cannot be drained.
const UNDRAINED: &str = "PY-C-223";
/// Time between two looks at a worker.
const PERIOD: Duration = Duration::from_millis(200);

/// Tells a worker to leave; waits until it has, if asked to.
pub async fn run(arguments: &Drain, json: bool) -> Result<(), Failure> {
    let name = &arguments.worker;
    let worker = WorkerId::new(name).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    let token = token(arguments)?;
    let client = client(&arguments.coordinator.url)?;
    let started = Instant::now();
    let state = match client.drain(&worker, &token).await {
        Ok(_) => match arguments.wait {
            Some(seconds) => left(&client, &worker, started + Duration::from_secs(seconds)).await?,
            None => "told",
        },
        // It is silent: it has left, or died. Either way nothing is to be done.
        Err(ClientError::Refused(error)) if error.code == UNDRAINED => "gone",
        Err(error) => return Err(failure(error)),
    };
    let result = json!({"worker": name, "state": state, "seconds": started.elapsed().as_secs_f64()});
    if let Some(result) = result.as_object() {
        report(json, result);
    }
    Ok(())
}

/// Waits until a worker is heard of no more.
async fn left(client: &Client, worker: &WorkerId, until: Instant) -> Result<&'static str, Failure> {
    loop {
        let is_late = Instant::now() >= until;
        match client.view().await {
            Ok(view) => match view.workers.iter().find(|seen| seen.worker == worker.as_str() && seen.live) {
                // Silent, or unknown to a coordinator that started meanwhile.
                None => return Ok("left"),
                Some(seen) if is_late => return Err(Failure::Unhealthy(still_there(seen))),
                Some(_) => {}
            },
            Err(error) if error.is_temporary() && !is_late => {}
            Err(error) => return Err(failure(error)),
        }
        sleep(PERIOD).await;
    }
}

fn still_there(worker: &WorkerStatus) -> String {
    let WorkerStatus { worker, jobs, draining, .. } = worker;
    let state = if *draining { "drains" } else { "has not heard of it yet" };
    format!(
        "[PY-X-131] worker {worker} is still there: it {state} and holds {jobs} jobs; wait longer, or end its process with SIGTERM"
    )
}

fn token(arguments: &Drain) -> Result<String, Failure> {
    let (text, from) = match &arguments.token_file {
        Some(path) => {
            (std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?, path.display().to_string())
        }
        None => (std::env::var(TOKEN_VARIABLE).unwrap_or_default(), TOKEN_VARIABLE.to_owned()),
    };
    let token = text.lines().next().unwrap_or_default().trim();
    if token.len() < OPERATOR_TOKEN_BYTES_MIN || !token.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Failure::Usage(format!(
            "[PY-X-130] {from} holds no operators' token of {OPERATOR_TOKEN_BYTES_MIN} characters or more; name its file with \
             --token-file, or set {TOKEN_VARIABLE}"
        )));
    }
    Ok(token.to_owned())
}
