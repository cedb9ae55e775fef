//! The demo's processes: started, stopped, killed; ended with it.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;

/// How long a process may take to end after SIGTERM; then it is killed.
const PATIENCE: Duration = Duration::from_secs(12);
/// Lines of a process's log that an error shows.
const LOG_LINES: usize = 8;

/// A program of another project, which `cargo xtask setup` brings.
pub fn tool(variable: &str, name: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    let beside = here.ancestors().chain(program.ancestors()).map(|folder| folder.join(".tools/bin"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        beside.chain(std::env::split_paths(&on_path)).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        Failure::Environment(format!(
            "[PY-X-110] {name} is not on this machine; run `cargo xtask setup` in the source folder, or name it with {variable}"
        ))
    })
}

/// A process of the demo. It has a process group of its own, so that the terminal's Ctrl-C reaches only the demo, which ends all.
pub struct Process {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a program; what it prints goes into `NAME.log` of a folder.
    pub fn start(name: &str, program: &Path, arguments: Vec<String>, folder: &Path) -> Result<Self, Failure> {
        let log = folder.join(format!("{name}.log"));
        let child = spawn(program, &arguments, &log).map_err(|error| Failure::file(program, error))?;
        Ok(Self { name: name.to_owned(), program: program.to_owned(), arguments, log, child })
    }

    /// Starts it again, as it was started the first time.
    pub fn start_again(&mut self) -> Result<(), Failure> {
        self.child =
            spawn(&self.program, &self.arguments, &self.log).map_err(|error| Failure::file(&self.program, error))?;
        Ok(())
    }

    /// Ends it with SIGKILL: it has no chance to put anything in order.
    pub fn kill(&mut self) -> Result<(), Failure> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|error| Failure::file(&self.program, error))
    }

    /// SIGSTOP: it is there and does nothing, as a machine that hangs.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has ended already needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// Fails when it has ended by itself.
    pub fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let text = fs::read_to_string(&self.log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
                let name = &self.name;
                Err(Failure::Environment(format!("[PY-X-111] {name} has ended ({status}); its last words:\n{last}")))
            }
            Err(error) => Err(Failure::file(&self.program, error)),
        }
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends several: all are told first, so that they end at the same time.
    pub fn end<'a>(processes: impl IntoIterator<Item = &'a mut Self>) {
        let mut processes: Vec<&mut Self> =
            processes.into_iter().filter_map(|one| one.is_running().then_some(one)).collect();
        for process in &processes {
            process.resume();
            process.signal(Signal::TERM);
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && processes.iter_mut().any(|process| process.is_running()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        for process in processes {
            // Most have ended; the others had their time.
            let _ = process.kill();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        Self::end([self]);
    }
}

fn spawn(program: &Path, arguments: &[String], log: &Path) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    command.spawn()
}
