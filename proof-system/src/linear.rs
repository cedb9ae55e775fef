//! Small linear algebra over Fr.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

/// `start, start * ratio, start * ratio^2, ...`, `count` terms.
pub(crate) fn geometric(start: Fr, ratio: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(start), |term| Some(*term * ratio)).take(count).collect()
}

/// The inverse by Gauss-Jordan elimination; `None` when singular.
pub(crate) fn inverse<const N: usize>(mut matrix: [[Fr; N]; N]) -> Option<[[Fr; N]; N]> {
    let mut inverse: [[Fr; N]; N] = std::array::from_fn(|i| std::array::from_fn(|j| Fr::from(u64::from(i == j))));
    for column in 0..N {
        let pivot = (column..N).find(|row| !matrix[*row][column].is_zero())?;
        matrix.swap(column, pivot);
        inverse.swap(column, pivot);
        let scale = matrix[column][column].inverse()?;
        for j in 0..N {
            matrix[column][j] *= scale;
            inverse[column][j] *= scale;
        }
        for row in (0..N).filter(|row| *row != column) {
            let factor = matrix[row][column];
            for j in 0..N {
                let (from, into) = (matrix[column][j], inverse[column][j]);
                matrix[row][j] -= factor * from;
                inverse[row][j] -= factor * into;
            }
        }
    }
    Some(inverse)
}
