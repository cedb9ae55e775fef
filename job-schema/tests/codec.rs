//! The codec: round trips, caps, and hostile bytes.

mod common;

use proofyard_job_schema::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};

fn id() -> JobId {
    JobId { block: BlockId([7; 32]), round: Round::FIRST, subtree: SubtreeIndex(3), epoch: Epoch(1), attempt: 0 }
}

fn job(challenges: usize) -> WorkerCommand {
    WorkerCommand::Assign(Box::new(Job {
        id: id(),
        group: 0,
        position: 3,
        subtrees: 4,
        rows_log2: 14,
        circuit: CircuitDigest([1; 32]),
        inputs: BlobDigest([2; 32]),
        challenges: vec![9; challenges],
        transcript: TranscriptDigest([3; 32]),
        deadline_ms: 60_000,
        fresh: false,
    }))
}

fn worker() -> WorkerId {
    WorkerId::new("worker-1").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn commands_round_trip(command in common::command()) {
        prop_assert_eq!(decode::<WorkerCommand>(&encode(&command).unwrap()).unwrap(), command);
    }

    #[test]
    fn messages_round_trip(message in common::message()) {
        prop_assert_eq!(decode::<WorkerMessage>(&encode(&message).unwrap()).unwrap(), message);
    }

    #[test]
    fn a_cut_message_is_refused(message in common::message(), cut in any::<proptest::sample::Index>()) {
        let bytes = encode(&message).unwrap();
        let shorter = &bytes[..cut.index(bytes.len())];
        prop_assert!(decode::<WorkerMessage>(shorter).is_err());
    }

    #[test]
    fn a_damaged_message_is_refused_or_is_another_one(
        message in common::message(),
        place in any::<proptest::sample::Index>(),
        bit in 0u8..8,
    ) {
        let mut bytes = encode(&message).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // What is read from other bytes is another message and has exactly those bytes.
        if let Ok(other) = decode::<WorkerMessage>(&bytes) {
            prop_assert_ne!(&other, &message);
            prop_assert_eq!(encode(&other).unwrap(), bytes);
        }
    }

    #[test]
    fn trailing_bytes_are_refused(command in common::command(), extra in 1usize..20) {
        let mut bytes = encode(&command).unwrap();
        bytes.resize(bytes.len() + extra, 0);
        let message = WorkerCommand::NAME;
        prop_assert_eq!(decode::<WorkerCommand>(&bytes), Err(CodecError::Trailing { message, extra }));
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20_26);
    let mut bytes = vec![0; WorkerMessage::BYTES_MAX + 100];
    let mut understood = 0;
    for turn in 0..200_000 {
        let length = if turn % 100 == 0 { random.random_range(0..bytes.len()) } else { random.random_range(0..200) };
        let input = &mut bytes[..length];
        random.fill(input);
        // Most inputs get past the first checks: the right version and a small variant number.
        if turn % 4 != 0 && length > 2 {
            input[0] = codec::VERSION;
            input[1] %= 6;
        }
        understood += u32::from(decode::<WorkerCommand>(input).is_ok());
        understood += u32::from(decode::<WorkerMessage>(input).is_ok());
    }
    // A random Drain is two bytes and may come up; anything else would have to match its whole length.
    assert!(understood < 2_000, "{understood} random inputs were taken for messages");
}

#[test]
fn another_version_is_refused() {
    let mut bytes = encode(&WorkerCommand::Drain).unwrap();
    assert_eq!(bytes, [codec::VERSION, 3]);
    bytes[0] = 2;
    let message = WorkerCommand::NAME;
    assert_eq!(decode::<WorkerCommand>(&bytes), Err(CodecError::Version { message, found: 2 }));
    assert_eq!(decode::<WorkerCommand>(&[]), Err(CodecError::Empty { message }));
}

#[test]
fn a_message_above_its_cap_is_refused_unread() {
    let bytes = vec![codec::VERSION; WorkerCommand::BYTES_MAX + 1];
    let refused = decode::<WorkerCommand>(&bytes);
    let (message, max) = (WorkerCommand::NAME, WorkerCommand::BYTES_MAX);
    assert_eq!(refused, Err(CodecError::TooLong { message, bytes: bytes.len(), max }));
}

#[test]
fn values_above_their_caps_are_not_written() {
    assert!(encode(&job(CHALLENGES_BYTES_MAX)).is_ok());
    assert!(matches!(encode(&job(CHALLENGES_BYTES_MAX + 1)), Err(CodecError::Unwritable { .. })));

    let goodbye = |jobs| WorkerMessage::Goodbye(Goodbye { worker: worker(), returned: vec![id(); jobs] });
    assert!(encode(&goodbye(JOBS_LISTED_MAX)).is_ok());
    assert!(matches!(encode(&goodbye(JOBS_LISTED_MAX + 1)), Err(CodecError::Unwritable { .. })));

    let mut failure = JobFailure::new(id(), worker(), Disposition::Reject, "PY-W-001", &"é".repeat(600));
    assert_eq!(failure.text.len(), FAILURE_TEXT_BYTES_MAX);
    assert!(encode(&WorkerMessage::Failure(Box::new(failure.clone()))).is_ok());
    failure.text.push('e');
    assert!(matches!(encode(&WorkerMessage::Failure(Box::new(failure))), Err(CodecError::Unwritable { .. })));
}

/// Where the length of the challenges starts, found as the first difference between two jobs.
fn challenges_length_at() -> usize {
    let (a, b) = (encode(&job(3)).unwrap(), encode(&job(4)).unwrap());
    a.iter().zip(&b).position(|(a, b)| a != b).unwrap()
}

#[test]
fn lengths_above_the_cap_are_refused() {
    let bytes = encode(&job(0)).unwrap();
    let at = challenges_length_at();
    for claim in [CHALLENGES_BYTES_MAX as u64 + 1, 1 << 20, 1 << 40, u64::MAX] {
        let mut hostile = bytes[..at].to_vec();
        hostile.push(253);
        hostile.extend(claim.to_le_bytes());
        hostile.extend(&bytes[at + 1..]);
        assert!(matches!(decode::<WorkerCommand>(&hostile), Err(CodecError::Malformed { .. })), "{claim}");
    }
    // One byte above the cap and really there: only the field's own cap stands in the way.
    let mut long = bytes[..at].to_vec();
    long.push(251);
    long.extend((CHALLENGES_BYTES_MAX as u16 + 1).to_le_bytes());
    long.extend(vec![9; CHALLENGES_BYTES_MAX + 1]);
    long.extend(&bytes[at + 1..]);
    assert!(long.len() < WorkerCommand::BYTES_MAX);
    let refused = decode::<WorkerCommand>(&long).unwrap_err().to_string();
    assert!(refused.contains("PY-J-004") && refused.contains("4097"), "{refused}");
}

#[test]
fn a_longer_encoding_of_the_same_message_is_refused() {
    let bytes = encode(&job(0)).unwrap();
    let at = challenges_length_at();
    assert_eq!(bytes[at], 0);
    let mut padded = bytes[..at].to_vec();
    padded.extend([251, 0, 0]);
    padded.extend(&bytes[at + 1..]);
    let message = WorkerCommand::NAME;
    assert_eq!(decode::<WorkerCommand>(&padded), Err(CodecError::NotCanonical { message }));
}

#[test]
fn rounds_and_worker_names_are_checked_on_the_wire() {
    let bytes = encode(&WorkerCommand::Cancel(id())).unwrap();
    // Version, variant, 32 bytes of block, then the round.
    assert_eq!(bytes[34], 1);
    for round in [0, 6, 255] {
        let mut hostile = bytes.clone();
        hostile[34] = round;
        let refused = decode::<WorkerCommand>(&hostile);
        assert!(matches!(refused, Err(CodecError::Malformed { .. })), "round {round}: {refused:?}");
    }
    let goodbye = WorkerMessage::Goodbye(Goodbye { worker: worker(), returned: vec![] });
    let bytes = encode(&goodbye).unwrap();
    // Version, variant, length of the name, then the name.
    for byte in [b'.', b'*', b'>', b' ', 0, 0xff] {
        let mut hostile = bytes.clone();
        hostile[3] = byte;
        assert!(matches!(decode::<WorkerMessage>(&hostile), Err(CodecError::Malformed { .. })), "byte {byte}");
    }
}

#[test]
fn the_largest_messages_fit_their_caps() {
    let wide = JobId {
        block: BlockId([255; 32]),
        round: Round::LAST,
        subtree: SubtreeIndex(u32::MAX),
        epoch: Epoch(u64::MAX),
        attempt: u32::MAX,
    };
    let author = WorkerId::new(&"w".repeat(WORKER_ID_BYTES_MAX)).unwrap();
    let messages = Round::ALL.map(|round| RoundBytes { round, bytes: vec![255; ROUND_BYTES_MAX] }).to_vec();
    let time = PhaseTime { phase: Phase::Round(Round::LAST), micros: u64::MAX };
    let figures = ProvingFigures { phases: vec![time; 8], peak_rss_bytes: u64::MAX };
    assert_eq!(figures.total_micros(), u64::MAX);
    let transcript = TranscriptDigest([255; 32]);
    let reply = Reply { id: wide, author: author.clone(), transcript, messages, figures };
    encode(&WorkerMessage::Reply(Box::new(reply))).unwrap();
    let system = SystemFigures {
        cpu_permille: u32::MAX,
        memory_used_bytes: u64::MAX,
        memory_total_bytes: u64::MAX,
        process_rss_bytes: u64::MAX,
        peak_rss_bytes: u64::MAX,
    };
    let heartbeat = Heartbeat {
        worker: author,
        instance: u64::MAX,
        sequence: u64::MAX,
        sessions: vec![wide.session(); SESSIONS_LISTED_MAX],
        sessions_max: u32::MAX,
        capacity: u32::MAX,
        running: vec![wide; JOBS_LISTED_MAX],
        draining: true,
        device: Heartbeat::device_name(&"d".repeat(1000)),
        system,
    };
    encode(&WorkerMessage::Heartbeat(Box::new(heartbeat))).unwrap();
}

#[test]
fn ids_are_read_as_they_are_shown() {
    let block = BlockId(std::array::from_fn(|index| index as u8 * 7));
    assert_eq!(block.to_string().parse(), Ok(block));
    assert_eq!(format!("0x{block}").parse(), Ok(block));
    for text in ["", "0x", "zz", &block.to_string()[1..], &format!("{block}00")] {
        assert_eq!(text.parse::<BlockId>(), Err(IdError::Hex { what: "block id" }), "{text:?}");
    }
    for name in ["", "a.b", "a b", "ü", "*", &"w".repeat(WORKER_ID_BYTES_MAX + 1)] {
        assert!(matches!(WorkerId::new(name), Err(IdError::Worker(_))), "{name:?}");
    }
    assert_eq!(Round::new(0), Err(IdError::Round(0)));
    assert_eq!(Round::new(6), Err(IdError::Round(6)));
    let mut round = Some(Round::FIRST);
    for expected in Round::ALL {
        assert_eq!(round, Some(expected));
        assert_eq!(expected.index() + 1, usize::from(expected.get()));
        round = expected.next();
    }
    assert_eq!(round, None);
}
