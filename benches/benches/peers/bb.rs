//! bb, Aztec's UltraHonk prover, and Noir's compiler and solver: separate programs that are started here.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use proofyard_benches::statistics::median;
use serde_json::Value;

use crate::crs;

/// Proofs that a Noir circuit can verify, without the masks of zero knowledge, which the product has not either.
const TARGET: &str = "noir-recursive-no-zk";
/// Folder of the common reference string.
const CRS: &str = "crs";
/// Rows that bb may add to a circuit's gates.
const SPARE_ROWS: usize = 64;
/// Bytes of a field element in bb's files.
const WORD_BYTES: usize = 32;

/// The peer's programs and a folder to work in.
pub struct Bb {
    modules: PathBuf,
    program: PathBuf,
    script: PathBuf,
    work: PathBuf,
    /// Programs and the seconds that solving their witnesses took.
    solved: RefCell<Vec<(String, f64)>>,
}

/// A compiled Noir program with its verification key.
pub struct Program {
    /// Gates that bb makes of it.
    pub gates: usize,
    name: String,
    bytecode: PathBuf,
    key: PathBuf,
}

impl Bb {
    /// The programs installed in `tools`.
    pub fn open(tools: &Path) -> Result<Self> {
        let program = tools.join("node_modules/@aztec/bb.js/build/amd64-linux/bb");
        ensure!(
            program.is_file(),
            "{} is missing; run `cargo xtask bench-peers`, which installs it",
            program.display()
        );
        let work = tools.join("work");
        fs::create_dir_all(&work).with_context(|| format!("creating {}", work.display()))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("noir/noir.mjs");
        Ok(Self { modules: tools.to_owned(), program, script, work, solved: RefCell::default() })
    }

    /// Where things may be kept from one run to the next.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Compiles a leaf of so many transfers.
    pub fn leaf(&self, transfers: usize) -> Result<Program> {
        self.compile(format!("leaf-{transfers}"), &["leaf", &transfers.to_string()])
    }

    /// Compiles the merge of two leaves.
    pub fn merge(&self) -> Result<Program> {
        self.compile("merge".to_owned(), &["merge"])
    }

    /// Compiles, makes sure of a common reference string that is long enough, and makes the key.
    fn compile(&self, name: String, package: &[&str]) -> Result<Program> {
        eprintln!("compiling {name} and making its key");
        let bytecode = self.work.join(format!("{name}.json"));
        self.noir().arg("compile").arg(&self.modules).arg(&bytecode).args(package).finish()?;
        let gates = self.gates(&bytecode)?;
        crs::ensure(&self.work.join(CRS), (gates + SPARE_ROWS).next_power_of_two() + 1)?;
        let key = self.folder(&format!("{name}-key"))?;
        self.bb("write_vk").arg("-b").arg(&bytecode).arg("-o").arg(&key).finish()?;
        Ok(Program { gates, name, bytecode, key })
    }

    /// Solves the witness of a program; the file that holds it.
    pub fn solve(&self, program: &Program, label: &str, inputs: &Value) -> Result<PathBuf> {
        let stem = format!("{}-{label}", program.name);
        let (file, witness) = (self.work.join(format!("{stem}.inputs.json")), self.work.join(format!("{stem}.gz")));
        fs::write(&file, inputs.to_string()).with_context(|| format!("writing {}", file.display()))?;
        let mut solve = self.noir();
        solve.arg("solve").arg(&self.modules).arg(&program.bytecode).arg(&file).arg(&witness);
        let printed = solve.finish()?;
        let seconds = printed.trim().parse().with_context(|| format!("the solver printed {printed:?}"))?;
        self.solved.borrow_mut().push((program.name.clone(), seconds));
        Ok(witness)
    }

    /// Median seconds that the solver itself took for a program's witnesses.
    pub fn solving_seconds(&self, program: &Program) -> Option<f64> {
        let of_program = |entry: &&(String, f64)| entry.0 == program.name;
        median(&self.solved.borrow().iter().filter(of_program).map(|(_, seconds)| *seconds).collect::<Vec<_>>())
    }

    /// Proves; the folder that the proof is in, and the seconds from the start of bb to its end.
    pub fn prove(&self, program: &Program, witness: &Path, label: &str) -> Result<(PathBuf, f64)> {
        let out = self.folder(&format!("{}-{label}-proof", program.name))?;
        let mut prove = self.bb("prove");
        prove.arg("-b").arg(&program.bytecode).arg("-w").arg(witness).arg("-o").arg(&out);
        prove.arg("-k").arg(program.key.join("vk"));
        let start = Instant::now();
        prove.finish()?;
        Ok((out, start.elapsed().as_secs_f64()))
    }

    fn gates(&self, bytecode: &Path) -> Result<usize> {
        let mut gates = Command::new(&self.program);
        let printed = gates.args(["gates", "-t", TARGET, "-b"]).arg(bytecode).finish()?;
        let json = printed.find('{').and_then(|start| serde_json::from_str::<Value>(&printed[start..]).ok());
        let size = json.and_then(|gates| gates["functions"][0]["circuit_size"].as_u64());
        size.and_then(|size| usize::try_from(size).ok())
            .with_context(|| format!("bb gates printed no size:\n{printed}"))
    }

    fn bb(&self, command: &str) -> Command {
        let mut bb = Command::new(&self.program);
        bb.arg(command).args(["-t", TARGET, "-c"]).arg(self.work.join(CRS));
        bb
    }

    fn noir(&self) -> Command {
        let mut node = Command::new("node");
        node.arg(&self.script);
        node
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.work.join(name);
        fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
        Ok(dir)
    }
}

impl Program {
    /// The verification key's words and its hash.
    pub fn key(&self) -> Result<(Vec<String>, String)> {
        let hash = words(&self.key.join("vk_hash"))?;
        let [hash] = hash.as_slice() else { bail!("vk_hash of {} is not one word", self.name) };
        Ok((words(&self.key.join("vk"))?, hash.clone()))
    }
}

/// The words of a file that bb wrote, in hexadecimal.
pub fn words(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    ensure!(bytes.len() % WORD_BYTES == 0, "{} does not hold whole words", file.display());
    let word = |word: &[u8]| {
        let digits: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("0x{digits}")
    };
    Ok(bytes.chunks_exact(WORD_BYTES).map(word).collect())
}

/// Running a program to its end.
trait Finish {
    /// What it printed; an error with what it complained about when it fails.
    fn finish(&mut self) -> Result<String>;
}

impl Finish for Command {
    fn finish(&mut self) -> Result<String> {
        let name = self.get_program().to_string_lossy().into_owned();
        let output = self.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
        if output.status.success() {
            return String::from_utf8(output.stdout).with_context(|| format!("{name} printed no text"));
        }
        let (printed, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("{self:?} failed ({}):\n{printed}{complained}", output.status)
    }
}
