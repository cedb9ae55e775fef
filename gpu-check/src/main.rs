//! `gpu-check`: whether the CUDA backend computes what it must on this machine, and how fast (docs/gpu-check.md).
//!
//! Progress on standard error, a table in Markdown on standard output. Exit status: 0 all correct and every target met, 1 a
//! target missed, 2 wrong answers or a failure.

mod answers;
mod block;
mod circuits;
mod error;
mod farm;
mod floors;
mod inputs;
mod machine;
mod micro;
mod options;
mod report;
mod sanitizer;
mod skew;
mod speed;
mod subject;
mod table;
mod tally;
mod targets;
mod timing;

use std::{path::Path, process::ExitCode, sync::Arc, time::Instant};

use clap::Parser;
use proofyard_kernels::{Backend, cpu::CpuBackend};
use proofyard_kernels_cuda::{CudaBackend, Driver};

use error::CheckError;
use options::{DeviceKind, Options, PartName, Plan};
use report::{Part, Report, Verdict};
use subject::Subject;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, CheckError> {
    if options.print_known_answers {
        println!("{}", answers::known::print(&CpuBackend::new())?);
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::new(options);
    match options.device {
        DeviceKind::Cuda => {
            let backend = Arc::new(CudaBackend::open(options.ordinal, None)?);
            let subject = Subject::cuda(backend)?;
            let driver: &Arc<Driver> = subject.backend.device();
            check(&subject, options, &plan, &|part| micro::measure(driver, part))
        }
        #[cfg(feature = "emulator")]
        DeviceKind::Emulator => check(&Subject::emulator(), options, &plan, &left_out),
        #[cfg(not(feature = "emulator"))]
        DeviceKind::Emulator => Err(CheckError::NoEmulator),
        DeviceKind::Cpu => check(&Subject::cpu(), options, &plan, &left_out),
    }
}

fn left_out(part: &mut Part) -> Result<(), CheckError> {
    part.notes.push("left out: they measure a GPU".to_owned());
    Ok(())
}

/// Runs the parts of a plan, and writes what is known after each, so that an interrupted run leaves figures too.
fn check<B: Backend>(
    subject: &Subject<B>,
    options: &Options,
    plan: &Plan,
    micro: &dyn Fn(&mut Part) -> Result<(), CheckError>,
) -> Result<ExitCode, CheckError> {
    let mut report = match &options.json {
        Some(file) if options.resume && file.exists() => Report::read(file)?.continued(subject, options)?,
        _ => Report::new(subject, options),
    };
    eprintln!("{}, {}", report.device.line(), report.machine.line());
    let mut failure = None;
    for name in &plan.parts {
        eprintln!("{name}");
        let start = Instant::now();
        let mut part = Part::new(*name);
        let outcome = match name {
            PartName::Micro => micro(&mut part),
            PartName::Answers => answers::check(subject, plan, &mut part),
            PartName::Skew => skew::check(subject, plan, &mut part),
            PartName::Block => block::check(subject, plan, &mut part),
            PartName::Speed => speed::measure(subject, plan, report.rates(), &mut part),
            PartName::Sanitizer => sanitizer::run(options, &mut part),
        };
        part.seconds = start.elapsed().as_secs_f64();
        if let Err(error) = outcome {
            eprintln!("error: {error}");
            part.failure = Some(error.to_string());
            failure = Some(error);
        }
        report.put(part);
        if let Some(file) = &options.json {
            report.write(file)?;
        }
    }
    let text = table::markdown(&report);
    print!("{text}");
    if let Some(file) = &options.markdown {
        write(file, &text)?;
    }
    Ok(match report.verdict() {
        _ if failure.is_some() => ExitCode::from(2),
        Verdict::Wrong => ExitCode::from(2),
        Verdict::Missed => ExitCode::from(1),
        Verdict::Met => ExitCode::SUCCESS,
    })
}

fn write(file: &Path, text: &str) -> Result<(), CheckError> {
    std::fs::write(file, text).map_err(|source| CheckError::File { path: file.to_owned(), source })
}
