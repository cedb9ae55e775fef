//! How many workers the promises need.
//!
//! A promise is work in milliseconds of one device, due at some time. What is due by a deadline must be done by all workers together until
//! then; a worker that is asked for now begins after `start_ms`. So over all deadlines d, in order,
//!
//! `workers = max ⌈ work due by d / (time until d - start_ms) ⌉`
//!
//! and never more than there are subtrees to prove by d: no two workers share one. With too little time left the subtrees are what
//! bounds it.

use std::collections::BTreeMap;

use super::{Calendar, Throughput, View};

/// What bounds the number of workers: the section `[autoscaling]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// At least so many, whatever is promised: what a usual block has subtrees.
    pub floor: u32,
    /// At most so many.
    pub most: u32,
    /// More than the work needs, in percent: for lost workers and stragglers.
    pub headroom_percent: u32,
    /// From the wish for a worker to its first job.
    pub start_ms: u64,
}

/// A block that is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Milliseconds of one device that are left to work.
    pub work_ms: u64,
    /// Subtrees of the block.
    pub subtrees: u32,
    /// Milliseconds until its proof must be there; negative when that is over.
    pub due_ms: i64,
}

/// What the promises need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Milliseconds of one device for all promises.
    pub device_ms_due: u64,
    /// Workers, within the bounds.
    pub workers_wanted: u32,
}

/// How many workers prove all promises in time. `busy` are at work now: none of them is too many, or what it has done is lost with it.
pub fn demand(promises: &[Promise], busy: u32, scaling: &Scaling) -> Demand {
    let mut by_deadline: Vec<Promise> = promises.iter().copied().filter(|promise| promise.work_ms > 0).collect();
    by_deadline.sort_unstable_by_key(|promise| promise.due_ms);
    let (mut work_ms, mut subtrees, mut wanted) = (0_u64, 0_u64, 0_u64);
    for promise in by_deadline {
        work_ms = work_ms.saturating_add(promise.work_ms);
        subtrees = subtrees.saturating_add(promise.subtrees.into());
        let time_ms = u64::try_from(promise.due_ms).unwrap_or(0).saturating_sub(scaling.start_ms);
        let with_headroom = u128::from(work_ms) * u128::from(100 + u64::from(scaling.headroom_percent));
        let needed = with_headroom.div_ceil(100 * u128::from(time_ms.max(1)));
        wanted = wanted.max(u64::try_from(needed).unwrap_or(u64::MAX).min(subtrees));
    }
    let most = u64::from(scaling.most.max(scaling.floor));
    let workers = wanted.max(busy.into()).clamp(scaling.floor.into(), most);
    Demand { device_ms_due: work_ms, workers_wanted: u32::try_from(workers).unwrap_or(u32::MAX) }
}

/// The blocks that are promised: a block once, however many of its groups were quoted, with what is left of it at the 99th percentile of
/// what was measured.
pub fn promises(calendar: &Calendar, throughput: &Throughput, view: &View, submission_blocks: u64) -> Vec<Promise> {
    let mut blocks = BTreeMap::new();
    for (key, entry) in calendar.entries() {
        let class = entry.class();
        let whole = throughput.turn(class).p99_ms.saturating_mul(class.subtrees.into());
        let due = i128::from(entry.reservation.prove_by) - i128::from(submission_blocks) - i128::from(view.block);
        let due_ms = i64::try_from(due * i128::from(view.block_ms)).unwrap_or(i64::MAX);
        let promise = Promise { work_ms: entry.remaining.of(whole), subtrees: class.subtrees, due_ms };
        blocks
            .entry(key.commitment)
            .and_modify(|known: &mut Promise| {
                known.work_ms = known.work_ms.max(promise.work_ms);
                known.due_ms = known.due_ms.min(promise.due_ms);
            })
            .or_insert(promise);
    }
    blocks.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALING: Scaling = Scaling { floor: 2, most: 20, headroom_percent: 0, start_ms: 60_000 };

    fn promise(work_ms: u64, subtrees: u32, due_ms: i64) -> Promise {
        Promise { work_ms, subtrees, due_ms }
    }

    fn wanted(promises: &[Promise], scaling: &Scaling) -> u32 {
        demand(promises, 0, scaling).workers_wanted
    }

    #[test]
    fn nothing_promised_wants_the_floor() {
        assert_eq!(demand(&[], 0, &SCALING), Demand { device_ms_due: 0, workers_wanted: 2 });
        assert_eq!(wanted(&[promise(0, 8, -5)], &SCALING), 2, "proven already");
    }

    #[test]
    fn work_is_spread_over_the_time_that_a_new_worker_has() {
        // 300 s of work, 100 s for it.
        assert_eq!(wanted(&[promise(300_000, 8, 160_000)], &SCALING), 3);
        assert_eq!(wanted(&[promise(300_001, 8, 160_000)], &SCALING), 4, "rounded up");
        assert_eq!(wanted(&[promise(300_000, 8, 160_000)], &Scaling { headroom_percent: 50, ..SCALING }), 5);
    }

    #[test]
    fn the_hardest_deadline_counts_with_all_that_comes_before_it() {
        let (early, late) = (promise(100_000, 8, 160_000), promise(900_000, 8, 260_000));
        assert_eq!(wanted(&[early], &SCALING), 2, "one would do");
        assert_eq!(wanted(&[late, early], &SCALING), 5, "1000 s of work in 200 s, in whatever order they are told");
        let easy = promise(1_000, 8, 100_000_000);
        assert_eq!(wanted(&[early, late, easy], &SCALING), 5, "later work changes nothing about it");
        assert_eq!(demand(&[early, late], 0, &SCALING).device_ms_due, 1_000_000);
    }

    #[test]
    fn what_is_overdue_or_too_near_takes_a_worker_for_each_subtree() {
        assert_eq!(wanted(&[promise(300_000, 8, -1)], &SCALING), 8);
        assert_eq!(wanted(&[promise(300_000, 8, i64::MIN)], &SCALING), 8);
        assert_eq!(wanted(&[promise(300_000, 8, 60_000)], &SCALING), 8, "a new worker would begin at the deadline");
        assert_eq!(wanted(&[promise(1, 8, -1)], &SCALING), 2, "a millisecond of work needs one worker");
        assert_eq!(wanted(&[promise(300_000, 8, -1), promise(300_000, 8, -1)], &SCALING), 16);
    }

    #[test]
    fn who_is_at_work_is_wanted() {
        assert_eq!(demand(&[promise(1, 8, 160_000)], 7, &SCALING).workers_wanted, 7);
        assert_eq!(demand(&[], 100, &SCALING).workers_wanted, 20, "within the bounds");
    }

    #[test]
    fn the_bounds_hold() {
        let much = promise(u64::MAX, 256, 61_000);
        assert_eq!(wanted(&[much, much], &SCALING), 20);
        assert_eq!(wanted(&[much], &Scaling { most: 0, ..SCALING }), 2, "never below the floor");
        assert_eq!(demand(&[much, much], 0, &SCALING).device_ms_due, u64::MAX);
    }
}
