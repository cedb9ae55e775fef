//! Each persona and each failure, one at a time, in the small world of tests/world.

use crate::world::{
    Kind, Manner, Trouble, World,
    l1::{RESCUE, US},
    plan, policy, prover,
};
use proofyard_sidecar::core::{
    Event, Rung,
    effect::Act,
    policy::{Persona, Policy},
    types::{BlockId, Height},
};

const HONEST: Manner = Manner::Honest(3);

fn run_with(policy: Policy, kinds: &[(Manner, u128)], transfers: u32) -> (World, BlockId) {
    let kinds = kinds.iter().map(|(manner, price)| Kind { manner: *manner, price: *price }).collect();
    let mut world = World::new(7, policy, kinds, Trouble::default(), false);
    let plan = plan(1, transfers, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    assert!(world.is_quiet(), "{}", world.dump());
    (world, block)
}

fn run(persona: Persona, kinds: &[(Manner, u128)], transfers: u32) -> (World, BlockId) {
    run_with(policy(persona, kinds.len()), kinds, transfers)
}

/// The kinds of rungs a block reached, in order, without repetitions.
fn ladder(world: &World, block: BlockId) -> Vec<String> {
    let name = |rung: &Rung| format!("{rung:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = world.rungs[&block].iter().map(name).collect();
    names.dedup();
    names
}

fn committed(world: &World, block: BlockId) -> Vec<proofyard_sidecar::core::types::Address> {
    let of = |rung: &Rung| match rung {
        Rung::Committed { provers, .. } => Some(provers.clone()),
        _ => None,
    };
    world.rungs[&block].iter().find_map(of).expect("committed")
}

fn is_final(world: &World, block: BlockId) -> bool {
    matches!(world.last(block), Rung::Finalized { .. })
}

fn handed(world: &World) -> Vec<(&str, bool)> {
    world.handed.iter().map(|(_, bidder, rescue)| (bidder.as_str(), *rescue)).collect()
}

#[test]
fn self_prove_climbs_the_ladder_alone() {
    let (world, block) = run(Persona::SelfProve, &[(HONEST, 1)], 3);
    let expected = ["Queued", "Mempool", "Proposed", "Revealed", "Committed", "Proving", "Verified", "Finalized"];
    assert_eq!(ladder(&world, block), expected);
    assert_eq!(committed(&world, block), [US]);
    assert!(world.asked.is_empty() && world.handed.is_empty());
    assert_eq!(world.l1.own_deposits.values().collect::<Vec<_>>(), [&1]);
    let tips: Vec<u128> = world
        .sent
        .iter()
        .filter_map(|(_, _, act)| match act {
            Act::Propose { tip, .. } => Some(*tip),
            _ => None,
        })
        .collect();
    assert_eq!(tips, [0], "nothing is paid to oneself");
}

#[test]
fn self_prove_cuts_a_big_block_until_all_of_it_is_proven() {
    let (world, block) = run(Persona::SelfProve, &[], 20);
    let ends = world.ends(block);
    assert_eq!(ends.len(), 3, "8, 8 and 4 transfers");
    assert!(ends.iter().all(|rung| matches!(rung, Rung::Finalized { .. })), "{ends:?}");
}

#[test]
fn the_trusted_list_takes_the_cheaper_of_its_provers() {
    let (world, block) = run(Persona::TrustedList, &[(HONEST, 500), (HONEST, 400)], 20);
    assert_eq!(committed(&world, block), [prover(1)]);
    assert_eq!(handed(&world), [("b1", false)]);
    assert!(is_final(&world, block) && world.l1.own_deposits.is_empty());
    assert_eq!(world.state.records().history().of("b1").delivered, 1);
}

#[test]
fn the_trusted_list_does_not_take_a_stranger_or_a_bid_without_deposit() {
    let mut policy = policy(Persona::TrustedList, 2);
    policy.bidders[0].provers = vec![prover(7)];
    policy.bidders[1].own_deposit = true;
    let (world, block) = run_with(policy, &[(HONEST, 1), (HONEST, 1)], 3);
    assert_eq!(world.refused, [("b0".to_owned(), "PY-S-206".to_owned())]);
    assert!(world.asked.iter().all(|(_, bidder)| bidder == "b0"), "b1 is not even asked");
    assert_eq!(committed(&world, block), [US]);
}

#[test]
fn the_open_auction_may_use_the_sequencers_deposit() {
    let mut policy = policy(Persona::OpenAuction, 2);
    policy.bidders[1].own_deposit = true;
    let (world, block) = run_with(policy, &[(HONEST, 500), (HONEST, 499)], 20);
    assert_eq!(committed(&world, block), [prover(1)]);
    assert_eq!(world.l1.own_deposits.values().collect::<Vec<_>>(), [&1]);
    assert!(is_final(&world, block));
}

#[test]
fn without_a_bid_the_block_is_cut_and_its_first_part_self_proven() {
    let (world, block) = run(Persona::OpenAuction, &[(Manner::Declines, 1), (Manner::Silent, 1)], 20);
    let Rung::Cut { first, rest } = world.last(block) else { panic!("{:?}", world.last(block)) };
    assert!(is_final(&world, *first));
    assert!(world.rungs[rest].iter().any(|rung| matches!(rung, Rung::Bidding { .. })), "the rest asks again");
    assert!(world.ends(block).iter().all(|rung| matches!(rung, Rung::Finalized { .. })));
}

#[test]
fn every_lie_is_refused_by_its_code() {
    for (how, code) in [
        (0, "PY-S-201"),
        (1, "PY-S-203"),
        (2, "PY-S-205"),
        (3, "PY-S-204"),
        (4, "PY-S-202"),
        (5, "PY-S-202"),
        (6, "PY-S-202"),
        (7, "PY-S-201"),
        (8, "PY-S-202"),
    ] {
        let (world, block) = run(Persona::OpenAuction, &[(Manner::Liar(how), 1), (HONEST, 900)], 20);
        assert_eq!(world.refused, [("b0".to_owned(), code.to_owned())], "lie {how}");
        assert_eq!(committed(&world, block), [prover(1)]);
    }
}

#[test]
fn a_quote_that_l1_refuses_falls_back_to_the_next() {
    let kinds = [(HONEST, 1), (HONEST, 900)].map(|(manner, price)| Kind { manner, price });
    let mut world = World::new(7, policy(Persona::OpenAuction, 2), kinds.into(), Trouble::default(), false);
    world.spoilt = Some("b0".to_owned());
    let plan = plan(1, 20, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    assert_eq!(committed(&world, block), [prover(1)]);
    assert_eq!(world.state.records().history().of("b0").failed, 1, "who sells a quote twice is remembered");
    assert!(is_final(&world, block));
}

/// The best bidder fails in this manner, the second is honest: it rescues, and the first is not asked for a while.
fn rescued(manner: Manner) -> World {
    let policy = Policy { cool_down: 3, ..policy(Persona::OpenAuction, 2) };
    let kinds = [(manner, 1), (HONEST, 900)].map(|(manner, price)| Kind { manner, price });
    let mut world = World::new(7, policy, kinds.into(), Trouble::default(), false);
    for number in 1..=6 {
        world.submit(plan(number, 20, 1));
    }
    world.run(1_000);
    for number in 1..=6 {
        assert!(is_final(&world, plan(number, 20, 1).id), "{}", world.dump());
    }
    let rescues: Vec<_> = world.handed.iter().filter(|(_, _, rescue)| *rescue).collect();
    let expected = [&(1, "b1".to_owned(), true), &(5, "b1".to_owned(), true)];
    assert_eq!(rescues, expected, "{manner:?}: tried again after the cool-down, and failing again");
    let asked: Vec<Height> =
        world.asked.iter().filter(|(_, bidder)| bidder == "b0").map(|(height, _)| *height).collect();
    assert_eq!(asked, [1, 5], "{manner:?}: not at three heights after a failure");
    world
}

#[test]
fn a_prover_that_vanishes_is_rescued_by_the_next() {
    rescued(Manner::Vanishes);
}

#[test]
fn a_prover_that_stalls_is_rescued_by_the_next() {
    rescued(Manner::Stalls);
}

#[test]
fn a_prover_that_gives_up_is_rescued_by_the_next() {
    rescued(Manner::GivesUp);
}

#[test]
fn a_prover_that_does_not_take_the_block_is_rescued_by_the_next() {
    let world = rescued(Manner::Refuses);
    let first: Vec<_> = handed(&world).into_iter().take(4).collect();
    assert_eq!(first, [("b0", false), ("b0", false), ("b0", false), ("b1", true)], "three tries");
}

#[test]
fn a_slow_prover_in_time_is_left_alone() {
    let (world, block) = run(Persona::OpenAuction, &[(Manner::Honest(20), 1), (HONEST, 900)], 20);
    assert_eq!(handed(&world), [("b0", false)]);
    assert!(is_final(&world, block));
}

#[test]
fn a_prover_that_will_be_late_is_replaced_before_it_is() {
    let (world, block) = run(Persona::OpenAuction, &[(Manner::Honest(60), 1), (HONEST, 900)], 20);
    assert_eq!(handed(&world), [("b0", false), ("b1", true)]);
    assert!(is_final(&world, block));
}

#[test]
fn a_proof_that_nobody_submits_is_published() {
    let (world, block) = run(Persona::OpenAuction, &[(Manner::Hoards(3), 1)], 20);
    assert!(world.sent.iter().any(|(_, _, act)| matches!(act, Act::Publish { .. })));
    assert!(is_final(&world, block));
}

#[test]
fn when_everybody_fails_the_sidecar_proves_itself_and_waits_for_the_rescuers_price() {
    let (world, block) = run(Persona::OpenAuction, &[(Manner::Vanishes, 1), (Manner::Stalls, 2)], 20);
    assert!(is_final(&world, block));
    let submitted: Vec<_> = world.sent.iter().filter(|(_, _, act)| matches!(act, Act::Submit { .. })).collect();
    let (height, sent_at, _) = submitted[0];
    let closes = world.l1.heights[height].first_blocks()[5];
    let from = closes - RESCUE.max(2 * world.policy.submit_blocks);
    assert_eq!(*sent_at + 1, from, "not before the window's last blocks, and not later");
    assert!(world.rungs[&block].iter().any(|rung| matches!(rung, Rung::Rescuing { by, .. } if by == "self")));
}

#[test]
fn a_slashed_block_is_proposed_again_and_handed_back_in_the_end() {
    let policy = Policy { attempts_max: 2, ..policy(Persona::SelfProve, 0) };
    let mut world = World::new(7, policy, Vec::new(), Trouble::default(), false);
    world.own_blocks = 1_000;
    let plan = plan(1, 3, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    let slashed = world.rungs[&block].iter().filter(|rung| matches!(rung, Rung::Slashed { .. })).count();
    assert_eq!(slashed, 2);
    assert_eq!(world.l1.heights.len(), 2, "it went back to the queue after the first");
    let Rung::HandedBack { reason } = world.last(block) else { panic!("{:?}", world.last(block)) };
    assert_eq!(reason.code, "PY-S-112");
}

#[test]
fn a_block_that_another_sequencer_overtook_is_handed_back() {
    let mut found = false;
    for seed in 0..40 {
        let trouble = Trouble { rivals: 1, rivals_fail: 0, ..Trouble::default() };
        let mut world = World::new(seed, policy(Persona::SelfProve, 0), Vec::new(), trouble, false);
        let plan = plan(1, 3, 1);
        let block = plan.id;
        world.submit(plan);
        world.run(400);
        assert!(world.is_quiet(), "{}", world.dump());
        if let Rung::HandedBack { reason } = world.last(block) {
            assert_eq!(reason.code, "PY-S-111");
            assert!(world.rungs[&block].iter().any(|rung| matches!(rung, Rung::Lost { .. })));
            let refunded = world.sent.iter().any(|(_, _, act)| matches!(act, Act::Refund { .. }));
            assert!(refunded, "the tip of a lost proposal is fetched");
            found = true;
        }
    }
    assert!(found, "in 40 worlds a rival wins once");
}

#[test]
fn a_block_that_waits_for_a_predecessor_is_handed_back_when_none_comes() {
    let mut world = World::new(7, policy(Persona::SelfProve, 0), Vec::new(), Trouble::default(), false);
    let late = plan(2, 3, 1);
    let block = late.id;
    world.submit(late);
    world.run(50);
    let Rung::HandedBack { reason } = world.last(block) else { panic!("{:?}", world.last(block)) };
    assert_eq!(reason.code, "PY-S-111");
}

#[test]
fn blocks_wait_for_their_predecessors() {
    let mut world = World::new(7, policy(Persona::SelfProve, 0), Vec::new(), Trouble::default(), true);
    for number in [3, 1, 2] {
        world.submit(plan(number, 3, 1));
    }
    world.run(600);
    for number in 1..=3 {
        let Rung::Finalized { height } = world.last(plan(number, 3, 1).id) else { panic!("{}", world.dump()) };
        assert_eq!(*height, number, "in the order of their states");
    }
}

#[test]
fn the_same_block_twice_is_one_block_and_a_full_queue_refuses() {
    let policy = Policy { blocks_max: 1, ..policy(Persona::SelfProve, 0) };
    let mut world = World::new(7, policy, Vec::new(), Trouble::default(), false);
    let (first, second) = (plan(1, 3, 1), plan(2, 3, 1));
    world.submit(first.clone());
    world.event(Event::Received { plan: first.clone() });
    assert_eq!(world.rungs[&first.id].len(), 1);
    world.submit(second.clone());
    let Rung::HandedBack { reason } = world.last(second.id) else { panic!("not refused") };
    assert_eq!(reason.code, "PY-S-101");
    world.run(200);
    assert!(is_final(&world, first.id));
}

#[test]
fn what_is_credited_is_drawn() {
    let (world, _) = run(Persona::SelfProve, &[], 3);
    assert_eq!(world.l1.credit, 0);
    assert!(world.sent.iter().any(|(_, _, act)| matches!(act, Act::Withdraw { .. })));
}

#[test]
fn a_process_that_dies_again_and_again_still_gets_there() {
    for seed in 0..30 {
        let trouble = Trouble { crashes: 15, ..Trouble::default() };
        let kinds = [(HONEST, 1), (Manner::Vanishes, 2)].map(|(manner, price)| Kind { manner, price });
        let mut world = World::new(seed, policy(Persona::OpenAuction, 2), kinds.into(), trouble, false);
        let plan = plan(1, 20, 1);
        let block = plan.id;
        world.submit(plan);
        world.run(600);
        assert!(world.ends(block).iter().all(|rung| matches!(rung, Rung::Finalized { .. })), "{}", world.dump());
    }
}

#[test]
fn an_own_proof_that_fails_is_tried_again_after_a_pause() {
    let mut world = World::new(7, policy(Persona::SelfProve, 0), Vec::new(), Trouble::default(), false);
    (world.own_blocks, world.own_failures) = (0, 3);
    let plan = plan(1, 3, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    assert!(is_final(&world, block), "{}", world.dump());
    assert_eq!(world.own_proofs, 4);
}

#[test]
fn an_attempt_that_l1_refuses_is_made_anew_under_other_names() {
    let mut world = World::new(7, policy(Persona::SelfProve, 0), Vec::new(), Trouble::default(), false);
    world.refusals = 4;
    let plan = plan(1, 3, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    assert!(is_final(&world, block), "{}", world.dump());
    let proposed = world.sent.iter().filter(|(_, _, act)| matches!(act, Act::Propose { .. })).count();
    assert_eq!(proposed, 5, "three times, then with the next attempt");
    assert_eq!(world.rungs[&block].iter().filter(|rung| matches!(rung, Rung::Lost { .. })).count(), 1);
}

#[test]
fn a_deposit_of_ours_is_not_put_behind_a_bid_that_the_tip_does_not_pay() {
    // The best bid's quote is spoilt; the next one has no deposit and asks for more than was proposed.
    let mut policy = policy(Persona::OpenAuction, 2);
    policy.bidders[1].own_deposit = true;
    let kinds = [(HONEST, 100), (HONEST, 500)].map(|(manner, price)| Kind { manner, price });
    let mut world = World::new(7, policy, kinds.into(), Trouble::default(), false);
    world.spoilt = Some("b0".to_owned());
    let plan = plan(1, 3, 1);
    let block = plan.id;
    world.submit(plan);
    world.run(400);
    assert!(is_final(&world, block));
    assert_eq!(committed(&world, block), [US], "the block is small enough for the sidecar itself");
}

#[test]
fn without_bonds_a_block_is_proven_without_a_commitment() {
    for (kinds, transfers) in [(vec![], 3), (vec![(HONEST, 100), (HONEST, 200)], 20)] {
        let persona = if kinds.is_empty() { Persona::SelfProve } else { Persona::OpenAuction };
        let kinds: Vec<Kind> = kinds.into_iter().map(|(manner, price)| Kind { manner, price }).collect();
        let bidders = kinds.len();
        let mut world = World::new(7, policy(persona, bidders), kinds, Trouble::default(), false);
        world.l1.bonded = false;
        let plan = plan(1, transfers, 1);
        let block = plan.id;
        world.submit(plan);
        world.run(400);
        assert!(is_final(&world, block), "{}", world.dump());
        let ladder = ladder(&world, block);
        assert!(ladder.contains(&"Revealed".to_owned()) && !ladder.contains(&"Committed".to_owned()), "{ladder:?}");
        assert!(!world.sent.iter().any(|(_, _, act)| matches!(act, Act::CommitOwn { .. } | Act::CommitQuote { .. })));
        assert_eq!(handed(&world).len(), bidders.min(1));
    }
}
