//! What is known of the newest part of the chain, and how it changes: pure.
//!
//! The window is a run of blocks, each the parent of the next. It grows by the block after its tip when that names the tip as its parent;
//! otherwise the tip is taken back and the block before it is asked for, until the runs meet. A head that is merely lower than the tip changes
//! nothing: a node that is late or was restarted, not a reorg.

use std::collections::VecDeque;

use crate::chain::{BlockRef, Log};

/// What a consumer is told, in an order in which it can do and undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Blocks older than the window: these are the logs of all of them. Comes only at the beginning or after a long sleep.
    History {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
        /// In order.
        logs: Vec<Log>,
    },
    /// The next block.
    Applied {
        /// Which.
        block: BlockRef,
        /// The watched contracts' logs in it, in order.
        logs: Vec<Log>,
    },
    /// The newest applied block is no longer part of the chain.
    Reverted {
        /// Which.
        block: BlockRef,
    },
    /// An alarm: a reorg deeper than the window. Everything that follows from logs of this block or later ones must be forgotten; they
    /// come anew.
    Resync {
        /// The first block that comes anew.
        from: u64,
    },
}

/// What must be read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing until the head changes.
    Nothing,
    /// The block with this number and its logs.
    Block(u64),
    /// The logs of a range of blocks, both ends included.
    History {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
}

/// The window.
#[derive(Clone, Debug)]
pub struct Window {
    blocks: VecDeque<BlockRef>,
    capacity: u64,
    range: u64,
    first_block: u64,
    /// The first block that was not applied yet, while the window is empty.
    next: u64,
    head: Option<BlockRef>,
}

impl Window {
    /// An empty window of `capacity` blocks that begins at `first_block` and asks for older blocks in ranges of `range`.
    pub fn new(first_block: u64, capacity: u64, range: u64) -> Self {
        Self { blocks: VecDeque::new(), capacity, range, first_block, next: first_block, head: None }
    }

    /// Goes on after what an earlier process applied: its newest blocks, oldest first. Blocks that are no run are left out.
    pub fn resume(&mut self, blocks: &[BlockRef]) {
        self.blocks.clear();
        for block in blocks.iter().rev() {
            let joins =
                self.blocks.front().is_none_or(|next| next.parent == block.hash && next.number == block.number + 1);
            if !joins || self.blocks.len() as u64 == self.capacity {
                break;
            }
            self.blocks.push_front(*block);
        }
    }

    /// The newest applied block.
    pub fn tip(&self) -> Option<&BlockRef> {
        self.blocks.back()
    }

    /// The blocks of the window, oldest first.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &BlockRef> {
        self.blocks.iter()
    }

    /// The block with this number, if it is in the window.
    pub fn at(&self, number: u64) -> Option<&BlockRef> {
        let first = self.blocks.front()?.number;
        self.blocks.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The newest block with `depth` applied blocks on top of it.
    pub fn confirmed(&self, depth: u64) -> Option<&BlockRef> {
        self.at(self.tip()?.number.checked_sub(depth)?)
    }

    /// A node's newest block; what to read for it.
    pub fn head(&mut self, head: BlockRef) -> Ask {
        self.head = Some(head);
        self.ask()
    }

    fn ask(&self) -> Ask {
        let Some(head) = self.head else { return Ask::Nothing };
        let Some(tip) = self.tip() else {
            return if head.number < self.next {
                Ask::Nothing
            } else if head.number - self.next >= self.capacity {
                let to = (head.number - self.capacity).min(self.next.saturating_add(self.range - 1));
                Ask::History { from: self.next, to }
            } else {
                Ask::Block(self.next)
            };
        };
        if head.number > tip.number {
            // After a long sleep: is our tip still there? Then the blocks between are history.
            let slept = head.number - tip.number > self.capacity.saturating_mul(2);
            Ask::Block(if slept { tip.number } else { tip.number + 1 })
        } else {
            match self.at(head.number) {
                Some(known) if known.hash != head.hash => Ask::Block(head.number),
                _ => Ask::Nothing,
            }
        }
    }

    /// Whether taking this block in would take others back.
    pub fn reverts(&self, block: &BlockRef) -> bool {
        match self.at(block.number) {
            Some(known) => known.hash != block.hash,
            None => self.tip().is_some_and(|tip| block.number == tip.number + 1 && block.parent != tip.hash),
        }
    }

    /// Takes in what `Ask::History` asked for.
    pub fn take_history(&mut self, from: u64, to: u64, logs: Vec<Log>, changes: &mut Vec<Change>) -> Ask {
        if self.blocks.is_empty() && from == self.next && to >= from {
            self.next = to + 1;
            changes.push(Change::History { from, to, logs });
        }
        self.ask()
    }

    /// Takes in what `Ask::Block` asked for.
    pub fn take_block(&mut self, block: BlockRef, logs: Vec<Log>, changes: &mut Vec<Change>) -> Ask {
        let Some(tip) = self.tip().copied() else {
            if block.number == self.next {
                self.push(block, logs, changes);
            }
            return self.ask();
        };
        if block.number == tip.number && block.hash == tip.hash {
            // Still there after a long sleep.
            if self.head.is_some_and(|head| head.number > tip.number) {
                (self.next, self.blocks) = (tip.number + 1, VecDeque::new());
            }
        } else if block.number <= tip.number + 1 && self.at(block.number).is_none_or(|known| known.hash != block.hash) {
            while self.tip().is_some_and(|tip| tip.number >= block.number) {
                self.pop(changes);
            }
            if self.tip().is_some_and(|tip| tip.number + 1 == block.number && tip.hash == block.parent) {
                self.push(block, logs, changes);
            } else {
                self.pop(changes);
            }
            if self.blocks.is_empty() {
                self.next = self.first_block;
                changes.push(Change::Resync { from: self.first_block });
            }
        }
        self.ask()
    }

    fn push(&mut self, block: BlockRef, logs: Vec<Log>, changes: &mut Vec<Change>) {
        self.blocks.push_back(block);
        if self.blocks.len() as u64 > self.capacity {
            self.blocks.pop_front();
        }
        changes.push(Change::Applied { block, logs });
    }

    fn pop(&mut self, changes: &mut Vec<Change>) {
        if let Some(block) = self.blocks.pop_back() {
            changes.push(Change::Reverted { block });
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, keccak256};

    use super::*;

    /// A chain by the seeds of its blocks: the same seeds give the same hashes.
    fn chain(seeds: &[u8]) -> Vec<BlockRef> {
        let mut parent = B256::ZERO;
        let mut blocks = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            let hash = keccak256([&parent[..], &[*seed]].concat());
            blocks.push(BlockRef { number: number as u64, hash, parent });
            parent = hash;
        }
        blocks
    }

    /// Shows a chain's head to the window and answers what it asks.
    fn show(window: &mut Window, chain: &[BlockRef]) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut ask = window.head(*chain.last().expect("a block"));
        for _ in 0..1_000 {
            ask = match ask {
                Ask::Nothing => return changes,
                Ask::Block(number) => window.take_block(chain[number as usize], Vec::new(), &mut changes),
                Ask::History { from, to } => window.take_history(from, to, Vec::new(), &mut changes),
            };
        }
        panic!("the window never stops asking");
    }

    /// What a consumer that does and undoes ends with.
    fn consumer(applied: &mut Vec<BlockRef>, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Applied { block, .. } => {
                    assert!(applied.last().is_none_or(|last| last.hash == block.parent), "in order");
                    applied.push(block);
                }
                Change::Reverted { block } => assert_eq!(applied.pop(), Some(block), "the newest first"),
                Change::Resync { .. } => applied.clear(),
                Change::History { .. } => assert!(applied.is_empty()),
            }
        }
    }

    #[test]
    fn blocks_come_in_order_and_gaps_are_filled() {
        let (mut window, mut applied) = (Window::new(0, 16, 100), Vec::new());
        let all = chain(&[0; 12]);
        consumer(&mut applied, show(&mut window, &all[..3]));
        consumer(&mut applied, show(&mut window, &all));
        assert_eq!(applied, all);
        assert_eq!(window.confirmed(4), Some(&all[7]));
        assert_eq!(show(&mut window, &all[..6]), [], "a head that went back is no reorg");
        assert_eq!(window.confirmed(12), None);
    }

    #[test]
    fn reorgs_to_longer_equal_and_shorter_chains_are_undone_and_redone() {
        for (old, new) in [
            (&[0; 8][..], &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1][..]),
            (&[0; 8][..], &[0, 0, 0, 0, 0, 1, 1, 1][..]),
            (&[0; 8][..], &[0, 0, 0, 0, 1, 1][..]),
            (&[0; 8][..], &[0, 0, 0, 0, 0, 0, 0, 1][..]),
        ] {
            let (mut window, mut applied) = (Window::new(0, 16, 100), Vec::new());
            consumer(&mut applied, show(&mut window, &chain(old)));
            consumer(&mut applied, show(&mut window, &chain(new)));
            assert_eq!(applied, chain(new));
        }
    }

    #[test]
    fn a_reorg_deeper_than_the_window_is_a_resync() {
        let (mut window, mut applied) = (Window::new(0, 4, 100), Vec::new());
        consumer(&mut applied, show(&mut window, &chain(&[0; 4])));
        consumer(&mut applied, show(&mut window, &chain(&[0; 8])));
        let new = chain(&[0, 0, 1, 1, 1, 1, 1, 1, 1]);
        let changes = show(&mut window, &new);
        let resync = changes.iter().position(|change| *change == Change::Resync { from: 0 }).expect("an alarm");
        assert_eq!(resync, 4, "after the whole window");
        assert!(matches!(changes[5], Change::History { from: 0, to: 4, .. }), "what is older than the window");
        assert_eq!(window.tip(), new.last());
    }

    #[test]
    fn history_is_read_in_ranges_and_again_after_a_long_sleep() {
        let all = chain(&[0; 60]);
        let mut window = Window::new(2, 8, 10);
        let changes = show(&mut window, &all[..30]);
        let ranges: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::History { from, to, .. } => Some((*from, *to)),
                _ => None,
            })
            .collect();
        assert_eq!(ranges, [(2, 11), (12, 21)]);
        assert_eq!(window.blocks().count(), 8);
        let changes = show(&mut window, &all);
        assert!(matches!(changes[0], Change::History { from: 30, to: 39, .. }), "{:?}", changes[0]);
        assert_eq!(window.tip(), all.last());
        assert!(!changes.iter().any(|change| matches!(change, Change::Reverted { .. })));
    }

    #[test]
    fn a_reorg_while_nobody_looked_is_found_on_resuming() {
        let old = chain(&[0; 10]);
        let mut window = Window::new(0, 8, 100);
        window.resume(&old);
        assert_eq!(window.blocks().count(), 8);
        let new = chain(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]);
        let mut applied = old;
        consumer(&mut applied, show(&mut window, &new));
        assert_eq!(applied, new);
        let mut torn = chain(&[0; 5]);
        torn.remove(2);
        window.resume(&torn);
        assert_eq!(window.blocks().map(|block| block.number).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn a_restarted_node_that_builds_on_an_older_block_is_followed() {
        let (mut window, mut applied) = (Window::new(0, 16, 100), Vec::new());
        let old = chain(&[0; 9]);
        consumer(&mut applied, show(&mut window, &old));
        consumer(&mut applied, show(&mut window, &old[..5]));
        assert_eq!(applied.len(), 9, "nothing is taken back for a lower head alone");
        let new = chain(&[0, 0, 0, 0, 0, 2]);
        consumer(&mut applied, show(&mut window, &new));
        assert_eq!(applied, new);
    }
}
