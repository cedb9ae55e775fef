//! Strategies for whole messages.

use proofyard_job_schema::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn digest() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn round() -> impl Strategy<Value = Round> {
    (1u8..=5).prop_map(|number| Round::new(number).expect("in range"))
}

fn worker() -> impl Strategy<Value = WorkerId> {
    vec(proptest::sample::select(b"abcXYZ019_-".to_vec()), 1..=WORKER_ID_BYTES_MAX)
        .prop_map(|bytes| WorkerId::new(&String::from_utf8(bytes).expect("ascii")).expect("allowed characters"))
}

fn job_id() -> impl Strategy<Value = JobId> {
    (digest(), round(), any::<u32>(), any::<u64>(), any::<u32>()).prop_map(|(block, round, subtree, epoch, attempt)| {
        JobId { block: BlockId(block), round, subtree: SubtreeIndex(subtree), epoch: Epoch(epoch), attempt }
    })
}

fn job() -> impl Strategy<Value = Job> {
    (
        (job_id(), any::<[u32; 4]>(), digest(), digest()),
        (vec(any::<u8>(), 0..=CHALLENGES_BYTES_MAX), digest(), any::<u64>(), any::<bool>()),
    )
        .prop_map(
            |(
                (id, [group, position, subtrees, rows_log2], circuit, inputs),
                (challenges, transcript, deadline, fresh),
            )| {
                Job {
                    id,
                    group,
                    position,
                    subtrees,
                    rows_log2,
                    circuit: CircuitDigest(circuit),
                    inputs: BlobDigest(inputs),
                    challenges,
                    transcript: TranscriptDigest(transcript),
                    deadline_ms: deadline,
                    fresh,
                }
            },
        )
}

/// Any command.
pub fn command() -> impl Strategy<Value = WorkerCommand> {
    prop_oneof![
        job().prop_map(|job| WorkerCommand::Assign(Box::new(job))),
        job_id().prop_map(WorkerCommand::Cancel),
        digest().prop_map(|block| WorkerCommand::DropBlock(BlockId(block))),
        Just(WorkerCommand::Drain),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let phase = prop_oneof![Just(Phase::Inputs), Just(Phase::Witness), round().prop_map(Phase::Round)];
    let phases = vec((phase, any::<u64>()).prop_map(|(phase, micros)| PhaseTime { phase, micros }), 0..=8);
    let messages = vec(
        (round(), vec(any::<u8>(), 0..=ROUND_BYTES_MAX)).prop_map(|(round, bytes)| RoundBytes { round, bytes }),
        0..=5,
    );
    (job_id(), worker(), digest(), messages, phases, any::<u64>()).prop_map(
        |(id, author, transcript, messages, phases, peak_rss_bytes)| Reply {
            id,
            author,
            transcript: TranscriptDigest(transcript),
            messages,
            figures: ProvingFigures { phases, peak_rss_bytes },
        },
    )
}

fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    let session = (digest(), any::<u32>())
        .prop_map(|(block, subtree)| SessionId { block: BlockId(block), subtree: SubtreeIndex(subtree) });
    (
        (worker(), any::<u64>(), vec(session, 0..=SESSIONS_LISTED_MAX), any::<[u32; 3]>()),
        (vec(job_id(), 0..=JOBS_LISTED_MAX), any::<bool>(), ".{0,90}", any::<[u64; 4]>()),
    )
        .prop_map(|((worker, sequence, sessions, [max, capacity, cpu]), (running, draining, device, system))| {
            Heartbeat {
                worker,
                instance: !sequence,
                sequence,
                sessions,
                sessions_max: max,
                capacity,
                running,
                draining,
                device: Heartbeat::device_name(&device),
                system: SystemFigures {
                    cpu_permille: cpu,
                    memory_used_bytes: system[0],
                    memory_total_bytes: system[1],
                    process_rss_bytes: system[2],
                    peak_rss_bytes: system[3],
                },
            }
        })
}

/// Any message of a worker.
pub fn message() -> impl Strategy<Value = WorkerMessage> {
    let disposition = proptest::sample::select(vec![
        Disposition::Retry,
        Disposition::RetryElsewhere,
        Disposition::Reject,
        Disposition::InputsMissing,
    ]);
    prop_oneof![
        (job_id(), worker(), any::<u64>(), any::<u64>())
            .prop_map(|(id, author, done, total)| WorkerMessage::Progress(Progress { id, author, done, total })),
        reply().prop_map(|reply| WorkerMessage::Reply(Box::new(reply))),
        (job_id(), worker(), disposition, ".{0,50}", ".{0,600}").prop_map(|(id, author, disposition, code, text)| {
            WorkerMessage::Failure(Box::new(JobFailure::new(id, author, disposition, &code, &text)))
        }),
        heartbeat().prop_map(|heartbeat| WorkerMessage::Heartbeat(Box::new(heartbeat))),
        (worker(), vec(job_id(), 0..=JOBS_LISTED_MAX))
            .prop_map(|(worker, returned)| WorkerMessage::Goodbye(Goodbye { worker, returned })),
    ]
}
