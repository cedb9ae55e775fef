//! How much memory proving takes: `fixed + sessions x a session`, in columns of T field elements of 32 bytes.
//!
//! docs/budget.md lists what the columns are; `tests/memory.rs` compares the formula with the peak of a real process.

/// Bytes of a field element.
const SCALAR: u64 = 32;
/// Half columns of what a worker keeps for a circuit: 16 fixed columns and the cells' links (1/2) of the circuit itself; on
/// the device 16 columns of coefficients, 80 on the quotient's five cosets, 4 of the permutation, H, the fixed columns'
/// part of round 5 and the twiddle factors.
const KEY: u64 = 2 * (16 + 16 + 80 + 4 + 1 + 1 + 1) + 1;
/// Half columns of what a round works on at most beside its session. That is round 3 on its last coset: four quotient pieces, the
/// wires, z, the wires' fifth powers and the identity's values there, a transform's copy and scaling; 16 columns, of
/// which five lie where the session's chunks will.
const WORK: u64 = 2 * (4 + 5 + 4 + 1 + 1 + 1 - 5);
/// Half columns of a session: wires, z and the quotient's chunks, from round 3 to round 5, and its row of the SRS in both forms
/// (mapped: pages of a file, which the system may take back).
const SESSION: u64 = 2 * (4 + 1 + 5 + 4);
/// The process itself: program, threads, buffers that do not grow with T.
const PROCESS: u64 = 10 << 20;

/// The peak memory of a worker on the CPU that holds this many sessions of `2^rows_log2` rows, in bytes.
pub const fn peak_bytes(rows_log2: u32, sessions: u64) -> u64 {
    PROCESS + (KEY + WORK + sessions * SESSION) * ((SCALAR / 2) << rows_log2)
}

/// A subtree of 2^16 rows must be provable in 512 MB.
const _: () = assert!(peak_bytes(16, 1) <= 512_000_000);
