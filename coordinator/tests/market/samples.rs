//! A farm, a chain and requests.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, keccak256};
use proofyard_coordinator::{
    client::QuoteRequest,
    ledger::Backing,
    market::{Class, Market, MarketConfig, Ours, Sample, View, Window},
};

pub const DEPOSIT_TOKEN: Address = Address::repeat_byte(0xdd);

pub fn ours() -> Ours {
    Ours {
        chain_id: 31_337,
        sidecar: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        prover: Address::repeat_byte(3),
        rows_log2: 12,
        transfers_per_subtree: 2,
        subtrees_max: 64,
    }
}

pub fn market() -> Market {
    Market::new(MarketConfig::default(), ours())
}

/// A market that has measured `turn_ms` a subtree on one worker, often enough to be sure.
pub fn measured(config: MarketConfig, turn_ms: u64) -> Market {
    let mut market = Market::new(config, ours());
    for _ in 0..30 {
        for subtrees in 1..=8 {
            let class = Class { rows_log2: 12, subtrees };
            market.observe(Sample { class, wall_ms: turn_ms * u64::from(subtrees), workers: 1, rounds_ms: [1; 5] });
        }
    }
    market
}

/// Block 100 of a chain with blocks of 12 s, 4 workers and money for anything.
pub fn view() -> View {
    View {
        block: 100,
        block_ms: 12_000,
        is_stale: false,
        gas_price: 1_000_000_000,
        last_height: 7,
        window: Window { commit_by: 120, prove_by: 160 },
        classes: (1..=8).map(|subtrees| Class { rows_log2: 12, subtrees }).collect::<BTreeSet<_>>(),
        deposit_token: DEPOSIT_TOKEN,
        backing: Backing { balance: U256::from(1_000_000), at: 100 },
        deposits_held: U256::ZERO,
        workers: 4,
        is_draining: false,
    }
}

/// A request for one group of `subtrees` subtrees; `number` makes it another block.
pub fn request(number: u64, subtrees: u32) -> QuoteRequest {
    QuoteRequest {
        chain_id: 31_337,
        sidecar: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        sequencer: Address::from_word(B256::from(U256::from(number + 1))),
        height: 8,
        block_commitment: keccak256(number.to_be_bytes()),
        group: 0,
        groups: 1,
        transfers: subtrees,
        subtrees,
        rows_log2: 12,
        tip_token: Address::ZERO,
        price_max: U256::MAX,
        deposit_token: DEPOSIT_TOKEN,
        deposit: U256::from(1_000),
        commit_by: 110,
        prove_by: 150,
    }
}
