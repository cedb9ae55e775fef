//! Data of the transactions that create the contracts: committed code and constructor's arguments.
//!
//! Pool and sidecar name each other, so one of the two addresses is computed before it exists
//! ([`crate::address::create_address`]). An order that works: registry, escrow, sequencers, then with the sidecar's address
//! known pool and sidecar, then commitment phase and strategy, then the registry's first version.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolValue;

use crate::artifact::Contract;

/// A verifier of one size class; the words of its key as docs/protocol.md, section 9, orders them.
pub fn root_proof_verifier(key: &[crate::Word; crate::KEY_WORDS]) -> Bytes {
    crate::calldata::deployment(key).into()
}

/// The registry of versions.
///
/// - `owner`: adds versions and tokens
/// - `max_height_blocks`: most L1 blocks that the phases of a version may take together
pub fn version_registry(owner: Address, max_height_blocks: u64) -> Bytes {
    data(Contract::VersionRegistry, (owner, U256::from(max_height_blocks)).abi_encode_params())
}

/// The provers' escrow.
///
/// - `withdrawal_delay`: L1 blocks; more than the registry's longest height
pub fn prover_escrow(registry: Address, withdrawal_delay: u64) -> Bytes {
    data(Contract::ProverEscrow, (registry, U256::from(withdrawal_delay)).abi_encode_params())
}

/// The set of sequencers.
///
/// - `activation_blocks`: L1 blocks from a registration to the key's first use
pub fn sequencer_set(activation_blocks: u64) -> Bytes {
    data(Contract::SequencerSet, (U256::from(activation_blocks),).abi_encode_params())
}

/// The pool of block and submission rewards, in the token's smallest unit; it pays what is sent to it.
pub fn reward_pool(token: Address, block_reward: U256, submission_reward: U256, sidecar: Address) -> Bytes {
    data(Contract::RewardPool, (token, block_reward, submission_reward, sidecar).abi_encode_params())
}

/// What the sidecar is told when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidecarArguments {
    /// The version registry.
    pub versions: Address,
    /// The set of sequencers.
    pub sequencers: Address,
    /// The reward pool; it must be there and name the sidecar.
    pub pool: Address,
    /// The escrow that `withdrawToEscrow` pays into.
    pub escrow: Address,
    /// State root of the first block's start, below r.
    pub genesis_root: U256,
    /// Data hash of the first block's start, below r.
    pub genesis_data_hash: U256,
    /// Randomness of the first height.
    pub genesis_randomness: B256,
}

/// The sidecar itself.
pub fn proving_sidecar(arguments: &SidecarArguments) -> Bytes {
    let SidecarArguments { versions, sequencers, pool, escrow, genesis_root, genesis_data_hash, genesis_randomness } =
        *arguments;
    let words = (versions, sequencers, pool, escrow, genesis_root, genesis_data_hash, genesis_randomness);
    data(Contract::ProvingSidecar, words.abi_encode_params())
}

/// The commitment phase with one prover a group.
pub fn prover_commitment(sidecar: Address, versions: Address, escrow: Address) -> Bytes {
    data(Contract::ProverCommitment, (sidecar, versions, escrow).abi_encode_params())
}

/// The strategy with a committed prover and its deposit.
pub fn bonded_strategy() -> Bytes {
    data(Contract::BondedStrategy, vec![])
}

/// The strategy in which anyone proves.
///
/// - `share_blocks`: L1 blocks after a group's first proof in which more provers may claim a share
/// - `max_provers`: most that share a group
pub fn multiproof_strategy(share_blocks: u64, max_provers: u32) -> Bytes {
    data(Contract::MultiproofStrategy, (U256::from(share_blocks), U256::from(max_provers)).abi_encode_params())
}

/// A token for development chains; its deployer mints.
pub fn dev_token(name: &str, symbol: &str) -> Bytes {
    data(Contract::DevToken, (name, symbol).abi_encode_params())
}

fn data(contract: Contract, arguments: Vec<u8>) -> Bytes {
    let mut data = contract.artifact().bytecode;
    data.extend(arguments);
    data.into()
}
