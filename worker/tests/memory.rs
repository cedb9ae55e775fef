//! The peak memory of a process that proves, as the kernel counts it, beside the formula of docs/budget.md.
//!
//! A peak belongs to a process, so every case runs in one of its own: this test program, started again for the ignored
//! test that measures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use ark_bn254::Fr;
use proofyard_job_schema::{
    BlobDigest, BlockId, CircuitDigest, Epoch, Job, JobId, Round, SubtreeIndex, TranscriptDigest,
};
use proofyard_proof_system::{
    challenges::{Challenges, Opening},
    proof::CLAIM_COUNT,
    setup::Setup,
};
use proofyard_rollup::{circuit::TransferCircuit, executor, generate};
use proofyard_worker::{
    CpuKeys, circuit_prover::CircuitProver, figures::peak_rss_bytes, memory::peak_bytes, prover::Prover,
};

/// Names the folder of a case to the process that measures it.
const CASE: &str = "PROOFYARD_MEMORY_CASE";
/// Subtrees of a case's block.
const SUBTREES: u32 = 4;
/// How far a peak may be from the formula.
const TOLERANCE: f64 = 0.15;

fn setup_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory-setup")
}

/// Setup and inputs of a case; whoever measures only reads them.
fn prepare(rows_log2: u32, sessions: u32) -> PathBuf {
    let circuit = TransferCircuit::new(rows_log2).expect("a circuit");
    let structure = circuit.structure().clone();
    let setup = Setup::open_or_create_insecure(&setup_dir(), structure, SUBTREES as usize, &|_, _, _| ());
    let setup = setup.expect("a setup");
    let block = generate::block(circuit.slots() * SUBTREES as usize, 1).expect("a block");
    let runs = executor::execute(&block).expect("executes").split(SUBTREES as usize, circuit.slots()).expect("splits");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("memory-{rows_log2}-{sessions}"));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("key"), setup.verifying_key().digest()).expect("written");
    fs::write(folder.join("case"), format!("{rows_log2} {sessions}")).expect("written");
    for (i, run) in runs.iter().enumerate() {
        fs::write(folder.join(format!("inputs-{i}")), run.encode()).expect("written");
    }
    folder
}

/// The peak of a process that proves the subtrees of a case side by side, in bytes.
fn measured(rows_log2: u32, sessions: u32) -> u64 {
    let folder = prepare(rows_log2, sessions);
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "measures_one_process", "--ignored", "--nocapture"])
        .env(CASE, &folder)
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let peak = fs::read_to_string(folder.join("peak")).expect("a peak");
    fs::remove_dir_all(&folder).expect("removed");
    peak.parse().expect("a number")
}

fn check(rows_log2: u32, sessions: u32) {
    let (peak, formula) = (measured(rows_log2, sessions), peak_bytes(rows_log2, sessions.into()));
    let ratio = peak as f64 / formula as f64;
    println!("2^{rows_log2} rows, {sessions} sessions: {peak} bytes, formula {formula}, ratio {ratio:.3}");
    assert!((ratio - 1.0).abs() <= TOLERANCE, "{peak} bytes, the formula says {formula}");
}

/// Challenges that nobody drew: a worker's messages and memory do not depend on where they come from.
fn challenges(round: u8) -> Vec<u8> {
    let drawn = Challenges {
        permutation: (round >= 2).then(|| (Fr::from(1_001u64), Fr::from(1_002u64))),
        alpha: (round >= 3).then(|| Fr::from(1_003u64)),
        zeta: (round >= 4).then(|| Fr::from(1_004u64)),
        opening: (round >= 5).then(|| Opening { v: Fr::from(1_005u64), claims: [Fr::from(1_006u64); CLAIM_COUNT] }),
    };
    drawn.encode()
}

fn job(rows_log2: u32, circuit: CircuitDigest, position: u32, round: Round) -> Job {
    Job {
        id: JobId { block: BlockId([1; 32]), round, subtree: SubtreeIndex(position), epoch: Epoch(1), attempt: 0 },
        group: 0,
        position,
        subtrees: SUBTREES,
        rows_log2,
        circuit,
        inputs: BlobDigest([0; 32]),
        challenges: challenges(round.get()),
        transcript: TranscriptDigest([0; 32]),
        deadline_ms: 60_000,
        fresh: false,
    }
}

#[test]
#[ignore = "started by the other tests in a process of its own"]
fn measures_one_process() {
    let Some(folder) = std::env::var_os(CASE).map(PathBuf::from) else { return };
    let case = fs::read_to_string(folder.join("case")).expect("a case");
    let (rows_log2, sessions) = case.split_once(' ').expect("two numbers");
    let (rows_log2, sessions): (u32, u32) = (rows_log2.parse().expect("rows"), sessions.parse().expect("sessions"));
    let digest = fs::read(folder.join("key")).expect("a key");
    let circuit = CircuitDigest(digest.try_into().expect("32 bytes"));
    let mut prover = CircuitProver::new(Arc::new(CpuKeys::cpu(setup_dir(), None)));
    let mut held: Vec<_> = (0..sessions)
        .map(|position| {
            let inputs = fs::read(folder.join(format!("inputs-{position}"))).expect("inputs");
            prover.open(&job(rows_log2, circuit, position, Round::FIRST), &inputs, &mut || ()).expect("opens")
        })
        .collect();
    for round in Round::ALL {
        for (position, session) in (0..).zip(&mut held) {
            prover.next_round(session, &job(rows_log2, circuit, position, round), round).expect("a message");
        }
    }
    fs::write(folder.join("peak"), peak_rss_bytes().expect("a peak").to_string()).expect("written");
}

#[test]
fn the_formula_holds_at_2_to_14() {
    check(14, 1);
    check(14, 4);
}

#[test]
#[ignore = "makes a setup of 50 MB"]
fn the_formula_holds_at_2_to_16() {
    check(16, 1);
    assert!(peak_bytes(16, 1) <= 512_000_000);
    check(16, 4);
}

#[test]
#[ignore = "makes a setup of 200 MB and takes 1.3 GB"]
fn the_formula_holds_at_2_to_18() {
    check(18, 1);
}
