//! The ladder, rung by rung, up and down.

use alloy_primitives::Address;
use proofyard_coordinator::{
    client::Rung,
    ledger::QuoteState,
    submission::{Event, Fact, Farm, Sending, standing},
};

use crate::samples::{LAST, PROVER, Play};

fn rung(play: &Play) -> Rung {
    let standing = standing(&play.group);
    let fell = matches!(standing.rung, Rung::Slashed | Rung::Reorged | Rung::Declined);
    assert_eq!(standing.reason.is_some(), fell, "a reason exactly when it ended early: {standing:?}");
    standing.rung
}

#[test]
fn every_rung_in_order() {
    let mut play = Play::new(QuoteState::Signed, Farm::Waiting);
    assert_eq!(rung(&play), Rung::Executing);
    play.see(100, Fact::Proposed);
    play.head(100);
    assert_eq!(rung(&play), Rung::Proposed);
    play.see(104, Fact::Revealed);
    assert_eq!(rung(&play), Rung::Revealed);
    play.see(105, Fact::Committed { prover: PROVER });
    play.see(100, Fact::Scheduled(proofyard_coordinator::submission::Schedule { first: 114, last: LAST }));
    play.head(106);
    assert_eq!(rung(&play), Rung::Committed);
    play.farm(Farm::Proving);
    assert_eq!(rung(&play), Rung::Proving);
    play.head(106);
    play.farm(Farm::Proven);
    assert_eq!(rung(&play), Rung::Proven);
    play.head(110);
    assert_eq!(rung(&play), Rung::Published);
    play.sending(0, Sending::Included);
    play.see(116, Fact::GroupProven { rescued: false });
    play.see(118, Fact::HeightProven);
    play.head(118);
    assert_eq!(rung(&play), Rung::Verified);
    play.head(118 + 63);
    assert_eq!(rung(&play), Rung::Verified);
    play.head(118 + 64);
    assert_eq!(rung(&play), Rung::Finalized);
}

#[test]
fn a_reorg_leads_down_again() {
    let mut play = Play::submitted();
    play.see(116, Fact::GroupProven { rescued: false });
    play.head(116);
    assert_eq!(rung(&play), Rung::Verified);
    play.event(Event::Reverted { block: 116 });
    assert_eq!(rung(&play), Rung::Published);
    assert!(play.group.facts().is_undone());
    play.event(Event::Reverted { block: 100 });
    play.farm(Farm::Waiting);
    assert_eq!(rung(&play), Rung::Executing);
}

#[test]
fn ways_off_the_ladder() {
    let mut slashed = Play::committed();
    slashed.see(160, Fact::HeightSlashed);
    slashed.head(160);
    assert_eq!(rung(&slashed), Rung::Slashed);
    let mut void = Play::committed();
    void.see(130, Fact::HeightVoided);
    void.head(130);
    assert_eq!(rung(&void), Rung::Reorged);
    let mut lost = Play::committed();
    lost.see(110, Fact::Lost);
    lost.head(110);
    assert_eq!(rung(&lost), Rung::Reorged);
    let mut others = Play::new(QuoteState::Signed, Farm::Waiting);
    others.see(105, Fact::Committed { prover: Address::repeat_byte(9) });
    others.head(105);
    assert_eq!(rung(&others), Rung::Declined);
    let mut expired = Play::new(QuoteState::Expired, Farm::Waiting);
    expired.head(120);
    assert_eq!(rung(&expired), Rung::Declined);
    // Given up: it stays where it was until L1 ends it, but says why.
    let mut late = Play::committed();
    late.head(LAST);
    let standing = standing(&late.group);
    assert_eq!((standing.rung, standing.reason.map(|(code, _)| code)), (Rung::Committed, Some("PY-C-306")));
}
