//! Multi-scalar multiplication: Pippenger's buckets over tables of fixed bases, several columns in one chain of launches.
//!
//! [`windows`] cuts scalars into digits, [`bases`] makes the tables, [`sort`] turns scalars into terms in order of their
//! buckets, [`buckets`] sums those up and weighs the sums. What comes back is a point for each bucket set; the last few
//! doublings, additions and divisions are the host's. Results are affine, so that the order of the terms in a bucket, which
//! differs from run to run, does not show.
//!
//! Out of memory is a decision: a chain that does not fit takes half as many columns, down to one, then half of the points of
//! a column, and only then the error is the caller's.

mod bases;
mod buckets;
mod plan;
mod sort;
mod windows;

use ark_bn254::{Fq, G1Affine, G1Projective};
use ark_ec::{AdditiveGroup, CurveGroup};
use ark_ff::{BigInt, Field, Zero};
use proofyard_kernels::KernelError;

use crate::{
    context::{Column, Context},
    device::{Device, DeviceError},
};

pub use bases::Bases;
use plan::{Plan, Workspace};

/// Fewer points than this are no longer split: what remains are the buckets.
const POINTS_MIN: usize = 256;

/// A part of a column that goes into one sum.
#[derive(Clone, Copy)]
struct Task<'a, D: Device> {
    /// Place among the results.
    result: usize,
    column: &'a Column<D>,
    first: usize,
    count: usize,
}

/// XYZZ coordinates in Montgomery form as the kernels write them.
type Point = [[u64; 4]; 4];

/// `sum_i columns[k][i] * bases[i]` for each column.
pub(crate) fn msm<D: Device>(
    context: &Context<D>,
    bases: &Bases<D>,
    columns: &[&Column<D>],
) -> Result<Vec<G1Affine>, KernelError> {
    if let Some(longer) = columns.iter().find(|column| column.len() > bases.len()) {
        return Err(KernelError::Length { what: "scalars", expected: bases.len(), got: longer.len() });
    }
    let tasks: Vec<Task<'_, D>> = (0..)
        .zip(columns)
        .map(|(result, column)| Task { result, column, first: 0, count: column.len() })
        .filter(|task| task.count > 0)
        .collect();
    let mut sums = vec![G1Projective::zero(); columns.len()];
    add_sums(context, bases, &tasks, &mut sums)?;
    Ok(G1Projective::normalize_batch(&sums))
}

/// Adds the tasks' sums to the results; in halves where memory does not suffice.
fn add_sums<D: Device>(
    context: &Context<D>,
    bases: &Bases<D>,
    tasks: &[Task<'_, D>],
    sums: &mut [G1Projective],
) -> Result<(), KernelError> {
    if tasks.is_empty() {
        return Ok(());
    }
    let error = match chain(context, bases, tasks) {
        Ok(points) => {
            for (task, groups) in tasks.iter().zip(points.chunks(bases.windows().groups)) {
                sums[task.result] += combine(groups, bases.windows().width);
            }
            return Ok(());
        }
        Err(error) => error,
    };
    match (&error, tasks) {
        (DeviceError::OutOfMemory { .. }, [task]) if task.count > POINTS_MIN => {
            let half = task.count / 2;
            tracing::debug!(points = half, "an MSM is cut in parts for want of device memory");
            let low = Task { count: half, ..*task };
            let high = Task { first: task.first + half, count: task.count - half, ..*task };
            add_sums(context, bases, &[low], sums)?;
            add_sums(context, bases, &[high], sums)
        }
        (DeviceError::OutOfMemory { .. }, [_, _, ..]) => {
            let (low, high) = tasks.split_at(tasks.len() / 2);
            tracing::debug!(columns = low.len(), "MSMs are taken fewer at a time for want of device memory");
            add_sums(context, bases, low, sums)?;
            add_sums(context, bases, high, sums)
        }
        _ => Err(error.into()),
    }
}

/// One chain of launches: the points of all bucket sets, task by task.
fn chain<D: Device>(context: &Context<D>, bases: &Bases<D>, tasks: &[Task<'_, D>]) -> Result<Vec<Point>, DeviceError> {
    let points = tasks.iter().map(|task| task.count).sum();
    let plan = Plan::new(bases.windows(), tasks.len(), points, context.device.properties().multiprocessors as usize)?;
    let workspace = Workspace::allocate(context, &plan)?;
    sort::sort(context, &plan, bases, tasks, &workspace)?;
    buckets::sum(context, &plan, bases, &workspace)?;
    buckets::weigh(context, &plan, &workspace)
}

/// `sum_k 2^(k width) points[k]`.
fn combine(points: &[Point], width: usize) -> G1Projective {
    points.iter().rev().fold(G1Projective::zero(), |mut sum, point| {
        for _ in 0..width {
            sum.double_in_place();
        }
        sum + projective(point)
    })
}

/// XYZZ to Jacobian coordinates without a division: with Z = ZZZ, Z^2 = ZZ^3 and Z^3 = ZZZ ZZZ^2.
fn projective(point: &Point) -> G1Projective {
    let [x, y, zz, zzz] = point.map(|limbs| Fq::new_unchecked(BigInt(limbs)));
    if zz.is_zero() {
        return G1Projective::zero();
    }
    G1Projective::new_unchecked(x * zz.square(), y * zzz.square(), zzz)
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;
    use ark_ec::PrimeGroup;

    use super::*;

    #[test]
    fn groups_are_combined_by_doublings() {
        let generator = G1Projective::generator();
        let xyzz = |scalar: u64, z: u64| {
            let point = (generator * Fr::from(scalar)).into_affine();
            let z = Fq::from(z);
            [point.x * z.square(), point.y * z.square() * z, z.square(), z.square() * z].map(|value| value.0.0)
        };
        let infinity = [Fq::from(1u64), Fq::from(1u64), Fq::ZERO, Fq::ZERO].map(|value| value.0.0);
        let points = [xyzz(3, 1), infinity, xyzz(5, 77)];
        assert_eq!(combine(&points, 4), generator * Fr::from(3u64 + (5 << 8)));
        assert_eq!(combine(&[infinity], 4), G1Projective::zero());
    }
}
