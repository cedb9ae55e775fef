//! Decoding stays within a small multiple of a message's cap, whatever the bytes claim.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use proofyard_job_schema::{Message, WorkerCommand, WorkerMessage, codec, decode};
use rand::{Rng, SeedableRng};

/// Counts what is allocated; this file has one test, so that nothing else allocates meanwhile.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes held at any moment while `bytes` are decoded.
fn peak_of<M: Message>(bytes: &[u8]) -> usize {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let _ = decode::<M>(bytes);
    PEAK.load(Relaxed) - before
}

#[test]
fn memory_stays_bounded() {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut bytes = vec![0; WorkerMessage::BYTES_MAX];
    let mut worst = 0;
    for _ in 0..50_000 {
        let length = random.random_range(0..300);
        let input = &mut bytes[..length];
        random.fill(input);
        if length > 12 {
            input[0] = codec::VERSION;
            input[1] %= 5;
            // A large claim somewhere near the front, where lengths stand.
            let at = random.random_range(2..length - 9);
            input[at] = 253;
            input[at + 5..at + 9].fill(0);
        }
        worst = worst.max(peak_of::<WorkerCommand>(input)).max(peak_of::<WorkerMessage>(input));
    }
    // Every byte string as long as a message may be.
    for fill in 0..=255 {
        bytes.fill(fill);
        bytes[0] = codec::VERSION;
        for variant in 0..5 {
            bytes[1] = variant;
            worst = worst.max(peak_of::<WorkerMessage>(&bytes));
            worst = worst.max(peak_of::<WorkerCommand>(&bytes[..WorkerCommand::BYTES_MAX]));
        }
    }
    assert!(worst > 0);
    assert!(worst <= 4 * WorkerMessage::BYTES_MAX, "{worst} bytes held while decoding one message");
}
