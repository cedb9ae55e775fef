//! Puts all contracts on a development chain.
//!
//! Everything is sent at once, so a chain with slow blocks takes few of them; the addresses follow from the nonces. For a chain that
//! matters, deploy by hand and write the addresses down.

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolCall;
use proofyard_contracts::bindings::{IDevToken, IVersionRegistry, creation};
use proofyard_contracts::{KEY_WORDS, Word};

use super::deployment::{Class, Deployment};
use super::errands::{ErrandError, Errands};
use crate::rpc::Rpc;
use crate::signer::Key;

/// The verifying key of subtrees of one size, and the group sizes that are taken.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// Base-2 logarithm of a subtree's rows.
    pub rows_log2: u32,
    /// Words in the order of docs/protocol.md, section 9.
    pub words: [Word; KEY_WORDS],
    /// Subtrees per group.
    pub subtrees_per_group: Vec<u32>,
}

/// What is deployed. Amounts are in the tokens' smallest unit, lengths in L1 blocks.
#[derive(Clone, Debug)]
pub struct DeployPlan {
    /// One verifier each.
    pub keys: Vec<VerifyingKey>,
    /// State root and data hash of the first block's start.
    pub genesis: [U256; 2],
    /// Randomness of the first height.
    pub randomness: B256,
    /// Lengths of the phases proposal, reveal, commitment, proving, submission.
    pub phases: [u32; 5],
    /// Proofs only in the submission phase.
    pub fixed_window: bool,
    /// The next height may open when this one has a winner.
    pub pipelined: bool,
    /// Most open heights.
    pub max_in_flight: u32,
    /// Last blocks of the window in which a rescuer takes the price.
    pub rescue_blocks: u32,
    /// Part of the deposit for the rescuer, in 1/10000.
    pub rescue_penalty_bps: u16,
    /// Weight of the deposit in the ranking, in 1/10000.
    pub deposit_weight_bps: u16,
    /// Most proposals of a height.
    pub max_proposals: u32,
    /// For a whole block.
    pub min_deposit: U256,
    /// Gets a slashed deposit when no sequencer is affected.
    pub slash_recipient: Address,
    /// From a registration to the key's first use.
    pub activation_blocks: u64,
    /// From an announced withdrawal to its payment; longer than a height.
    pub withdrawal_delay: u64,
    /// For a proven height.
    pub block_reward: U256,
    /// For its submission.
    pub submission_reward: U256,
    /// What the pool gets.
    pub pool_funds: U256,
    /// Accounts that get deposit tokens, and how many.
    pub deposit_funds: Vec<(Address, U256)>,
}

impl Default for DeployPlan {
    /// The lengths of docs/sidecar.md; amounts in units of a token with 18 decimals.
    fn default() -> Self {
        let unit = U256::from(10).pow(U256::from(18));
        Self {
            keys: Vec::new(),
            genesis: [U256::ZERO; 2],
            randomness: B256::ZERO,
            phases: [4, 2, 4, 40, 4],
            fixed_window: false,
            pipelined: false,
            max_in_flight: 1,
            rescue_blocks: 8,
            rescue_penalty_bps: 2_500,
            deposit_weight_bps: 0,
            max_proposals: 8,
            min_deposit: unit * U256::from(100),
            slash_recipient: Address::repeat_byte(0xde),
            activation_blocks: 2,
            withdrawal_delay: 128,
            block_reward: unit * U256::from(10),
            submission_reward: unit,
            pool_funds: unit * U256::from(10_000),
            deposit_funds: Vec::new(),
        }
    }
}

/// Deploys token, rewards, registry, version with its classes, sequencer set, escrow, pool and sidecar; waits until all is included.
pub async fn deploy(rpc: &Rpc, key: &Key, plan: &DeployPlan) -> Result<Deployment, ErrandError> {
    let mut errands = Errands::open(rpc, key).await?;
    let deployment = contracts(&mut errands, plan).await?;
    add_version(&mut errands, plan, &deployment).await?;
    mint(&mut errands, deployment.reward_token, deployment.reward_pool, plan.pool_funds).await?;
    for (account, amount) in &plan.deposit_funds {
        mint(&mut errands, deployment.deposit_token, *account, *amount).await?;
    }
    errands.finish().await?;
    Ok(deployment)
}

async fn contracts(errands: &mut Errands<'_>, plan: &DeployPlan) -> Result<Deployment, ErrandError> {
    let (owner, chain_id, first_block) = (errands.account(), errands.chain_id(), errands.head());
    // First, so that on a fresh chain a proof may be made for the address that is known beforehand.
    let mut classes = Vec::new();
    for key in &plan.keys {
        let verifier = errands.create("a verifier", creation::root_proof_verifier(&key.words)).await?;
        classes.extend(key.subtrees_per_group.iter().map(|subtrees| Class {
            rows_log2: key.rows_log2,
            subtrees_per_group: *subtrees,
            verifier,
        }));
    }
    let deposit_token = errands.create("the deposit token", creation::dev_token("Proofyard deposit", "PYD")).await?;
    let reward_token = errands.create("the reward token", creation::dev_token("Proofyard reward", "PYR")).await?;
    let longest: u64 = plan.phases.iter().map(|blocks| u64::from(*blocks)).sum();
    let registry = errands.create("the registry", creation::version_registry(owner, longest)).await?;
    let delay = plan.withdrawal_delay.max(longest + 1);
    let escrow = errands.create("the escrow", creation::prover_escrow(registry, delay)).await?;
    let sequencers = errands.create("the sequencer set", creation::sequencer_set(plan.activation_blocks)).await?;
    let strategy = errands.create("the strategy", creation::bonded_strategy()).await?;
    // Pool and sidecar name each other.
    let sidecar = errands.address_of(1);
    let pool = creation::reward_pool(reward_token, plan.block_reward, plan.submission_reward, sidecar);
    let reward_pool = errands.create("the reward pool", pool).await?;
    let arguments = creation::SidecarArguments {
        versions: registry,
        sequencers,
        pool: reward_pool,
        escrow,
        genesis_root: plan.genesis[0],
        genesis_data_hash: plan.genesis[1],
        genesis_randomness: plan.randomness,
    };
    errands.create("the sidecar", creation::proving_sidecar(&arguments)).await?;
    let commitment = creation::prover_commitment(sidecar, registry, escrow);
    let commitments = errands.create("the commitment phase", commitment).await?;
    Ok(Deployment {
        chain_id,
        first_block,
        sidecar,
        escrow,
        registry,
        sequencers,
        reward_pool,
        commitments,
        strategy,
        deposit_token,
        reward_token,
        classes,
    })
}

async fn add_version(errands: &mut Errands<'_>, plan: &DeployPlan, deployment: &Deployment) -> Result<(), ErrandError> {
    let allow = IVersionRegistry::allowTokenCall { token: deployment.deposit_token }.abi_encode();
    errands.call("allowing the deposit token", deployment.registry, U256::ZERO, allow.into()).await?;
    let [proposal, reveal, commitment, proving, submission] = plan.phases;
    let version = IVersionRegistry::Version {
        commitmentPhase: deployment.commitments,
        strategy: deployment.strategy,
        proposalBlocks: proposal,
        revealBlocks: reveal,
        commitmentBlocks: commitment,
        provingBlocks: proving,
        submissionBlocks: submission,
        fixedWindow: plan.fixed_window,
        pipelined: plan.pipelined,
        maxInFlight: plan.max_in_flight,
        rescueBlocks: plan.rescue_blocks,
        rescuePenaltyBps: plan.rescue_penalty_bps,
        depositWeightBps: plan.deposit_weight_bps,
        maxProposals: plan.max_proposals,
        depositToken: deployment.deposit_token,
        minDeposit: plan.min_deposit,
        slashRecipient: plan.slash_recipient,
    };
    let class = |class: &Class| IVersionRegistry::Class {
        rowsLog2: class.rows_log2,
        subtreesPerGroup: class.subtrees_per_group,
        verifier: class.verifier,
    };
    let classes = deployment.classes.iter().map(class).collect();
    let add = IVersionRegistry::addVersionCall { version, classes }.abi_encode();
    errands.call("adding the version", deployment.registry, U256::ZERO, add.into()).await
}

async fn mint(errands: &mut Errands<'_>, token: Address, to: Address, amount: U256) -> Result<(), ErrandError> {
    let mint = IDevToken::mintCall { to, amount }.abi_encode();
    errands.call("minting", token, U256::ZERO, mint.into()).await
}
