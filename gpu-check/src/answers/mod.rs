//! Every operation at every size: against the CPU backend of this machine, against committed digests, and MSM and NTT at the
//! largest sizes against identities that need no second implementation.

mod identities;
pub mod known;
mod twin;

use proofyard_kernels::{Backend, cpu::CpuBackend};

use crate::{error::CheckError, inputs::PowerBases, options::Plan, report::Part, subject::Subject};

/// log2 of the largest size at which the CPU computes MSMs and transforms too. The linear operations it computes always.
const TWIN_LOG2_MAX: u32 = 18;

/// Checks all of it.
pub fn check<B: Backend>(subject: &Subject<B>, plan: &Plan, part: &mut Part) -> Result<(), CheckError> {
    let (device, cpu) = (subject.backend.as_ref(), CpuBackend::new());
    let bases = PowerBases::new(1 << plan.max_log2);
    known::check(device, &bases, plan, part)?;
    for log2 in plan.sizes(0..=plan.max_log2) {
        eprintln!("  2^{log2}");
        if log2 <= TWIN_LOG2_MAX {
            twin::transforms(device, &cpu, log2, part)?;
            twin::msm(device, &cpu, &bases, log2, part)?;
        }
        identities::transforms(device, log2, part)?;
        identities::msm(device, &bases, log2, part)?;
        twin::polynomials(device, &cpu, log2, part)?;
        twin::products(device, &cpu, log2, part)?;
        twin::programs(device, &cpu, log2, part)?;
        twin::poseidon2(device, &cpu, log2, part)?;
    }
    Ok(())
}
