//! Generated blocks: signed transfers between funded accounts, the same for the same seed.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use thiserror::Error;

use crate::account::Account;
use crate::block::{Block, TRANSFERS_MAX};
use crate::schnorr::SecretKey;
use crate::transfer::Transfer;
use crate::tree::StateTree;

/// Highest generated fee in gwei.
const FEE_MAX: u64 = 1_000;
/// Highest generated amount in gwei.
const AMOUNT_MAX: u64 = 1_000_000_000;
/// Starting balance in gwei; covers every generated block: 65,536 transfers of at most `AMOUNT_MAX + FEE_MAX`.
const FUNDS: u64 = 100_000_000_000_000;

const _: () = assert!(TRANSFERS_MAX as u64 * (AMOUNT_MAX + FEE_MAX) <= FUNDS);

/// A number of transfers that is no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GenerateError {
    /// Zero, or over the cap.
    #[error("[PY-B-040] generate: {transfers} transfers; give 1 to {TRANSFERS_MAX}")]
    Transfers {
        /// The number asked for.
        transfers: usize,
    },
}

/// What the n-th transfer is like, in turn.
#[derive(Clone, Copy)]
enum Kind {
    /// Any sender, any recipient.
    Ordinary,
    /// To a leaf not yet in use.
    Opening,
    /// To itself.
    SelfTransfer,
    /// Amount 0.
    ZeroAmount,
    /// From the sender of the transfer before.
    SameSender,
}

const KINDS: [Kind; 8] = [
    Kind::Ordinary,
    Kind::Opening,
    Kind::SelfTransfer,
    Kind::ZeroAmount,
    Kind::Ordinary,
    Kind::SameSender,
    Kind::Opening,
    Kind::SameSender,
];

struct Member {
    leaf: u32,
    secret: SecretKey,
    account: Account,
}

struct Members {
    rng: ChaCha20Rng,
    seed: u64,
    all: Vec<Member>,
    by_leaf: BTreeMap<u32, usize>,
}

impl Members {
    fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder does not matter for test data.
        self.rng.next_u64() % bound
    }

    /// Adds an account at a random unused leaf; returns its position.
    fn add(&mut self, balance: u64) -> usize {
        let mut leaf = self.rng.next_u32();
        while self.by_leaf.contains_key(&leaf) {
            leaf = self.rng.next_u32();
        }
        let position = self.all.len();
        let mut seed = b"proofyard/generate/v1".to_vec();
        seed.extend(self.seed.to_be_bytes());
        seed.extend((position as u64).to_be_bytes());
        let secret = SecretKey::from_seed(&seed);
        let account = Account { balance, ..Account::opened(secret.public_key()) };
        self.all.push(Member { leaf, secret, account });
        self.by_leaf.insert(leaf, position);
        position
    }
}

/// A block of signed transfers on a genesis state of funded accounts at random leaves: about one funded account for two
/// transfers, with self-transfers, zero amounts, account openings and several transfers from one account among them.
pub fn block(transfers: usize, seed: u64) -> Result<Block, GenerateError> {
    if transfers == 0 || transfers > TRANSFERS_MAX {
        return Err(GenerateError::Transfers { transfers });
    }
    let mut members =
        Members { rng: ChaCha20Rng::seed_from_u64(seed), seed, all: Vec::new(), by_leaf: BTreeMap::new() };
    for _ in 0..transfers / 2 + 2 {
        members.add(FUNDS);
    }
    let genesis = StateTree::new(members.all.iter().map(|member| (member.leaf, member.account)).collect());

    let mut unsigned = Vec::with_capacity(transfers);
    let mut sender = 0;
    for kind in KINDS.into_iter().cycle().take(transfers) {
        if !matches!(kind, Kind::SameSender) {
            sender = members.below(members.all.len() as u64) as usize;
        }
        let recipient = match kind {
            Kind::Opening => members.add(0),
            Kind::SelfTransfer => sender,
            Kind::Ordinary | Kind::ZeroAmount | Kind::SameSender => members.below(members.all.len() as u64) as usize,
        };
        let balance = members.all[sender].account.balance;
        let fee = members.below(FEE_MAX + 1).min(balance);
        let amount = match kind {
            Kind::ZeroAmount => 0,
            Kind::Ordinary | Kind::Opening | Kind::SelfTransfer | Kind::SameSender => {
                members.below(AMOUNT_MAX + 1).min(balance - fee)
            }
        };
        let from = &mut members.all[sender];
        let (from_leaf, nonce) = (from.leaf, from.account.nonce);
        from.account.balance -= amount + fee;
        from.account.nonce += 1;
        let to = &mut members.all[recipient];
        to.account.balance += amount;
        unsigned.push((sender, Transfer { from: from_leaf, to: to.leaf, to_key: to.account.key, amount, fee, nonce }));
    }

    let signed: Vec<_> =
        unsigned.into_par_iter().map(|(sender, transfer)| transfer.sign(&members.all[sender].secret)).collect();
    let touched = signed.iter().flat_map(|signed| [signed.transfer.from, signed.transfer.to]);
    let pre_state = genesis.pre_state(touched);
    Ok(Block { previous_root: genesis.root(), previous_data_hash: Fr::from(0u64), transfers: signed, pre_state })
}
