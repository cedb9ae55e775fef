//! The traps of the protocol that a proof can be forged through: each forged thing is really built, shown to pass a verifier
//! built the wrong way, and rejected by ours.
//!
//! The wrong verifiers work on polynomials in the clear: such a build accepts when its own version of the final equation holds
//! as an identity, which the tests check at points that nobody chose.

mod common;

use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, One};
use common::{
    farm::Farm,
    reference::{Poly2, Reference},
};
use proofyard_proof_system::{
    key::VerifyingKey,
    proof::{Group, GroupProof, RootProof},
    statement::Statement,
    transcript::{Label, Transcript},
    verifier::{VerifyError, verify},
};

fn root(farm: &Farm, proof: GroupProof) -> RootProof {
    RootProof { groups: vec![Group { subtrees: farm.inputs.len(), end: farm.statement.end, proof }] }
}

fn verdict(farm: &Farm, proof: GroupProof) -> Result<(), VerifyError> {
    verify(&farm.key.verifying, &farm.statement, &root(farm, proof))
}

/// Trap 1: every element is bound, byte by byte.
#[test]
fn a_changed_byte_anywhere_is_rejected() {
    let farm = Farm::new(2, 1);
    let bytes = farm.prove().encode();
    for offset in (0..bytes.len()).step_by(7).chain(0..32) {
        let mut changed = bytes.clone();
        changed[offset] ^= 1 << (offset % 8);
        if let Ok(proof) = RootProof::decode(&changed, farm.statement.end) {
            let error = verify(&farm.key.verifying, &farm.statement, &proof);
            assert_eq!(error, Err(VerifyError::Equation), "byte {offset}");
        }
    }
}

/// Trap 1: points that decode (moved along the curve) and scalars that are canonical.
#[test]
fn every_point_and_every_scalar_is_bound() {
    let farm = Farm::new(2, 1);
    let honest = farm.prove().groups[0].proof.clone();
    let moved = |point: &G1Affine| (*point + G1Affine::generator()).into_affine();
    let mut forged = Vec::new();
    let mut change = |alter: &dyn Fn(&mut GroupProof)| {
        let mut proof = honest.clone();
        alter(&mut proof);
        forged.push(proof);
    };
    for c in 0..4 {
        change(&|proof| proof.wires[c] = moved(&proof.wires[c]));
    }
    for k in 0..3 {
        change(&|proof| proof.batons[k] = moved(&proof.batons[k]));
    }
    for c in 0..5 {
        change(&|proof| proof.chunks[c] = moved(&proof.chunks[c]));
    }
    for s in 0..honest.claims.len() {
        change(&|proof| proof.claims[s] += Fr::one());
    }
    change(&|proof| proof.z = moved(&proof.z));
    change(&|proof| proof.q = moved(&proof.q));
    change(&|proof| proof.wx1 = moved(&proof.wx1));
    change(&|proof| proof.wx2 = moved(&proof.wx2));
    change(&|proof| proof.wy = moved(&proof.wy));
    change(&|proof| proof.wy_shifted = moved(&proof.wy_shifted));
    for (index, proof) in forged.into_iter().enumerate() {
        assert_eq!(verdict(&farm, proof), Err(VerifyError::Equation), "element {index}");
    }
}

/// Trap 1: the beneficiary is bound from the first word on. With a transcript that never saw it the copied proof verifies.
#[test]
fn a_copied_proof_does_not_pay_another_beneficiary() {
    let farm = Farm::new(2, 1);
    let thief = Statement { beneficiary: [0x33; 20], ..farm.statement.clone() };
    let error = verify(&farm.key.verifying, &thief, &farm.prove());
    assert_eq!(error, Err(VerifyError::Equation));

    // The wrong build: both statements blinded to the zero address before they reach the transcript.
    let mut reference = farm.reference();
    reference.statement.beneficiary = [0; 20];
    reference.transcript = Transcript::new(&farm.key.verifying.digest(), 256, 2, &reference.statement);
    let copied = root(&farm, reference.prove());
    let blind = |statement: &Statement| Statement { beneficiary: [0; 20], ..statement.clone() };
    assert_eq!(verify(&farm.key.verifying, &blind(&farm.statement), &copied), Ok(()));
    assert_eq!(verify(&farm.key.verifying, &blind(&thief), &copied), Ok(()));
    assert_eq!(verify(&farm.key.verifying, &thief, &copied), Err(VerifyError::Equation));
}

/// Trap 1: mu drawn before S lets false start values cancel in the boundary constraints.
#[test]
fn false_start_values_that_cancel_under_an_early_mu_are_rejected() {
    let farm = Farm::new(2, 1);
    // The wrong protocol draws mu from the preamble alone; the forger claims another start for the same block.
    let mut lie = farm.statement.clone();
    let mut early = Transcript::new(&farm.key.verifying.digest(), 256, 2, &lie);
    let mu = early.challenge(Label::Mu);
    // mu (S_0 - start_0) + mu^2 (S_1 - start_1) = 0 with start_0 = S_0 - mu, start_1 = S_1 + 1. The preamble holds start, so
    // the forger needs a fixed point; the wrong build that leaves start out of it as well gives one.
    // OUT holds end - start, so the false end moves along: the forged chain is shifted as a whole.
    for baton in [&mut lie.start, &mut lie.end] {
        baton[0] -= mu;
        baton[1] += Fr::one();
    }
    let mut forged = farm.reference();
    forged.statement = lie.clone();
    forged.transcript = Transcript::new(&farm.key.verifying.digest(), 256, 2, &lie);
    forged.run_with_mu(Some(mu));
    assert!(forged.y_identity_divides(), "under the early mu the identity over Y divides: the forgery is real");
    forged.absorb_claims();
    forged.open_x();
    forged.open_y();
    let mut proof = root(&farm, forged.proof);
    proof.groups[0].end = lie.end;
    assert_eq!(verify(&farm.key.verifying, &lie, &proof), Err(VerifyError::Equation));
    // And with the mu of our transcript the same false start leaves a remainder.
    let mut honest_mu = farm.reference();
    honest_mu.statement = lie.clone();
    honest_mu.transcript = Transcript::new(&farm.key.verifying.digest(), 256, 2, &lie);
    honest_mu.run_with_mu(None);
    assert_ne!(honest_mu.mu, mu);
    assert!(!honest_mu.y_identity_divides());
}

/// A prover that has run up to false claims: w_1 is one more than its polynomial's value.
fn false_claim(farm: &Farm) -> Reference {
    let mut forged = farm.reference();
    forged.run_to_claims();
    forged.proof.claims[0] += Fr::one();
    forged.absorb_claims();
    forged
}

/// What is wrong with E1 and E2 as constants: `F(zeta, eta) - f` and `N(w zeta, eta) - n`.
fn errors(prover: &Reference, key: &VerifyingKey) -> [Fr; 2] {
    let [f, n, _] = prover.opened();
    let (row, y) = prover.weights();
    let claims = proofyard_proof_system::linearisation::Claims(prover.proof.claims);
    let next = prover.rows.generator * prover.zeta;
    assert_eq!(key.rows_log2, prover.rows.log2);
    [f.evaluate(prover.zeta, prover.eta) - y.value, n.evaluate(next, prover.eta) - row.next_value(&claims)]
}

/// Trap 2: one X-witness for zeta and w zeta opens any claim, once the combining challenge u is known.
///
/// The wrong equation is `F - f + u (N - n) = ((X - zeta) + u (X - w zeta)) W` (mod Y - eta), whose right factor has its root
/// at `x = zeta (1 + u w)/(1 + u)`: only the combined value there must fit, so a false f is paid for with a false n.
#[test]
fn a_shared_x_witness_would_open_a_false_claim_and_is_rejected() {
    let farm = Farm::new(2, 1);
    let u = Fr::from(0xdead_beefu64);
    let mut forged = farm.reference();
    forged.run_to_claims();
    // The true claims do not fit the wrong equation at x; move n (through z') until they do.
    let w = forged.rows.generator;
    let x = forged.zeta * (Fr::one() + u * w) / (Fr::one() + u);
    forged.proof.claims[0] += Fr::one();
    forged.absorb_claims();
    let gap = |prover: &Reference| {
        let [f, n, _] = prover.opened();
        let (row, y) = prover.weights();
        let claims = proofyard_proof_system::linearisation::Claims(prover.proof.claims);
        f.evaluate(x, prover.eta) - y.value + u * (n.evaluate(x, prover.eta) - row.next_value(&claims))
    };
    // v depends on the claims in our transcript; the wrong build drew v before, so keep it while n moves.
    forged.proof.claims[11] += gap(&forged) / z_next_slope(&forged, &gap);
    assert_eq!(gap(&forged), Fr::ZERO, "the shared witness exists: the wrong verifier accepts w_1 + 1");
    let [mut f, n, _] = forged.opened();
    f.add_scaled(&n, u);
    let mut shared = f.divide_x(x);
    for row in &mut shared.rows {
        for value in row {
            *value /= Fr::one() + u;
        }
    }
    // ((X - zeta) + u (X - w zeta)) W = F - f + u (N - n) at Y = eta, checked at a point nobody chose.
    let at = Fr::from(987_654_321u64);
    let left = ((at - forged.zeta) + u * (at - w * forged.zeta)) * shared.evaluate(at, forged.eta);
    let (row, y) = forged.weights();
    let claims = proofyard_proof_system::linearisation::Claims(forged.proof.claims);
    let value = y.value + u * row.next_value(&claims);
    assert_eq!(left, f.evaluate(at, forged.eta) - value);

    forged.proof.wx1 = forged.secrets.commit(&shared);
    forged.proof.wx2 = forged.proof.wx1;
    forged.absorb_x();
    forged.open_y();
    assert_eq!(verdict(&farm, forged.proof), Err(VerifyError::Equation));
}

/// How the gap changes with z'.
fn z_next_slope(prover: &Reference, gap: &dyn Fn(&Reference) -> Fr) -> Fr {
    let mut moved = prover.clone();
    moved.proof.claims[11] += Fr::one();
    gap(prover) - gap(&moved)
}

/// Trap 2: the combining challenge must come after every unshared witness. With u1 known before WX1 and WX2 the errors of two
/// false claims cancel: `f + u1 n` is right although neither is.
#[test]
fn false_claims_that_cancel_under_an_early_u1_are_rejected() {
    let farm = Farm::new(2, 1);
    let mut forged = false_claim(&farm);
    let [error_f, error_n] = errors(&forged, &farm.key.verifying);
    assert_ne!(error_f, Fr::ZERO);
    // The wrong build's u1 is whatever makes the errors cancel; here E2 is wrong too, through w'_1.
    assert_eq!(error_n, Fr::ZERO);
    forged.proof.claims[4] += Fr::one();
    let [error_f, error_n] = errors(&forged, &farm.key.verifying);
    let early = -error_f / error_n;
    assert_eq!(error_f + early * error_n, Fr::ZERO, "under this u1 the combined equation holds");
    forged.open_x();
    assert_ne!(forged.u1, early, "ours is drawn after the witnesses");
    forged.open_y();
    assert_eq!(verdict(&farm, forged.proof), Err(VerifyError::Equation));
}

/// Trap 2: (Y - eta) and (Y - g eta) never share a witness.
#[test]
fn a_shared_y_witness_is_rejected() {
    let farm = Farm::new(2, 1);
    let mut forged = false_claim(&farm);
    forged.open_x();
    // One W for E1 + u1 E2 at eta and u E3 at g eta: the right side's root is y = eta (1 + u g)/(1 + u).
    let u = Fr::from(0xc0ffeeu64);
    let y = forged.eta * (Fr::one() + u * forged.subtrees.generator) / (Fr::one() + u);
    let [f, n, p] = forged.opened();
    let mut sum = Poly2::in_y(&f.at_x(forged.zeta));
    sum.add_scaled(&Poly2::in_y(&n.at_x(forged.rows.generator * forged.zeta)), forged.u1);
    sum.add_scaled(&Poly2::in_y(&p.at_x(forged.zeta)), u);
    let (row, weights) = forged.weights();
    let claims = proofyard_proof_system::linearisation::Claims(forged.proof.claims);
    let value = weights.value + forged.u1 * row.next_value(&claims);
    // The wrong verifier needs sum(y) = value + u sbar; sbar is the forger's to choose there.
    let sbar = (sum.evaluate(Fr::ZERO, y) - value) / u;
    assert_eq!(sum.evaluate(Fr::ZERO, y), value + u * sbar);
    forged.proof.wy = forged.secrets.commit(&sum.divide_y(Fr::ZERO, y));
    forged.proof.wy_shifted = forged.proof.wy;
    forged.absorb_y();
    assert_eq!(verdict(&farm, forged.proof), Err(VerifyError::Equation));
}

/// Trap 3: a baton that depends on X breaks the chain: `S(g^i)` could be one value for the permutation and another for PI.
#[test]
fn a_baton_that_depends_on_x_is_rejected() {
    let farm = Farm::new(2, 1);
    let mut forged = farm.reference();
    // S_0(X, Y) + X: consistent with every opening that has an X-witness.
    let mut twisted = Poly2::in_x(&[Fr::ZERO, Fr::one()]);
    twisted.add_scaled(&forged.batons[0], Fr::one());
    forged.batons[0] = twisted;
    forged.commit_wires();
    forged.commit_permutation();
    forged.commit_quotient();
    forged.commit_y_quotient();
    forged.claim();
    forged.absorb_claims();
    forged.open_x();
    forged.open_y();
    // The wrong build gives E3 an X-witness as well, and then its opening holds whatever S is.
    let [_, _, p] = forged.opened();
    let (x, y) = (Fr::from(55u64), Fr::from(66u64));
    let point = forged.subtrees.generator * forged.eta;
    let with_x = (x - forged.zeta) * p.divide_x(forged.zeta).evaluate(x, y)
        + (y - point) * p.divide_y(forged.zeta, point).evaluate(x, y);
    assert_eq!(p.evaluate(x, y) - p.evaluate(forged.zeta, point), with_x);
    // Ours has none.
    assert_ne!(
        p.evaluate(x, y) - p.evaluate(forged.zeta, point),
        (y - point) * p.divide_y(forged.zeta, point).evaluate(x, y)
    );
    assert_eq!(verdict(&farm, forged.proof), Err(VerifyError::Equation));
}

/// Trap 4: with tied secrets `ty = tx^T` an opening proves any value; such an SRS is refused when it is checked
/// (tests/srs.rs). Here the forgery itself: the final equation accepts a false claim under a tied key.
#[test]
fn tied_secrets_would_prove_any_value() {
    let farm = Farm::new(2, 1);
    let (zeta, eta) = (Fr::from(5u64), Fr::from(7u64));
    let tx = farm.secrets.tx;
    let tied = tx.pow([256]);
    // (tx - zeta) A + (ty - eta) B = 1 has a solution in polynomials once ty = tx^T, since X - zeta and X^T - eta are coprime:
    // B = 1/(zeta^T - eta) and A = -B (X^T - zeta^T)/(X - zeta).
    let b = (zeta.pow([256]) - eta).inverse().unwrap();
    let mut power = vec![Fr::ZERO; 257];
    power[256] = Fr::one();
    let a = Poly2::in_x(&power).divide_x(zeta);
    let left = -(tx - zeta) * b * a.evaluate(tx, Fr::ZERO) + (tied - eta) * b;
    assert_eq!(left, Fr::one(), "the difference between a true and a false value is witnessed");
    assert_ne!(-(tx - zeta) * b * a.evaluate(tx, Fr::ZERO) + (farm.secrets.ty - eta) * b, Fr::one());
}

/// Trap 10: two groups whose errors cancel under a plain sum.
///
/// Group 1 claims something false, so E1 is off by a constant c. Moving WY of group 1 by the constant `p = c/(eta_2 - eta_1)`
/// leaves `-p (Y - eta_2)`, which group 2 absorbs with its own WY.
#[test]
fn groups_whose_errors_cancel_in_a_plain_sum_are_rejected() {
    let farm = Farm::new(4, 9);
    let honest = farm.prove_in_groups(2);
    let mut first = farm.group_reference(0, 2);
    let mut second = farm.group_reference(1, 2);
    assert_eq!(first.clone().prove(), honest.groups[0].proof);

    first.run_to_claims();
    first.proof.claims[0] += Fr::one();
    first.absorb_claims();
    first.open_x();
    second.run_to_claims();
    second.absorb_claims();
    second.open_x();
    let [error, _] = errors(&first, &farm.key.verifying);
    let p = error / (second.eta - first.eta);
    let [mut wy1, shifted1] = first.witnesses_y();
    let [mut wy2, shifted2] = second.witnesses_y();
    wy1.add_scaled(&Poly2::in_y(&[Fr::one()]), p);
    wy2.add_scaled(&Poly2::in_y(&[Fr::one()]), -p);
    for (prover, wy, shifted) in [(&mut first, wy1, shifted1), (&mut second, wy2, shifted2)] {
        prover.proof.wy = prover.secrets.commit(&wy);
        prover.proof.wy_shifted = prover.secrets.commit(&shifted);
        prover.absorb_y();
    }
    // The plain sum of the gaps `F - f - (X - zeta) WX - (Y - eta) WY` vanishes for every Y: the wrong verifier accepts.
    for y in [Fr::from(3u64), farm.secrets.ty] {
        let gap = |error: Fr, eta: Fr, moved: Fr| error - (y - eta) * moved;
        assert_eq!(gap(error, first.eta, p) + gap(Fr::ZERO, second.eta, -p), Fr::ZERO);
    }
    let mut forged = honest.clone();
    forged.groups[0].proof = first.proof;
    forged.groups[1].proof = second.proof;
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &honest), Ok(()));
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &forged), Err(VerifyError::Equation));
}

/// Trap 10: groups of another chain of batons, in another order, or with another boundary.
#[test]
fn groups_that_do_not_chain_are_rejected() {
    let farm = Farm::new(4, 9);
    let honest = farm.prove_in_groups(2);
    let mut swapped = honest.clone();
    swapped.groups.swap(0, 1);
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &swapped), Err(VerifyError::End));
    swapped.groups[0].end = honest.groups[0].end;
    swapped.groups[1].end = honest.groups[1].end;
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &swapped), Err(VerifyError::Equation));
    let mut boundary = honest.clone();
    boundary.groups[0].end[0] += Fr::one();
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &boundary), Err(VerifyError::Equation));
    let none = RootProof { groups: Vec::new() };
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &none), Err(VerifyError::Groups { max: 16, got: 0 }));
    let mut many = honest.clone();
    many.groups = vec![honest.groups[1].clone(); 17];
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &many), Err(VerifyError::Groups { max: 16, got: 17 }));
}

/// Trap 5: an M outside the table.
#[test]
fn an_unknown_number_of_subtrees_is_rejected() {
    let farm = Farm::new(2, 1);
    for subtrees in [0, 3, 512] {
        let mut proof = farm.prove();
        proof.groups[0].subtrees = subtrees;
        let error = verify(&farm.key.verifying, &farm.statement, &proof);
        assert_eq!(error, Err(VerifyError::Subtrees { group: 0, got: subtrees }));
    }
    let mut proof = farm.prove();
    proof.groups[0].subtrees = 4;
    assert_eq!(verify(&farm.key.verifying, &farm.statement, &proof), Err(VerifyError::Equation));
}
