//! The gates: what each kernel may take of a device, by `kernels/cuda/gates.toml`, and what it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::build::ARCHITECTURES;
use super::sass::{self, Code, Instructions, Usage};
use super::wheels::Cuda;
use super::{FATBIN, GATES};
use crate::tools;

/// Least and most, both allowed.
type Range = [u32; 2];

/// How many multiplications the machine code may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Multiplies {
    /// 32 x 32 -> 64.
    wide: Range,
    /// All others.
    other: Range,
}

/// The section of a kernel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    registers_max: u32,
    /// Whether it may have a stack and touch local memory.
    local_memory: bool,
    /// Without it shared memory is not limited.
    shared_bytes_max: Option<u32>,
    /// Without it multiplications are not counted.
    multiplies: Option<Multiplies>,
    /// What differs on an architecture, by `sm_90` and the like.
    #[serde(default)]
    on: BTreeMap<String, Difference>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    registers_max: Option<u32>,
    local_memory: Option<bool>,
    shared_bytes_max: Option<u32>,
    multiplies: Option<Multiplies>,
}

/// What a kernel may take on one architecture.
struct Limits {
    registers_max: u32,
    local_memory: bool,
    shared_bytes_max: Option<u32>,
    multiplies: Option<Multiplies>,
}

/// Sections by kernel.
struct Gates(BTreeMap<String, Section>);

impl Gates {
    fn parse(text: &str) -> Result<Self> {
        let sections: BTreeMap<String, Section> = toml::from_str(text)?;
        for (kernel, section) in &sections {
            for name in section.on.keys() {
                ensure!(
                    ARCHITECTURES.iter().any(|number| *name == architecture(*number)),
                    "[{kernel}.on.{name}]: the kernels are not compiled for {name}"
                );
            }
            let all = [section.multiplies].into_iter().chain(section.on.values().map(|on| on.multiplies));
            for Multiplies { wide, other } in all.flatten() {
                for [min, max] in [wide, other] {
                    ensure!(min <= max, "[{kernel}]: the range [{min}, {max}] is empty");
                }
            }
        }
        Ok(Self(sections))
    }
}

impl Section {
    fn limits(&self, number: u32) -> Limits {
        let on = self.on.get(&architecture(number)).copied().unwrap_or_default();
        Limits {
            registers_max: on.registers_max.unwrap_or(self.registers_max),
            local_memory: on.local_memory.unwrap_or(self.local_memory),
            shared_bytes_max: on.shared_bytes_max.or(self.shared_bytes_max),
            multiplies: on.multiplies.or(self.multiplies),
        }
    }
}

type Measured = BTreeMap<Code, (Usage, Instructions)>;

/// Prints what every kernel of the committed fatbin takes; fails with each broken gate.
pub fn run(cuda: &Cuda, root: &Path) -> Result<()> {
    let file = root.join(FATBIN);
    ensure!(file.is_file(), "{FATBIN} is missing; run `cargo xtask kernels`");
    let print = |what: &str| tools::run(cuda.command("cuobjdump").arg(what).arg(&file));
    let measured = join(sass::usages(&print("-res-usage")?)?, sass::instructions(&print("-sass")?)?)?;
    print!("{}", table(&measured));
    let text = fs::read_to_string(root.join(GATES))
        .with_context(|| format!("{GATES} is missing; give each kernel a section there"))?;
    let gates = Gates::parse(&text).with_context(|| format!("{GATES} is not valid"))?;
    let broken = judge(&gates, &measured);
    ensure!(broken.is_empty(), "{} gates are broken:\n  {}", broken.len(), broken.join("\n  "));
    println!("{} kernels within the gates of {GATES}", gates.0.len());
    Ok(())
}

fn join(usages: BTreeMap<Code, Usage>, mut instructions: BTreeMap<Code, Instructions>) -> Result<Measured> {
    let mut measured = Measured::new();
    for (code, usage) in usages {
        let Some(counts) = instructions.remove(&code) else {
            bail!("cuobjdump prints no machine code of {} for sm_{}", code.kernel, code.architecture);
        };
        measured.insert(code, (usage, counts));
    }
    if let Some(code) = instructions.keys().next() {
        bail!("cuobjdump prints no resource usage of {} for sm_{}", code.kernel, code.architecture);
    }
    Ok(measured)
}

/// Every broken gate, with what to do.
fn judge(gates: &Gates, measured: &Measured) -> Vec<String> {
    let mut broken = Vec::new();
    let kernels: BTreeSet<&str> = measured.keys().map(|code| code.kernel.as_str()).collect();
    for kernel in kernels.iter().filter(|kernel| !gates.0.contains_key(**kernel)) {
        broken.push(format!(
            "{kernel} is in the fatbin and has no section in {GATES}: add [{kernel}] with registers_max and local_memory"
        ));
    }
    for (kernel, section) in &gates.0 {
        if !kernels.contains(kernel.as_str()) {
            broken.push(format!(
                "{kernel} has a section in {GATES} and is not in the fatbin: remove it, or name it anew"
            ));
            continue;
        }
        for number in ARCHITECTURES {
            let name = format!("{kernel} on {}", architecture(number));
            match measured.get(&Code { kernel: kernel.clone(), architecture: number }) {
                Some(taken) => exceeded(&name, &section.limits(number), taken, &mut broken),
                None => broken.push(format!("{name} is not in the fatbin: compile it for every architecture")),
            }
        }
    }
    broken
}

fn exceeded(name: &str, limits: &Limits, (usage, counts): &(Usage, Instructions), broken: &mut Vec<String>) {
    if usage.registers > limits.registers_max {
        broken.push(format!(
            "{name} takes {} registers, above {}: keep fewer values alive at once, or set __launch_bounds__",
            usage.registers, limits.registers_max
        ));
    }
    let local_bytes = usage.stack + usage.local;
    if !limits.local_memory && (local_bytes > 0 || counts.local_memory > 0) {
        broken.push(format!(
            "{name} takes {local_bytes} bytes of local memory and touches it {} times: index arrays by constants only, \
             or allow more registers",
            counts.local_memory
        ));
    }
    if let Some(max) = limits.shared_bytes_max
        && usage.shared > max
    {
        broken.push(format!("{name} takes {} bytes of shared memory, above {max}: take a smaller tile", usage.shared));
    }
    let Some(multiplies) = limits.multiplies else { return };
    for (what, count, [min, max]) in
        [("IMAD.WIDE", counts.wide, multiplies.wide), ("other multiplications", counts.other, multiplies.other)]
    {
        if count < min || count > max {
            broken.push(format!(
                "{name} holds {count} {what}, outside [{min}, {max}]: read `cuobjdump -sass` for what changed; split \
                 multiplications come from 32-bit loads, new counts from other loops or inlining"
            ));
        }
    }
}

/// A line for each kernel and architecture.
fn table(measured: &Measured) -> String {
    let width = measured.keys().map(|code| code.kernel.len()).max().unwrap_or_default().max(6);
    let mut text = format!(
        "{:<width$}  {:<7} {:>9} {:>7} {:>6} {:>8} {:>9} {:>7} {:>12}\n",
        "kernel", "on", "registers", "shared", "stack", "LDL, STL", "IMAD.WIDE", "other *", "instructions"
    );
    for (code, (usage, counts)) in measured {
        let _ = writeln!(
            text,
            "{:<width$}  {:<7} {:>9} {:>7} {:>6} {:>8} {:>9} {:>7} {:>12}",
            code.kernel,
            architecture(code.architecture),
            usage.registers,
            usage.shared,
            usage.stack + usage.local,
            counts.local_memory,
            counts.wide,
            counts.other,
            counts.all
        );
    }
    text
}

fn architecture(number: u32) -> String {
    format!("sm_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATES_TEXT: &str = "
        [multiply]
        registers_max = 40
        local_memory = false
        shared_bytes_max = 0
        multiplies = { wide = [120, 130], other = [0, 16] }
        [multiply.on.sm_120]
        registers_max = 42
    ";

    fn everywhere(kernel: &str, usage: Usage, counts: Instructions) -> Measured {
        let code = |number| Code { kernel: kernel.to_owned(), architecture: number };
        ARCHITECTURES.into_iter().map(|number| (code(number), (usage, counts))).collect()
    }

    fn good() -> (Usage, Instructions) {
        let usage = Usage { registers: 40, ..Usage::default() };
        (usage, Instructions { all: 300, local_memory: 0, wide: 124, other: 16 })
    }

    fn broken(usage: Usage, counts: Instructions) -> Vec<String> {
        judge(&Gates::parse(GATES_TEXT).unwrap(), &everywhere("multiply", usage, counts))
    }

    #[test]
    fn what_is_within_the_gates_passes() {
        let (usage, counts) = good();
        assert!(broken(usage, counts).is_empty());
        let three = broken(Usage { registers: 42, ..usage }, counts);
        assert_eq!(three.len(), 3, "sm_120 may take 42: {three:?}");
        assert!(three.iter().all(|line| line.contains("42 registers, above 40")), "{three:?}");
    }

    #[test]
    fn each_gate_can_be_broken() {
        let (usage, counts) = good();
        for (usage, counts, says) in [
            (Usage { stack: 8, ..usage }, counts, "8 bytes of local memory"),
            (Usage { local: 16, ..usage }, counts, "16 bytes of local memory"),
            (Usage { shared: 4, ..usage }, counts, "4 bytes of shared memory, above 0"),
            (usage, Instructions { local_memory: 3, ..counts }, "touches it 3 times"),
            (usage, Instructions { wide: 64, ..counts }, "64 IMAD.WIDE, outside [120, 130]"),
            (usage, Instructions { wide: 131, ..counts }, "131 IMAD.WIDE"),
            (usage, Instructions { other: 17, ..counts }, "17 other multiplications, outside [0, 16]"),
        ] {
            let broken = broken(usage, counts);
            assert_eq!(broken.len(), ARCHITECTURES.len(), "{says}: {broken:?}");
            assert!(broken[0].starts_with("multiply on sm_80") && broken[0].contains(says), "{broken:?}");
        }
    }

    #[test]
    fn gates_and_fatbin_name_the_same_kernels() {
        let (usage, counts) = good();
        let gates = Gates::parse(GATES_TEXT).unwrap();
        let other = judge(&gates, &everywhere("divide", usage, counts));
        assert_eq!(other.len(), 2, "{other:?}");
        assert!(other[0].starts_with("divide is in the fatbin and has no section"), "{other:?}");
        assert!(other[1].starts_with("multiply has a section"), "{other:?}");

        let mut measured = everywhere("multiply", usage, counts);
        measured.remove(&Code { kernel: "multiply".to_owned(), architecture: 90 });
        let absent = judge(&gates, &measured);
        assert!(absent.len() == 1 && absent[0].starts_with("multiply on sm_90 is not in the fatbin"), "{absent:?}");
    }

    #[test]
    fn gates_of_another_form_are_refused() {
        let section = "[k]\nregisters_max = 1\nlocal_memory = false\n";
        assert!(Gates::parse(section).is_ok());
        for wrong in [
            "[k]\nregisters_max = 1\n".to_owned(),
            format!("{section}registers = 2\n"),
            format!("{section}[k.on.sm_70]\nregisters_max = 2\n"),
            format!("{section}[k.on.sm_90]\nregisters = 2\n"),
            format!("{section}multiplies = {{ wide = [2, 1], other = [0, 0] }}\n"),
            format!("{section}[k.on.sm_90]\nmultiplies = {{ wide = [0, 0], other = [2, 1] }}\n"),
            format!("{section}multiplies = {{ wide = [0, 1] }}\n"),
            format!("{section}multiplies = {{ wide = [0, 1], other = [0] }}\n"),
        ] {
            assert!(Gates::parse(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn usage_and_machine_code_must_belong_together() {
        let (usage, counts) = good();
        let code = Code { kernel: "k".to_owned(), architecture: 90 };
        let usages = BTreeMap::from([(code.clone(), usage)]);
        let instructions = BTreeMap::from([(code, counts)]);
        assert!(join(usages.clone(), BTreeMap::new()).is_err());
        assert!(join(BTreeMap::new(), instructions.clone()).is_err());
        let table = table(&join(usages, instructions).unwrap());
        let words: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["k", "sm_90", "40", "0", "0", "0", "124", "16", "300"]);
    }
}
