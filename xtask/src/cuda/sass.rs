//! Reads what cuobjdump prints about compiled kernels: `-res-usage` and `-sass`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// A kernel in the code for one architecture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The kernel's name.
    pub kernel: String,
    /// 90 for sm_90.
    pub architecture: u32,
}

/// What a kernel takes of the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Registers of a thread.
    pub registers: u32,
    /// Bytes of a thread's stack, which lies in local memory.
    pub stack: u32,
    /// Other bytes of a thread's local memory.
    pub local: u32,
    /// Static bytes of a block's shared memory; from sm_90 on with the 1024 that the system takes where there is any.
    pub shared: u32,
}

/// What a kernel's machine code consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Instructions {
    /// All but the padding.
    pub all: u32,
    /// Loads from and stores to local memory: spilled registers, or arrays that are indexed at run time.
    pub local_memory: u32,
    /// Multiplications 32 x 32 -> 64: `IMAD.WIDE`.
    pub wide: u32,
    /// All other integer multiplications: `IMAD`, `IMAD.HI`.
    pub other: u32,
}

/// Reads `cuobjdump -res-usage`.
pub fn usages(text: &str) -> Result<BTreeMap<Code, Usage>> {
    let mut found = BTreeMap::new();
    let mut architecture = None;
    let mut kernel: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("arch = ") {
            architecture = Some(number_of(name)?);
        } else if let Some(name) = line.strip_prefix("Function ") {
            kernel = Some(name.trim_end_matches(':').to_owned());
        } else if line.starts_with("REG:") {
            let kernel = kernel.take().with_context(|| format!("cuobjdump names no kernel before `{line}`"))?;
            let architecture = architecture.context("cuobjdump names no architecture")?;
            insert(&mut found, Code { kernel, architecture }, usage(line)?)?;
        }
    }
    Ok(found)
}

/// Reads `REG:18 STACK:0 SHARED:8192 LOCAL:0 ...`.
fn usage(line: &str) -> Result<Usage> {
    let field = |name: &str| -> Result<u32> {
        let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix(':'));
        let value = value.with_context(|| format!("cuobjdump prints no {name} in `{line}`"))?;
        value.parse().with_context(|| format!("cuobjdump prints no number for {name} in `{line}`"))
    };
    Ok(Usage { registers: field("REG")?, stack: field("STACK")?, local: field("LOCAL")?, shared: field("SHARED")? })
}

/// Reads `cuobjdump -sass`.
pub fn instructions(text: &str) -> Result<BTreeMap<Code, Instructions>> {
    let mut found = BTreeMap::new();
    let mut architecture = None;
    let mut current: Option<(Code, Instructions)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("arch = ") {
            close(&mut found, current.take())?;
            architecture = Some(number_of(name)?);
        } else if let Some(name) = line.strip_prefix("Function : ") {
            close(&mut found, current.take())?;
            let architecture = architecture.context("cuobjdump names no architecture")?;
            current = Some((Code { kernel: name.to_owned(), architecture }, Instructions::default()));
        } else if let Some(instruction) = instruction(line) {
            let (_, counts) = current.as_mut().context("cuobjdump names no kernel before the first instruction")?;
            counts.add(instruction);
        }
    }
    close(&mut found, current)?;
    Ok(found)
}

fn close(found: &mut BTreeMap<Code, Instructions>, done: Option<(Code, Instructions)>) -> Result<()> {
    let Some((code, counts)) = done else { return Ok(()) };
    ensure!(counts.all > 0, "cuobjdump prints no instruction of {} for sm_{}", code.kernel, code.architecture);
    insert(found, code, counts)
}

fn insert<T>(found: &mut BTreeMap<Code, T>, code: Code, value: T) -> Result<()> {
    let shown = format!("{} for sm_{}", code.kernel, code.architecture);
    if found.insert(code, value).is_some() {
        bail!("the fatbin holds {shown} twice");
    }
    Ok(())
}

/// 90 of `sm_90`.
fn number_of(architecture: &str) -> Result<u32> {
    let number = architecture.strip_prefix("sm_").and_then(|number| number.parse().ok());
    number.with_context(|| format!("cuobjdump names an unknown architecture: {architecture}"))
}

/// The instruction in `/*0040*/  @!P0 IMAD.WIDE.U32 R2, R6, R5, RZ ;  /* encoding */`, without its guard.
fn instruction(line: &str) -> Option<&str> {
    let (offset, rest) = line.strip_prefix("/*")?.split_once("*/")?;
    // The second half of an encoding stands alone on its line, as `/* 0x... */`.
    if offset.starts_with(' ') {
        return None;
    }
    let (text, _) = rest.split_once(';')?;
    let text = text.trim();
    let text = match text.strip_prefix('@') {
        Some(guarded) => guarded.split_once(' ')?.1.trim(),
        None => text,
    };
    (!text.is_empty()).then_some(text)
}

impl Instructions {
    fn add(&mut self, instruction: &str) {
        let (opcode, operands) = instruction.split_once(' ').unwrap_or((instruction, ""));
        let (name, form) = opcode.split_once('.').unwrap_or((opcode, ""));
        if name == "NOP" {
            return;
        }
        self.all += 1;
        match name {
            "LDL" | "STL" => self.local_memory += 1,
            "IMAD" if multiplies(form, operands) => {
                if form.split('.').next() == Some("WIDE") {
                    self.wide += 1;
                } else {
                    self.other += 1;
                }
            }
            _ => {}
        }
    }
}

/// Whether an `IMAD` needs its multiplier: the compiler also moves, shifts and adds with it.
fn multiplies(form: &str, operands: &str) -> bool {
    if matches!(form.split('.').next(), Some("MOV" | "SHL" | "IADD")) {
        return false;
    }
    // The destination, a carry out where there is one, the two factors.
    let factors = operands.split(',').map(str::trim).skip(1).filter(|operand| !is_predicate(operand)).take(2);
    factors.map(|factor| factor.trim_start_matches('-').trim_end_matches(".reuse")).all(|factor| !is_trivial(factor))
}

fn is_predicate(operand: &str) -> bool {
    let name = operand.trim_start_matches('!').trim_start_matches('U');
    name.strip_prefix('P').is_some_and(|rest| rest == "T" || rest.parse::<u8>().is_ok())
}

/// Zero or one.
fn is_trivial(factor: &str) -> bool {
    matches!(factor, "RZ" | "URZ" | "0x0" | "0x1")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that copies through shared memory, as cuobjdump 13.2 prints it for two architectures, shortened.
    const USAGE: &str = "
Fatbin ptx code:
================
arch = sm_80
code version = [9,0]
host = linux
compressed

Fatbin elf code:
================
arch = sm_80
code version = [1,8]
host = linux

Resource usage:
 Common:
  GLOBAL:0
 Function reverse:
  REG:18 STACK:0 SHARED:8192 LOCAL:0 CONSTANT[0]:368 TEXTURE:0 SURFACE:0 SAMPLER:0
 Function gather:
  REG:30 STACK:256 SHARED:0 LOCAL:0 CONSTANT[0]:364 TEXTURE:0 SURFACE:0 SAMPLER:0

Fatbin elf code:
================
arch = sm_120

Resource usage:
 Function reverse:
  REG:17 STACK:0 SHARED:9216 LOCAL:0 CONSTANT[0]:912 TEXTURE:0 SURFACE:0 SAMPLER:0
";

    const SASS: &str = r#"
Fatbin ptx code:
================
arch = sm_80

Fatbin elf code:
================
arch = sm_90
	code for sm_90
	.target	sm_90

		Function : carry
	.headerflags	@"EF_CUDA_SM90 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM90)"
        /*0000*/                   LDC R1, c[0x0][0x28] ;                      /* 0x00000a00ff017b82 */
                                                                               /* 0x000fe20000000800 */
        /*0060*/                   IMAD.WIDE.U32 R4, R0, 0x10, R4 ;            /* 0x0000001000047825 */
        /*00b0*/                   IMAD.WIDE.U32 R12, P0, R4, R8, RZ ;         /* 0x00000008040c7225 */
        /*0120*/               @P1 IMAD.WIDE.U32.X R18, R7, R8, R18, P0 ;      /* 0x0000000807127225 */
        /*0140*/                   IMAD R14, R4.reuse, 0x9, R17 ;              /* 0x00000009040e7824 */
        /*0150*/              @!P0 IMAD.HI.U32 R13, R13, R11, R16 ;            /* 0x0000000b0d0d7227 */
        /*0160*/                   IMAD.MOV.U32 R2, RZ, RZ, c[0x0][0x210] ;    /* 0x0000840000027624 */
        /*0170*/                   IMAD.X R5, RZ, RZ, RZ, P1 ;                 /* 0x000000ffff057224 */
        /*0180*/                   IMAD.SHL.U32 R3, R3, 0x20, RZ ;             /* 0x0000002003037824 */
        /*0190*/                   IMAD R3, R3, 0x1, R7 ;                      /* 0x0000000103037824 */
        /*01a0*/                   EXIT ;                                      /* 0x000000000000794d */
        /*01b0*/                   BRA 0x1b0;                                  /* 0xfffffffc00fc7947 */
        /*01c0*/                   NOP;                                        /* 0x0000000000007918 */
		..........

		Function : gather
	.headerflags	@"EF_CUDA_SM90 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM90)"
        /*01d0*/                   STL.128 [R1], R12 ;                         /* 0x0000000c01007387 */
        /*01e0*/              @P0 LDL R3, [R0] ;                               /* 0x0000000000037983 */
        /*01f0*/                   LDG.E R3, desc[UR4][R2.64] ;                /* 0x0000000402037981 */
		..........
"#;

    fn code(kernel: &str, architecture: u32) -> Code {
        Code { kernel: kernel.to_owned(), architecture }
    }

    #[test]
    fn usages_are_read_for_each_kernel_and_architecture() {
        let found = usages(USAGE).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[&code("reverse", 80)], Usage { registers: 18, stack: 0, local: 0, shared: 8192 });
        assert_eq!(found[&code("gather", 80)].stack, 256);
        assert_eq!(found[&code("reverse", 120)].registers, 17);
    }

    #[test]
    fn instructions_are_counted_for_each_kernel() {
        let found = instructions(SASS).unwrap();
        assert_eq!(found.len(), 2);
        let carry = Instructions { all: 12, local_memory: 0, wide: 3, other: 2 };
        assert_eq!(found[&code("carry", 90)], carry);
        assert_eq!(found[&code("gather", 90)], Instructions { all: 3, local_memory: 2, wide: 0, other: 0 });
    }

    #[test]
    fn only_real_multiplications_count() {
        for (form, operands) in [("", "R0, R1, R2, R3"), ("WIDE.U32.X", "R0, P2, R1, -0x10000001, R3, P0")] {
            assert!(multiplies(form, operands), "IMAD.{form} {operands}");
        }
        for (form, operands) in [
            ("X", "R0, RZ, RZ, R4, !PT"),
            ("IADD", "R0, R1, 0x1, -R2"),
            ("", "R0, R1, 0x1, R2"),
            ("WIDE.U32", "R0, P0, RZ, R2, R4"),
        ] {
            assert!(!multiplies(form, operands), "IMAD.{form} {operands}");
        }
    }

    #[test]
    fn text_of_another_kind_is_refused() {
        for text in [
            "arch = sm_90\nREG:1 STACK:0 SHARED:0 LOCAL:0",
            "Function k:\nREG:1 STACK:0 SHARED:0 LOCAL:0",
            "arch = sm_90\nFunction k:\nREG:1 STACK:0 SHARED:0",
            "arch = sm_90\nFunction k:\nREG:x STACK:0 SHARED:0 LOCAL:0",
            "arch = gfx90",
        ] {
            assert!(usages(text).is_err(), "{text}");
        }
        for text in ["arch = sm_90\nFunction : k\n", "Function : k\n/*0000*/ EXIT ;", "/*0000*/ EXIT ;"] {
            assert!(instructions(text).is_err(), "{text}");
        }
        let twice = "arch = sm_90\nFunction : k\n/*0000*/ EXIT ;\nFunction : k\n/*0000*/ EXIT ;";
        assert!(instructions(twice).unwrap_err().to_string().contains("twice"));
    }
}
