//! What a root proof states.

use ark_bn254::Fr;

/// The public statement of a proof, of a whole block or of one group of its subtrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// EIP-155 chain id the verifier contract lives on.
    pub chain_id: u64,
    /// Address of the verifier contract.
    pub contract: [u8; 20],
    /// Who earns the submission reward; zero: whoever sends the transaction.
    pub beneficiary: [u8; 20],
    /// Baton before the first subtree: state root, running data hash, collected fees.
    pub start: [Fr; 3],
    /// Baton after the last subtree.
    pub end: [Fr; 3],
}
