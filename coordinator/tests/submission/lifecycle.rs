//! Proving starts when the commitment is deep enough, the proof goes out once, reorgs are undone, lost groups are left.

use alloy_primitives::Address;
use proofyard_coordinator::{
    ledger::QuoteState,
    submission::{Effect, Event, Fact, Farm, Sending},
};

use crate::samples::{LAST, PROVER, Play, quote, submit};

#[test]
fn proving_starts_when_the_commitment_is_deep_enough_and_the_block_is_here() {
    let mut play = Play::new(QuoteState::Signed, Farm::Missing);
    play.see(105, Fact::Committed { prover: PROVER });
    play.head(105);
    assert_eq!(play.take(), [quote(QuoteState::Committed, 105)]);
    play.head(106);
    assert_eq!(play.take(), [], "the block is not here");
    play.farm(Farm::Waiting);
    assert_eq!(play.take(), [Effect::Prove]);
    play.head(107);
    assert_eq!(play.take(), [], "once");
}

#[test]
fn a_block_that_comes_early_waits_for_its_commitment() {
    let mut play = Play::new(QuoteState::Signed, Farm::Waiting);
    play.head(104);
    assert_eq!(play.take(), []);
    let mut play = Play::committed();
    assert_eq!(play.take(), [], "one block on top is needed");
    play.head(106);
    assert_eq!(play.take(), [Effect::Prove]);
}

#[test]
fn the_proof_is_submitted_once_for_the_time_in_which_it_is_taken() {
    let mut play = Play::committed();
    play.head(106);
    play.farm(Farm::Proving);
    play.take();
    play.farm(Farm::Proven);
    assert_eq!(play.take(), [], "one block on top of the commitment, two are needed");
    play.head(107);
    assert_eq!(play.take(), [submit(0)]);
    play.head(108);
    play.sending(0, Sending::Underway);
    play.sending(0, Sending::Included);
    play.farm(Farm::Proven);
    assert_eq!(play.take(), [], "not twice");
    play.see(115, Fact::GroupProven { rescued: false });
    play.head(115);
    assert_eq!(play.take(), [quote(QuoteState::Settled, 115)]);
    play.sending(0, Sending::Succeeded);
    play.head(115 + 64);
    assert_eq!(play.take(), []);
    assert!(!play.group.is_over(), "its height has not ended");
    play.see(180, Fact::HeightProven);
    play.head(180 + 64);
    assert!(play.group.is_over());
}

#[test]
fn what_the_chain_calls_proven_is_not_submitted() {
    let mut play = Play::committed();
    play.head(106);
    play.farm(Farm::Proving);
    play.take();
    play.see(116, Fact::GroupProven { rescued: false });
    play.head(116);
    let settled = play.take();
    assert_eq!(settled[0], quote(QuoteState::Settled, 116));
    assert!(matches!(&settled[1..], [Effect::Stop { reason }] if reason.contains("116")), "{settled:?}");
    play.farm(Farm::Proven);
    play.head(117);
    assert_eq!(play.take(), []);
}

#[test]
fn a_submission_that_others_made_needless_is_withdrawn() {
    let mut play = Play::submitted();
    play.see(116, Fact::GroupProven { rescued: false });
    play.head(116);
    assert_eq!(play.take(), [quote(QuoteState::Settled, 116), Effect::Withdraw { attempt: 0 }]);
    play.head(117);
    assert_eq!(play.take(), [], "once");
}

#[test]
fn a_failed_submission_is_made_again_but_not_for_ever() {
    let mut play = Play::submitted();
    let failed = || Sending::Failed { reason: "reverted".to_owned() };
    play.sending(0, failed());
    assert_eq!(play.take(), [submit(1)]);
    play.sending(0, failed());
    assert_eq!(play.take(), [], "that one is known");
    play.sending(1, failed());
    assert_eq!(play.take(), [submit(2)]);
    play.sending(2, failed());
    let given_up = play.take();
    assert!(matches!(&given_up[..], [Effect::GiveUp { reason }] if reason.contains("3 submissions")), "{given_up:?}");
}

#[test]
fn a_reorg_takes_the_commitment_back_and_it_comes_again() {
    let mut play = Play::committed();
    play.head(106);
    play.take();
    play.event(Event::Reverted { block: 105 });
    // At once: the deposit is promised again, not drawn.
    assert_eq!(play.take(), [quote(QuoteState::Signed, 0)]);
    play.see(107, Fact::Committed { prover: PROVER });
    play.head(107);
    assert_eq!(play.take(), [quote(QuoteState::Committed, 107)], "proving goes on");
}

#[test]
fn a_proof_that_a_reorg_threw_out_counts_no_more_and_the_submission_goes_on() {
    let mut play = Play::submitted();
    play.sending(0, Sending::Included);
    play.see(116, Fact::GroupProven { rescued: false });
    play.see(116, Fact::HeightProven);
    play.head(118);
    assert_eq!(play.take(), [quote(QuoteState::Settled, 116)]);
    play.event(Event::Reverted { block: 116 });
    assert_eq!(play.take(), [quote(QuoteState::Committed, 105)]);
    // The manager sends it again by itself; if that fails for good, a new submission is made.
    play.sending(0, Sending::Underway);
    play.head(117);
    assert_eq!(play.take(), []);
    play.sending(0, Sending::Failed { reason: "dropped".to_owned() });
    assert_eq!(play.take(), [submit(1)]);
}

#[test]
fn a_window_that_closes_is_given_up_and_slashing_is_written() {
    let mut play = Play::committed();
    play.head(106);
    play.farm(Farm::Proving);
    play.take();
    play.head(LAST - 1);
    assert_eq!(play.take(), [], "the next block may still hold it");
    play.head(LAST);
    let effects = play.take();
    assert!(
        matches!(&effects[..], [Effect::Stop { .. }, Effect::GiveUp { reason }] if reason.contains("157")),
        "{effects:?}"
    );
    play.farm(Farm::Proven);
    assert_eq!(play.take(), [], "too late to submit");
    play.see(160, Fact::HeightSlashed);
    play.head(160);
    let slashed = play.take();
    assert!(
        matches!(&slashed[..], [Effect::Quote { to: QuoteState::Slashed, at: 160, reason: Some(_) }]),
        "{slashed:?}"
    );
}

#[test]
fn a_proven_group_of_a_slashed_or_void_height_was_delivered() {
    for end in [Fact::HeightSlashed, Fact::HeightVoided] {
        let mut play = Play::submitted();
        play.see(116, Fact::GroupProven { rescued: false });
        play.see(160, end);
        play.head(160);
        assert_eq!(play.take()[0], quote(QuoteState::Settled, 116));
    }
}

#[test]
fn a_rescued_group_has_cost_the_deposit() {
    let mut play = Play::committed();
    play.see(156, Fact::GroupProven { rescued: true });
    play.head(156);
    assert!(matches!(&play.take()[..], [Effect::Quote { to: QuoteState::Slashed, at: 156, reason: Some(_) }]));
}

#[test]
fn deposits_of_losers_and_void_heights_come_back_without_proving() {
    for end in [Fact::Lost, Fact::HeightVoided] {
        let mut play = Play::committed();
        play.see(106, end);
        play.head(106);
        assert!(matches!(&play.take()[..], [Effect::Quote { to: QuoteState::Released, at: 106, reason: Some(_) }]));
        play.head(107);
        assert_eq!(play.take(), [], "nothing to prove");
    }
}

#[test]
fn a_commitment_to_another_prover_is_not_ours() {
    let mut play = Play::new(QuoteState::Signed, Farm::Waiting);
    play.see(105, Fact::Committed { prover: Address::repeat_byte(9) });
    play.head(120);
    assert_eq!(play.take(), []);
    let mut expired = Play::new(QuoteState::Expired, Farm::Waiting);
    expired.head(120);
    assert_eq!(expired.take(), []);
    assert!(!expired.group.is_over());
    expired.head(110 + 64);
    assert!(expired.group.is_over());
}

#[test]
fn a_farm_that_gave_up_is_said_once() {
    let mut play = Play::committed();
    play.farm(Farm::Failed { code: "PY-C-112".to_owned(), message: "late".to_owned() });
    let effects = play.take();
    assert!(matches!(&effects[..], [Effect::GiveUp { reason }] if reason == "[PY-C-112] late"), "{effects:?}");
    play.head(107);
    assert_eq!(play.take(), []);
}

#[test]
fn a_restart_replays_the_chain_without_going_back_and_forth() {
    // The ledger says committed; the facts come one by one, and only the head makes anything of them.
    let mut play = Play::new(QuoteState::Committed, Farm::Proven);
    play.farm(Farm::Proven);
    play.see(100, Fact::Proposed);
    play.see(100, Fact::Scheduled(proofyard_coordinator::submission::Schedule { first: 114, last: LAST }));
    play.see(105, Fact::Committed { prover: PROVER });
    assert_eq!(play.take(), []);
    play.head(120);
    assert_eq!(play.take(), [submit(0)]);
    // While the coordinator was away a reorg took the commitment back.
    let mut gone = Play::new(QuoteState::Committed, Farm::Waiting);
    gone.see(100, Fact::Proposed);
    gone.head(120);
    assert_eq!(gone.take(), [quote(QuoteState::Signed, 0)]);
}
