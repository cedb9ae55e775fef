//! The browser that the live page is tested in: Debian's Chromium and its driver, of one version.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::tools::{on_path, run};

const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Both programs.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser.
    pub chromium: PathBuf,
    /// What drives it over WebDriver.
    pub driver: PathBuf,
}

/// Links both programs into `bin`; installs them first when they are missing and this is root.
pub fn setup(bin: &Path) -> Result<Browser> {
    let found = Browser { chromium: bin.join("chromium"), driver: bin.join("chromedriver") };
    if fit(&found.chromium, &found.driver) {
        return Ok(found);
    }
    if !link(bin)? {
        install()?;
        ensure!(link(bin)?, "{} are installed and are not of one version; update both", PACKAGES.join(" and "));
    }
    Ok(found)
}

/// Links what is on `PATH`; false when that is not there or does not fit together.
fn link(bin: &Path) -> Result<bool> {
    let names = ["chromium", "chromedriver"];
    let [Some(chromium), Some(driver)] = names.map(|name| on_path(name, bin)) else { return Ok(false) };
    if !fit(&chromium, &driver) {
        return Ok(false);
    }
    for (name, source) in names.iter().zip([chromium, driver]) {
        let target = bin.join(name);
        let _ = fs::remove_file(&target);
        symlink(&source, &target).with_context(|| format!("linking {}", source.display()))?;
    }
    Ok(true)
}

fn install() -> Result<()> {
    let packages = PACKAGES.join(" ");
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let has_apt = Command::new("apt-get").arg("--version").output().is_ok_and(|output| output.status.success());
    ensure!(
        is_root && has_apt,
        "the live page is tested in Chromium, which is missing: install it and its ChromeDriver of the same version \
         (on Debian, as root: apt-get install --no-install-recommends {packages}), then run it again"
    );
    println!("installing {packages}");
    let apt =
        |arguments: &[&str]| run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    let install = ["install", "-y", "--no-install-recommends", PACKAGES[0], PACKAGES[1]];
    // A fresh machine has no lists of packages yet, or old ones.
    if apt(&install).is_err() {
        apt(&["update"])?;
        apt(&install)?;
    }
    Ok(())
}

/// Whether both start and are of one version: a driver takes browsers of its own major version only.
fn fit(chromium: &Path, driver: &Path) -> bool {
    let version = |program: &Path| {
        let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| major(&String::from_utf8_lossy(&output.stdout))).flatten()
    };
    version(chromium).is_some_and(|browser| version(driver) == Some(browser))
}

/// The first number of the first word that looks like a version.
fn major(text: &str) -> Option<u32> {
    text.split_whitespace().find_map(|word| word.split_once('.')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"), Some(156));
        assert_eq!(major("ChromeDriver 156.0.8078.79 (a21ce95c24ce-refs/branch-heads/8078@{#1704})"), Some(156));
        assert_eq!(major("no version"), None);
    }
}
