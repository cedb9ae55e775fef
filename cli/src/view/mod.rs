//! `proofyard workers` and `proofyard blocks`: a running farm as tables or JSON.

mod blocks;
mod table;
mod workers;

use std::{io::IsTerminal, time::Duration};

use proofyard_coordinator_client::{ClientError, FarmView};
use serde_json::{Value, json};

use crate::{
    args::Look,
    failure::Failure,
    remote::{client, failure},
};

pub use table::{columns, fitting};
pub use workers::size;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// What a terminal takes to clear itself and begin at the top.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Shows the workers.
pub async fn workers(arguments: &Look, json: bool) -> Result<(), Failure> {
    let shape = |view: &FarmView| json!({"live": workers::live(view), "workers": view.workers});
    show(arguments, json, workers::text, shape).await
}

/// Shows the blocks.
pub async fn blocks(arguments: &Look, json: bool) -> Result<(), Failure> {
    let shape = |view: &FarmView| json!({"blocks": view.blocks, "throughput": view.throughput, "market": view.market, "status": view.status});
    show(arguments, json, blocks::text, shape).await
}

async fn show(
    arguments: &Look,
    json: bool,
    text: impl Fn(&FarmView) -> String,
    shape: impl Fn(&FarmView) -> Value,
) -> Result<(), Failure> {
    let client = client(&arguments.coordinator.url)?;
    let print = |view: &FarmView| if json { println!("{}", shape(view)) } else { println!("{}", text(view)) };
    if !arguments.watch {
        print(&client.view().await.map_err(failure)?);
        return Ok(());
    }
    let is_terminal = std::io::stdout().is_terminal();
    // The first look must succeed: an address that is wrong stays wrong.
    let mut seen: Result<FarmView, ClientError> = Ok(client.view().await.map_err(failure)?);
    loop {
        if is_terminal && !json {
            print!("{CLEAR}");
        }
        match &seen {
            Ok(view) => print(view),
            Err(error) => eprintln!("{error}; trying again"),
        }
        tokio::time::sleep(PERIOD).await;
        seen = client.view().await;
    }
}
