//! `proofyard bench`: a farm measured as its users would see it. docs/benchmarks.md says what each figure means.

mod compare;
mod csv;
mod energy;
mod evaluate;
mod figures;
pub mod machine;
mod measure;
mod plan;
mod plot;
mod report;
mod statistics;
mod table;

use std::{path::Path, time::SystemTime};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::{
    compare::{Comparison, compare},
    energy::Meter,
    machine::{Machine, Program},
    measure::{Bench, Blocks},
    plan::Plan,
    report::{Report, Settings},
};
use crate::{
    args::{Bench as Arguments, Bus},
    block::read_block,
    failure::Failure,
    prove::write_atomically,
    screen::{Screen, report as print_json},
};

/// `proofyard bench`.
pub fn run(arguments: &Arguments, json: bool, log: &str) -> Result<(), Failure> {
    // What can be refused is refused before anything is measured.
    let old = arguments.compare.as_deref().map(compare::read).transpose()?;
    let file = arguments.block.as_deref().map(read_block).transpose()?;
    let plan = Plan::new(arguments, file.as_ref().map(|(_, block)| block.transfers.len()), machine::threads())?;
    if arguments.dollars_per_kwh.is_some() && arguments.watts.is_none() && Meter::open().is_none() {
        let reason = "this machine's energy counters cannot be read; give --watts with --dollars-per-kwh";
        return Err(Failure::Usage(format!("[PY-X-124] {reason}")));
    }
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    }

    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let settings = settings(arguments, &plan, file.as_ref().map(|(bytes, _)| &bytes[..]));
    let screen = Screen::new();
    screen.say("WARNING: the developers' setup is INSECURE; anyone can forge proofs for its keys");
    let bench = Bench {
        plan: &plan,
        blocks: match file {
            Some((bytes, _)) => Blocks::File(bytes),
            None => Blocks::Generated { seed: arguments.seed, transfers: plan.transfers },
        },
        bus: &arguments.bus,
        farm: &arguments.farm,
        folder: &arguments.folder.path()?,
        log,
        screen: &screen,
    };
    let measured: Result<Vec<_>, _> = plan.workers.iter().map(|workers| bench.measure(*workers)).collect();
    screen.calm();
    let report = Report::new(date, Program::here(), Machine::here(), settings, measured?);

    let comparison = old.map(|old| compare(&old, &report));
    if let Some(folder) = &arguments.out {
        write(&report, folder)?;
        screen.say(&format!("written to {}", folder.display()));
    }
    show(&report, comparison.as_ref(), json)
}

fn settings(arguments: &Arguments, plan: &Plan, file: Option<&[u8]>) -> Settings {
    Settings {
        block: file.map_or_else(|| "generated".to_owned(), |bytes| hex::encode(Sha256::digest(bytes))),
        seed: file.is_none().then_some(arguments.seed),
        transfers: plan.transfers,
        subtrees: plan.cut.subtrees,
        rows_log2: plan.cut.rows_log2,
        bus: match arguments.bus {
            Bus::InProcess => "in-process".to_owned(),
            Bus::Nats(_) => "nats".to_owned(),
        },
        warmup: plan.warmup,
        watts: arguments.watts,
        dollars_per_hour: arguments.dollars_per_hour,
        dollars_per_kwh: arguments.dollars_per_kwh,
    }
}

fn write(report: &Report, folder: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).map_err(|error| Failure::Environment(error.to_string()))?;
    write_atomically(&folder.join("bench.json"), json.as_bytes())?;
    write_atomically(&folder.join("bench.csv"), csv::csv(&figures::figures(report)).as_bytes())?;
    for (name, text) in plot::plots(report).map_err(|error| Failure::Environment(error.to_string()))? {
        write_atomically(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

fn show(report: &Report, comparison: Option<&Comparison>, json: bool) -> Result<(), Failure> {
    if !json {
        print!("{}", table::text(report));
        if let Some(comparison) = comparison {
            print!("\n{}", comparison.text());
        }
        return Ok(());
    }
    let value = |value: serde_json::Result<Value>| value.map_err(|error| Failure::Environment(error.to_string()));
    let mut result = Map::new();
    if let Value::Object(report) = value(serde_json::to_value(report))? {
        result = report;
    }
    if let Some(comparison) = comparison {
        result.insert("comparison".to_owned(), value(serde_json::to_value(comparison))?);
    }
    print_json(true, &result);
    Ok(())
}
