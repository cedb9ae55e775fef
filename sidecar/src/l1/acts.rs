//! The core's acts as transactions.

use std::sync::Arc;

use proofyard_settlement::{
    alloy::primitives::{Address as L1Address, B256, Bytes as Data, U256},
    chain::{At, Call},
    contracts::{
        bindings::{IERC20, IProvingSidecar, block_commitment, vrf_message},
        bls::SecretKey,
    },
    sidecar_client::{ClientError, SidecarClient, calls},
    transactions::{Duplicates, Intent as Transaction, IntentId, ManagerError},
};
use thiserror::Error;

use super::convert::{address, argument, quote};
use crate::{
    blocks::Worked,
    core::{
        Intent,
        effect::Act,
        types::{Address, BlockId, Hash, Height, L1Block},
    },
    error::StoreError,
    store::{Prepared, Store},
};

/// Why an act does not become a transaction: only [`Refusal::Refused`] is final.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It will not be one.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// The contracts refuse the quote in it.
        bad_quote: bool,
    },
    /// L1 cannot be asked now.
    #[error(transparent)]
    L1(ClientError),
    /// Durable state cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transaction manager cannot take it now, or has something else under its name.
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

impl From<ClientError> for Refusal {
    /// What a contract answers is final; what an endpoint does not answer is not.
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Reverted { .. } | ClientError::BadAnswer { .. } | ClientError::NoContract { .. } => {
                Self::Refused { reason: error.to_string(), bad_quote: false }
            }
            ClientError::Rpc(_) => Self::L1(error),
        }
    }
}

/// Errors of the escrow that are about the quote itself.
const BAD_QUOTE: [&str; 6] =
    ["InvalidSignature", "QuoteExpired", "NonceUsed", "InsufficientBalance", "QuoteMismatch", "TermsRefused"];

/// Whether a contract's reason is about the quote, so that no second try mends it.
pub(super) fn is_bad_quote(reason: &str) -> bool {
    BAD_QUOTE.iter().any(|name| reason.contains(name))
}

/// Makes transactions.
pub struct Acts {
    client: SidecarClient,
    store: Arc<Store>,
    sequencer: Address,
    vrf: SecretKey,
    reward_share_bps: u16,
    at_risk: U256,
}

impl Acts {
    /// For this sequencer.
    pub fn new(
        client: SidecarClient,
        store: Arc<Store>,
        sequencer: Address,
        vrf: SecretKey,
        reward_share_bps: u16,
        at_risk: u128,
    ) -> Self {
        Self { client, store, sequencer, vrf, reward_share_bps, at_risk: U256::from(at_risk) }
    }

    /// The deployment's client.
    pub fn client(&self) -> &SidecarClient {
        &self.client
    }

    /// Commitment to a block at a height, for its header and salt.
    pub fn commitment(&self, height: Height, worked: &Worked, salt: Hash, data_uri: &str) -> Hash {
        let header = argument(super::convert::header(worked, data_uri));
        let deployment = self.client.deployment();
        let sequencer = address(self.sequencer);
        let (chain_id, salt) = (deployment.chain_id, B256::new(salt.0));
        let commitment = block_commitment(chain_id, deployment.sidecar, height, sequencer, &header, salt);
        crate::core::types::Bytes(commitment.0)
    }

    /// The transaction of an act. What would revert now is refused.
    ///
    /// `published`: the proof to publish and its beneficiary, for [`Act::Publish`].
    pub async fn transaction(
        &self,
        intent: Intent,
        act: &Act,
        block: BlockId,
        until: Option<L1Block>,
        published: Option<(Vec<u8>, Address)>,
    ) -> Result<Transaction, Refusal> {
        let deployment = self.client.deployment();
        let height = intent.height;
        let (to, data, value) = match act {
            Act::Propose { commitment, tip_token, tip } => {
                let output = self.vrf.vrf(&self.vrf_message(height).await?);
                let tip = U256::from(*tip);
                let data = calls::propose(
                    height,
                    B256::new(commitment.0),
                    address(*tip_token),
                    tip,
                    self.reward_share_bps,
                    output,
                );
                (deployment.sidecar, data, if *tip_token == Address::ZERO { tip } else { U256::ZERO })
            }
            Act::Reveal => {
                let (worked, prepared) = self.prepared(height, block)?;
                let header = argument(super::convert::header(&worked, &prepared.data_uri));
                (deployment.sidecar, calls::reveal(height, header, B256::new(prepared.salt.0)), U256::ZERO)
            }
            Act::CommitQuote { group, bid } => {
                let (proposal, phase) = self.proposal(height).await?;
                let signature = Data::from(bid.signature.clone());
                (phase, calls::commit_quote(height, proposal, *group, quote(&bid.quote), signature), U256::ZERO)
            }
            Act::CommitOwn { group, prover, deposit } => {
                let (proposal, phase) = self.proposal(height).await?;
                let data = calls::commit_own(height, proposal, *group, address(*prover), U256::from(*deposit));
                (phase, data, U256::ZERO)
            }
            Act::Submit { group } => {
                let proof = self.store.proof(height, block, *group)?.ok_or_else(|| missing("the proof"))?;
                self.submission(height, block, *group, proof, self.sequencer)?
            }
            Act::Publish { group, .. } => {
                let (proof, beneficiary) = published.ok_or_else(|| missing("the prover's proof"))?;
                self.submission(height, block, *group, proof, beneficiary)?
            }
            Act::Settle => (deployment.sidecar, calls::settle(height), U256::ZERO),
            Act::Refund { proposal } => (deployment.sidecar, calls::refund(height, *proposal), U256::ZERO),
            Act::Withdraw { token } => (deployment.sidecar, calls::withdraw(address(*token)), U256::ZERO),
        };
        let id = IntentId::new(intent.to_string()).map_err(|error| missing(&error.to_string()))?;
        let mut transaction = Transaction::new(id, to, data);
        transaction.value = value;
        transaction.at_risk = self.at_risk;
        transaction.deadline = until;
        transaction.duplicates = Duplicates::Harmless;
        if let Act::Submit { group } | Act::Publish { group, .. } = act {
            transaction.obsolete_when = Some(calls::when_proven(deployment, height, *group));
        }
        Ok(transaction)
    }

    /// Tries a transaction on the newest state, in the next block. An endpoint that cannot say does not stop it.
    pub async fn preflight(&self, transaction: &Transaction) -> Result<(), Refusal> {
        let rpc = self.client.rpc();
        let call = Call {
            from: Some(address(self.sequencer)),
            to: Some(transaction.to),
            data: transaction.data.clone(),
            value: transaction.value,
        };
        let head = rpc.head().await.map_err(ClientError::from)?.number;
        match rpc.estimate_in_block(&call, head + 1).await {
            Ok(_) => Ok(()),
            Err(error) => match error.revert_data() {
                Some(data) => {
                    let reason = proofyard_settlement::sidecar_client::reasons::explain(&data);
                    let bad_quote = is_bad_quote(&reason);
                    Err(Refusal::Refused { reason, bad_quote })
                }
                None => Ok(()),
            },
        }
    }

    /// A transaction that lets `spender` take the sequencer's tokens, if it may not yet take that much.
    pub async fn allowance(
        &self,
        token: Address,
        spender: L1Address,
        amount: u128,
    ) -> Result<Option<Transaction>, ClientError> {
        if token == Address::ZERO {
            return Ok(None);
        }
        let call = IERC20::allowanceCall { owner: address(self.sequencer), spender };
        let allowed = self.client.view(address(token), &call, At::Latest).await?;
        if allowed >= U256::from(amount) {
            return Ok(None);
        }
        // A new name for each time it is needed: the sequencer's transactions so far tell how often.
        let nonce = self.client.rpc().nonce(address(self.sequencer), At::Latest).await?;
        let id = IntentId::new(format!("approve-{token}-{spender:#x}/{nonce}"));
        Ok(id.ok().map(|id| Transaction::new(id, address(token), calls::approve(spender, U256::MAX))))
    }

    /// Where a height's commitments go.
    pub async fn commitment_phase(&self, height: Height) -> Result<L1Address, ClientError> {
        let seen = self.client.height_of(height).await?;
        Ok(self.client.version_of(seen.version).await?.commitmentPhase)
    }

    async fn vrf_message(&self, height: Height) -> Result<Vec<u8>, ClientError> {
        let deployment = self.client.deployment();
        let next = self.client.next().await?;
        let randomness =
            if next.height == height { next.randomness } else { self.client.height_of(height).await?.randomness };
        Ok(vrf_message(deployment.chain_id, deployment.sidecar, height, randomness))
    }

    /// The number of our proposal, and the height's commitment phase.
    async fn proposal(&self, height: Height) -> Result<(u32, L1Address), Refusal> {
        let sidecar = self.client.deployment().sidecar;
        let proposals = self.client.height_of(height).await?.proposals;
        for proposal in 0..proposals {
            let call = IProvingSidecar::proposalOfCall { height, proposal };
            let seen = self.client.agreed_view(sidecar, &call, At::Latest).await?;
            if seen.sequencer == address(self.sequencer) {
                return Ok((proposal, self.commitment_phase(height).await?));
            }
        }
        Err(missing("our proposal"))
    }

    fn prepared(&self, height: Height, block: BlockId) -> Result<(Worked, Prepared), Refusal> {
        let worked = self.store.worked(block)?.ok_or_else(|| missing("the block"))?;
        let prepared = self.store.prepared(height, block)?.ok_or_else(|| missing("the block's commitment"))?;
        Ok((worked, prepared))
    }

    fn submission(
        &self,
        height: Height,
        block: BlockId,
        group: u32,
        proof: Vec<u8>,
        beneficiary: Address,
    ) -> Result<(L1Address, Data, U256), Refusal> {
        let (worked, prepared) = self.prepared(height, block)?;
        let header = argument(super::convert::header(&worked, &prepared.data_uri));
        let data = calls::submit_proof(height, header, group, address(beneficiary), proof.into(), &[]);
        Ok((self.client.deployment().sidecar, data, U256::ZERO))
    }
}

fn missing(what: &str) -> Refusal {
    Refusal::Refused { reason: format!("{what} is not there"), bad_quote: false }
}
