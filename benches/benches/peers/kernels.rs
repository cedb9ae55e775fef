//! MSM and NTT beside arkworks, halo2curves and halo2curves-axiom.
//!
//! Everybody gets the same points and scalars in the form they are fastest from; turning them into that form is not
//! timed. A transform takes coefficients in natural order to evaluations in natural order. The peers transform in place
//! in a copy made before the clock starts; the product's copy is made inside its time.

use std::sync::Arc;

use anyhow::{Context, Result};
use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::One;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use proofyard_benches::{
    comparison::Comparison,
    inputs::{random_points, random_scalars},
    rounds::{Contender, Run, interleave},
};
use proofyard_kernels::{AffinePoint, Backend};

use crate::{
    curves::{axiom, halo2},
    ours::{Ours, backends},
    plan::{Part, Plan, target},
    progress,
};

type Kernel<T> = Contender<'static, T, anyhow::Error>;

/// Measures one part at all its sizes: one comparison a size and backend.
pub fn measure(part: Part, plan: &Plan) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for &log2 in plan.sizes(part) {
        // The same input every time, another one for each size.
        let mut rng = StdRng::seed_from_u64(u64::from(log2));
        let found = match part {
            Part::Msm => compare(part, log2, plan, msm(&mut rng, log2)?)?,
            _ => compare(part, log2, plan, ntt(&mut rng, log2)?)?,
        };
        comparisons.extend(found);
    }
    Ok(comparisons)
}

/// The contenders of one size.
struct Contest<T> {
    ours: Vec<(Ours, Kernel<T>)>,
    peers: Vec<Kernel<T>>,
}

fn compare<T: PartialEq>(part: Part, log2: u32, plan: &Plan, contest: Contest<T>) -> Result<Vec<Comparison>> {
    let name = if part == Part::Msm { "MSM" } else { "NTT" };
    let what = format!("{name} 2^{log2}");
    let (ours, own): (Vec<Ours>, Vec<Kernel<T>>) = contest.ours.into_iter().unzip();
    let mut contenders = own;
    contenders.extend(contest.peers);
    let timings = interleave(&mut contenders, plan.rounds(part), progress(&what))?;
    let (own, peers) = timings.split_at(ours.len());
    ours.iter()
        .zip(own)
        .map(|(ours, timing)| {
            Comparison::new(what.clone(), timing.clone(), peers.to_vec(), target(part, ours.ifma))
                .context("a comparison without rounds")
        })
        .collect()
}

fn msm(rng: &mut StdRng, log2: u32) -> Result<Contest<G1Affine>> {
    let points = random_points(rng, 1 << log2);
    let scalars = random_scalars(rng, 1 << log2);
    let source: Arc<Vec<AffinePoint>> = Arc::new(points.iter().map(AffinePoint::from).collect());
    let ours = backends().into_iter().map(|ours| {
        let backend = ours.backend;
        let bases = backend.upload_bases(source.clone())?;
        let column = backend.upload(&scalars)?;
        let run = move || {
            let found = Run::timed(|| backend.msm(&bases, &[&column])).transpose()?;
            Ok(found.map(|points| points[0]))
        };
        let contender = Contender::new(ours.name.clone(), run);
        Ok((ours, contender))
    });
    let ours = ours.collect::<Result<_>>()?;

    let halo2_points = halo2::points(&points)?;
    let halo2_scalars = halo2::scalars(&scalars)?;
    let axiom_points = axiom::points(&points)?;
    let axiom_scalars = axiom::scalars(&scalars)?;
    let peers = vec![
        Contender::new("arkworks", move || {
            let found = Run::timed(|| G1Projective::msm_unchecked(&points, &scalars));
            Ok(found.map(|point| point.into_affine()))
        }),
        Contender::new("halo2curves", move || {
            let found = Run::timed(|| halo2curves::msm::msm_best(&halo2_scalars, &halo2_points));
            Ok(found.map(|point| halo2::point_back(&point)))
        }),
        Contender::new("halo2curves-axiom", move || {
            let found = Run::timed(|| halo2curves_axiom::msm::msm_best(&axiom_scalars, &axiom_points));
            Ok(found.map(|point| axiom::point_back(&point)))
        }),
    ];
    Ok(Contest { ours, peers })
}

fn ntt(rng: &mut StdRng, log2: u32) -> Result<Contest<Vec<Fr>>> {
    let coefficients = random_scalars(rng, 1 << log2);
    let ours = backends().into_iter().map(|ours| {
        let backend = ours.backend;
        let column = backend.upload(&coefficients)?;
        let run = move || {
            let found = Run::timed(|| backend.evaluate_on_coset(&column, Fr::one())).transpose()?;
            found.map(|column| backend.download(&column)).transpose().map_err(Into::into)
        };
        let contender = Contender::new(ours.name.clone(), run);
        Ok((ours, contender))
    });
    let ours = ours.collect::<Result<_>>()?;

    let domain = Radix2EvaluationDomain::<Fr>::new(coefficients.len()).context("no domain of this size")?;
    let halo2_root = halo2::scalar(&domain.group_gen)?;
    let axiom_root = axiom::scalar(&domain.group_gen)?;
    let halo2_coefficients = halo2::scalars(&coefficients)?;
    let axiom_coefficients = axiom::scalars(&coefficients)?;
    let peers = vec![
        Contender::new("arkworks", move || {
            let mut values = coefficients.clone();
            Ok(Run::timed(|| domain.fft_in_place(&mut values)).map(|()| values))
        }),
        Contender::new("halo2curves", move || {
            let mut values = halo2_coefficients.clone();
            let found = Run::timed(|| halo2curves::fft::best_fft(&mut values, halo2_root, log2));
            Ok(found.map(|()| halo2::scalars_back(&values)))
        }),
        Contender::new("halo2curves-axiom", move || {
            let mut values = axiom_coefficients.clone();
            let found = Run::timed(|| halo2curves_axiom::fft::best_fft(&mut values, axiom_root, log2));
            Ok(found.map(|()| axiom::scalars_back(&values)))
        }),
    ];
    Ok(Contest { ours, peers })
}
