//! Runs of one operation, timed.

use std::time::{Duration, Instant};

use crate::{
    error::CheckError,
    report::{Figure, Part},
};

/// Runs that count, at least.
const RUNS_MIN: usize = 10;
/// And at most.
const RUNS_MAX: usize = 50;
/// After this long no run is added to the least number.
const ENOUGH: Duration = Duration::from_secs(1);
/// Runs that do not count.
const WARM_UP: usize = 3;
/// Operations that only start work are repeated until a run takes this long, so that starting the first and waiting for the
/// last do not show.
const RUN_MIN: Duration = Duration::from_millis(2);
/// But not more often than this.
const REPEATS_MAX: usize = 100;

/// How long one operation took, run by run.
pub struct Timing {
    /// Seconds of one operation.
    pub seconds: Vec<f64>,
    /// Operations of a run.
    pub repeats: usize,
}

/// Times an operation that gives its result only when it is done.
pub fn whole(mut operation: impl FnMut() -> Result<(), CheckError>) -> Result<Timing, CheckError> {
    prepared(|| Ok(()), |()| operation())
}

/// The same for an operation that uses something up, which is made while the clock stands still.
pub fn prepared<T>(
    mut prepare: impl FnMut() -> Result<T, CheckError>,
    mut operation: impl FnMut(T) -> Result<(), CheckError>,
) -> Result<Timing, CheckError> {
    for _ in 0..WARM_UP {
        operation(prepare()?)?;
    }
    runs(1, prepare, operation)
}

/// Times an operation that is started by one call and done after another.
pub fn started(
    mut start: impl FnMut() -> Result<(), CheckError>,
    wait: impl Fn() -> Result<(), CheckError>,
) -> Result<Timing, CheckError> {
    let mut run = |repeats: usize| {
        (0..repeats).try_for_each(|_| start())?;
        wait()
    };
    let mut once = Duration::MAX;
    for _ in 0..WARM_UP {
        let begin = Instant::now();
        run(1)?;
        once = once.min(begin.elapsed());
    }
    let repeats = (RUN_MIN.as_secs_f64() / once.as_secs_f64().max(1e-9)).ceil() as usize;
    let repeats = repeats.clamp(1, REPEATS_MAX);
    runs(repeats, || Ok(()), |()| run(repeats))
}

fn runs<T>(
    repeats: usize,
    mut prepare: impl FnMut() -> Result<T, CheckError>,
    mut run: impl FnMut(T) -> Result<(), CheckError>,
) -> Result<Timing, CheckError> {
    let begin = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < RUNS_MIN || seconds.len() < RUNS_MAX && begin.elapsed() < ENOUGH {
        let prepared = prepare()?;
        let start = Instant::now();
        run(prepared)?;
        seconds.push(start.elapsed().as_secs_f64() / repeats as f64);
    }
    Ok(Timing { seconds, repeats })
}

impl Timing {
    /// A figure of what `convert` makes of the seconds of an operation.
    pub fn figure(&self, what: &str, log2: Option<u32>, unit: &str, convert: impl Fn(f64) -> f64) -> Figure {
        let mut values: Vec<f64> = self.seconds.iter().map(|seconds| convert(*seconds)).collect();
        values.sort_by(f64::total_cmp);
        let [lower, median, upper] = [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
        Figure {
            what: what.to_owned(),
            log2,
            unit: unit.to_owned(),
            lower,
            median,
            upper,
            runs: values.len(),
            repeats: self.repeats,
            target: None,
            floor: None,
            percent_of_floor: None,
        }
    }
}

/// By linear interpolation between the two nearest values; 0 for none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or_default();
    at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
}

/// Enters a figure and tells it.
pub fn enter(part: &mut Part, figure: Figure) {
    let Figure { what, log2, unit, median, runs, .. } = &figure;
    let size = log2.map_or_else(String::new, |log2| format!(" 2^{log2}"));
    eprintln!("  {what}{size}: {median:.4} {unit}, median of {runs}");
    part.figures.push(figure);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        let timing = Timing { seconds: vec![4.0, 1.0, 3.0, 2.0], repeats: 7 };
        let figure = timing.figure("x", None, "ms", |seconds| seconds * 1e3);
        assert_eq!((figure.lower, figure.median, figure.upper), (1750.0, 2500.0, 3250.0));
        assert_eq!((figure.runs, figure.repeats), (4, 7));
    }

    #[test]
    fn runs_are_counted_and_short_ones_repeated() {
        let mut calls = 0;
        let timing = whole(|| {
            calls += 1;
            Ok(())
        });
        assert_eq!(timing.unwrap().seconds.len() + WARM_UP, calls);
        let timing = started(|| Ok(()), || Ok(())).unwrap();
        assert_eq!(timing.repeats, REPEATS_MAX);
    }
}
