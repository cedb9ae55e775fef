//! Workers for tests: one that never answers, and one that proves.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proofyard_bus::{BlobStore, WorkerBus};
use proofyard_coordinator::{
    Setups,
    proof_system::{
        CpuBackend,
        challenges::Challenges,
        messages::RoundMessage,
        subtree::{DeviceKey, DeviceRow, SubtreeProver},
    },
    rollup::subtree_inputs::SubtreeInputs,
};
use proofyard_job_schema::{
    Heartbeat, Job, ProvingFigures, Reply, Round, RoundBytes, SystemFigures, WorkerCommand, WorkerId, WorkerMessage,
};

fn heartbeat(id: &WorkerId, sequence: u64) -> WorkerMessage {
    WorkerMessage::Heartbeat(Box::new(Heartbeat {
        worker: id.clone(),
        instance: 1,
        sequence,
        sessions: Vec::new(),
        sessions_max: 4,
        capacity: 2,
        running: Vec::new(),
        draining: false,
        device: "none".to_owned(),
        system: SystemFigures::default(),
    }))
}

/// Says that it lives, for ever.
pub async fn live(bus: Arc<dyn WorkerBus>, id: WorkerId) {
    for sequence in 0.. {
        // A server that is away comes back.
        let _ = bus.send(&heartbeat(&id, sequence)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Proves what it is asked for, each time from the inputs.
pub async fn prove(bus: Arc<dyn WorkerBus>, blobs: Arc<dyn BlobStore>, id: WorkerId, setups: Arc<Setups>) {
    let alive = tokio::spawn(live(bus.clone(), id.clone()));
    let mut answers = BTreeMap::new();
    loop {
        let Ok(delivery) = bus.receive().await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        if let WorkerCommand::Assign(job) = delivery.message {
            // Sessions are not kept, but what was computed is: the same job may come again.
            let key = (job.id.block, job.id.subtree, job.id.round, job.challenges.clone());
            if !answers.contains_key(&key) {
                let Ok(inputs) = blobs.get(job.inputs, 1 << 24).await else { continue };
                let (setups, asked) = (setups.clone(), job.clone());
                let messages = tokio::task::spawn_blocking(move || compute(&setups, &asked, &inputs));
                answers.insert(key.clone(), messages.await.expect("no panic"));
            }
            let reply = Reply {
                id: job.id,
                author: id.clone(),
                transcript: job.transcript,
                messages: answers[&key].clone(),
                figures: ProvingFigures::default(),
            };
            let _ = bus.send(&WorkerMessage::Reply(Box::new(reply))).await;
        }
        if let Some(token) = delivery.token {
            let _ = bus.ack(token).await;
        }
        assert!(!alive.is_finished());
    }
}

fn compute(setups: &Setups, job: &Job, inputs: &[u8]) -> Vec<RoundBytes> {
    let setup = setups.get(job.subtrees as usize, &|_, _, _| ()).expect("a setup");
    let backend = Arc::new(CpuBackend::new());
    let key = DeviceKey::new(backend.clone(), setup.circuit()).expect("a key");
    let row = DeviceRow::new(backend.as_ref(), &setup.row(job.position as usize).expect("a row")).expect("a row");
    let inputs = SubtreeInputs::decode(inputs, setups.circuit().slots()).expect("inputs");
    let (witness, end) = setups.circuit().witness(inputs.start, &inputs.traces).expect("a witness");
    let (start, end) = (inputs.start.to_array(), end.to_array());
    let mut prover = SubtreeProver::new(Arc::new(key), Arc::new(row), witness, start, end).expect("a prover");
    let challenges = Challenges::decode(&job.challenges).expect("challenges");
    let messages = prover.run(job.id.round.get(), &challenges).expect("a proof");
    let round = |message: &RoundMessage| RoundBytes {
        round: Round::new(message.round()).expect("a round"),
        bytes: message.encode(),
    };
    messages.iter().map(round).collect()
}
