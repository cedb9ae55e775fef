//! A backend that notes what it is asked to do, how long it takes and how much of it could not be saved.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use ark_bn254::{Fr, G1Affine};
use ark_ff::{BigInteger, PrimeField, Zero};
use proofyard_kernels::{
    Backend, KernelError,
    backend::PointSource,
    poseidon2::WIDTH,
    program::{Op, Program},
};

/// What an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Copies to the device.
    Upload,
    /// Multi-scalar multiplication.
    Msm,
    /// Transforms, with and without a coset.
    Transform,
    /// Pointwise programs.
    Program,
    /// The running product.
    GrandProduct,
    /// Weighted sums of columns.
    Combination,
    /// Divisions by a linear factor.
    Division,
    /// Evaluations at a point.
    Evaluation,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The round it served; 0 before the first.
    pub round: u8,
    /// What it was.
    pub kind: Kind,
    /// How long it took.
    pub seconds: f64,
    /// How long this log took to find out about the work.
    pub bookkeeping: f64,
    /// The least work: products of field elements; for an MSM, terms of full length.
    pub work: f64,
    /// For an MSM, its terms, those that are not zero, and how many different scalars these have.
    pub terms: [usize; 3],
}

#[derive(Debug, Default)]
struct Log {
    round: u8,
    entries: Vec<Entry>,
}

/// A backend and its log.
pub struct Timed<B> {
    inner: B,
    log: Mutex<Log>,
}

impl<B: Backend> Timed<B> {
    /// A backend with an empty log.
    pub fn new(inner: B) -> Self {
        Self { inner, log: Mutex::default() }
    }

    /// What follows serves this round.
    pub fn enter(&self, round: u8) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).round = round;
    }

    /// Takes the entries since the last time.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner).entries)
    }

    /// Runs an operation and notes it; `work` finds out what there was to do.
    fn note<T>(&self, kind: Kind, work: impl FnOnce(&Self) -> Work, operation: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = operation();
        let seconds = started.elapsed().as_secs_f64();
        let Work { least, terms } = work(self);
        let bookkeeping = started.elapsed().as_secs_f64() - seconds;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let round = log.round;
        log.entries.push(Entry { round, kind, seconds, bookkeeping, work: least, terms });
        result
    }

    fn transform(
        &self,
        column: &B::Column,
        products_a_value: usize,
        run: impl FnOnce() -> Result<B::Column, KernelError>,
    ) -> Result<B::Column, KernelError> {
        let work = |timed: &Self| {
            let size = timed.len(column);
            Work::products(size / 2 * size.trailing_zeros() as usize + products_a_value * size)
        };
        self.note(Kind::Transform, work, run)
    }

    fn len(&self, column: &B::Column) -> usize {
        self.inner.download(column).map_or(0, |values| values.len())
    }
}

/// What an operation had to do.
struct Work {
    least: f64,
    terms: [usize; 3],
}

impl Work {
    fn products(count: usize) -> Self {
        Self { least: count as f64, terms: [0; 3] }
    }
}

/// Products a row of a program takes: those that its result needs and that depend on the row.
pub fn products_a_row(program: &Program) -> usize {
    let mut needed = vec![false; program.ops.len()];
    needed[program.output as usize] = true;
    for (step, op) in program.ops.iter().enumerate().rev() {
        if let (true, Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b)) = (needed[step], *op) {
            needed[a as usize] = true;
            needed[b as usize] = true;
        }
    }
    let mut varies: Vec<bool> = Vec::with_capacity(program.ops.len());
    let mut products = 0;
    for (op, needed) in program.ops.iter().zip(needed) {
        varies.push(match *op {
            Op::Column(..) => true,
            Op::Uniform(_) | Op::Constant(_) => false,
            Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) => varies[a as usize] || varies[b as usize],
        });
        let product = needed && matches!(op, Op::Mul(..)) && varies.last() == Some(&true);
        products += usize::from(product);
    }
    products
}

/// Bits of a scalar's magnitude on average, when it is random.
const FULL_BITS: f64 = 252.0;

/// Bits of a scalar's magnitude.
fn bits(scalar: &Fr) -> u32 {
    scalar.into_bigint().num_bits().min((-*scalar).into_bigint().num_bits())
}

impl<B: Backend> Backend for Timed<B> {
    type Column = B::Column;
    type Bases = B::Bases;

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        self.note(Kind::Upload, |_| Work::products(0), || self.inner.upload(values))
    }

    fn upload_owned(&self, values: Vec<Fr>) -> Result<Self::Column, KernelError> {
        self.note(Kind::Upload, |_| Work::products(0), || self.inner.upload_owned(values))
    }

    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError> {
        self.inner.download(column)
    }

    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError> {
        self.inner.upload_bases(points)
    }

    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError> {
        let work = |timed: &Self| {
            let mut work = Work::products(0);
            for values in scalars.iter().filter_map(|column| timed.inner.download(column).ok()) {
                let nonzero: Vec<[u64; 4]> =
                    values.iter().filter(|value| !value.is_zero()).map(|value| value.0.0).collect();
                work.terms[0] += values.len();
                work.terms[1] += nonzero.len();
                work.terms[2] += nonzero.iter().collect::<HashSet<_>>().len();
                work.least += values.iter().map(|value| f64::from(bits(value))).sum::<f64>() / FULL_BITS;
            }
            work
        };
        self.note(Kind::Msm, work, || self.inner.msm(bases, scalars))
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        self.transform(evaluations, 0, || self.inner.interpolate(evaluations))
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        self.transform(coefficients, 1, || self.inner.evaluate_on_coset(coefficients, shift))
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        self.transform(evaluations, 1, || self.inner.interpolate_from_coset(evaluations, shift))
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        let work = |timed: &Self| {
            let rows = columns.first().map_or(0, |column| timed.len(column));
            Work::products(rows * products_a_row(program))
        };
        self.note(Kind::Program, work, || self.inner.run(program, columns, uniforms))
    }

    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError> {
        // Both running products, and two products a row to bring one inverse down.
        let work = |timed: &Self| Work::products(4 * timed.len(numerators));
        self.note(Kind::GrandProduct, work, || self.inner.grand_product(numerators, denominators))
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError> {
        let work = |timed: &Self| Work::products(terms.iter().map(|(_, column)| timed.len(column)).sum());
        self.note(Kind::Combination, work, || self.inner.linear_combination(terms))
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        let work = |timed: &Self| Work::products(timed.len(coefficients));
        self.note(Kind::Division, work, || self.inner.divide_by_linear(coefficients, point))
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        let work = |timed: &Self| Work::products(timed.len(coefficients));
        self.note(Kind::Evaluation, work, || self.inner.evaluate(coefficients, point))
    }

    // A processor's witness is laid out whole: nothing to time.
    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError> {
        self.inner.expand_permutations(wires, first_rows)
    }
}
