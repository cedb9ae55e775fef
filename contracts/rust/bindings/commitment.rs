//! What a sequencer commits to and signs with its VRF key (docs/sidecar.md, sections 3 and 6).

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;

use super::IProvingSidecar::Header;

/// The commitment that hides a block until its reveal and names its sequencer; the contract's `blockCommitmentOf`.
///
/// The salt must be random: without it the header could be guessed from its commitment.
pub fn block_commitment(
    chain_id: u64,
    sidecar: Address,
    height: u64,
    sequencer: Address,
    header: &Header,
    salt: B256,
) -> B256 {
    let header = header.clone();
    keccak256((U256::from(chain_id), sidecar, U256::from(height), sequencer, header, salt).abi_encode_params())
}

/// The message of the VRF of a height: `IProvingSidecar.next` and `heightOf` name the randomness.
pub fn vrf_message(chain_id: u64, sidecar: Address, height: u64, randomness: B256) -> Vec<u8> {
    (U256::from(chain_id), sidecar, U256::from(height), randomness).abi_encode_params()
}

/// What a sequencer signs to register its public key (words x.c1, x.c0, y.c1, y.c0).
pub fn possession_message(
    chain_id: u64,
    sequencer_set: Address,
    sequencer: Address,
    public_key: &[U256; 4],
) -> Vec<u8> {
    (U256::from(chain_id), sequencer_set, sequencer, *public_key).abi_encode_params()
}
