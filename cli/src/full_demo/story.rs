//! The three heights, as they happen.

use std::time::{Duration, Instant};

use proofyard_coordinator_client::{BlockStatus, ErrorBody, Rung as FarmRung};
use proofyard_job_schema::BlockId;
use proofyard_settlement::{alloy::primitives::Address, contracts::bindings::IProvingSidecar::Commitment};
use proofyard_sidecar::{core::Rung, store::Step};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    cast::{PROVERS, Party, SEQUENCER},
    rungs,
    stage::{FINALITY, Stage},
};
use crate::{failure::Failure, l1::shown_units, screen::Screen};

/// How often L1 and the coordinators are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// How long a look may take: a coordinator may hang, as part of the story.
const LOOK_MAX: Duration = Duration::from_millis(200);
/// The longest wait for one thing.
const PATIENCE: Duration = Duration::from_secs(240);
/// Without a terminal, the state is told that often.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// A height as it ended.
#[derive(Clone, Copy)]
enum End {
    Proven,
    Slashed,
    Rescued,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Slashed => "slashed",
            Self::Rescued => "rescued by self-proving",
        }
    }
}

/// The play.
pub struct Story<'a> {
    stage: Stage,
    screen: &'a Screen,
    started: Instant,
    rungs: mpsc::UnboundedReceiver<(String, Step)>,
    sender: mpsc::UnboundedSender<(String, Step)>,
    ladder: Vec<Value>,
    /// The block that is on its way, its present rung and height.
    block: String,
    rung: Option<Rung>,
    height: u64,
    /// First blocks of the height's phases.
    schedule: Option<[u64; 6]>,
    /// How far the prover's coordinator says it is.
    farm_rung: FarmRung,
    /// Provers whose coordinator is gone, and whether the sidecar is.
    gone: Vec<usize>,
    is_sidecar_gone: bool,
    told: Instant,
}

impl<'a> Story<'a> {
    /// On a stage that is set.
    pub fn new(stage: Stage, screen: &'a Screen, started: Instant) -> Self {
        let (sender, rungs) = mpsc::unbounded_channel();
        Self {
            stage,
            screen,
            started,
            rungs,
            sender,
            ladder: Vec::new(),
            block: String::new(),
            rung: None,
            height: 0,
            schedule: None,
            farm_rung: FarmRung::Executing,
            gone: Vec::new(),
            is_sidecar_gone: false,
            told: Instant::now(),
        }
    }

    /// Plays all three heights with two blocks that follow each other.
    pub async fn play(&mut self, [first, second]: [Vec<u8>; 2]) -> Result<Vec<Value>, Failure> {
        let mut heights = Vec::new();
        self.say("HEIGHT 1: the provers bid, the better one proves");
        self.hand_in(first).await?;
        let prover = self.taken(1).await?;
        self.until(|rung| matches!(rung, Rung::Finalized { height: 1 })).await?;
        heights.push(self.ended(1, prover, End::Proven));

        self.say("HEIGHT 2: the prover fails, and nobody is there to help");
        self.hand_in(second).await?;
        let failing = self.taken(2).await?;
        self.stage.farms[failing].coordinator.kill()?;
        self.gone.push(failing);
        self.stage.sidecar.kill()?;
        self.is_sidecar_gone = true;
        let name = PROVERS[failing].name;
        self.say(&format!("kill -9: {name}'s coordinator, which holds the block, and the sequencer's sidecar"));
        let closes = self.stage.client.schedule(2).await?[5];
        self.wait_for_block(closes).await?;
        self.stage.sidecar.start_again()?;
        self.is_sidecar_gone = false;
        self.say("the window is over; the sidecar is started again and goes on from its file");
        self.until(|rung| matches!(rung, Rung::Slashed { height: 2 })).await?;
        heights.push(self.ended(2, failing, End::Slashed));

        self.say(&format!(
            "HEIGHT 3: the same block again; {name} is not asked after its failure, and the other prover hangs"
        ));
        let hanging = self.taken(3).await?;
        self.stage.farms[hanging].coordinator.pause();
        self.say(&format!("kill -STOP: {}'s coordinator", PROVERS[hanging].name));
        self.until(|rung| matches!(rung, Rung::Finalized { height: 3 })).await?;
        self.stage.farms[hanging].coordinator.resume();
        heights.push(self.ended(3, hanging, End::Rescued));
        Ok(heights)
    }

    /// Lets the sidecar draw what is credited to it, then ends everybody who sends transactions; the ladder, and the stage.
    pub async fn over(mut self) -> Result<(Vec<Value>, Stage), Failure> {
        let until = self.head() + 4 * FINALITY;
        while self.head() < until {
            let left = self.stage.client.withdrawable(Address::ZERO, SEQUENCER.address).await?;
            if left.is_zero() {
                break;
            }
            self.look().await?;
        }
        let Self { mut stage, ladder, .. } = self;
        stage.end_senders();
        // What they sent last is included.
        let head = || stage.client.rpc().heads().borrow().map_or(0, |head| head.number);
        let until = head() + 2;
        while head() < until {
            tokio::time::sleep(LOOK).await;
        }
        Ok((ladder, stage))
    }

    fn say(&self, text: &str) {
        self.screen.say(&format!("{} {text}", self.clock()));
    }

    fn clock(&self) -> String {
        format!("{:6.1} s  L1 {:>4} ", self.started.elapsed().as_secs_f64(), self.head())
    }

    fn head(&self) -> u64 {
        self.stage.client.rpc().heads().borrow().map_or(0, |head| head.number)
    }

    /// Hands a block file to the sidecar, as a sequencer does.
    async fn hand_in(&mut self, file: Vec<u8>) -> Result<(), Failure> {
        let failed =
            |reason: String| Failure::Environment(format!("[PY-X-114] the sidecar does not take a block: {reason}"));
        self.block = hex::encode(Sha256::digest(&file));
        let url = format!("{}/v1/blocks", self.stage.sidecar_url);
        let answer =
            reqwest::Client::new().post(url).body(file).send().await.map_err(|error| failed(error.to_string()))?;
        if !answer.status().is_success() {
            let refusal = answer.json::<ErrorBody>().await.map_err(|error| failed(error.to_string()))?;
            return Err(failed(format!("[{}] {}", refusal.code, refusal.message)));
        }
        self.rung = None;
        tokio::spawn(rungs::follow(self.stage.sidecar_url.clone(), self.block.clone(), self.sender.clone()));
        Ok(())
    }

    /// Waits for a rung.
    async fn until(&mut self, is_there: impl Fn(&Rung) -> bool) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        while !self.rung.as_ref().is_some_and(&is_there) {
            if let Some(Rung::HandedBack { reason }) = &self.rung {
                let text = format!("[{}] {}", reason.code, reason.message);
                return Err(Failure::Environment(format!("[PY-X-115] the sidecar handed the block back: {text}")));
            }
            self.in_time(until)?;
            self.look().await?;
        }
        Ok(())
    }

    /// Waits until a prover has taken the block at a height; which one.
    async fn taken(&mut self, height: u64) -> Result<usize, Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(Rung::Proving { height: at, provers, .. }) = &self.rung
                && *at == height
                && let Some(index) = PROVERS.iter().position(|party| provers.iter().any(|name| name == party.name))
                && self.status(index).await.is_some()
            {
                return Ok(index);
            }
            self.in_time(until)?;
            self.look().await?;
        }
    }

    async fn wait_for_block(&mut self, block: u64) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        while self.head() < block {
            self.in_time(until)?;
            self.look().await?;
        }
        Ok(())
    }

    fn in_time(&self, until: Instant) -> Result<(), Failure> {
        if Instant::now() < until {
            return Ok(());
        }
        let (seconds, rung) = (PATIENCE.as_secs(), self.rung.as_ref().map(|rung| word(rung)).unwrap_or("nothing yet"));
        Err(Failure::Environment(format!("[PY-X-116] the story does not go on: for {seconds} s it has been at {rung}")))
    }

    fn ended(&self, height: u64, prover: usize, end: End) -> Value {
        let seconds = self.started.elapsed().as_secs_f64();
        self.say(&format!("height {height}: {}", end.name()));
        json!({
            "height": height,
            "block": self.block,
            "prover": PROVERS[prover].name,
            "end": end.name(),
            "at_seconds": (seconds * 10.0).round() / 10.0,
        })
    }

    /// What a prover's coordinator says of the block, if it says something soon.
    async fn status(&self, index: usize) -> Option<BlockStatus> {
        let id: BlockId = self.block.parse().ok()?;
        let asked = self.stage.farms[index].client.status(id);
        tokio::time::timeout(LOOK_MAX, asked).await.ok()?.ok()
    }

    /// Waits for the next rung, or for a moment; shows what is new.
    async fn look(&mut self) -> Result<(), Failure> {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Err(Failure::Environment("interrupted; all processes are ended".to_owned())),
            rung = self.rungs.recv() => if let Some((block, step)) = rung && block == self.block {
                self.climb(step).await?;
            },
            () = tokio::time::sleep(LOOK) => {}
        }
        self.stage.check(&self.gone, self.is_sidecar_gone)?;
        let status = self.prover_status().await;
        if let Some((name, status)) = &status {
            self.follow_farm(name, status);
        }
        let line = self.line(status.as_ref()).await;
        self.screen.live(&line);
        if !self.screen.is_terminal() && self.told.elapsed() > TOLD_EVERY {
            self.told = Instant::now();
            self.screen.say(&line);
        }
        Ok(())
    }

    /// Takes in a rung.
    async fn climb(&mut self, step: Step) -> Result<(), Failure> {
        let rung = step.rung;
        if let Some(height) = height_of(&rung)
            && height != self.height
        {
            (self.height, self.schedule, self.farm_rung) = (height, None, FarmRung::Executing);
        }
        // Blocks left are in the live line.
        let is_new = match (&self.rung, &rung) {
            (Some(Rung::Proving { height: a, provers: b, .. }), Rung::Proving { height: c, provers: d, .. }) => {
                (a, b) != (c, d)
            }
            _ => true,
        };
        if is_new {
            self.told = Instant::now();
            let detail = self.detail(&rung).await;
            let height = height_of(&rung).map_or_else(String::new, |height| format!("height {height}"));
            self.say(&format!("{height:9}  {:11} {detail}", word(&rung)));
            let mut shown = serde_json::to_value(&rung).unwrap_or_default();
            shown["block"] = self.block.clone().into();
            shown["at_ms"] = step.at_ms.into();
            self.ladder.push(shown);
        }
        self.rung = Some(rung);
        Ok(())
    }

    async fn commitment(&self, height: u64) -> Option<Commitment> {
        let winner = self.stage.client.height_of(height).await.ok()?.winner;
        self.stage.client.commitment_of(height, winner, 0).await.ok()
    }

    async fn detail(&self, rung: &Rung) -> String {
        match rung {
            Rung::Committed { height, .. } => match self.commitment(*height).await {
                Some(bound) => {
                    let name = |address| {
                        PROVERS.iter().find(|party| party.address == address).map_or("self", |party| party.name)
                    };
                    let (price, deposit) = (shown_units(bound.price), shown_units(bound.deposit));
                    format!(
                        "{} for {price} ETH, deposit {deposit} PYD paid by {}",
                        name(bound.prover),
                        name(bound.payer)
                    )
                }
                None => String::new(),
            },
            Rung::Proving { provers, .. } => format!("by {}", provers.join(", ")),
            Rung::Rescuing { by, reason, .. } => format!("by {by}: {reason}"),
            Rung::Lost { reason, .. } => reason.clone(),
            Rung::HandedBack { reason } => format!("[{}] {}", reason.code, reason.message),
            _ => String::new(),
        }
    }

    /// Who proves the block, and what its coordinator says of it.
    async fn prover_status(&self) -> Option<(&'static str, BlockStatus)> {
        let index = match &self.rung {
            // A farm starts before L1 takes proofs.
            Some(Rung::Committed { provers, .. }) => {
                let is = |party: &Party| provers.iter().any(|prover| prover.0 == party.address.0.0);
                PROVERS.iter().position(is)?
            }
            Some(Rung::Proving { provers, .. }) => {
                PROVERS.iter().position(|party| provers.iter().any(|name| name == party.name))?
            }
            _ => return None,
        };
        Some((PROVERS[index].name, self.status(index).await?))
    }

    /// Shows the rungs that only the prover sees.
    fn follow_farm(&mut self, name: &str, status: &BlockStatus) {
        let rung = status.ladder.rung;
        if rung <= self.farm_rung {
            return;
        }
        let before = std::mem::replace(&mut self.farm_rung, rung);
        let seen = [
            (FarmRung::Proven, "proven      the root proof is there for anyone to fetch"),
            (FarmRung::Published, "published   the transaction with the proof is sent"),
        ];
        for (step, text) in seen {
            if before < step && rung >= step && rung <= FarmRung::Finalized {
                self.say(&format!("height {}   {text} (says {name})", self.height));
                self.ladder.push(json!({"rung": step, "height": self.height, "block": self.block, "prover": name}));
            }
        }
    }

    /// The state in one line: height, phase and what is left of it, and what the prover says.
    async fn line(&mut self, status: Option<&(&str, BlockStatus)>) -> String {
        let head = self.head();
        if self.schedule.is_none() && self.height > 0 {
            let schedule = self.stage.client.schedule(self.height).await.ok();
            self.schedule = schedule.filter(|first| first[0] != 0);
        }
        let rung = self.rung.as_ref().map_or("", |rung| word(rung));
        let mut line = format!("L1 {head}  height {} {rung}", self.height);
        if let Some(first) = &self.schedule {
            // A call is made in the next block.
            match first[5].saturating_sub(head + 1) {
                0 => line += "  window closed",
                left => line += &format!("  window: {left} blocks"),
            }
        }
        if let Some((name, status)) = status {
            let ladder = &status.ladder;
            let (round, done, all) = (status.round, ladder.subtrees_done, ladder.subtrees);
            line += &format!("  {name}: round {round}/5, {done}/{all} subtrees");
            if let Some(slack) = ladder.slack_seconds {
                line += &format!(", slack {slack:.0} s");
            }
        }
        line
    }
}

fn height_of(rung: &Rung) -> Option<u64> {
    match rung {
        Rung::Bidding { height }
        | Rung::Mempool { height }
        | Rung::Proposed { height }
        | Rung::Revealed { height }
        | Rung::Committed { height, .. }
        | Rung::Proving { height, .. }
        | Rung::Rescuing { height, .. }
        | Rung::Verified { height }
        | Rung::Finalized { height }
        | Rung::Lost { height, .. }
        | Rung::Slashed { height }
        | Rung::Voided { height }
        | Rung::Reorged { height } => Some(*height),
        Rung::Queued | Rung::Cut { .. } | Rung::HandedBack { .. } => None,
    }
}

fn word(rung: &Rung) -> &'static str {
    match rung {
        Rung::Queued => "queued",
        Rung::Bidding { .. } => "bidding",
        Rung::Mempool { .. } => "in mempool",
        Rung::Proposed { .. } => "proposed",
        Rung::Revealed { .. } => "revealed",
        Rung::Committed { .. } => "committed",
        Rung::Proving { .. } => "proving",
        Rung::Rescuing { .. } => "rescuing",
        Rung::Verified { .. } => "verified",
        Rung::Finalized { .. } => "finalized",
        Rung::Lost { .. } => "lost",
        Rung::Slashed { .. } => "slashed",
        Rung::Voided { .. } => "void",
        Rung::Reorged { .. } => "reorged",
        Rung::Cut { .. } => "cut",
        Rung::HandedBack { .. } => "handed back",
    }
}
