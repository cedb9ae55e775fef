//! Progress on standard error (bars on a terminal, plain lines elsewhere) and results on standard output.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, OnceLock, PoisonError},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use proofyard_embedded_farm::coordinator::core::Progress;
use serde_json::{Map, Value};

/// Shows progress.
pub struct Screen {
    bars: Option<MultiProgress>,
    /// Bars by name on a terminal; elsewhere the names that were announced.
    open: Mutex<BTreeMap<String, ProgressBar>>,
    /// The line that changes in place.
    live: OnceLock<ProgressBar>,
}

impl Screen {
    /// Bars when standard error is a terminal.
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, open: Mutex::default(), live: OnceLock::new() }
    }

    /// Whether somebody sees what changes in place.
    pub fn is_terminal(&self) -> bool {
        self.bars.is_some()
    }

    /// A line at the end that changes in place; only on a terminal.
    pub fn live(&self, text: &str) {
        if let Some(bars) = &self.bars {
            let style = || {
                ProgressStyle::with_template("{spinner} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner())
            };
            let bar = self.live.get_or_init(|| bars.add(ProgressBar::new_spinner().with_style(style())));
            bar.set_message(text.to_owned());
            bar.tick();
        }
    }

    /// Takes the line at the end away.
    pub fn calm(&self) {
        if let Some(bar) = self.live.get() {
            bar.finish_and_clear();
        }
    }

    /// A line about what happens next.
    pub fn say(&self, text: &str) {
        match &self.bars {
            // A closed standard error is nothing to fail for.
            Some(bars) => drop(bars.println(text)),
            None => eprintln!("{text}"),
        }
    }

    /// `done` of `total` steps of something.
    pub fn step(&self, name: &str, done: u64, total: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.contains_key(name);
        let bar = open.entry(name.to_owned()).or_insert_with(|| match &self.bars {
            Some(bars) => bars.add(ProgressBar::new(total).with_style(style()).with_message(name.to_owned())),
            None => ProgressBar::hidden(),
        });
        bar.set_length(total);
        bar.set_position(done);
        let finished = done >= total;
        if finished && !bar.is_finished() {
            bar.finish();
            if self.bars.is_none() {
                eprintln!("{name}: done");
            }
        } else if !known && self.bars.is_none() {
            eprintln!("{name} ...");
        }
    }

    /// One bar per round and group.
    pub fn progress(&self, progress: &Progress) {
        let name = |group: usize, round: u8| match group {
            0 => format!("round {round}"),
            group => format!("group {group}, round {round}"),
        };
        match progress {
            Progress::Accepted { subtrees, .. } => self.say(&format!("block accepted, {subtrees} subtrees")),
            Progress::Round { group, round, answered, subtrees, .. }
            | Progress::Subtree { group, round, answered, subtrees, .. } => {
                self.step(&name(*group, *round), (*answered).into(), (*subtrees).into());
            }
            Progress::Verifying { .. } => self.say("verifying the root proof"),
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:28} {bar:32} {pos:>7}/{len:7} {elapsed_precise}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Prints a result: as aligned lines, or as one JSON object on one line.
pub fn report(json: bool, result: &Map<String, Value>) {
    if json {
        println!("{}", Value::Object(result.clone()));
        return;
    }
    let width = result.keys().map(String::len).max().unwrap_or(0);
    for (key, value) in result {
        match value {
            Value::String(text) => println!("{key:width$}  {text}"),
            Value::Number(number) if number.is_f64() => {
                println!("{key:width$}  {:.3}", number.as_f64().unwrap_or_default());
            }
            other => println!("{key:width$}  {other}"),
        }
    }
}
