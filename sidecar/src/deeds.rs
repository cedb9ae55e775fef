//! What effects ask for, each a task of its own that ends in an event.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::{
    blocks,
    core::{
        Effect, Event, Report,
        bid::Bid,
        effect::Act,
        types::{Address, BlockId, Bytes, Height, L1Block, Plan, Reason},
    },
    driver::{PAUSE, Shared},
    error::StoreError,
    market::Handover,
    prover::Job,
    store::Prepared,
};

/// Tasks by what a stopping sidecar does about them.
#[derive(Default)]
pub(crate) struct Tasks {
    /// Requests under way: waited for, as they may bring a receipt.
    pub(crate) requests: JoinSet<()>,
    /// Transactions that are followed, own proofs: gone with the process, and asked for again by the next.
    followed: JoinSet<()>,
}

impl Tasks {
    /// Forgets those that have ended.
    pub(crate) fn tidy(&mut self) {
        while self.requests.try_join_next().is_some() {}
        while self.followed.try_join_next().is_some() {}
    }
}

/// Begins what an effect asks for.
pub(crate) fn begin(shared: &Arc<Shared>, effect: Effect, tasks: &mut Tasks) {
    let shared = shared.clone();
    match effect {
        Effect::Prepare { height, block, .. } => {
            tasks.requests.spawn(async move { prepare(&shared, height, block).await });
        }
        Effect::Ask { bidder, request } => {
            tasks.requests.spawn(async move {
                let answer = shared.market.ask(&bidder, &request).await;
                shared.metrics.asked(answer.is_ok());
                if let Err(reason) = &answer {
                    info!(bidder, reason, "no bid");
                }
                let (height, commitment, group) = (request.height, request.block_commitment, request.group);
                shared.tell(Event::Answered { height, commitment, group, bidder, answer });
            });
        }
        Effect::Cut { block, first, .. } => {
            tasks.requests.spawn(async move {
                let parts = cut(&shared, block, first).await;
                shared.tell(Event::Cut { block, parts });
            });
        }
        Effect::Send { intent, act, block, until } => {
            tasks.followed.spawn(async move {
                let published = match &act {
                    Act::Publish { group, bidder } => published(&shared, intent.height, block, *group, bidder).await,
                    _ => Vec::new(),
                };
                shared.sender.clone().send(intent, act, block, until, published).await;
            });
        }
        Effect::HandOver { height, block, group, bidder, bid, rescue } => {
            tasks.requests.spawn(async move {
                let receipt = hand_over(&shared, height, block, &bidder, bid.as_deref(), rescue).await;
                shared.metrics.handed_over(receipt.is_ok());
                match &receipt {
                    Ok(_) => info!(bidder, height, group, rescue, "handed over"),
                    Err(reason) => warn!(bidder, height, group, reason, "not handed over"),
                }
                shared.tell(Event::HandedOver { height, group, bidder, receipt });
            });
        }
        Effect::Inquire { height, block, group, bidder } => {
            tasks.requests.spawn(async move {
                let left = shared.left(height);
                let report = match shared.handover(height, block).await {
                    Ok(handover) => shared.market.inquire(&bidder, &handover, left).await,
                    Err(_) => Report::Silent,
                };
                debug!(bidder, height, group, ?report, "inquired");
                shared.tell(Event::Reported { height, group, bidder, report });
            });
        }
        Effect::SelfProve { height, block } => {
            tasks.followed.spawn(async move {
                let outcome = self_prove(&shared, height, block).await;
                shared.metrics.self_proved(outcome.is_ok());
                shared.tell(Event::SelfProved { height, block, outcome });
            });
        }
        Effect::Notify { block, rung } => info!(%block, ?rung, "block"),
        Effect::Refused { bidder, fault } => {
            shared.metrics.bid_refused();
            warn!(bidder, %fault, "bid refused");
        }
        // Done when the step was stored.
        Effect::Forget { .. } => {}
    }
}

impl Shared {
    /// L1 blocks until a height's window closes, by the newest view.
    fn left(&self, height: Height) -> L1Block {
        let view = self.view.borrow();
        let facts = view.as_ref().and_then(|view| Some((view.at(), view.heights.get(&height)?.closes())));
        facts.map_or(0, |(at, closes)| closes.saturating_sub(at))
    }
}

async fn prepare(shared: &Shared, height: Height, block: BlockId) {
    let acts = shared.acts.clone();
    let data_uri = match shared.public_url.trim_end_matches('/') {
        "" => String::new(),
        url => format!("{url}/v1/blocks/{}/file", &block.to_string()[2..]),
    };
    loop {
        let (acts, data_uri) = (acts.clone(), data_uri.clone());
        let prepared = shared
            .stored(move |store| {
                let Some(worked) = store.worked(block)? else {
                    let reason = format!("block {block} is not stored");
                    return Err(StoreError::Storage { what: "preparing", reason });
                };
                store.prepare(height, block, || {
                    let salt = Bytes(rand::random());
                    let commitment = acts.commitment(height, &worked, salt, &data_uri);
                    Prepared { salt, commitment, data_uri }
                })
            })
            .await;
        match prepared {
            Ok(prepared) => {
                return shared.tell(Event::Prepared { height, block, commitment: prepared.commitment });
            }
            Err(error) => error!(%error, height, "a block is not prepared yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn cut(shared: &Shared, block: BlockId, first: u32) -> Result<Box<(Plan, Plan)>, Reason> {
    let classes = shared.classes.clone();
    let failed = |error: StoreError| Reason::new("PY-S-105", error.to_string());
    let file = shared.stored(move |store| store.file(block)).await.map_err(failed)?;
    let file = file.ok_or_else(|| Reason::new("PY-S-105", "the block is not stored; hand it in again"))?;
    let parts = tokio::task::spawn_blocking(move || blocks::cut(&file, first, &classes)).await;
    let parts = parts.map_err(|error| Reason::new("PY-S-105", error.to_string()))??;
    let plans = Box::new((parts[0].1.plan.clone(), parts[1].1.plan.clone()));
    let added = shared.stored(move |store| parts.iter().try_for_each(|(file, worked)| store.add_block(file, worked)));
    added.await.map_err(failed)?;
    Ok(plans)
}

async fn hand_over(
    shared: &Shared,
    height: Height,
    block: BlockId,
    bidder: &str,
    bid: Option<&Bid>,
    rescue: bool,
) -> Result<Option<Address>, String> {
    let handover = shared.handover(height, block).await?;
    shared.market.hand_over(bidder, handover, bid, rescue).await
}

async fn published(
    shared: &Shared,
    height: Height,
    block: BlockId,
    group: u32,
    bidder: &str,
) -> Vec<(Vec<u8>, Address)> {
    let proofs = match shared.handover(height, block).await {
        Ok(handover) => {
            let prover = shared.view.borrow().as_ref().and_then(|view| {
                let ours = view.heights.get(&height)?.ours.clone()?;
                ours.provers.get(group as usize).copied().flatten()
            });
            shared.market.proofs(bidder, &handover, group, prover).await
        }
        Err(error) => Err(error),
    };
    proofs.unwrap_or_else(|error| {
        warn!(bidder, height, group, error, "no proof to publish");
        Vec::new()
    })
}

async fn self_prove(shared: &Shared, height: Height, block: BlockId) -> Result<(), String> {
    if shared.stored(move |store| store.proof(height, block, 0)).await.is_ok_and(|proof| proof.is_some()) {
        return Ok(());
    }
    let Handover { file, worked, .. } = shared.handover(height, block).await?;
    let plan = worked.plan;
    let deployment = shared.acts.client().deployment();
    let verifier = deployment
        .verifier(plan.rows_log2, plan.subtrees / plan.groups.max(1))
        .ok_or("the deployment has no verifier for the block's class")?;
    let job = Job {
        file,
        subtrees: plan.subtrees,
        groups: plan.groups,
        chain_id: deployment.chain_id,
        verifier: verifier.into_array(),
        beneficiary: shared.sequencer.0,
    };
    let proofs = shared.prover.prove(job).await?;
    shared.stored(move |store| store.add_proofs(height, block, &proofs)).await.map_err(|error| error.to_string())
}
