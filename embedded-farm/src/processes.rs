//! Worker processes of this machine, for a farm over NATS.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use proofyard_worker::config::Config;

use crate::error::FarmError;

/// A worker gets this long to drain after it was told to end; then it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program to start and the arguments before `--config FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram {
    /// Path of `proofyard-worker` or of a program that behaves like it.
    pub path: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<String>,
}

/// Running worker processes. Dropping them ends them: told to drain first, killed when they do not.
pub struct WorkerProcesses {
    folder: PathBuf,
    children: Vec<Child>,
    program: WorkerProgram,
}

impl WorkerProcesses {
    /// No process yet. Configuration files are written to `folder`, which is made and is removed at the end.
    pub fn new(program: WorkerProgram, folder: PathBuf) -> Result<Self, FarmError> {
        let processes = Self { folder, children: Vec::new(), program };
        fs::create_dir_all(&processes.folder).map_err(|source| processes.error(source))?;
        Ok(processes)
    }

    /// Starts one more process with this configuration and more arguments; its index.
    pub fn start(&mut self, config: &Config, more: &[&str]) -> Result<usize, FarmError> {
        let index = self.children.len();
        let path = self.folder.join(format!("worker-{index}.toml"));
        let child = write(&path, config).and_then(|()| {
            Command::new(&self.program.path)
                .args(&self.program.arguments)
                .arg("--config")
                .arg(&path)
                .args(more)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
        });
        self.children.push(child.map_err(|source| self.error(source))?);
        Ok(index)
    }

    /// Kills a process with SIGKILL.
    pub fn kill(&mut self, index: usize) -> io::Result<()> {
        let Some(child) = self.children.get_mut(index) else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop)
    }

    /// Sends SIGTERM to a process.
    pub fn terminate(&mut self, index: usize) -> io::Result<()> {
        self.signal(index, "TERM")
    }

    /// Stops a process with SIGSTOP: it is there and does nothing.
    pub fn pause(&mut self, index: usize) -> io::Result<()> {
        self.signal(index, "STOP")
    }

    /// Lets a stopped process go on.
    pub fn resume(&mut self, index: usize) -> io::Result<()> {
        self.signal(index, "CONT")
    }

    fn signal(&mut self, index: usize, name: &str) -> io::Result<()> {
        let Some(child) = self.children.get_mut(index) else { return Ok(()) };
        if child.try_wait()?.is_none() {
            Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status()?;
        }
        Ok(())
    }

    /// Whether a process still runs.
    pub fn is_running(&mut self, index: usize) -> bool {
        self.children.get_mut(index).is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn error(&self, source: io::Error) -> FarmError {
        FarmError::Process { program: self.program.path.display().to_string(), source }
    }
}

fn write(path: &PathBuf, config: &Config) -> io::Result<()> {
    let text = proofyard_worker::config::to_toml(config);
    fs::File::create(path)?.write_all(text.as_bytes())
}

impl Drop for WorkerProcesses {
    fn drop(&mut self) {
        for index in 0..self.children.len() {
            // What cannot be told to end is killed below.
            let _ = self.terminate(index);
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && (0..self.children.len()).any(|index| self.is_running(index)) {
            std::thread::sleep(Duration::from_millis(50));
        }
        for index in 0..self.children.len() {
            let _ = self.kill(index);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
