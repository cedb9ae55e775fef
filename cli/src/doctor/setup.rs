//! SRS and keys: every file that proving uses, with its digests.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use proofyard_proof_system::{
    circuit::Circuit,
    key::INSECURE_LABEL,
    setup::{FoundKey, Setup, SetupError, circuit_digest},
    srs::Srs,
};
use proofyard_rollup::circuit::TransferCircuit;

use super::report::About;
use crate::screen::Screen;

/// What a process needs of a setup.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The size class; none: all that are there.
    pub rows_log2: Option<u32>,
    /// It makes what is missing of the developers' setup.
    pub makes_missing: bool,
}

/// A key that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose.
    pub subject: String,
    /// Base-2 logarithm of a subtree's rows.
    pub rows_log2: u32,
    /// The verifying key's digest, in hexadecimal digits.
    pub digest: String,
}

/// Looks at the setup with this label (the developers' one when `None`); its keys.
pub fn check(subject: &str, dir: &Path, label: Option<[u8; 32]>, wanted: Wanted, about: &mut About<'_>) -> Vec<Key> {
    let label = label.unwrap_or(INSECURE_LABEL);
    let is_insecure = label == INSECURE_LABEL;
    let found = match Setup::found(dir, label) {
        Ok(found) => found,
        Err(error) => {
            about.fail("setup", error.to_string(), "let the user of the process read the folder");
            return Vec::new();
        }
    };
    let found: Vec<FoundKey> =
        found.into_iter().filter(|key| wanted.rows_log2.is_none_or(|rows_log2| rows_log2 == key.rows_log2)).collect();
    let (mut keys, mut ours, mut strangers) = (Vec::new(), 0, 0);
    let mut circuits: BTreeMap<u32, (TransferCircuit, String)> = BTreeMap::new();
    for FoundKey { rows_log2, subtrees, circuit } in found {
        let known = match circuits.get(&rows_log2) {
            Some(known) => known,
            None => match TransferCircuit::new(rows_log2) {
                Ok(made) => {
                    let digest = hex::encode(&circuit_digest(made.structure())[..8]);
                    circuits.entry(rows_log2).or_insert((made, digest))
                }
                // A size class of another release.
                Err(_) => {
                    strangers += 1;
                    continue;
                }
            },
        };
        if known.1 != circuit {
            strangers += 1;
            continue;
        }
        ours += 1;
        let class = format!("2^{rows_log2} rows, {subtrees} subtrees");
        match sound_class(dir, label, known.0.structure(), subtrees) {
            Ok(digest) => {
                about.ok("setup", format!("{class}: key, rows and SRS have their digests; key {}", &digest[..16]));
                keys.push(Key { subject: subject.to_owned(), rows_log2, digest });
            }
            Err(error) => {
                about.fail("setup", format!("{class}: {error}"), remedy(&error, is_insecure, rows_log2, subtrees))
            }
        }
    }
    if strangers > 0 {
        let seen = format!("{strangers} keys are of another circuit; they are not used");
        about.warn("setup", seen, "delete them when no other release uses the folder");
    }
    if ours == 0 {
        missing(dir, wanted, is_insecure, about);
    }
    match is_insecure {
        true => about.warn(
            "setup.label",
            "the developers' setup is INSECURE: anyone can forge proofs for its keys",
            "where money is at stake, take a ceremony's setup and name its digest as the label; coordinator and sidecar take this one \
             only with --insecure-setup",
        ),
        false => about.ok("setup.label", format!("the ceremony's {}", hex::encode(label))),
    }
    keys.dedup_by_key(|key| key.rows_log2);
    keys
}

fn missing(dir: &Path, wanted: Wanted, is_insecure: bool, about: &mut About<'_>) {
    let class = wanted.rows_log2.map_or_else(String::new, |rows_log2| format!(" for 2^{rows_log2} rows"));
    let seen = format!("{}: no keys{class}", dir.display());
    let made = format!(
        "make them (proofyard setup --insecure --rows-log2 {} --subtrees M --dir {}), or correct the folder's name",
        wanted.rows_log2.map_or_else(|| "LOG2".to_owned(), |rows_log2| rows_log2.to_string()),
        dir.display()
    );
    match (is_insecure, wanted.makes_missing) {
        (true, true) => {
            about.warn("setup", seen, format!("the process makes them at its start, which takes a while; or {made}"))
        }
        (true, false) => about.fail("setup", seen, made),
        (false, _) => about.fail(
            "setup",
            seen,
            "derive them from the ceremony's SRS file, or correct the folder's name or the label",
        ),
    }
}

fn remedy(error: &SetupError, is_insecure: bool, rows_log2: u32, subtrees: usize) -> String {
    match (error, is_insecure) {
        (SetupError::Io { .. }, _) => "let the user of the process read the file".to_owned(),
        (_, true) => format!(
            "delete that file and make it anew: proofyard setup --insecure --rows-log2 {rows_log2} --subtrees {subtrees}; then look \
             for a failing disk"
        ),
        (_, false) => {
            "delete that file and derive it anew from the ceremony's SRS file; then look for a failing disk".to_owned()
        }
    }
}

/// Reads everything of a size class: key, rows, and the developers' SRS if it is there; the verifying key's digest.
fn sound_class(dir: &Path, label: [u8; 32], circuit: &Arc<Circuit>, subtrees: usize) -> Result<String, SetupError> {
    let screen = Screen::new();
    let setup = Setup::open_labelled(dir, label, circuit.clone(), subtrees)?;
    let name = format!("digests of 2^{} rows, {subtrees} subtrees", circuit.rows_log2);
    for row in 0..subtrees {
        setup.row(row)?;
        screen.step(&name, row as u64 + 1, subtrees as u64);
    }
    let path = setup.srs_path();
    if label == INSECURE_LABEL && path.exists() {
        let srs = Srs::open(&path)?;
        for power in 0..srs.max_subtrees() {
            srs.monomials(power)?;
        }
    }
    Ok(hex::encode(setup.verifying_key().digest()))
}
