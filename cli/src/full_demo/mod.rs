//! `proofyard demo --full`: the whole story, with real processes on this machine.
//!
//! Two prover farms bid for the sequencer's blocks. At height 1 the cheaper one delivers. At height 2 its coordinator is killed, and so is
//! the sequencer's sidecar: nobody is left to prove, the window closes, the deposit is slashed. The sidecar comes back and tries the same
//! block at height 3, where the other prover takes it and hangs; the sidecar proves it itself. At the end every difference in what the
//! parties have is explained by L1's events, to the last unit.

mod cast;
mod movements;
mod processes;
mod rungs;
mod stage;
mod story;

use std::{fs, path::PathBuf, time::Instant};

use proofyard_rollup::generate;
use serde_json::json;
use tempfile::TempDir;

use self::{
    movements::{Account, Wealth},
    stage::Stage,
    story::Story,
};
use crate::{
    args::Demo,
    failure::Failure,
    screen::{Screen, report},
};

/// Transfers of a height's block.
const TRANSFERS: usize = 8;

/// Where configurations and logs are.
enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    fn new(keep: Option<&PathBuf>) -> Result<Self, Failure> {
        match keep {
            Some(path) => {
                fs::create_dir(path).map(|()| Self::Kept(path.clone())).map_err(|error| Failure::file(path, error))
            }
            None => tempfile::Builder::new()
                .prefix("proofyard-demo-")
                .tempdir()
                .map(Self::Temporary)
                .map_err(|error| Failure::Environment(error.to_string())),
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Kept(path) => path.clone(),
            Self::Temporary(folder) => folder.path().to_owned(),
        }
    }

    /// After a failure the logs are worth something.
    fn keep(self) -> PathBuf {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.keep(),
        }
    }
}

/// Plays it.
pub async fn run(arguments: &Demo, json: bool) -> Result<(), Failure> {
    let folder = Folder::new(arguments.keep.as_ref())?;
    match play(arguments, json, &folder).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            eprintln!("configurations and logs: {}", folder.keep().display());
            Err(failure)
        }
    }
}

async fn play(arguments: &Demo, json: bool, folder: &Folder) -> Result<(), Failure> {
    let started = Instant::now();
    let usage = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
    let both = generate::block(2 * TRANSFERS, arguments.seed).map_err(|error| usage(&error))?;
    let (first, second) = both.split(TRANSFERS).map_err(|error| usage(&error))?;
    let screen = Screen::new();
    screen.say("WARNING: the developers' setup and anvil's published keys are INSECURE; this is a play on a chain of this machine");

    let stage = Stage::set(&folder.path(), &arguments.folder.path()?, &first, &screen).await?;
    let (client, url) = (stage.client.clone(), stage.chain_url.clone());
    let opening = Wealth::read(&client).await?;
    let mut story = Story::new(stage, &screen, started);
    let heights = story.play([first.encode(), second.encode()]).await?;
    let (ladder, stage) = story.over().await?;
    let closing = Wealth::read(&client).await?;
    let account = Account::draw_up(&client, &url, opening, closing).await?;
    stage.end();
    screen.calm();

    let unexplained = account.unexplained();
    let seconds = started.elapsed().as_secs_f64();
    if json {
        let result = json!({
            "seconds": (seconds * 10.0).round() / 10.0,
            "heights": heights,
            "ladder": ladder,
            "parties": account.to_json(),
            "unexplained": unexplained,
        });
        if let Some(result) = result.as_object() {
            report(true, result);
        }
    } else {
        println!();
        account.lines().iter().for_each(|line| println!("{line}"));
        println!("\nthree heights in {seconds:.0} s; every difference above is the sum of L1's events under it");
    }
    if unexplained.is_empty() {
        return Ok(());
    }
    Err(Failure::Environment(format!(
        "[PY-X-113] L1's events do not explain all that changed: {}; keep the logs with --keep and report it",
        unexplained.join(", ")
    )))
}
