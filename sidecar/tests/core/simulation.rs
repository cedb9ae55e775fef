//! Random worlds: see tests/world. Checked in every world, beside the assertions of the world itself (no second proposal, no second
//! commitment, no unchecked quote, one worker a group): every block that came in ends; and where the trouble stays within what the
//! policy reckons with, no height of ours is slashed.

use crate::world::{Cut, Kind, Manner, Trouble, World, plan, policy};
use proofyard_sidecar::core::{
    Rung,
    effect::{Act, Slot},
    policy::Persona,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

const WORLDS: u64 = 1_500;

fn manner(rng: &mut ChaCha8Rng) -> Manner {
    let blocks = u64::from(rng.next_u32() % 10);
    match rng.next_u32() % 14 {
        0..=4 => Manner::Honest(blocks),
        5 | 6 => Manner::Liar(rng.next_u32()),
        7 => Manner::Vanishes,
        8 => Manner::Stalls,
        9 => Manner::Refuses,
        10 => Manner::GivesUp,
        11 => Manner::Declines,
        12 => Manner::Silent,
        _ => Manner::Hoards(blocks),
    }
}

fn world(seed: u64) -> (World, Vec<proofyard_sidecar::core::types::BlockId>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let persona = [Persona::SelfProve, Persona::TrustedList, Persona::OpenAuction, Persona::OpenAuction]
        [rng.next_u32() as usize % 4];
    let bidders = rng.next_u32() as usize % 5;
    let mut policy = policy(persona, bidders);
    if persona == Persona::OpenAuction {
        policy.bidders.iter_mut().for_each(|bidder| bidder.own_deposit = rng.next_u32().is_multiple_of(4));
    }
    let kinds =
        (0..bidders).map(|_| Kind { manner: manner(&mut rng), price: u128::from(rng.next_u32() % 900) }).collect();
    let rough = rng.next_u32().is_multiple_of(3);
    let trouble = Trouble {
        reorgs: if rough { 12 } else { 0 },
        rivals: [0, 0, 2, 3][rng.next_u32() as usize % 4],
        rivals_fail: 2,
        wait: if rough { 2 } else { 1 },
        crashes: if rng.next_u32().is_multiple_of(2) { 60 } else { 0 },
    };
    let mut world = World::new(seed, policy, kinds, trouble, rng.next_u32().is_multiple_of(2));
    let count = 1 + u64::from(rng.next_u32() % 3);
    let groups = [1, 1, 2][rng.next_u32() as usize % 3];
    let blocks = (1..=count)
        .map(|number| {
            let plan = plan(number, 1 + rng.next_u32() % 20, groups);
            let id = plan.id;
            world.submit(plan);
            id
        })
        .collect();
    world.run(3_000);
    (world, blocks)
}

#[test]
fn random_worlds_end_well() {
    let (mut finalized, mut handed_back, mut cut) = (0, 0, 0);
    for seed in 0..WORLDS {
        let (world, blocks) = world(seed);
        assert!(world.is_quiet(), "seed {seed}: not at rest\n{}", world.dump());
        for block in blocks {
            let ends = world.ends(block);
            assert!(ends.iter().all(|rung| rung.is_final()), "seed {seed}: {ends:?}\n{}", world.dump());
            cut += ends.len() - 1;
            finalized += ends.iter().filter(|rung| matches!(rung, Rung::Finalized { .. })).count();
            handed_back += ends.iter().filter(|rung| matches!(rung, Rung::HandedBack { .. })).count();
            if world.trouble.rivals == 0 && world.trouble.reorgs == 0 {
                let well = ends.iter().all(|rung| matches!(rung, Rung::Finalized { .. }));
                assert!(well, "seed {seed}: {ends:?}\n{}", world.dump());
            }
        }
        if world.trouble.reorgs == 0 {
            // The policy's time for an own proof is enough for one that is begun a second time, not a third.
            let slashed = |rung: &Rung| match rung {
                Rung::Slashed { height } => world.interrupted.get(height).is_none_or(|times| *times < 2),
                _ => false,
            };
            assert!(!world.rungs.values().flatten().any(slashed), "seed {seed}: slashed\n{}", world.dump());
        }
    }
    println!("{WORLDS} worlds: {finalized} blocks final, {handed_back} handed back, {cut} cuts");
    assert!(finalized > 0 && handed_back > 0 && cut > 0);
}

/// A way to a proven block: persona, bidders, transfers, groups, whether two blocks go on top of each other.
type Way = (Persona, &'static [Manner], u32, u32, bool);

const WAYS: [Way; 8] = [
    (Persona::SelfProve, &[], 3, 1, false),
    (Persona::SelfProve, &[], 20, 1, false),
    (Persona::TrustedList, &[Manner::Honest(3), Manner::Honest(2)], 20, 2, true),
    (Persona::OpenAuction, &[Manner::Honest(3), Manner::Silent], 20, 1, false),
    (Persona::OpenAuction, &[Manner::Vanishes, Manner::Honest(2)], 20, 1, false),
    (Persona::OpenAuction, &[Manner::Refuses, Manner::GivesUp], 20, 2, true),
    (Persona::OpenAuction, &[Manner::Hoards(2), Manner::Liar(1)], 20, 1, false),
    (Persona::OpenAuction, &[Manner::Declines], 20, 1, false),
];

fn cut_off((persona, manners, transfers, groups, pipelined): Way, cut: Option<Cut>) -> World {
    let kinds = manners.iter().zip([1, 500]).map(|(manner, price)| Kind { manner: *manner, price }).collect();
    let mut world = World::new(7, policy(persona, manners.len()), kinds, Trouble::default(), pipelined);
    world.cut = cut;
    for number in 1..=2 {
        world.submit(plan(number, transfers, groups));
    }
    world.run(2_000);
    assert!(world.is_quiet(), "{cut:?}: not at rest\n{}", world.dump());
    for number in 1..=2 {
        let ends = world.ends(plan(number, transfers, groups).id);
        let well = ends.iter().all(|rung| matches!(rung, Rung::Finalized { .. }));
        assert!(well, "{cut:?}: {ends:?}\n{}", world.dump());
    }
    // Nothing of ours is refused in these worlds, so nothing may be tried in two ways.
    let mut acts: std::collections::BTreeMap<_, &Act> = Default::default();
    for (height, _, act) in &world.sent {
        let slot = match act {
            Act::Propose { .. } => Slot::Propose,
            Act::CommitQuote { group, .. } | Act::CommitOwn { group, .. } => Slot::Commit(*group),
            _ => continue,
        };
        let before = acts.entry((*height, slot)).or_insert(act);
        assert_eq!(*before, act, "{cut:?}: a second, different act at {height}\n{}", world.dump());
    }
    world
}

/// Killed before each effect, and after each one with its answer lost: the next process ends where this one would have.
#[test]
fn a_process_killed_at_any_effect_goes_on() {
    let mut cuts = 0;
    for way in WAYS {
        let effects = cut_off(way, None).effects;
        for number in 0..effects {
            cut_off(way, Some(Cut::Before(number)));
            cut_off(way, Some(Cut::After(number)));
            cuts += 2;
        }
    }
    println!("{cuts} cuts in {} ways", WAYS.len());
    assert!(cuts > 500);
}
