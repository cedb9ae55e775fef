//! What multipliers and memory give at best; the floors follow from it.

use std::sync::Arc;

use proofyard_kernels::KernelError;
use proofyard_kernels_cuda::{
    Driver,
    device::DeviceError,
    micro::{Chain, Micro},
};

use crate::{
    error::CheckError,
    floors::{COPY, MULTIPLY_ADD, MULTIPLY_HIGH, MULTIPLY_WIDE, Rates},
    report::Part,
    timing,
};

/// Bytes of the copy: far more than any cache holds.
const COPIED_BYTES: usize = 1 << 30;

/// Loops of a chain: some milliseconds on an H100, for instructions and for field products.
const LOOPS: u32 = 4096;
const LOOPS_OF_PRODUCTS: u32 = 2048;

/// Odd numbers without a pattern.
const FACTOR: u32 = 0x9e37_79b9;
const ADDEND: u32 = 0x85eb_ca6b;

fn failed(error: DeviceError) -> CheckError {
    KernelError::from(error).into()
}

/// Measures the instructions, the field product and the copy.
pub fn measure(driver: &Arc<Driver>, part: &mut Part) -> Result<(), CheckError> {
    let micro = Micro::new(driver.clone(), COPIED_BYTES).map_err(failed)?;
    let wait = || driver.synchronize().map_err(failed);
    for chain in Chain::ALL {
        let (what, loops) = match chain {
            Chain::MultiplyAdd => (MULTIPLY_ADD, LOOPS),
            Chain::MultiplyHigh => (MULTIPLY_HIGH, LOOPS),
            Chain::MultiplyWide => (MULTIPLY_WIDE, LOOPS),
            Chain::FieldProduct => ("field product", LOOPS_OF_PRODUCTS),
        };
        let mut operations = 0;
        let start = || {
            operations = micro.chain(chain, FACTOR, ADDEND, loops).map_err(failed)?;
            Ok(())
        };
        let timing = timing::started(start, wait)?;
        let (unit, scale) = if chain == Chain::FieldProduct { ("10^9/s", 1e9) } else { ("10^12/s", 1e12) };
        timing::enter(part, timing.figure(what, None, unit, |seconds| operations as f64 / seconds / scale));
    }
    let mut bytes = 0;
    let start = || {
        bytes = micro.copy().map_err(failed)?;
        Ok(())
    };
    let timing = timing::started(start, wait)?;
    timing::enter(part, timing.figure(COPY, None, "GB/s", |seconds| bytes as f64 / seconds / 1e9));
    compare_products(part);
    Ok(())
}

/// The field product beside what its multiplications alone would allow.
fn compare_products(part: &mut Part) {
    let Some(rates) = Rates::of(&part.figures) else { return };
    let ratio = rates.wide / rates.low;
    part.notes.push(format!("IMAD.WIDE runs at {ratio:.2} of IMAD's rate; the design assumes 0.50"));
    if let Some(figure) = part.figures.iter_mut().find(|figure| figure.what == "field product") {
        figure.floor = Some(rates.products());
        figure.percent_of_floor = Some(100.0 * figure.median / rates.products());
    }
}
