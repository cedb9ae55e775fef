//! Puts all contracts on a development chain.
//!
//! Everything is sent at once with consecutive nonces, so a chain with slow blocks takes few of them; the addresses follow from the
//! nonces. The account must send nothing else meanwhile. For a chain that matters, deploy by hand and write the addresses down.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolCall;
use proofyard_contracts::bindings::{IDevToken, IVersionRegistry, creation};
use proofyard_contracts::{KEY_WORDS, Word, address::create_address};
use thiserror::Error;

use super::deployment::{Class, Deployment};
use crate::chain::At;
use crate::rpc::{Rpc, RpcError, Seen, Sent};
use crate::signer::Key;
use crate::transactions::core::Draft;
use crate::transactions::fees::Fees;
use crate::transactions::sign;

/// Gas of a creation; the largest contract takes about 5 million.
const CREATION_GAS: u64 = 7_500_000;
/// Gas of a call.
const CALL_GAS: u64 = 1_500_000;
/// How long the chain may take for all of it.
const PATIENCE: Duration = Duration::from_secs(90);

/// What stops a deployment.
#[derive(Debug, Error)]
pub enum DeployError {
    /// L1 cannot be read.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The key does not sign.
    #[error("[PY-L-084] deploying: the signer failed: {0}")]
    Signer(String),
    /// A transaction was refused or has reverted.
    #[error("[PY-L-085] deploying {what}: {reason}; has the account ether, and does the chain have the Osaka rules?")]
    Failed {
        /// What was being deployed or called.
        what: String,
        /// What happened.
        reason: String,
    },
    /// The chain does not go on.
    #[error("[PY-L-086] deploying {what}: not included in {seconds} s; does the chain make blocks?")]
    TimedOut {
        /// What was being deployed or called.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

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

struct Deployer<'a> {
    rpc: &'a Rpc,
    key: &'a Key,
    fees: Fees,
    head: u64,
    nonce: u64,
    sent: Vec<(String, B256)>,
}

/// Deploys token, rewards, registry, version with its classes, sequencer set, escrow, pool and sidecar; waits until all is included.
pub async fn deploy(rpc: &Rpc, key: &Key, plan: &DeployPlan) -> Result<Deployment, DeployError> {
    let head = rpc.head().await?;
    let tip = rpc.suggested_priority_fee().await?.max(1);
    // Room for the base fee to grow by an eighth a block meanwhile.
    let max_fee_per_gas = head.base_fee_per_gas.saturating_mul(8).saturating_add(tip);
    let fees = Fees { max_fee_per_gas, max_priority_fee_per_gas: tip };
    let nonce = rpc.nonce(key.address(), At::Latest).await?;
    let mut deployer = Deployer { rpc, key, fees, head: head.number, nonce, sent: Vec::new() };
    let deployment = deployer.all(plan).await?;
    deployer.wait().await?;
    Ok(deployment)
}

impl Deployer<'_> {
    async fn all(&mut self, plan: &DeployPlan) -> Result<Deployment, DeployError> {
        let owner = self.key.address();
        // First, so that on a fresh chain a proof may be made for the address that is known beforehand.
        let mut classes = Vec::new();
        for key in &plan.keys {
            let creation = creation::root_proof_verifier(&key.words);
            let verifier = self.create("a verifier", creation).await?;
            classes.extend(key.subtrees_per_group.iter().map(|subtrees| Class {
                rows_log2: key.rows_log2,
                subtrees_per_group: *subtrees,
                verifier,
            }));
        }
        let deposit_token = self.create("the deposit token", creation::dev_token("Proofyard deposit", "PYD")).await?;
        let reward_token = self.create("the reward token", creation::dev_token("Proofyard reward", "PYR")).await?;
        let longest: u64 = plan.phases.iter().map(|blocks| u64::from(*blocks)).sum();
        let registry = self.create("the registry", creation::version_registry(owner, longest)).await?;
        let delay = plan.withdrawal_delay.max(longest + 1);
        let escrow = self.create("the escrow", creation::prover_escrow(registry, delay)).await?;
        let sequencers = self.create("the sequencer set", creation::sequencer_set(plan.activation_blocks)).await?;
        let strategy = self.create("the strategy", creation::bonded_strategy()).await?;
        // Pool and sidecar name each other.
        let sidecar: Address = create_address(owner.into(), self.nonce + 1).into();
        let pool = creation::reward_pool(reward_token, plan.block_reward, plan.submission_reward, sidecar);
        let reward_pool = self.create("the reward pool", pool).await?;
        let arguments = creation::SidecarArguments {
            versions: registry,
            sequencers,
            pool: reward_pool,
            escrow,
            genesis_root: plan.genesis[0],
            genesis_data_hash: plan.genesis[1],
            genesis_randomness: plan.randomness,
        };
        self.create("the sidecar", creation::proving_sidecar(&arguments)).await?;
        let commitment = creation::prover_commitment(sidecar, registry, escrow);
        let commitments = self.create("the commitment phase", commitment).await?;
        let deployment = Deployment {
            chain_id: self.rpc.chain_id(),
            first_block: self.head,
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
        };
        self.add_version(plan, &deployment).await?;
        self.mint(reward_token, reward_pool, plan.pool_funds).await?;
        for (account, amount) in &plan.deposit_funds {
            self.mint(deposit_token, *account, *amount).await?;
        }
        Ok(deployment)
    }

    async fn add_version(&mut self, plan: &DeployPlan, deployment: &Deployment) -> Result<(), DeployError> {
        let allow = IVersionRegistry::allowTokenCall { token: deployment.deposit_token };
        self.call("allowing the deposit token", deployment.registry, allow.abi_encode()).await?;
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
        let add = IVersionRegistry::addVersionCall { version, classes };
        self.call("adding the version", deployment.registry, add.abi_encode()).await
    }

    async fn mint(&mut self, token: Address, to: Address, amount: U256) -> Result<(), DeployError> {
        self.call("minting", token, IDevToken::mintCall { to, amount }.abi_encode()).await
    }

    async fn create(&mut self, what: &str, data: Bytes) -> Result<Address, DeployError> {
        let address = create_address(self.key.address().into(), self.nonce).into();
        self.send(what, None, data, CREATION_GAS).await?;
        Ok(address)
    }

    async fn call(&mut self, what: &str, to: Address, data: Vec<u8>) -> Result<(), DeployError> {
        self.send(what, Some(to), data.into(), CALL_GAS).await
    }

    async fn send(&mut self, what: &str, to: Option<Address>, data: Bytes, gas_limit: u64) -> Result<(), DeployError> {
        let draft = Draft {
            nonce: self.nonce,
            fees: self.fees,
            gas_limit,
            to,
            value: U256::ZERO,
            data,
            signed_at: self.head,
            cancels: false,
        };
        let signed = sign(&self.key.transactions(), self.rpc.chain_id(), draft).await;
        let attempt = signed.map_err(|error| DeployError::Signer(error.to_string()))?;
        match self.rpc.send_raw(&attempt.raw).await {
            Sent::Taken | Sent::Unknown(_) => {}
            refused => {
                return Err(DeployError::Failed { what: what.to_owned(), reason: format!("{refused:?}") });
            }
        }
        self.nonce += 1;
        self.sent.push((what.to_owned(), attempt.hash));
        Ok(())
    }

    async fn wait(self) -> Result<(), DeployError> {
        let started = Instant::now();
        for (what, hash) in self.sent {
            loop {
                match self.rpc.receipt(hash).await? {
                    Seen::Included(receipt) if receipt.succeeded() => break,
                    Seen::Included(receipt) => {
                        let reason = format!("reverted after {} gas", receipt.gas_used);
                        return Err(DeployError::Failed { what, reason });
                    }
                    Seen::Nothing | Seen::Unsure if started.elapsed() > PATIENCE => {
                        return Err(DeployError::TimedOut { what, seconds: PATIENCE.as_secs() });
                    }
                    Seen::Nothing | Seen::Unsure => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
        Ok(())
    }
}
