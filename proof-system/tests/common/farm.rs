//! A whole farm in a test: setup, sessions and aggregation of a toy block.

use std::sync::Arc;

use ark_bn254::Fr;
use proofyard_kernels::{Backend, cpu::CpuBackend};
use proofyard_proof_system::{
    aggregate::{AggregateError, GroupAggregator},
    challenges::Challenges,
    circuit::{Circuit, Witness},
    domain::Domain,
    key::{AggregationKey, ProvingKey},
    messages::RoundMessage,
    proof::{Group, GroupProof, RootProof},
    srs::insecure::InsecureSetup,
    statement::Statement,
    subtree::{DeviceKey, DeviceRow, SubtreeProver},
};
use rand::{SeedableRng, rngs::StdRng};

use super::{
    reference::{Reference, Secrets, interpolate},
    toy_circuit, toy_outline, toy_witness,
};

pub const ROWS_LOG2: u32 = 8;

pub fn statement(start: Fr, end: Fr) -> Statement {
    Statement { chain_id: 31337, contract: [0x11; 20], beneficiary: [0x22; 20], start: [start; 3], end: [end; 3] }
}

pub struct Farm {
    pub circuit: Arc<Circuit>,
    pub key: Arc<AggregationKey>,
    pub proving: Arc<ProvingKey>,
    pub statement: Statement,
    pub inputs: Vec<[Fr; 3]>,
    pub witnesses: Vec<Witness>,
    seed: u64,
    setup: InsecureSetup,
    pub secrets: Secrets,
    device: Arc<DeviceKey<CpuBackend>>,
}

impl Farm {
    /// A toy block of M subtrees under secrets of the test.
    pub fn new(subtrees: usize, seed: u64) -> Self {
        let secrets = Secrets { tx: Fr::from(0x1234_5678_9abc_def1u64), ty: Fr::from(0x0fed_cba9_8765_4321u64) };
        let setup = InsecureSetup::from_secrets(secrets.tx, secrets.ty, 1 << 12);
        let circuit = toy_circuit(ROWS_LOG2);
        let key = Arc::new(setup.keys(&circuit, subtrees).unwrap());
        let rows = Domain::new(ROWS_LOG2).unwrap();
        let columns: Vec<_> = circuit.fixed.iter().chain(&circuit.permutation).collect();
        let proving = Arc::new(ProvingKey {
            circuit: Arc::clone(&circuit),
            coefficients: std::array::from_fn(|c| interpolate(&rows, columns[c])),
            verifying: Arc::clone(&key.verifying),
        });
        let start = [Fr::from(seed), Fr::from(10u64), Fr::from(100u64)];
        let mut inputs = vec![start];
        let mut witnesses = Vec::new();
        for i in 0..subtrees {
            let (witness, output) = toy_witness(ROWS_LOG2, inputs[i], seed + i as u64);
            witnesses.push(witness);
            inputs.push(output);
        }
        let end = inputs.pop().unwrap();
        let statement = Statement { start, end, ..statement(start[0], end[0]) };
        let device = Arc::new(DeviceKey::new(Arc::new(CpuBackend::new()), &circuit).unwrap());
        Self { circuit, key, proving, statement, inputs, witnesses, seed, setup, secrets, device }
    }

    fn output(&self, i: usize) -> [Fr; 3] {
        self.inputs.get(i + 1).copied().unwrap_or(self.statement.end)
    }

    /// A new session of subtree i.
    pub fn session(&self, i: usize) -> SubtreeProver<CpuBackend> {
        self.session_in_group(i, self.inputs.len(), i)
    }

    fn session_in_group(&self, i: usize, subtrees: usize, index: usize) -> SubtreeProver<CpuBackend> {
        self.session_on(&self.device, i, subtrees, index)
    }

    fn session_on<B: Backend>(
        &self,
        device: &Arc<DeviceKey<B>>,
        i: usize,
        subtrees: usize,
        index: usize,
    ) -> SubtreeProver<B> {
        let row = self.setup.row(ROWS_LOG2, subtrees, index).unwrap();
        let row = Arc::new(DeviceRow::new(device.backend().as_ref(), &row).unwrap());
        let witness = if device.fills_permutations() {
            toy_outline(ROWS_LOG2, self.inputs[i], self.seed + i as u64).0
        } else {
            self.witnesses[i].clone()
        };
        SubtreeProver::new(Arc::clone(device), row, witness, self.inputs[i], self.output(i)).unwrap()
    }

    /// The same by workers on another backend.
    pub fn prove_on<B: Backend>(&self, backend: Arc<B>) -> RootProof {
        let subtrees = self.inputs.len();
        let device = Arc::new(DeviceKey::new(backend, &self.circuit).unwrap());
        let sessions = (0..subtrees).map(|i| self.session_on(&device, i, subtrees, i)).collect();
        let (_, _, proof) = drive(self.aggregator(), sessions, 1);
        RootProof { groups: vec![Group { subtrees, end: self.statement.end, proof }] }
    }

    pub fn aggregator(&self) -> GroupAggregator {
        let (key, proving) = (Arc::clone(&self.key), Arc::clone(&self.proving));
        GroupAggregator::new(key, proving, self.statement.clone(), self.inputs.clone()).unwrap()
    }

    /// The protocol in the clear for the same block.
    pub fn reference(&self) -> Reference {
        Reference::new(
            self.secrets,
            &self.key.verifying,
            &self.circuit,
            self.statement.clone(),
            self.inputs.clone(),
            self.witnesses.clone(),
        )
    }

    /// The protocol in the clear for one of several groups of equal size.
    pub fn group_reference(&self, group: usize, groups: usize) -> Reference {
        let size = self.inputs.len() / groups;
        let range = group * size..(group + 1) * size;
        let (start, end) = (self.inputs[range.start], self.output(range.end - 1));
        Reference::new(
            self.secrets,
            &self.key.verifying,
            &self.circuit,
            Statement { start, end, ..self.statement.clone() },
            self.inputs[range.clone()].to_vec(),
            self.witnesses[range].to_vec(),
        )
    }

    /// All messages, `[round - 1][subtree]`.
    pub fn messages(&self) -> Vec<Vec<RoundMessage>> {
        self.run(1).0
    }

    pub fn challenges_for(&self, round: u8) -> Challenges {
        self.run(1).1[usize::from(round) - 1].clone()
    }

    fn run(&self, weights: u64) -> (Vec<Vec<RoundMessage>>, Vec<Challenges>, GroupProof) {
        let sessions = (0..self.inputs.len()).map(|i| self.session(i)).collect();
        drive(self.aggregator(), sessions, weights)
    }

    pub fn prove(&self) -> RootProof {
        self.prove_with_weights(1)
    }

    pub fn prove_with_weights(&self, weights: u64) -> RootProof {
        let (_, _, proof) = self.run(weights);
        RootProof { groups: vec![Group { subtrees: self.inputs.len(), end: self.statement.end, proof }] }
    }

    /// The block as several groups of equal size.
    pub fn prove_in_groups(&self, groups: usize) -> RootProof {
        let size = self.inputs.len() / groups;
        let key = Arc::new(self.setup.keys(&self.circuit, size).unwrap());
        let groups = (0..groups)
            .map(|group| {
                let first = group * size;
                let (start, end) = (self.inputs[first], self.output(first + size - 1));
                let statement = Statement { start, end, ..self.statement.clone() };
                let inputs = self.inputs[first..first + size].to_vec();
                let aggregator =
                    GroupAggregator::new(Arc::clone(&key), Arc::clone(&self.proving), statement, inputs).unwrap();
                let sessions = (0..size).map(|index| self.session_in_group(first + index, size, index)).collect();
                Group { subtrees: size, end, proof: drive(aggregator, sessions, 1).2 }
            })
            .collect();
        RootProof { groups }
    }

    /// The message with another value in one word, or `None` where the change cannot be expressed: points move along
    /// the curve, both words at once.
    pub fn corrupt(&self, round: u8, encoded: &[u8], word: usize) -> Option<RoundMessage> {
        let mut bytes = encoded.to_vec();
        if round == 4 {
            bytes[32 * word + 31] ^= 1;
        } else {
            if word % 2 == 1 {
                return None;
            }
            let other = self.key.y_powers[0];
            let message = RoundMessage::decode(round, &bytes).unwrap();
            let points: Vec<_> = points(&message)
                .into_iter()
                .enumerate()
                .map(|(index, point)| if index == word / 2 { (point + other).into() } else { point })
                .collect();
            bytes = points.iter().flat_map(proofyard_proof_system::codec::point_bytes).collect();
        }
        Some(RoundMessage::decode(round, &bytes).unwrap())
    }

    /// Feeds messages up to `lying_round`, then what honest workers answer to the challenges that follow.
    pub fn aggregate_with_later_rounds_honest(
        &self,
        messages: &[Vec<RoundMessage>],
        lying_round: u8,
    ) -> AggregateError {
        let mut aggregator = self.aggregator();
        let mut sessions: Vec<_> = (0..self.inputs.len()).map(|i| self.session(i)).collect();
        let mut weights = StdRng::seed_from_u64(1);
        for round in 1..=5u8 {
            let challenges = aggregator.challenges().clone();
            let honest: Vec<RoundMessage> =
                (sessions.iter_mut()).map(|session| session.run(round, &challenges).unwrap().pop().unwrap()).collect();
            let given = if round == lying_round { &messages[usize::from(round) - 1] } else { &honest };
            if let Err(error) = aggregator.absorb(given, &mut weights) {
                return error;
            }
        }
        panic!("the lie in round {lying_round} was not noticed");
    }
}

fn points(message: &RoundMessage) -> Vec<ark_bn254::G1Affine> {
    match message {
        RoundMessage::One { wires } => wires.to_vec(),
        RoundMessage::Two { z } => vec![*z],
        RoundMessage::Three { chunks } => chunks.to_vec(),
        RoundMessage::Four(_) => Vec::new(),
        RoundMessage::Five { wx1, wx2 } => vec![*wx1, *wx2],
    }
}

fn drive<B: Backend>(
    mut aggregator: GroupAggregator,
    mut sessions: Vec<SubtreeProver<B>>,
    weights: u64,
) -> (Vec<Vec<RoundMessage>>, Vec<Challenges>, GroupProof) {
    let mut weights = StdRng::seed_from_u64(weights);
    let (mut rounds, mut drawn) = (Vec::new(), Vec::new());
    for round in 1..=5u8 {
        let challenges = aggregator.challenges().clone();
        let encoded = challenges.encode();
        assert_eq!(Challenges::decode(&encoded).unwrap(), challenges);
        let messages: Vec<RoundMessage> = (sessions.iter_mut())
            .map(|session| {
                let mut messages = session.run(round, &challenges).unwrap();
                assert_eq!(messages.len(), 1);
                messages.pop().unwrap()
            })
            .collect();
        let proof = aggregator.absorb(&messages, &mut weights).unwrap();
        rounds.push(messages);
        drawn.push(challenges);
        if let Some(proof) = proof {
            return (rounds, drawn, proof);
        }
    }
    panic!("five rounds and no proof");
}
