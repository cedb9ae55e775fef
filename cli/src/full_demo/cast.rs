//! Who takes part, with which keys. The keys are those that every development chain of anvil funds: published, worth nothing.

use proofyard_settlement::alloy::primitives::{Address, address};

/// A party with an account on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub role: &'static str,
    /// Its account.
    pub address: Address,
    /// Its private key.
    pub key: &'static str,
}

/// Deploys the contracts.
pub const OPERATOR: Party = Party {
    name: "operator",
    role: "deploys the contracts, funds the reward pool",
    address: address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
    key: "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
};

/// Proposes the blocks.
pub const SEQUENCER: Party = Party {
    name: "sequencer",
    role: "proposes the blocks; its sidecar buys their proofs",
    address: address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
    key: "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
};

/// The two provers, each with a coordinator and a worker. The first is the cheaper.
pub const PROVERS: [Party; 2] = [
    Party {
        name: "north",
        role: "prover",
        address: address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        key: "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    },
    Party {
        name: "south",
        role: "prover",
        address: address!("90F79bf6EB2c4f870365E785982E1f101E93b906"),
        key: "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    },
];

/// Gets a slashed deposit when the reorg undoes no other sequencer's block.
pub const TREASURY: Party = Party {
    name: "treasury",
    role: "gets slashed deposits when no other height is undone",
    address: address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
    key: "",
};
