//! Random chains, farms and transactions: what is ordered never contradicts what is known.

use alloy_primitives::Address;
use proofyard_coordinator::{
    ledger::QuoteState,
    submission::{Effect, Event, Fact, Farm, Schedule, Sending, standing, step},
};
use proptest::prelude::*;

use crate::samples::{FIRST, LAST, PROVER, group};

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        2 => Just(Fact::Proposed),
        2 => Just(Fact::Revealed),
        4 => Just(Fact::Committed { prover: PROVER }),
        1 => Just(Fact::Committed { prover: Address::repeat_byte(9) }),
        3 => Just(Fact::Scheduled(Schedule { first: FIRST, last: LAST })),
        1 => Just(Fact::Lost),
        2 => any::<bool>().prop_map(|rescued| Fact::GroupProven { rescued }),
        1 => Just(Fact::HeightProven),
        1 => Just(Fact::HeightSlashed),
        1 => Just(Fact::HeightVoided),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let failed = || Sending::Failed { reason: "x".to_owned() };
    prop_oneof![
        6 => (90_u64..240).prop_map(Event::Head),
        6 => (90_u64..180, fact()).prop_map(|(block, fact)| Event::Seen { block, fact }),
        2 => (90_u64..180).prop_map(|block| Event::Reverted { block }),
        4 => prop_oneof![
            Just(Farm::Waiting),
            Just(Farm::Proving),
            Just(Farm::Proven),
            Just(Farm::Failed { code: "PY-C-1".to_owned(), message: "m".to_owned() }),
        ].prop_map(Event::Farm),
        3 => (0_u32..3, prop_oneof![
            Just(Sending::Underway),
            Just(Sending::Included),
            Just(failed()),
            Just(Sending::Succeeded),
        ]).prop_map(|(attempt, sending)| Event::Sending { attempt, sending }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn orders_follow_from_what_is_known(events in proptest::collection::vec(event(), 1..60), expired in any::<bool>()) {
        let start = if expired { QuoteState::Expired } else { QuoteState::Signed };
        let mut group = group(start, Farm::Waiting);
        let mut ledger = start;
        let mut farm = Farm::Waiting;
        let mut head = 0;
        for event in events {
            match &event {
                Event::Head(block) => head = *block,
                Event::Reverted { block } if head > 0 => head = head.min(*block - 1),
                Event::Farm(now) => farm = now.clone(),
                _ => {}
            }
            for effect in step(&mut group, event.clone()) {
                let facts = group.facts();
                match effect {
                    Effect::Quote { to, .. } => {
                        prop_assert!(ledger.may_become(to), "{ledger} to {to} after {event:?}");
                        ledger = to;
                    }
                    Effect::Submit { not_before, deadline, .. } => {
                        prop_assert_eq!((not_before, deadline), (FIRST, LAST));
                        prop_assert!(facts.proven().is_none() && facts.ended_at().is_none());
                        prop_assert!(facts.committed_to(PROVER).is_some_and(|block| block + 2 <= head));
                        prop_assert!(head < LAST && farm == Farm::Proven);
                    }
                    Effect::Prove => {
                        prop_assert!(facts.committed_to(PROVER).is_some() && facts.ended_at().is_none());
                        prop_assert!(farm == Farm::Waiting);
                    }
                    Effect::Withdraw { .. } => prop_assert!(facts.ended_at().is_some()),
                    Effect::Stop { .. } => prop_assert!(facts.ended_at().is_some() || head >= group.prove_by()),
                    Effect::GiveUp { .. } => prop_assert!(facts.committed_to(PROVER).is_some()),
                }
            }
            prop_assert_eq!(group.quote(), ledger, "the ledger is told everything");
            let _ = standing(&group);
            // The same again orders nothing.
            if matches!(event, Event::Head(_) | Event::Seen { .. } | Event::Reverted { .. }) {
                prop_assert_eq!(step(&mut group, event), []);
            }
        }
    }
}
