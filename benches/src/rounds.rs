//! Contenders run in turn: a round runs each of them once, so that a change of the machine's load meets all of them.

use std::{hint::black_box, time::Instant};

use thiserror::Error;

use crate::comparison::Timing;

/// One run of a contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<T> {
    /// Seconds that count.
    pub seconds: f64,
    /// What was computed.
    pub output: T,
}

impl<T> Run<T> {
    /// Times a piece of work.
    pub fn timed(work: impl FnOnce() -> T) -> Self {
        let start = Instant::now();
        let output = black_box(work());
        Self { seconds: start.elapsed().as_secs_f64(), output }
    }

    /// Brings the output into the form in which outputs are compared, after the clock has stopped.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Run<U> {
        Run { seconds: self.seconds, output: convert(self.output) }
    }
}

impl<T, E> Run<Result<T, E>> {
    /// Hands an error out of the run.
    pub fn transpose(self) -> Result<Run<T>, E> {
        Ok(Run { seconds: self.seconds, output: self.output? })
    }
}

/// Something that is measured.
pub struct Contender<'a, T, E> {
    /// Its name in tables.
    pub name: String,
    /// Units of work of a run: 1, or the number of transfers it proves.
    pub units: f64,
    /// Runs it once.
    pub run: Box<dyn FnMut() -> Result<Run<T>, E> + 'a>,
}

impl<'a, T, E> Contender<'a, T, E> {
    /// A contender whose run is one unit of work.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Result<Run<T>, E> + 'a) -> Self {
        Self { name: name.into(), units: 1.0, run: Box::new(run) }
    }

    /// The same with another number of units.
    pub fn with_units(self, units: f64) -> Self {
        Self { units, ..self }
    }
}

/// Why a comparison ended without figures.
#[derive(Debug, Error, PartialEq)]
pub enum RoundsError<E> {
    /// A contender failed.
    #[error("[PY-N-001] {name} failed: {error}; the figures of the others are dropped")]
    Failed {
        /// The contender.
        name: String,
        /// Why.
        error: E,
    },
    /// Two contenders computed different things from the same input.
    #[error("[PY-N-002] {name} and {reference} disagree on the same input; neither is worth timing until they agree")]
    Disagreement {
        /// The contender.
        name: String,
        /// The one that ran first.
        reference: String,
    },
}

/// The order of a round: all of `count` contenders, starting one later each round.
pub fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| (round + place) % count)
}

/// Runs a warm-up round, which does not count, and then `rounds` rounds; every output must equal the first one.
/// `progress` hears of each run: the round, 0 the warm-up, the contender's name and the seconds it took.
pub fn interleave<T: PartialEq, E>(
    contenders: &mut [Contender<'_, T, E>],
    rounds: usize,
    mut progress: impl FnMut(usize, &str, f64),
) -> Result<Vec<Timing>, RoundsError<E>> {
    let mut timings: Vec<Timing> = contenders
        .iter()
        .map(|contender| Timing { name: contender.name.clone(), units: contender.units, seconds: Vec::new() })
        .collect();
    let mut reference: Option<(String, T)> = None;
    for round in 0..=rounds {
        for index in order(round, contenders.len()) {
            let contender = &mut contenders[index];
            let name = &contender.name;
            let Run { seconds, output } =
                (contender.run)().map_err(|error| RoundsError::Failed { name: name.clone(), error })?;
            progress(round, name, seconds);
            match &reference {
                None => reference = Some((name.clone(), output)),
                Some((_, expected)) if *expected == output => {}
                Some((first, _)) => {
                    return Err(RoundsError::Disagreement { name: name.clone(), reference: first.clone() });
                }
            }
            if round > 0 {
                timings[index].seconds.push(seconds);
            }
        }
    }
    Ok(timings)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_round_runs_each_once_and_starts_one_later() {
        let orders: Vec<Vec<usize>> = (0..4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(orders, [vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1], vec![0, 1, 2]]);
        assert_eq!(order(5, 0).count(), 0);
    }

    #[test]
    fn the_first_round_does_not_count() {
        let log = RefCell::new(Vec::new());
        let contender = |name: &'static str, mut seconds: f64| {
            Contender::<u32, String>::new(name, move || {
                seconds += 1.0;
                Ok(Run { seconds, output: 7 })
            })
        };
        let mut both = [contender("a", 0.0), contender("b", 10.0).with_units(4.0)];
        let timings = interleave(&mut both, 2, |round, name, _| log.borrow_mut().push(format!("{round}{name}")));
        let timing = |name: &str, units, seconds: &[f64]| Timing { name: name.into(), units, seconds: seconds.into() };
        assert_eq!(timings, Ok(vec![timing("a", 1.0, &[2.0, 3.0]), timing("b", 4.0, &[12.0, 13.0])]));
        assert_eq!(log.into_inner(), ["0a", "0b", "1b", "1a", "2a", "2b"]);
    }

    #[test]
    fn a_difference_and_a_failure_end_it() {
        let gives = |name: &'static str, output: Result<u32, &'static str>| {
            Contender::new(name, move || output.map(|output| Run { seconds: 1.0, output }))
        };
        let differ = interleave(&mut [gives("a", Ok(1)), gives("b", Ok(2))], 1, |_, _, _| {});
        assert_eq!(differ, Err(RoundsError::Disagreement { name: "b".into(), reference: "a".into() }));
        let fails = interleave(&mut [gives("a", Ok(1)), gives("b", Err("no"))], 1, |_, _, _| {});
        assert_eq!(fails, Err(RoundsError::Failed { name: "b".into(), error: "no" }));
    }
}
