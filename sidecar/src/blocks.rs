//! Block files: checking, executing, cutting. The heavy part; to be run on a blocking pool.

use proofyard_coordinator_client::{GROUPS_MAX, SUBTREES_MAX};
use proofyard_embedded_farm::coordinator::rollup::{
    block::Block, block_error::BlockError, circuit, cut::CutError, encoding::field_to_bytes, executor,
    executor::Executed, subtree_inputs::subtrees_needed,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::types::{Bytes, Hash, Link, Plan, Reason};

/// State root, data hash, fees; big-endian words.
pub type Baton = [Hash; 3];

/// The size classes that a deployment takes, and how blocks are cut into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// Base-2 logarithm of the rows of a subtree.
    pub rows_log2: u32,
    /// Groups that are wished for; a block with too few transfers gets fewer.
    pub groups: u32,
    /// Subtrees of a group for which there is a verifier, in any order.
    pub subtrees_per_group: Vec<u32>,
}

/// An executed block: the plan and the batons of its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worked {
    /// What the core knows of it.
    pub plan: Plan,
    /// Baton before the block.
    pub start: Baton,
    /// Baton after each group.
    pub ends: Vec<Baton>,
}

fn coded(text: &str, fallback: &str) -> Reason {
    match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((code, message)) => Reason::new(code, message),
        None => Reason::new(fallback, text),
    }
}

/// Checks and executes a block file and cuts it into the classes; refused with the code of what is wrong with it.
pub fn read(file: &[u8], classes: &Classes) -> Result<Worked, Reason> {
    work(&execute(file)?, Bytes(Sha256::digest(file).into()), classes)
}

/// Cuts a block file in two and executes both parts: each with its file.
pub fn cut(file: &[u8], first: u32, classes: &Classes) -> Result<[(Vec<u8>, Worked); 2], Reason> {
    let executed = execute(file)?;
    let (head, tail) = executed.cut(first as usize).map_err(|error: CutError| coded(&error.to_string(), "PY-S-103"))?;
    let part = |block: Block| {
        let file = block.encode();
        read(&file, classes).map(|worked| (file, worked))
    };
    Ok([part(head)?, part(tail)?])
}

fn execute(file: &[u8]) -> Result<Executed, Reason> {
    let refused = |error: BlockError| coded(&error.to_string(), "PY-S-103");
    let block = Block::decode(file).map_err(|error| refused(BlockError::Encoding(error)))?;
    executor::execute(&block).map_err(refused)
}

/// The least subtrees, in as many groups as wished or fewer, such that every group has a transfer and a verifier.
fn shape(transfers: usize, classes: &Classes) -> Option<(u32, u32)> {
    let capacity = circuit::capacity(classes.rows_log2);
    let needed = u32::try_from(subtrees_needed(transfers, capacity)?).ok()?;
    let mut groups = classes.groups.clamp(1, GROUPS_MAX as u32);
    loop {
        let mut subtrees = needed.max(groups);
        while subtrees <= SUBTREES_MAX {
            // The first subtrees get one transfer more; the last group has one when its first subtree does.
            let filled = (subtrees - subtrees / groups) < u32::try_from(transfers).unwrap_or(u32::MAX);
            if filled && classes.subtrees_per_group.contains(&(subtrees / groups)) {
                return Some((subtrees, groups));
            }
            subtrees *= 2;
        }
        if groups == 1 {
            return None;
        }
        groups /= 2;
    }
}

fn work(executed: &Executed, id: Hash, classes: &Classes) -> Result<Worked, Reason> {
    let transfers = executed.traces.len();
    let Some((subtrees, groups)) = shape(transfers, classes) else {
        let message = format!("no size class of this deployment holds {transfers} transfers; hand in smaller blocks");
        return Err(Reason::new("PY-S-104", message));
    };
    let capacity = circuit::capacity(classes.rows_log2);
    let runs = executed.split(subtrees as usize, capacity).map_err(|error| coded(&error.to_string(), "PY-S-104"))?;
    let words = |baton: proofyard_embedded_farm::coordinator::rollup::baton::Baton| {
        baton.to_array().map(|word| Bytes(field_to_bytes(word)))
    };
    let per_group = (subtrees / groups) as usize;
    let ends: Vec<Baton> = runs.chunks(per_group).filter_map(|runs| runs.last()).map(|run| words(run.end())).collect();
    let (start, end) = (words(executed.start), words(executed.end));
    let link = |baton: Baton| Link { root: baton[0], data_hash: baton[1] };
    let plan = Plan {
        id,
        start: link(start),
        end: link(end),
        transfers: u32::try_from(transfers).unwrap_or(u32::MAX),
        rows_log2: classes.rows_log2,
        subtrees,
        groups,
    };
    Ok(Worked { plan, start, ends })
}

#[cfg(test)]
mod tests {
    use proofyard_embedded_farm::coordinator::rollup::generate;

    use super::*;

    fn classes(groups: u32, subtrees_per_group: &[u32]) -> Classes {
        Classes { rows_log2: 12, groups, subtrees_per_group: subtrees_per_group.to_vec() }
    }

    #[test]
    fn a_block_gets_the_smallest_class_that_holds_it() {
        let per_subtree = circuit::capacity(12);
        assert_eq!(per_subtree, 1, "the test's numbers are for one transfer a subtree");
        assert_eq!(shape(1, &classes(1, &[1, 4])), Some((1, 1)));
        assert_eq!(shape(2, &classes(1, &[1, 4])), Some((4, 1)), "no verifier for two");
        assert_eq!(shape(3, &classes(2, &[2])), Some((4, 2)));
        assert_eq!(shape(2, &classes(2, &[2])), Some((2, 1)), "the second of two groups of two would be empty");
        assert_eq!(shape(5, &classes(1, &[1, 4])), None);
    }

    #[test]
    fn the_header_leads_from_start_to_end_by_groups() {
        let file = generate::block(4, 3).expect("a block").encode();
        let worked = read(&file, &classes(2, &[2])).expect("it executes");
        let Worked { plan, start, ends } = worked;
        assert_eq!((plan.transfers, plan.subtrees, plan.groups), (4, 4, 2));
        assert_eq!(plan.id.0, <[u8; 32]>::from(Sha256::digest(&file)));
        assert_eq!((start[0], start[2]), (plan.start.root, Hash::ZERO));
        assert_eq!((ends.len(), ends[1][0], ends[1][1]), (2, plan.end.root, plan.end.data_hash));
        assert_ne!(ends[0], ends[1]);
    }

    #[test]
    fn parts_follow_each_other() {
        let file = generate::block(5, 3).expect("a block").encode();
        let all = read(&file, &classes(1, &[1, 2, 4, 8])).expect("it executes");
        let [(head, first), (tail, rest)] = cut(&file, 2, &classes(1, &[1, 2, 4, 8])).expect("two parts");
        assert_eq!((first.plan.transfers, rest.plan.transfers), (2, 3));
        assert_eq!((first.plan.start, first.plan.end, rest.plan.end), (all.plan.start, rest.plan.start, all.plan.end));
        assert_eq!(read(&head, &classes(1, &[2])).expect("it executes").plan.id, first.plan.id);
        assert_ne!(head, tail);
    }

    #[test]
    fn what_is_wrong_keeps_its_code() {
        let code = |file: &[u8], first| match first {
            None => read(file, &classes(1, &[1, 2, 4])).expect_err("refused").code,
            Some(first) => cut(file, first, &classes(1, &[1, 2, 4])).expect_err("refused").code,
        };
        let mut file = generate::block(3, 3).expect("a block").encode();
        assert_eq!(code(&file, Some(3)), "PY-B-050");
        assert_eq!(code(b"no block", None), "PY-B-001");
        assert_eq!(code(&file[..file.len() - 1], None), "PY-B-003");
        let last = file.len() - 1;
        file[last] ^= 1;
        assert_eq!(code(&file, None), "PY-B-014");
        assert_eq!(code(&generate::block(5, 3).expect("a block").encode(), None), "PY-S-104");
    }
}
