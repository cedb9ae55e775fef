//! Runs the committed bytecode in an EVM of its own: nothing to install, the gas of the real chain.

use revm::bytecode::Bytecode;
use revm::context::result::{ExecutionResult, Output, ResultAndState};
use revm::context::{ContextTr, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::interpreter::{CallInputs, CallOutcome};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, TxKind, U256};
use revm::state::AccountInfo;
use revm::{Context, InspectEvm, Inspector, MainBuilder, MainContext};
use thiserror::Error;

use crate::address::{DEFAULT_ADDRESS, DEFAULT_CHAIN_ID, DEFAULT_DEPLOYER};
use crate::rejection::Rejection;
use crate::{KEY_WORDS, Word, calldata};

/// The most gas a transaction may ask for since Osaka.
const GAS_LIMIT: u64 = 1 << 24;

/// Failures other than a proof's rejection.
#[derive(Debug, Error)]
pub enum EvmError {
    /// The constructor refused the key.
    #[error("[PY-C-013] deploying the verifier: {0}")]
    Deployment(Rejection),
    /// The EVM refused to run the transaction at all.
    #[error("[PY-C-014] running the verifier: {0}; the proof may be too large for one transaction")]
    Transaction(String),
}

/// What a call of the verifier did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it reverted; `None` when it accepted.
    pub rejection: Option<Rejection>,
    /// Gas of the whole transaction: base, calldata, execution.
    pub gas: u64,
    /// Calls of the precompile for curve additions.
    pub additions: u64,
    /// Calls of the precompile for curve multiplications.
    pub multiplications: u64,
}

impl Outcome {
    /// Whether the proof was accepted.
    pub fn accepted(&self) -> bool {
        self.rejection.is_none()
    }
}

/// A chain with one contract: the verifier with one key.
#[derive(Clone, Debug)]
pub struct Evm {
    database: CacheDB<EmptyDB>,
    chain_id: u64,
    address: Address,
    runtime_bytes: usize,
}

impl Evm {
    /// Deploys the verifier with this key at [`DEFAULT_ADDRESS`] of chain [`DEFAULT_CHAIN_ID`].
    pub fn deploy_default(key: &[Word; KEY_WORDS]) -> Result<Self, EvmError> {
        Self::deploy(key, DEFAULT_CHAIN_ID, DEFAULT_ADDRESS)
    }

    /// Deploys the verifier with this key at `address` of chain `chain_id`.
    pub fn deploy(key: &[Word; KEY_WORDS], chain_id: u64, address: [u8; 20]) -> Result<Self, EvmError> {
        let mut evm = Self {
            database: CacheDB::new(EmptyDB::new()),
            chain_id,
            address: Address::from(address),
            runtime_bytes: 0,
        };
        let (result, _) = evm.transact(TxKind::Create, calldata::deployment(key))?;
        let code = match result {
            ExecutionResult::Success { output: Output::Create(code, _), .. } => code,
            other => return Err(EvmError::Deployment(rejection(&other))),
        };
        evm.runtime_bytes = code.len();
        // The code does not hold its own address, so it can be put anywhere.
        evm.database.insert_account_info(evm.address, AccountInfo::from_bytecode(Bytecode::new_raw(code)));
        Ok(evm)
    }

    /// Asks for the hints, then sends `verify(start, end, beneficiary, proof)` with them as a transaction, as a careful
    /// sender does; its effects (there are none) are dropped. The cost is the transaction's alone.
    pub fn verify(
        &self,
        start: &[Word; 3],
        end: &[Word; 3],
        beneficiary: [u8; 20],
        proof: &[u8],
    ) -> Result<Outcome, EvmError> {
        let (asked, _) = self.transact(TxKind::Call(self.address), calldata::hints(start, end, beneficiary, proof))?;
        let mut data = calldata::verify(start, end, beneficiary, proof);
        if let ExecutionResult::Success { output, .. } = asked {
            data = calldata::with_hints(data, output.data());
        }
        self.send(data)
    }

    /// Sends `verify(start, end, beneficiary, proof)` without hints.
    pub fn verify_plain(
        &self,
        start: &[Word; 3],
        end: &[Word; 3],
        beneficiary: [u8; 20],
        proof: &[u8],
    ) -> Result<Outcome, EvmError> {
        self.send(calldata::verify(start, end, beneficiary, proof))
    }

    /// Sends any calldata to the contract.
    pub fn send(&self, data: Vec<u8>) -> Result<Outcome, EvmError> {
        let (result, calls) = self.transact(TxKind::Call(self.address), data)?;
        let rejection = if result.is_success() { None } else { Some(rejection(&result)) };
        Ok(Outcome {
            rejection,
            gas: result.tx_gas_used(),
            additions: calls.additions,
            multiplications: calls.multiplications,
        })
    }

    /// Bytes of the deployed code.
    pub fn runtime_bytes(&self) -> usize {
        self.runtime_bytes
    }

    fn transact(&self, kind: TxKind, data: Vec<u8>) -> Result<(ExecutionResult, Calls), EvmError> {
        let mut database = self.database.clone();
        database.insert_account_info(Address::from(DEFAULT_DEPLOYER), AccountInfo::from_balance(U256::MAX >> 1));
        let transaction = TxEnv::builder()
            .caller(Address::from(DEFAULT_DEPLOYER))
            .kind(kind)
            .data(data.into())
            .gas_limit(GAS_LIMIT)
            .gas_price(0)
            .chain_id(Some(self.chain_id))
            .build()
            .map_err(|error| EvmError::Transaction(format!("{error:?}")))?;
        let context = Context::mainnet().with_db(database).modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = self.chain_id;
        });
        let mut evm = context.build_mainnet_with_inspector(Calls::default());
        let ResultAndState { result, .. } =
            evm.inspect_tx(transaction).map_err(|error| EvmError::Transaction(error.to_string()))?;
        Ok((result, evm.inspector))
    }
}

fn rejection(result: &ExecutionResult) -> Rejection {
    match result {
        ExecutionResult::Revert { output, .. } => Rejection::decode(output),
        _ => Rejection::Unknown(vec![]),
    }
}

/// Counts calls of the curve's precompiles.
#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    additions: u64,
    multiplications: u64,
}

impl<C: ContextTr> Inspector<C> for Calls {
    fn call(&mut self, _: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if inputs.target_address == Address::with_last_byte(6) {
            self.additions += 1;
        } else if inputs.target_address == Address::with_last_byte(7) {
            self.multiplications += 1;
        }
        None
    }
}
