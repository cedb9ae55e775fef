//! Questions to the contracts.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol;
use alloy::sol_types::SolCall;
use proofyard_contracts::bindings::IProvingSidecar::{Commitment, Header, HeightView, ProposalView};
use proofyard_contracts::bindings::{
    IERC20, IProverEscrow, IProvingSidecar, IRewardPool, ISequencerSet, IVersionRegistry,
};
use proofyard_contracts::calldata;
use thiserror::Error;

use super::{Deployment, reasons};
use crate::chain::{At, Call};
use crate::rpc::{Rpc, RpcError};

sol! {
    interface IERC1271 {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
    }
}

/// What a contract that signs answers to a good signature.
const ERC1271_VALID: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

/// A question to a contract that got no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// L1 cannot be read.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The contract reverted.
    #[error("[PY-L-080] {what}: the contract refuses: {reason}")]
    Reverted {
        /// The function.
        what: &'static str,
        /// In words.
        reason: String,
    },
    /// The answer is not what the function gives.
    #[error("[PY-L-081] {what}: unusable answer ({detail}); is the contract's address in the deployment right?")]
    BadAnswer {
        /// The function.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// There is no contract.
    #[error("[PY-L-082] no contract at {contract} ({role}) on chain {chain_id}; check the deployment file")]
    NoContract {
        /// The address.
        contract: Address,
        /// Its part in the deployment.
        role: &'static str,
        /// The chain.
        chain_id: u64,
    },
}

/// Whether and on what the next height may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Whether in the next block.
    pub open: bool,
    /// Its number.
    pub height: u64,
    /// The height it builds on.
    pub parent: u64,
    /// The baton it starts from.
    pub start: [U256; 3],
    /// What its VRF is over.
    pub randomness: B256,
}

/// Typed reads of one deployment.
#[derive(Clone)]
pub struct SidecarClient {
    rpc: Rpc,
    deployment: Deployment,
}

impl SidecarClient {
    /// Reads this deployment.
    pub fn new(rpc: Rpc, deployment: Deployment) -> Self {
        Self { rpc, deployment }
    }

    /// The addresses.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The endpoints.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Whether there is a contract at each address.
    pub async fn check(&self) -> Result<(), ClientError> {
        let d = &self.deployment;
        let contracts = [
            (d.sidecar, "sidecar"),
            (d.escrow, "escrow"),
            (d.registry, "registry"),
            (d.sequencers, "sequencers"),
            (d.reward_pool, "reward_pool"),
            (d.commitments, "commitments"),
            (d.strategy, "strategy"),
            (d.deposit_token, "deposit_token"),
        ];
        for (contract, role) in contracts {
            if self.rpc.code(contract).await?.is_empty() {
                return Err(ClientError::NoContract { contract, role, chain_id: self.rpc.chain_id() });
            }
        }
        Ok(())
    }

    /// Any view of any contract, on the state after a block.
    pub async fn view<C: SolCall>(&self, to: Address, call: &C, at: At) -> Result<C::Return, ClientError> {
        let answer = self.rpc.call(&Call::view(to, call.abi_encode()), at).await;
        decode::<C>(answer)
    }

    /// The same by the word of two endpoints, where there are two: for decisions about money.
    pub async fn agreed_view<C: SolCall>(&self, to: Address, call: &C, at: At) -> Result<C::Return, ClientError> {
        let answer = self.rpc.call_agreed(&Call::view(to, call.abi_encode()), at).await;
        decode::<C>(answer)
    }

    async fn sidecar<C: SolCall>(&self, call: &C) -> Result<C::Return, ClientError> {
        self.view(self.deployment.sidecar, call, At::Latest).await
    }

    async fn escrow<C: SolCall>(&self, call: &C) -> Result<C::Return, ClientError> {
        self.view(self.deployment.escrow, call, At::Latest).await
    }

    /// What a proposal for the next height builds on. Contracts count the block they are called in: an answer that says `open` for the
    /// newest block says so for the next.
    pub async fn next(&self) -> Result<Next, ClientError> {
        let next = self.sidecar(&IProvingSidecar::nextCall {}).await?;
        let IProvingSidecar::nextReturn { open, height, parent, start, randomness } = next;
        Ok(Next { open, height, parent, start, randomness })
    }

    /// The last height opened; 0 before the first.
    pub async fn last_height(&self) -> Result<u64, ClientError> {
        self.sidecar(&IProvingSidecar::lastHeightCall {}).await
    }

    /// The last proven height whose ancestors are all proven, and its end.
    pub async fn proven_head(&self) -> Result<(u64, [U256; 3]), ClientError> {
        let head = self.sidecar(&IProvingSidecar::provenHeadCall {}).await?;
        Ok((head.height, head.end))
    }

    /// First blocks of the phases: proposal, reveal, commitment, proving, submission, closed.
    pub async fn schedule(&self, height: u64) -> Result<[u64; 6], ClientError> {
        self.sidecar(&IProvingSidecar::scheduleCall { height }).await
    }

    /// A height.
    pub async fn height_of(&self, height: u64) -> Result<HeightView, ClientError> {
        self.sidecar(&IProvingSidecar::heightOfCall { height }).await
    }

    /// A proposal of a height.
    pub async fn proposal_of(&self, height: u64, proposal: u32) -> Result<ProposalView, ClientError> {
        self.sidecar(&IProvingSidecar::proposalOfCall { height, proposal }).await
    }

    /// The commitment of a proposal's group; its prover is zero while there is none.
    pub async fn commitment_of(&self, height: u64, proposal: u32, group: u32) -> Result<Commitment, ClientError> {
        let call = IProvingSidecar::commitmentOfCall { height, proposal, group };
        self.agreed_view(self.deployment.sidecar, &call, At::Latest).await
    }

    /// Whether a group of the winning block is proven.
    pub async fn is_proven(&self, height: u64, group: u32) -> Result<bool, ClientError> {
        self.sidecar(&IProvingSidecar::isProvenCall { height, group }).await
    }

    /// What the sidecar has credited to an account.
    pub async fn withdrawable(&self, token: Address, account: Address) -> Result<U256, ClientError> {
        self.sidecar(&IProvingSidecar::withdrawableCall { token, account }).await
    }

    /// The block commitment as the contract computes it.
    pub async fn block_commitment_of(
        &self,
        height: u64,
        sequencer: Address,
        header: Header,
        salt: B256,
    ) -> Result<B256, ClientError> {
        self.sidecar(&IProvingSidecar::blockCommitmentOfCall { height, sequencer, header, salt }).await
    }

    /// What backs a prover's quotes.
    pub async fn escrow_available(&self, token: Address, prover: Address) -> Result<U256, ClientError> {
        let call = IProverEscrow::availableCall { token, prover };
        self.agreed_view(self.deployment.escrow, &call, At::Latest).await
    }

    /// An announced withdrawal and the first block in which it may be paid out.
    pub async fn pending_withdrawal(&self, token: Address, prover: Address) -> Result<(U256, u64), ClientError> {
        let pending = self.escrow(&IProverEscrow::pendingWithdrawalCall { token, prover }).await?;
        Ok((pending.amount, pending.availableFrom))
    }

    /// Whether a quote's nonce is used or cancelled.
    pub async fn is_nonce_used(&self, prover: Address, nonce: U256) -> Result<bool, ClientError> {
        self.escrow(&IProverEscrow::isNonceUsedCall { prover, nonce }).await
    }

    /// Whether the prover has signed the quote, with its key or as a contract (ERC-1271).
    pub async fn is_signed(&self, quote: &IProverEscrow::Quote, signature: &Bytes) -> Result<bool, ClientError> {
        let domain = self.deployment.domain();
        if domain.recover_quote(quote, signature).is_ok_and(|signer| signer == quote.prover) {
            return Ok(true);
        }
        self.is_valid_for(quote.prover, domain.quote_digest(quote), signature).await
    }

    /// Whether a prover has signed the receipt, with its key or as a contract (ERC-1271).
    pub async fn is_receipt_signed(
        &self,
        prover: Address,
        receipt: &IProverEscrow::Receipt,
        signature: &Bytes,
    ) -> Result<bool, ClientError> {
        let domain = self.deployment.domain();
        if domain.recover_receipt(receipt, signature).is_ok_and(|signer| signer == prover) {
            return Ok(true);
        }
        self.is_valid_for(prover, domain.receipt_digest(receipt), signature).await
    }

    /// What a contract says of a signature. An account without code says no.
    async fn is_valid_for(&self, contract: Address, hash: B256, signature: &Bytes) -> Result<bool, ClientError> {
        if self.rpc.code(contract).await?.is_empty() {
            return Ok(false);
        }
        let call = IERC1271::isValidSignatureCall { hash, signature: signature.clone() };
        match self.view(contract, &call, At::Latest).await {
            Ok(answer) => Ok(answer.0 == ERC1271_VALID),
            Err(ClientError::Reverted { .. } | ClientError::BadAnswer { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The version that the next height begins with.
    pub async fn current_version(&self) -> Result<u32, ClientError> {
        self.view(self.deployment.registry, &IVersionRegistry::currentCall {}, At::Latest).await
    }

    /// A version's rules.
    pub async fn version_of(&self, version: u32) -> Result<IVersionRegistry::Version, ClientError> {
        self.view(self.deployment.registry, &IVersionRegistry::versionOfCall { version }, At::Latest).await
    }

    /// The verifier of a size class in a version; zero: not taken.
    pub async fn verifier_of(
        &self,
        version: u32,
        rows_log2: u32,
        subtrees_per_group: u32,
    ) -> Result<Address, ClientError> {
        let call =
            IVersionRegistry::verifierOfCall { version, rowsLog2: rows_log2, subtreesPerGroup: subtrees_per_group };
        self.view(self.deployment.registry, &call, At::Latest).await
    }

    /// A sequencer's VRF key and the blocks in which it is active.
    pub async fn key_of(&self, sequencer: Address) -> Result<ISequencerSet::keyOfReturn, ClientError> {
        self.view(self.deployment.sequencers, &ISequencerSet::keyOfCall { sequencer }, At::Latest).await
    }

    /// Words that make a proof's verification cheaper, for [`calls::submit_proof`](super::calls::submit_proof). None where the
    /// verifier has no good answer: they decide nothing.
    pub async fn hints(
        &self,
        verifier: Address,
        start: &[U256; 3],
        end: &[U256; 3],
        beneficiary: Address,
        proof: &[u8],
    ) -> Result<Vec<B256>, ClientError> {
        let words = |baton: &[U256; 3]| baton.map(|word| word.to_be_bytes());
        let question = calldata::hints(&words(start), &words(end), beneficiary.into(), proof);
        match self.rpc.call(&Call::view(verifier, question), At::Latest).await {
            Ok(answer) => {
                let words = calldata::with_hints(Vec::new(), &answer);
                Ok(words.chunks_exact(32).map(B256::from_slice).collect())
            }
            Err(error) if error.is_answer() => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// What the pool pays for a proven height, and for a submission.
    pub async fn rewards(&self) -> Result<(U256, U256), ClientError> {
        let block = self.view(self.deployment.reward_pool, &IRewardPool::blockRewardCall {}, At::Latest).await?;
        let submission =
            self.view(self.deployment.reward_pool, &IRewardPool::submissionRewardCall {}, At::Latest).await?;
        Ok((block, submission))
    }

    /// An account's balance of a token; the zero token is ETH.
    pub async fn balance(&self, token: Address, account: Address) -> Result<U256, ClientError> {
        if token.is_zero() {
            return Ok(self.rpc.balance(account).await?);
        }
        self.view(token, &IERC20::balanceOfCall { account }, At::Latest).await
    }
}

fn decode<C: SolCall>(answer: Result<Bytes, RpcError>) -> Result<C::Return, ClientError> {
    let what = C::SIGNATURE;
    match answer {
        Ok(data) => {
            C::abi_decode_returns(&data).map_err(|error| ClientError::BadAnswer { what, detail: error.to_string() })
        }
        Err(error) => match error.revert_data() {
            Some(data) => Err(ClientError::Reverted { what, reason: reasons::explain(&data) }),
            None => Err(error.into()),
        },
    }
}
