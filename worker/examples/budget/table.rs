//! From logs to a table.

use std::time::Instant;

use super::{Kind, timed::Entry};

/// What a unit of work takes, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct UnitCosts {
    /// A product of two field elements.
    pub product: f64,
    /// A term of an MSM whose scalar has full length.
    pub msm_term: f64,
}

/// One subtree.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Parts before the rounds, by name.
    before: Vec<(&'static str, f64)>,
    /// Seconds of the session's start and of the rounds.
    rounds: Vec<f64>,
    entries: Vec<Entry>,
}

impl Sample {
    /// Times a part before the rounds.
    pub fn clock<T>(&mut self, name: &'static str, part: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = part();
        self.before.push((name, started.elapsed().as_secs_f64()));
        result
    }

    /// Notes a round, or the session's start.
    pub fn round(&mut self, seconds: f64, entries: Vec<Entry>) {
        self.rounds.push(seconds - entries.iter().map(|entry| entry.bookkeeping).sum::<f64>());
        self.entries.extend(entries);
    }
}

/// A line of the table: operations that belong together.
struct Part {
    name: &'static str,
    takes: fn(&Entry) -> bool,
}

const PARTS: [Part; 6] = [
    Part { name: "transforms (NTT)", takes: |entry| entry.kind == Kind::Transform },
    Part { name: "commitments (MSM)", takes: |entry| entry.kind == Kind::Msm },
    Part {
        name: "permutation: factors and product",
        takes: |entry| entry.round == 2 && matches!(entry.kind, Kind::Program | Kind::GrandProduct),
    },
    Part {
        name: "quotient: identity on cosets, chunks",
        takes: |entry| entry.round == 3 && matches!(entry.kind, Kind::Program | Kind::Combination),
    },
    Part { name: "openings: values (round 4)", takes: |entry| entry.kind == Kind::Evaluation },
    Part {
        name: "openings: witnesses (round 5)",
        takes: |entry| entry.round == 5 && matches!(entry.kind, Kind::Combination | Kind::Division),
    },
];

/// What a part took, means over subtrees.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sum {
    operations: f64,
    seconds: f64,
    floor: f64,
    terms: [f64; 3],
}

impl Sum {
    /// The terms of MSMs, else the operations.
    fn count(&self) -> String {
        let [terms, nonzero, different] = self.terms;
        if terms > 0.0 { format!("{terms:.0}/{nonzero:.0}/{different:.0}") } else { format!("{:.1}", self.operations) }
    }
}

fn sum(samples: &[Sample], units: &UnitCosts, takes: impl Fn(&Entry) -> bool) -> Sum {
    let share = 1.0 / samples.len() as f64;
    let mut sum = Sum::default();
    for entry in samples.iter().flat_map(|sample| &sample.entries).filter(|entry| takes(entry)) {
        let unit = if entry.kind == Kind::Msm { units.msm_term } else { units.product };
        sum.operations += share;
        sum.seconds += share * entry.seconds;
        sum.floor += share * entry.work * unit;
        for (total, terms) in sum.terms.iter_mut().zip(entry.terms) {
            *total += share * terms as f64;
        }
    }
    sum
}

fn line(name: &str, count: &str, seconds: f64, floor: Option<f64>) {
    let floor = floor.map_or_else(
        || format!("{:>9} {:>7}", "-", "-"),
        |floor| format!("{:>9.1} {:>7.2}", floor * 1e3, seconds / floor),
    );
    println!("{name:<42} {count:>24} {:>9.1} {floor}", seconds * 1e3);
}

/// Prints the table: means over the subtrees.
pub fn print(samples: &[Sample], units: &UnitCosts, rounds: bool) {
    println!("operations of an MSM: terms/not zero/different scalars");
    println!("{:<42} {:>24} {:>9} {:>9} {:>7}", "a subtree's part (mean)", "operations", "ms", "floor ms", "ratio");
    let mean = |seconds: f64| seconds / samples.len() as f64;
    let mut total = 0.0;
    for (index, (name, _)) in samples[0].before.iter().enumerate() {
        let seconds = mean(samples.iter().map(|sample| sample.before[index].1).sum());
        total += seconds;
        line(name, "", seconds, None);
    }
    let mut floors = 0.0;
    let mut named = 0.0;
    for part in &PARTS {
        let sum = sum(samples, units, part.takes);
        line(part.name, &sum.count(), sum.seconds, Some(sum.floor));
        floors += sum.floor;
        named += sum.seconds;
    }
    let all = sum(samples, units, |_| true);
    line("other operations of the backend", "", all.seconds - named, None);
    line("all operations of the backend", &format!("{:.1}", all.operations), all.seconds, Some(floors));
    let rounds_seconds = mean(samples.iter().flat_map(|sample| &sample.rounds).sum());
    line("outside the backend", "", rounds_seconds - all.seconds, None);
    line("all", "", total + rounds_seconds, None);
    if !rounds {
        return;
    }
    for round in 0..=5u8 {
        let mut kinds: Vec<Kind> = samples.iter().flat_map(|sample| &sample.entries).map(|entry| entry.kind).collect();
        kinds.sort();
        kinds.dedup();
        for kind in kinds {
            let sum = sum(samples, units, |entry| entry.round == round && entry.kind == kind);
            if sum.operations > 0.0 {
                let count = sum.count();
                line(&format!("round {round}: {kind:?}"), &count, sum.seconds, (sum.floor > 0.0).then_some(sum.floor));
            }
        }
        let seconds = mean(samples.iter().map(|sample| sample.rounds[usize::from(round)]).sum());
        line(&format!("round {round}"), "", seconds, None);
    }
}
