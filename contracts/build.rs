//! Joins the Solidity interfaces of the sidecar into one file for `rust/bindings.rs`: types that one interface takes from
//! another resolve only within one invocation of `sol!`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const INTERFACES: &str = "src/sidecar";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed={INTERFACES}");
    if env::var_os("CARGO_FEATURE_BINDINGS").is_none() {
        return Ok(());
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(INTERFACES)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    files.retain(|file| is_interface(file));
    files.sort();
    let mut joined = String::from("alloy::sol! {\n#![sol(all_derives)]\n");
    for file in files {
        let text = fs::read_to_string(&file)?;
        joined.extend(text.lines().filter(|line| !belongs_to_the_file(line)).flat_map(|line| [line, "\n"]));
    }
    joined.push('}');
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set: run by cargo only"))?;
    fs::write(Path::new(&out).join("interfaces.rs"), joined)
}

/// Interfaces start with I and a second capital: `IProverEscrow.sol`.
fn is_interface(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".sol") && name.starts_with('I') && name.chars().nth(1).is_some_and(|second| second.is_uppercase())
}

/// Lines that mean nothing once the files are joined; an import here takes one line.
fn belongs_to_the_file(line: &str) -> bool {
    ["// SPDX", "pragma ", "import "].iter().any(|start| line.starts_with(start))
}
