//! A block of generated transfers with everything that proving it needs, without a farm.

use std::{error::Error, path::Path, sync::Arc};

use proofyard_proof_system::{
    CpuBackend,
    aggregate::GroupAggregator,
    messages::RoundMessage,
    proof::{Group, RootProof},
    setup::Setup,
    statement::Statement,
    subtree::{DeviceKey, DeviceRow, SubtreeProver},
};
use proofyard_rollup::{
    circuit::{TransferCircuit, capacity},
    executor::{self, Executed},
    generate,
    subtree_inputs::SubtreeInputs,
};

/// What can go wrong is of no interest to a benchmark but its text.
pub type Failure = Box<dyn Error>;

/// A block cut into full subtrees, on the developers' setup (INSECURE).
pub struct Block {
    /// The circuit of a subtree.
    pub circuit: TransferCircuit,
    /// Keys and SRS rows.
    pub setup: Setup,
    /// The subtrees' transfers.
    pub runs: Vec<SubtreeInputs>,
    /// What a proof of the block states.
    pub statement: Statement,
    key: Arc<DeviceKey<CpuBackend>>,
}

/// A block's way through the rounds.
pub struct Proven {
    /// Every subtree's message, by round.
    pub messages: Vec<Vec<RoundMessage>>,
    /// The aggregator before each round.
    pub aggregators: Vec<GroupAggregator>,
    /// The root proof.
    pub proof: RootProof,
}

/// What a proof of an executed block states; chain, contract and beneficiary are any.
pub fn statement(executed: &Executed) -> Statement {
    Statement {
        chain_id: 31_337,
        contract: [0x11; 20],
        beneficiary: [0; 20],
        start: executed.start.to_array(),
        end: executed.end.to_array(),
    }
}

impl Block {
    /// A block that fills M subtrees of `2^rows_log2` rows. The setup in `dir` is made when missing.
    pub fn open(dir: &Path, rows_log2: u32, subtrees: usize) -> Result<Self, Failure> {
        let circuit = TransferCircuit::new(rows_log2)?;
        let slots = capacity(rows_log2);
        let block = generate::block(slots * subtrees, 1)?;
        let executed = executor::execute(&block)?;
        let runs = executed.split(subtrees, slots)?;
        let setup = Setup::open_or_create_insecure(dir, circuit.structure().clone(), subtrees, &|_, _, _| ())?;
        let statement = statement(&executed);
        let key = Arc::new(DeviceKey::new(Arc::new(CpuBackend::new()), setup.circuit())?);
        Ok(Self { circuit, setup, runs, statement, key })
    }

    /// A worker's session of a subtree: witness expanded, SRS row on the device, no round done.
    pub fn session(&self, subtree: usize) -> Result<SubtreeProver<CpuBackend>, Failure> {
        let run = self.runs.get(subtree).ok_or("no such subtree")?;
        let (witness, end) = self.circuit.witness(run.start, &run.traces)?;
        let row = Arc::new(DeviceRow::new(self.key.backend().as_ref(), &self.setup.row(subtree)?)?);
        Ok(SubtreeProver::new(self.key.clone(), row, witness, run.start.to_array(), end.to_array())?)
    }

    /// An aggregator that awaits round 1.
    pub fn aggregator(&self) -> Result<GroupAggregator, Failure> {
        let inputs = self.runs.iter().map(|run| run.start.to_array()).collect();
        let (aggregation, proving) = (self.setup.aggregation_key(), self.setup.proving_key()?);
        Ok(GroupAggregator::new(aggregation, proving, self.statement.clone(), inputs)?)
    }

    /// Proves the block.
    pub fn prove(&self) -> Result<Proven, Failure> {
        let mut aggregator = self.aggregator()?;
        let mut sessions = (0..self.runs.len()).map(|subtree| self.session(subtree)).collect::<Result<Vec<_>, _>>()?;
        let (mut messages, mut aggregators) = (Vec::new(), Vec::new());
        for round in 1..=5 {
            let challenges = aggregator.challenges().clone();
            let mut answers = Vec::with_capacity(sessions.len());
            for session in &mut sessions {
                answers.extend(session.run(round, &challenges)?);
            }
            aggregators.push(aggregator.clone());
            let proof = aggregator.absorb(&answers, &mut rand::rng())?;
            messages.push(answers);
            if let Some(proof) = proof {
                let group = Group { subtrees: self.runs.len(), end: self.statement.end, proof };
                return Ok(Proven { messages, aggregators, proof: RootProof { groups: vec![group] } });
            }
        }
        Err("five rounds and no proof".into())
    }
}
