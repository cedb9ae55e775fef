//! Reads a view of L1 for the core, as of one block.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use proofyard_settlement::{
    alloy::{primitives::U256, sol_types::SolCall},
    chain::At,
    contracts::bindings::{
        IProvingSidecar::{self, IProvingSidecarEvents},
        IProvingStrategy, IVersionRegistry,
    },
    sidecar_client::{
        ClientError, SidecarClient,
        events::{L1Event, decode},
    },
    watcher::Change,
};
use tracing::warn;

use super::convert::{address, amount, bytes, link};
use crate::core::{
    chain::{HeightFacts, Next, Ours, Phase, Rules, View},
    types::{Address, Height, L1Block, Link},
};

/// Proposals of a height that are looked through for ours.
const PROPOSALS_MAX: u32 = 1_024;
/// Open heights that are followed from the newest down; contracts allow fewer.
const OPEN_MAX: usize = 64;
/// Proven heights whose ends are kept, as a reorg may open them again.
const KEPT: Height = 256;
/// The winner of a height without one.
const NO_WINNER: u32 = u32::MAX;

/// Ends of revealed proposals, from the watcher's logs: what open heights start from.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<Revealed, (L1Block, Link)>>>);

/// A height and a proposal of it.
type Revealed = (Height, u32);

impl Ends {
    /// Takes in what the watcher saw.
    pub fn apply(&self, client: &SidecarClient, changes: &[Change]) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let logs = match change {
                Change::History { logs, .. } | Change::Applied { logs, .. } => logs,
                Change::Reverted { block } => {
                    ends.retain(|_, (seen, _)| *seen < block.number);
                    continue;
                }
                Change::Resync { from } => {
                    ends.retain(|_, (seen, _)| *seen < *from);
                    continue;
                }
            };
            for log in logs {
                match decode(client.deployment(), log) {
                    Ok(Some(L1Event::Sidecar(event))) => {
                        if let IProvingSidecarEvents::Revealed(revealed) = *event
                            && let Some(end) = revealed.header.ends.last()
                        {
                            ends.insert((revealed.height, revealed.proposal), (log.block_number, link(*end)));
                        }
                    }
                    Ok(_) => {}
                    Err(error) => warn!(%error, "a log is left out"),
                }
            }
        }
    }

    /// Drops what no open height builds on, however deep a reorg.
    fn prune(&self, proven: Height) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = ends.split_off(&(proven.saturating_sub(KEPT), 0));
        *ends = kept;
    }

    fn of(&self, height: Height, proposal: u32) -> Option<Link> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(&(height, proposal)).map(|(_, end)| *end)
    }
}

/// Reads views.
pub struct Reader {
    client: SidecarClient,
    sequencer: Address,
    tip_token: Address,
    ends: Ends,
    /// Rules do not change once a version is there.
    rules: BTreeMap<u32, Rules>,
}

impl Reader {
    /// Reads as this sequencer.
    pub fn new(client: SidecarClient, sequencer: Address, tip_token: Address, ends: Ends) -> Self {
        Self { client, sequencer, tip_token, ends, rules: BTreeMap::new() }
    }

    async fn sidecar<C: SolCall>(&self, call: C, number: L1Block) -> Result<C::Return, ClientError> {
        self.client.view(self.client.deployment().sidecar, &call, At::Number(number)).await
    }

    /// The view as of the newest block, with the wanted heights and all open ones.
    pub async fn view(&mut self, wanted: &BTreeSet<Height>) -> Result<View, ClientError> {
        let number = self.client.rpc().head().await?.number;
        let next = self.sidecar(IProvingSidecar::nextCall {}, number).await?;
        let head = self.sidecar(IProvingSidecar::provenHeadCall {}, number).await?;
        self.ends.prune(head.height);
        let registry = self.client.deployment().registry;
        let current = self.client.view(registry, &IVersionRegistry::currentCall {}, At::Number(number)).await?;
        let rules = self.rules(current).await?;
        let mut heights = BTreeMap::new();
        let (mut open, mut steps) = (self.sidecar(IProvingSidecar::lastHeightCall {}, number).await?, 0);
        // A wanted height may be gone with a reorg; an open one leads to the one it builds on.
        let mut left: BTreeSet<Height> = wanted.iter().copied().filter(|height| *height <= open).collect();
        while open > head.height && steps < OPEN_MAX {
            left.remove(&open);
            let (parent, facts) = self.facts(open, number, head.height, link(head.end)).await?;
            let is_over = facts.phase.is_final();
            heights.insert(open, facts);
            // Heights that ended between open ones are no one's parent: look at each number until the head.
            open = if is_over { open - 1 } else { parent };
            steps += 1;
        }
        for height in left {
            heights.insert(height, self.facts(height, number, head.height, link(head.end)).await?.1);
        }
        let credits = self.credits(number, &rules).await?;
        Ok(View {
            number,
            next: Next { open: next.open, height: next.height, start: link(next.start) },
            rules,
            heights,
            proven_end: link(head.end),
            credits,
        })
    }

    async fn rules(&mut self, version: u32) -> Result<Rules, ClientError> {
        if let Some(rules) = self.rules.get(&version) {
            return Ok(rules.clone());
        }
        let found = self.client.version_of(version).await?;
        let bonded = self.client.view(found.strategy, &IProvingStrategy::isBondedCall {}, At::Latest).await?;
        let lengths = [
            found.proposalBlocks,
            found.revealBlocks,
            found.commitmentBlocks,
            found.provingBlocks,
            found.submissionBlocks,
        ];
        let rules = Rules {
            lengths: lengths.map(u64::from),
            bonded,
            fixed_window: found.fixedWindow,
            rescue_blocks: found.rescueBlocks.into(),
            deposit_token: bytes(found.depositToken),
            min_deposit: amount(found.minDeposit),
        };
        self.rules.insert(version, rules.clone());
        Ok(rules)
    }

    async fn facts(
        &mut self,
        height: Height,
        number: L1Block,
        head: Height,
        head_end: Link,
    ) -> Result<(Height, HeightFacts), ClientError> {
        let seen = self.sidecar(IProvingSidecar::heightOfCall { height }, number).await?;
        let first_blocks = self.sidecar(IProvingSidecar::scheduleCall { height }, number).await?;
        let rules = self.rules(seen.version).await?;
        let ours = self.ours(height, seen.proposals.min(PROPOSALS_MAX), number).await?;
        let winner = (seen.winner != NO_WINNER).then_some(seen.winner);
        let mut proven = Vec::new();
        if winner.is_some() {
            for group in 0..seen.groups {
                proven.push(self.sidecar(IProvingSidecar::isProvenCall { height, group }, number).await?);
            }
        }
        let start = match seen.parent {
            parent if parent == head => Some(head_end),
            parent if parent > head => self.end_of(parent, number).await?,
            // Older than what is asked for: such a height takes no proposals.
            _ => None,
        };
        let phase = phase(seen.phase);
        Ok((seen.parent, HeightFacts { start, phase, first_blocks, rules, winner, ours, proven }))
    }

    /// End of an open height's winner, once the watcher has seen its reveal.
    async fn end_of(&self, height: Height, number: L1Block) -> Result<Option<Link>, ClientError> {
        let seen = self.sidecar(IProvingSidecar::heightOfCall { height }, number).await?;
        Ok(self.ends.of(height, seen.winner))
    }

    async fn ours(&self, height: Height, proposals: u32, number: L1Block) -> Result<Option<Ours>, ClientError> {
        for proposal in 0..proposals {
            let seen = self.sidecar(IProvingSidecar::proposalOfCall { height, proposal }, number).await?;
            if seen.sequencer != address(self.sequencer) {
                continue;
            }
            let mut provers = Vec::new();
            for group in 0..seen.groups {
                let call = IProvingSidecar::commitmentOfCall { height, proposal, group };
                let prover = self.sidecar(call, number).await?.prover;
                provers.push((!prover.is_zero()).then(|| bytes(prover)));
            }
            return Ok(Some(Ours {
                proposal,
                commitment: crate::core::types::Bytes(seen.blockCommitment.0),
                revealed: seen.revealed,
                refunded: seen.refunded,
                provers,
            }));
        }
        Ok(None)
    }

    /// What can be withdrawn in the tokens that the sidecar deals in.
    async fn credits(&self, number: L1Block, rules: &Rules) -> Result<Vec<(Address, u128)>, ClientError> {
        let reward = self.client.deployment().reward_token;
        let tokens = BTreeSet::from([self.tip_token, rules.deposit_token, bytes(reward)]);
        let mut credits = Vec::new();
        for token in tokens {
            let call = IProvingSidecar::withdrawableCall { token: address(token), account: address(self.sequencer) };
            let credited: U256 = self.sidecar(call, number).await?;
            if !credited.is_zero() {
                credits.push((token, amount(credited)));
            }
        }
        Ok(credits)
    }
}

fn phase(phase: IProvingSidecar::Phase) -> Phase {
    match phase {
        IProvingSidecar::Phase::Proposal => Phase::Proposal,
        IProvingSidecar::Phase::Reveal => Phase::Reveal,
        IProvingSidecar::Phase::Commitment => Phase::Commitment,
        IProvingSidecar::Phase::Proving => Phase::Proving,
        IProvingSidecar::Phase::Submission => Phase::Submission,
        IProvingSidecar::Phase::Proven => Phase::Proven,
        IProvingSidecar::Phase::Slashed => Phase::Slashed,
        IProvingSidecar::Phase::Void => Phase::Void,
        // A phase of a later release is not acted in.
        _ => Phase::Closed,
    }
}
