//! Where SRS and keys are kept.

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

use crate::{args::SetupFolder, failure::Failure};

impl SetupFolder {
    /// The folder named on the command line, else `proofyard` in the user's cache folder.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let base = choose_base_strategy()
            .map_err(|error| Failure::Environment(format!("no cache folder ({error}); name one with --dir")))?;
        Ok(base.cache_dir().join("proofyard"))
    }
}
