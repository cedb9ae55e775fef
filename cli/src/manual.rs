//! `proofyard completions` and `proofyard man`: the command line, described for shells and readers.

use std::{fs, io::Write};

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::{
    args::{Cli, ManPages},
    failure::Failure,
    screen::report,
};

/// Prints a shell's completions.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "proofyard", &mut script);
    print(&script)
}

/// Prints the first manual page, or writes all.
pub fn pages(arguments: &ManPages, json: bool) -> Result<(), Failure> {
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
        rendered.map_err(|error| Failure::Environment(error.to_string()))?;
        return print(&page);
    };
    let failed = |error: std::io::Error| Failure::file(folder, error);
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    let result = json!({"folder": folder.display().to_string(), "pages": count(&Cli::command())});
    if let Some(result) = result.as_object() {
        report(json, result);
    }
    Ok(())
}

/// A command and those below it.
fn count(command: &clap::Command) -> usize {
    1 + command.get_subcommands().map(count).sum::<usize>()
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let printed = out.write_all(bytes).and_then(|()| out.flush());
    printed.map_err(|error| Failure::Environment(format!("standard output: {error}")))
}
