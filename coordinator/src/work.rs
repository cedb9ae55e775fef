//! The heavy part of every effect, to be run on a blocking pool: executing, aggregating, computing a disputed subtree,
//! assembling and verifying the root proof.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use proofyard_job_schema::{BlobDigest, BlockId, Job, TranscriptDigest};
use proofyard_proof_system::{
    aggregate::{AggregateError, GroupAggregator},
    challenges::Challenges,
    messages::RoundMessage,
    proof::{Group, GroupProof, RootProof},
    setup::Setup,
    statement::Statement,
    subtree::{DeviceRow, SubtreeProver},
    verifier,
};
use proofyard_rollup::{
    baton::Baton,
    block::Block,
    block_error::BlockError,
    executor,
    subtree_inputs::{SUBTREES_MAX, SplitError, SubtreeInputs, subtrees_needed},
};
use sha2::{Digest, Sha256};

use crate::{
    core::{Aggregation, Drawn, Failure, GroupPlan, Plan},
    handle::Request,
    setups::Setups,
};

/// A verified root proof with what it states.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The block.
    pub block: BlockId,
    /// The encoded root proof.
    pub proof: Bytes,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// What it proves.
    pub statement: Statement,
    /// Transfers of the block.
    pub transfers: usize,
    /// Fees of the block in gwei.
    pub fees: u64,
    /// Subtrees in all groups.
    pub subtrees: usize,
}

/// A block in work: everything the core does not want to see.
pub(crate) struct BlockWork {
    block: BlockId,
    setups: Arc<Setups>,
    setup: Arc<Setup>,
    statement: Statement,
    transfers: usize,
    fees: u64,
    runs: Vec<SubtreeInputs>,
    groups: Vec<GroupWork>,
}

/// One group: its statement and the aggregator as it was before each round.
struct GroupWork {
    statement: Statement,
    before_round: Mutex<BTreeMap<u8, GroupAggregator>>,
}

/// An executed block, its inputs for the blob store and the core's plan.
pub(crate) struct Prepared {
    pub work: BlockWork,
    pub blobs: Vec<Bytes>,
    pub plan: Plan,
}

fn refusal(code: &str, message: String, transaction: Option<usize>) -> Failure {
    let transaction = transaction.and_then(|index| u32::try_from(index).ok());
    Failure { code: code.to_owned(), message, transaction, refused: true }
}

/// Splits `[PY-B-021] text` into code and text.
fn coded(error: &dyn std::fmt::Display, fallback: &str) -> (String, String) {
    let text = error.to_string();
    match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((code, message)) => (code.to_owned(), message.to_owned()),
        None => (fallback.to_owned(), text),
    }
}

fn refused_block(error: &BlockError) -> Failure {
    let (code, message) = coded(error, "PY-C-120");
    refusal(&code, message, error.transaction())
}

fn refused_split(error: &SplitError) -> Failure {
    let (code, message) = coded(error, "PY-C-121");
    refusal(&code, message, None)
}

/// Names the challenges of a round and everything they hang on.
fn transcript(block: BlockId, group: usize, challenges: &[u8]) -> TranscriptDigest {
    let mut hash = Sha256::new();
    hash.update(b"proofyard/job-transcript/v1");
    hash.update(block.0);
    hash.update((group as u64).to_be_bytes());
    hash.update(challenges);
    TranscriptDigest(hash.finalize().into())
}

fn drawn(block: BlockId, group: usize, challenges: &Challenges) -> Drawn {
    let challenges = challenges.encode();
    Drawn { transcript: transcript(block, group, &challenges), challenges }
}

/// Decodes, executes and cuts a block.
pub(crate) fn prepare(id: BlockId, request: &Request, setups: Arc<Setups>) -> Result<Prepared, Failure> {
    let block = Block::decode(&request.block).map_err(|error| refused_block(&BlockError::Encoding(error)))?;
    let executed = executor::execute(&block).map_err(|error| refused_block(&error))?;
    let capacity = setups.circuit().slots();
    let groups = request.groups.unwrap_or(1) as usize;
    if !groups.is_power_of_two() || groups > proofyard_proof_system::proof::GROUPS_MAX {
        let message = format!("{groups} groups: give a power of two from 1 to 16");
        return Err(refusal("PY-C-122", message, None));
    }
    let transfers = executed.traces.len();
    let subtrees = match request.subtrees {
        Some(subtrees) => subtrees as usize,
        None => subtrees_needed(transfers, capacity)
            .ok_or_else(|| refused_split(&SplitError::TooLarge { transfers, capacity }))?,
    };
    if subtrees == 0 || subtrees > SUBTREES_MAX || !subtrees.is_multiple_of(groups) {
        let message =
            format!("{subtrees} subtrees in {groups} groups: give a power of two of at least the groups, at most 256");
        return Err(refusal("PY-C-123", message, None));
    }
    let runs = executed.split(subtrees, capacity).map_err(|error| refused_split(&error))?;
    let per_group = subtrees / groups;
    let setup = setups.get(per_group, &|_, _, _| ()).map_err(|error| Failure {
        code: "PY-C-124".to_owned(),
        message: error.to_string(),
        transaction: None,
        refused: false,
    })?;
    let statement = Statement {
        chain_id: request.chain_id,
        contract: request.contract,
        beneficiary: request.beneficiary,
        start: executed.start.to_array(),
        end: executed.end.to_array(),
    };
    let blobs: Vec<Bytes> = runs.iter().map(|run| Bytes::from(run.encode())).collect();
    let digests: Vec<BlobDigest> = blobs.iter().map(|blob| proofyard_bus::digest_of(blob)).collect();
    let proving = setup.proving_key().map_err(|error| internal(&error))?;
    let mut works = Vec::with_capacity(groups);
    let mut plans = Vec::with_capacity(groups);
    for group in 0..groups {
        let first_subtree = group * per_group;
        let own = first_subtree..first_subtree + per_group;
        let ends_at = |run: &SubtreeInputs| -> Baton { run.end() };
        let end = runs[own.clone()].last().map_or(executed.end, ends_at);
        let statement =
            Statement { start: runs[first_subtree].start.to_array(), end: end.to_array(), ..statement.clone() };
        let inputs = runs[own.clone()].iter().map(|run| run.start.to_array()).collect();
        let aggregator = GroupAggregator::new(setup.aggregation_key(), proving.clone(), statement.clone(), inputs)
            .map_err(|error| internal(&error))?;
        let first = drawn(id, group, aggregator.challenges());
        plans.push(GroupPlan { inputs: digests[own].to_vec(), first });
        let before_round = Mutex::new(BTreeMap::from([(1, aggregator)]));
        works.push(GroupWork { statement, before_round });
    }
    let plan = Plan { rows_log2: setups.rows_log2(), circuit: Setups::digest(&setup), groups: plans };
    let fees = executed.fees;
    let work = BlockWork { block: id, setups, setup, statement, transfers, fees, runs, groups: works };
    Ok(Prepared { work, blobs, plan })
}

fn internal(error: &dyn std::fmt::Display) -> Failure {
    Failure { code: "PY-C-125".to_owned(), message: error.to_string(), transaction: None, refused: false }
}

impl BlockWork {
    /// Absorbs a round on top of the aggregator as it was before that round, and keeps the result for the next.
    pub fn aggregate(&self, group: usize, round: u8, messages: &[Vec<u8>]) -> Aggregation {
        let Some(work) = self.groups.get(group) else { return Aggregation::Failed(format!("no group {group}")) };
        let decoded: Result<Vec<_>, _> = messages.iter().map(|bytes| RoundMessage::decode(round, bytes)).collect();
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Aggregation::Failed(error.to_string()),
        };
        let before = work.before_round.lock().unwrap_or_else(PoisonError::into_inner).get(&round).cloned();
        let Some(mut aggregator) = before else { return Aggregation::Failed(format!("round {round} is not due")) };
        match aggregator.absorb(&decoded, &mut rand::rng()) {
            Ok(Some(proof)) => Aggregation::Done(proof.encode()),
            Ok(None) => {
                let next = drawn(self.block, group, aggregator.challenges());
                let mut before = work.before_round.lock().unwrap_or_else(PoisonError::into_inner);
                before.retain(|&kept, _| kept <= round);
                before.insert(round + 1, aggregator);
                Aggregation::Next(next)
            }
            Err(AggregateError::Faulty { subtrees, .. }) => {
                Aggregation::Faulty(subtrees.into_iter().map(|subtree| subtree as u32).collect())
            }
            Err(error) => Aggregation::Failed(error.to_string()),
        }
    }

    /// Proves rounds 1..=round of a disputed subtree from the coordinator's own execution, trusting nothing a worker sent.
    pub fn compute(&self, job: &Job) -> Result<Vec<Vec<u8>>, String> {
        let run = self.runs.get(job.id.subtree.0 as usize).ok_or("no such subtree")?;
        let key = self.setups.own_key(&self.setup).map_err(|error| error.to_string())?;
        let row = self.setup.row(job.position as usize).map_err(|error| error.to_string())?;
        let row = Arc::new(DeviceRow::new(key.backend().as_ref(), &row).map_err(|error| error.to_string())?);
        let (witness, end) =
            self.setups.circuit().witness(run.start, &run.traces).map_err(|error| error.to_string())?;
        let challenges = Challenges::decode(&job.challenges).map_err(|error| error.to_string())?;
        let mut prover = SubtreeProver::new(key, row, witness, run.start.to_array(), end.to_array())
            .map_err(|error| error.to_string())?;
        let messages = prover.run(job.id.round.get(), &challenges).map_err(|error| error.to_string())?;
        Ok(messages.iter().map(RoundMessage::encode).collect())
    }

    /// Assembles the root proof and verifies it with the contract's semantics, from its bytes.
    pub fn verify(&self, groups: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let per_group = self.runs.len() / self.groups.len();
        let groups = (self.groups.iter().zip(groups))
            .map(|(work, proof)| {
                let proof = GroupProof::decode(proof).map_err(|error| error.to_string())?;
                Ok(Group { subtrees: per_group, end: work.statement.end, proof })
            })
            .collect::<Result<Vec<_>, String>>()?;
        let bytes = RootProof { groups }.encode();
        let proof = RootProof::decode(&bytes, self.statement.end).map_err(|error| error.to_string())?;
        verifier::verify(&self.setup.verifying_key(), &self.statement, &proof).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    /// What a verified proof of this block states.
    pub fn proven(&self, proof: Vec<u8>) -> Proven {
        Proven {
            block: self.block,
            sha256: Sha256::digest(&proof).into(),
            proof: proof.into(),
            statement: self.statement.clone(),
            transfers: self.transfers,
            fees: self.fees,
            subtrees: self.runs.len(),
        }
    }
}
