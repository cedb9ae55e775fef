//! Who is right when computations of one subtree differ.
//!
//! The prover is deterministic: from the same inputs and challenges every honest party computes the same bytes. So a round's
//! message is settled by agreement of two independent authors, or by the coordinator's own computation, which needs none.
//! Every author whose message differs from the settled one at some round is named with the first such round.

use std::collections::{BTreeMap, BTreeSet};

use proofyard_job_schema::WorkerId;

/// Who computed a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Author {
    /// A worker, by its id.
    Worker(WorkerId),
    /// The coordinator itself; its word is final.
    Coordinator,
}

/// The message that stands for one round of one subtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Encoded round message.
    pub message: Vec<u8>,
    /// Who sent it.
    pub author: Author,
}

/// Messages of successive rounds that one author computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who computed them.
    pub author: Author,
    /// Round of the first message, 1..=5.
    pub first_round: u8,
    /// One message a round.
    pub messages: Vec<Vec<u8>>,
}

impl Claim {
    /// The claimed message of a round, if the claim covers it.
    pub fn message(&self, round: u8) -> Option<&[u8]> {
        let offset = round.checked_sub(self.first_round)?;
        self.messages.get(usize::from(offset)).map(Vec::as_slice)
    }
}

/// An author shown to have sent a wrong message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lie {
    /// Who sent it.
    pub author: Author,
    /// The first round in which its message is wrong.
    pub round: u8,
}

/// What a dispute comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// One more worker, none of those who spoke, may settle it.
    AskAnother,
    /// Workers cannot settle it: the coordinator computes.
    AskCoordinator,
    /// Settled.
    Settled {
        /// Records to replace, in round order; empty when the records stand.
        corrections: Vec<(u8, Record)>,
        /// Every author found wrong, with its first wrong round.
        lies: Vec<Lie>,
    },
    /// The coordinator's own computation equals records that the aggregator rejected: no author is to blame.
    Unexplained,
}

/// Judges what is recorded against what others computed on the same challenges.
///
/// `records` are rounds 1.. in order. `rejected` says that the aggregator has shown the records to be wrong somewhere, so that
/// "the records stand" is no possible outcome.
pub fn judge(records: &[Record], claims: &[Claim], rejected: bool) -> Verdict {
    let rounds: Vec<u8> = (1..=records.len() as u8).collect();
    let mut corrections = Vec::new();
    let own = claims.iter().find(|claim| claim.author == Author::Coordinator);
    for &round in &rounds {
        let record = &records[usize::from(round) - 1];
        let contested =
            claims.iter().any(|claim| claim.message(round).is_some_and(|message| message != record.message));
        if !contested {
            continue;
        }
        let settled = match own.and_then(|claim| claim.message(round)) {
            _ if record.author == Author::Coordinator => record.clone(),
            Some(message) => Record { message: message.to_vec(), author: Author::Coordinator },
            None => match agreed(record, claims, round) {
                Some(settled) => settled,
                None if claims.len() < 2 => return Verdict::AskAnother,
                None => return Verdict::AskCoordinator,
            },
        };
        if settled.message != record.message {
            corrections.push((round, settled));
        }
    }
    if rejected && corrections.is_empty() {
        return match (own.is_some(), claims.len()) {
            (true, _) => Verdict::Unexplained,
            (false, 0) => Verdict::AskAnother,
            (false, _) => Verdict::AskCoordinator,
        };
    }
    let settled = |round: u8| {
        let corrected = corrections.iter().find(|(at, _)| *at == round).map(|(_, record)| record.message.as_slice());
        corrected.unwrap_or(&records[usize::from(round) - 1].message)
    };
    let mut lies: Vec<Lie> = Vec::new();
    let mut blame = |author: &Author, round: u8| {
        if !lies.iter().any(|lie| lie.author == *author) {
            lies.push(Lie { author: author.clone(), round });
        }
    };
    for &round in &rounds {
        let record = &records[usize::from(round) - 1];
        if record.message != settled(round) {
            blame(&record.author, round);
        }
        for claim in claims {
            if claim.message(round).is_some_and(|message| message != settled(round)) {
                blame(&claim.author, round);
            }
        }
    }
    Verdict::Settled { corrections, lies }
}

/// The message of a contested round that at least two authors computed and more than any other.
fn agreed(record: &Record, claims: &[Claim], round: u8) -> Option<Record> {
    let mut votes: BTreeMap<&[u8], BTreeSet<&Author>> = BTreeMap::new();
    votes.entry(&record.message).or_default().insert(&record.author);
    for claim in claims {
        if let Some(message) = claim.message(round) {
            votes.entry(message).or_default().insert(&claim.author);
        }
    }
    let most = votes.values().map(BTreeSet::len).max()?;
    let mut winners = votes.iter().filter(|(_, authors)| authors.len() == most);
    let (message, authors) = winners.next()?;
    if most < 2 || winners.next().is_some() {
        return None;
    }
    // The record's author first, so that an upheld record keeps its author.
    let author = if authors.contains(&record.author) { &record.author } else { authors.first()? };
    Some(Record { message: message.to_vec(), author: (*author).clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(name: &str) -> Author {
        Author::Worker(WorkerId::new(name).expect("a valid worker id"))
    }

    fn records(author: &str, messages: &[&str]) -> Vec<Record> {
        messages.iter().map(|m| Record { message: m.as_bytes().to_vec(), author: worker(author) }).collect()
    }

    fn claim(author: Author, messages: &[&str]) -> Claim {
        Claim { author, first_round: 1, messages: messages.iter().map(|m| m.as_bytes().to_vec()).collect() }
    }

    #[test]
    fn a_lie_is_named_with_its_round_by_two_others() {
        let records = records("a", &["1", "x", "3"]);
        let b = claim(worker("b"), &["1", "2", "3"]);
        assert_eq!(judge(&records, std::slice::from_ref(&b), true), Verdict::AskAnother);
        let c = claim(worker("c"), &["1", "2", "3"]);
        let Verdict::Settled { corrections, lies } = judge(&records, &[b, c], true) else { panic!("not settled") };
        assert_eq!(corrections, vec![(2, Record { message: b"2".to_vec(), author: worker("b") })]);
        assert_eq!(lies, vec![Lie { author: worker("a"), round: 2 }]);
    }

    #[test]
    fn a_lying_replacement_takes_the_blame_itself() {
        let records = records("a", &["1", "2"]);
        let claims = [claim(worker("b"), &["x", "2"]), claim(worker("c"), &["1", "2"])];
        let Verdict::Settled { corrections, lies } = judge(&records, &claims, false) else { panic!("not settled") };
        assert!(corrections.is_empty());
        assert_eq!(lies, vec![Lie { author: worker("b"), round: 1 }]);
        assert_eq!(judge(&records, &claims, true), Verdict::AskCoordinator, "rejected records cannot stand");
    }

    #[test]
    fn the_same_worker_twice_is_one_voice() {
        let records = records("a", &["x"]);
        let claims = [claim(worker("b"), &["1"]), claim(worker("b"), &["1"])];
        assert_eq!(judge(&records, &claims, true), Verdict::AskCoordinator);
        let alone = [claim(worker("a"), &["1"])];
        assert_eq!(judge(&records, &alone, true), Verdict::AskAnother);
    }

    #[test]
    fn the_coordinator_overrules_everyone() {
        let records = records("a", &["x", "2"]);
        let claims = [claim(worker("b"), &["x", "2"]), claim(Author::Coordinator, &["1", "2"])];
        let Verdict::Settled { corrections, lies } = judge(&records, &claims, true) else { panic!("not settled") };
        assert_eq!(corrections.len(), 1);
        assert_eq!(lies.len(), 2);
        let same = [claim(Author::Coordinator, &["x", "2"])];
        assert_eq!(judge(&records, &same, true), Verdict::Unexplained);
    }

    #[test]
    fn a_single_late_duplicate_is_weighed_too() {
        let records = records("a", &["1", "2"]);
        let duplicate = Claim { author: worker("b"), first_round: 2, messages: vec![b"y".to_vec()] };
        assert_eq!(judge(&records, std::slice::from_ref(&duplicate), false), Verdict::AskAnother);
        let full = claim(worker("c"), &["1", "2"]);
        let Verdict::Settled { corrections, lies } = judge(&records, &[duplicate, full], false) else { panic!("open") };
        assert!(corrections.is_empty());
        assert_eq!(lies, vec![Lie { author: worker("b"), round: 2 }]);
    }
}
