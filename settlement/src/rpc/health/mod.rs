//! Which endpoint to ask: a pure account of how each has behaved.
//!
//! An endpoint that fails, lags, goes back without a reorg or contradicts others is set aside for a while, longer each time, and then
//! tried again. One whose answers were merely late is still asked when there is no other; one that told untruths is not.

mod reason;

use std::collections::VecDeque;

use crate::chain::BlockRef;

pub use reason::Reason;

/// Heads that are remembered of each endpoint.
const REMEMBERED: usize = 128;
/// Failures in a row until an endpoint is set aside.
const FAILURES: u32 = 2;
/// Heads in a row that must lag or lead until an endpoint is set aside: probes are not simultaneous.
const OFF_HEADS: u32 = 2;
/// Doublings of the time aside.
const STRIKES: u32 = 5;
/// Good heads in a row after which an endpoint's past is forgotten.
const FORGIVEN: u32 = 64;

/// What happened with an endpoint; endpoints are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It said its chain id.
    ChainId(u64),
    /// It said its newest block.
    Head(BlockRef),
    /// It answered, after so many milliseconds.
    Answered(u64),
    /// It did not answer, or not with an answer.
    Failed,
    /// It was caught with an untruth.
    Caught(Reason),
}

/// What changed, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The endpoint is not asked until then.
    SetAside {
        /// Which.
        endpoint: usize,
        /// Why.
        reason: Reason,
        /// Milliseconds on the caller's clock.
        until: u64,
    },
    /// The endpoint is asked again.
    Returned {
        /// Which.
        endpoint: usize,
    },
}

#[derive(Clone, Debug, Default)]
struct State {
    aside: Option<(Reason, u64)>,
    chain_known: bool,
    heads: VecDeque<BlockRef>,
    failures: u32,
    off_heads: u32,
    strikes: u32,
    good_heads: u32,
    /// Smoothed, in milliseconds.
    latency: u64,
}

impl State {
    fn head(&self) -> Option<&BlockRef> {
        self.heads.back()
    }

    fn knows(&self, block: &BlockRef) -> bool {
        self.heads.iter().any(|known| {
            (known.number == block.number && known.hash == block.hash)
                || (known.number == block.number + 1 && known.parent == block.hash)
        })
    }
}

/// An endpoint for those who look at a farm's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointReport {
    /// Number and host.
    pub endpoint: String,
    /// Its newest block, if it ever said one.
    pub head: Option<u64>,
    /// Why it is not asked now.
    pub aside: Option<Reason>,
}

/// The account of all endpoints.
#[derive(Clone, Debug)]
pub struct Health {
    chain_id: u64,
    max_lag: u64,
    aside_millis: u64,
    endpoints: Vec<State>,
}

impl Health {
    /// Nothing is known of `count` endpoints.
    pub fn new(count: usize, chain_id: u64, max_lag: u64, aside_millis: u64) -> Self {
        Self { chain_id, max_lag, aside_millis, endpoints: vec![State::default(); count] }
    }

    /// Takes in what happened at `now` (milliseconds of any clock that does not go back).
    pub fn step(&mut self, endpoint: usize, event: Event, now: u64) -> Option<Effect> {
        let aside = self.endpoints.get(endpoint)?.aside;
        match event {
            Event::ChainId(got) if got != self.chain_id => {
                self.endpoints[endpoint].chain_known = false;
                return self.set_aside(endpoint, Reason::WrongChain { got, wanted: self.chain_id }, now);
            }
            Event::ChainId(_) => self.endpoints[endpoint].chain_known = true,
            Event::Answered(millis) => {
                let state = &mut self.endpoints[endpoint];
                state.failures = 0;
                state.latency = (state.latency * 7 + millis) / 8;
            }
            Event::Failed => {
                let state = &mut self.endpoints[endpoint];
                state.failures += 1;
                let times = state.failures;
                if times >= FAILURES {
                    return self.set_aside(endpoint, Reason::Failing { times }, now);
                }
            }
            Event::Caught(reason) => return self.set_aside(endpoint, reason, now),
            Event::Head(block) => {
                if let Some(reason) = self.judge(endpoint, &block) {
                    return self.set_aside(endpoint, reason, now);
                }
                let state = &mut self.endpoints[endpoint];
                state.good_heads += 1;
                if state.good_heads >= FORGIVEN {
                    (state.strikes, state.good_heads) = (0, 0);
                }
                if aside.is_some_and(|(_, until)| until <= now) && state.chain_known && state.off_heads == 0 {
                    state.aside = None;
                    return Some(Effect::Returned { endpoint });
                }
            }
        }
        None
    }

    /// Takes a head in; why it is not a good one, if it is not.
    fn judge(&mut self, endpoint: usize, block: &BlockRef) -> Option<Reason> {
        let before = self.endpoints[endpoint].head().copied();
        let went_back = before.filter(|before| before.number > block.number).filter(|_| {
            // An ancestor that anybody has shown: no reorg. A block nobody knows may be one.
            self.endpoints.iter().any(|state| state.knows(block))
        });
        let (others, foremost) = (self.others(endpoint), self.foremost(endpoint));
        let max_lag = self.max_lag;
        let state = &mut self.endpoints[endpoint];
        if before.map(|before| before.hash) != Some(block.hash) {
            state.heads.push_back(*block);
            if state.heads.len() > REMEMBERED {
                state.heads.pop_front();
            }
        }
        if let Some(from) = went_back {
            return Some(Reason::WentBack { from: from.number, to: block.number });
        }
        let behind = others.filter(|others| *others >= block.number.saturating_add(max_lag));
        let before_all = foremost.filter(|foremost| block.number >= foremost.saturating_add(max_lag));
        let reason = match (behind, before_all) {
            (Some(others), _) => Some(Reason::Lagging { head: block.number, others }),
            (None, Some(others)) => Some(Reason::Ahead { head: block.number, others }),
            (None, None) => None,
        };
        state.off_heads = if reason.is_some() { state.off_heads + 1 } else { 0 };
        reason.filter(|_| state.off_heads >= OFF_HEADS)
    }

    /// The head that the others vouch for: the highest of one other, the second-highest of several, so that one alone makes nobody
    /// look late.
    fn others(&self, endpoint: usize) -> Option<u64> {
        let mut heads: Vec<_> = self
            .endpoints
            .iter()
            .enumerate()
            .filter(|(other, state)| *other != endpoint && !state.aside.is_some_and(|(reason, _)| reason.is_untruth()))
            .filter_map(|(_, state)| state.head().map(|head| head.number))
            .collect();
        heads.sort_unstable_by(|a, b| b.cmp(a));
        heads.get(1).or(heads.first()).copied()
    }

    /// The highest head of two or more others that answer: who is far above it is ahead of all. Between two, nobody can say whether one is
    /// ahead or the other behind; and one that does not answer says nothing about those that do.
    fn foremost(&self, endpoint: usize) -> Option<u64> {
        let answering = self.endpoints.iter().enumerate().filter(|(other, state)| {
            *other != endpoint && state.failures == 0 && !state.aside.is_some_and(|(reason, _)| reason.is_untruth())
        });
        let heads: Vec<_> = answering.filter_map(|(_, state)| state.head().map(|head| head.number)).collect();
        heads.iter().max().copied().filter(|_| heads.len() > 1)
    }

    fn set_aside(&mut self, endpoint: usize, reason: Reason, now: u64) -> Option<Effect> {
        let base = self.aside_millis;
        let state = &mut self.endpoints[endpoint];
        state.good_heads = 0;
        if let Some((known, until)) = state.aside
            && until > now
        {
            // A worse reason replaces a milder one; the time stands.
            if reason.is_untruth() && !known.is_untruth() {
                state.aside = Some((reason, until));
            }
            return None;
        }
        let until = now.saturating_add(base << state.strikes.min(STRIKES));
        state.strikes = (state.strikes + 1).min(STRIKES);
        state.aside = Some((reason, until));
        state.chain_known = false;
        Some(Effect::SetAside { endpoint, reason, until })
    }

    /// Whether it is to be probed now: it is in use, or its time aside is over.
    pub fn may_probe(&self, endpoint: usize, now: u64) -> bool {
        self.endpoints[endpoint].aside.is_none_or(|(reason, until)| until <= now || !reason.is_untruth())
    }

    /// Whether its chain id must be asked (again).
    pub fn wants_chain_id(&self, endpoint: usize) -> bool {
        !self.endpoints[endpoint].chain_known
    }

    /// Endpoints with good standing, best first.
    pub fn usable(&self) -> Vec<usize> {
        let mut usable: Vec<_> = (0..self.endpoints.len()).filter(|n| self.endpoints[*n].aside.is_none()).collect();
        // A failure or a slow answer moves an endpoint behind its equals; the configured order decides among those.
        usable.sort_by_key(|n| {
            let state = &self.endpoints[*n];
            (!state.chain_known, state.failures, state.latency.next_power_of_two().max(64))
        });
        usable
    }

    /// Endpoints to ask, best first: the usable ones, then those that are only late or failing.
    pub fn order(&self) -> Vec<usize> {
        let mut order = self.usable();
        let mut late: Vec<_> = (0..self.endpoints.len())
            .filter_map(|n| {
                self.endpoints[n].aside.filter(|(reason, _)| !reason.is_untruth()).map(|(_, until)| (until, n))
            })
            .collect();
        late.sort_unstable();
        order.extend(late.into_iter().map(|(_, n)| n));
        order
    }

    /// The newest block that an endpoint said.
    pub fn head(&self, endpoint: usize) -> Option<u64> {
        self.endpoints[endpoint].head().map(|head| head.number)
    }

    /// Why an endpoint is not asked now.
    pub fn aside(&self, endpoint: usize) -> Option<Reason> {
        self.endpoints[endpoint].aside.map(|(reason, _)| reason)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::with_last_byte(number as u8), parent: B256::with_last_byte(number as u8 - 1) }
    }

    fn fork(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::repeat_byte(number as u8), parent: B256::repeat_byte(number as u8 - 1) }
    }

    fn health(count: usize) -> Health {
        let mut health = Health::new(count, 1, 3, 100);
        for endpoint in 0..count {
            assert_eq!(health.step(endpoint, Event::ChainId(1), 0), None);
        }
        health
    }

    fn reason(effect: Option<Effect>) -> Option<Reason> {
        match effect {
            Some(Effect::SetAside { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn another_chain_is_an_untruth_until_it_says_the_right_one() {
        let mut health = health(2);
        let effect = health.step(0, Event::ChainId(5), 10);
        assert_eq!(reason(effect), Some(Reason::WrongChain { got: 5, wanted: 1 }));
        assert_eq!(health.order(), [1], "never asked");
        assert!(!health.may_probe(0, 109));
        assert!(health.may_probe(0, 110) && health.wants_chain_id(0));
        assert_eq!(health.step(0, Event::Head(block(5)), 110), None, "not before its chain id");
        assert_eq!(health.step(0, Event::ChainId(1), 110), None);
        assert_eq!(health.step(0, Event::Head(block(6)), 111), Some(Effect::Returned { endpoint: 0 }));
        assert_eq!(health.order(), [0, 1]);
    }

    #[test]
    fn failing_twice_sets_aside_longer_each_time_and_it_stays_the_last_resort() {
        let mut health = health(2);
        assert_eq!(health.step(0, Event::Failed, 0), None);
        assert_eq!(health.order(), [1, 0], "one failure: behind the others");
        let effect = health.step(0, Event::Failed, 0);
        assert_eq!(effect, Some(Effect::SetAside { endpoint: 0, reason: Reason::Failing { times: 2 }, until: 100 }));
        assert_eq!((health.usable(), health.order()), (vec![1], vec![1, 0]));
        health.step(0, Event::ChainId(1), 100);
        health.step(0, Event::Answered(3), 100);
        assert_eq!(health.step(0, Event::Head(block(1)), 100), Some(Effect::Returned { endpoint: 0 }));
        health.step(0, Event::Failed, 200);
        assert!(matches!(health.step(0, Event::Failed, 200), Some(Effect::SetAside { until: 400, .. })));
    }

    #[test]
    fn a_lagging_head_is_set_aside_only_when_it_stays_behind() {
        let mut health = health(2);
        health.step(0, Event::Head(block(10)), 0);
        assert_eq!(health.step(1, Event::Head(block(7)), 0), None, "the probes are not simultaneous");
        assert_eq!(reason(health.step(1, Event::Head(block(7)), 1)), Some(Reason::Lagging { head: 7, others: 10 }));
        assert_eq!(health.order(), [0, 1], "late, not untrue");
        health.step(1, Event::ChainId(1), 200);
        assert_eq!(health.step(1, Event::Head(block(9)), 200), Some(Effect::Returned { endpoint: 1 }));
    }

    #[test]
    fn one_alone_ahead_of_two_does_not_make_them_look_late() {
        let mut health = health(3);
        for now in 0..4 {
            assert_eq!(health.step(0, Event::Head(block(10)), now), None);
            assert_eq!(health.step(1, Event::Head(block(10)), now), None);
            let aside = reason(health.step(2, Event::Head(block(200)), now));
            assert_eq!(aside, (now == 1).then_some(Reason::Ahead { head: 200, others: 10 }));
        }
        assert_eq!(health.order(), [0, 1]);
    }

    #[test]
    fn one_that_is_dead_does_not_make_the_others_look_ahead() {
        let mut health = health(3);
        for endpoint in 0..3 {
            health.step(endpoint, Event::Head(block(10)), 0);
        }
        // Not known to be dead yet: the others go on together, by many blocks at once.
        for now in 1..4 {
            assert_eq!(health.step(0, Event::Head(block(20)), now), None);
            assert_eq!(health.step(2, Event::Head(block(20)), now), None);
        }
        health.step(1, Event::Failed, 4);
        assert!(matches!(reason(health.step(1, Event::Failed, 4)), Some(Reason::Failing { .. })));
        for number in 21..60 {
            assert_eq!(health.step(0, Event::Head(block(number)), number), None);
            assert_eq!(health.step(0, Event::Head(block(number)), number), None, "asked twice before the other");
            assert_eq!(health.step(2, Event::Head(block(number)), number), None);
        }
        assert_eq!(health.order()[..2], [0, 2]);
    }

    #[test]
    fn a_head_that_goes_back_is_a_reorg_only_when_its_hash_is_new() {
        let mut health = health(1);
        for number in 5..9 {
            assert_eq!(health.step(0, Event::Head(block(number)), 0), None);
        }
        assert_eq!(health.step(0, Event::Head(fork(7)), 0), None, "a reorg to a shorter chain");
        health.step(0, Event::Head(fork(9)), 0);
        let effect = health.step(0, Event::Head(fork(8)), 0);
        assert_eq!(reason(effect), Some(Reason::WentBack { from: 9, to: 8 }), "the parent of what it showed");
        assert_eq!(health.order(), [0], "the only one: still asked");
    }

    #[test]
    fn a_caught_liar_is_not_asked_even_when_it_is_the_only_one() {
        let mut health = health(2);
        health.step(0, Event::Failed, 0);
        health.step(0, Event::Failed, 0);
        health.step(1, Event::Caught(Reason::UnknownReceipt), 0);
        assert_eq!(health.order(), [0]);
        assert!(Reason::UnknownReceipt.is_untruth() && !health.may_probe(1, 50) && health.may_probe(1, 100));
    }
}
