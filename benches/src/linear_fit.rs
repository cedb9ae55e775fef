//! A straight line through measured points.

/// The line `intercept + slope x` of least squares, and how much of the variation it explains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearFit {
    /// The value at 0.
    pub intercept: f64,
    /// The growth for one more.
    pub slope: f64,
    /// r^2: 1 when all points lie on the line.
    pub r_squared: f64,
}

impl LinearFit {
    /// The line through `(x, y)` points; `None` unless two of them differ in x.
    pub fn new(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
        let sum =
            |term: &dyn Fn(f64, f64) -> f64| -> f64 { points.iter().map(|(x, y)| term(x - mean_x, y - mean_y)).sum() };
        let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
        if points.is_empty() || xx == 0.0 {
            return None;
        }
        let slope = xy / xx;
        let r_squared = if yy == 0.0 { 1.0 } else { xy * xy / (xx * yy) };
        Some(Self { intercept: mean_y - slope * mean_x, slope, r_squared })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_give_that_line() {
        let points = [1.0, 2.0, 4.0, 8.0].map(|x| (x, 3.0 + 0.5 * x));
        let fit = LinearFit::new(&points).unwrap();
        assert!((fit.intercept - 3.0).abs() < 1e-12 && (fit.slope - 0.5).abs() < 1e-12);
        assert!((fit.r_squared - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_parabola_is_no_line() {
        let fit = LinearFit::new(&[-2.0, -1.0, 0.0, 1.0, 2.0].map(|x| (x, x * x))).unwrap();
        assert!(fit.slope.abs() < 1e-12 && fit.r_squared < 1e-12);
        assert!((fit.intercept - 2.0).abs() < 1e-12);
    }

    #[test]
    fn one_place_has_no_line() {
        assert_eq!(LinearFit::new(&[]), None);
        assert_eq!(LinearFit::new(&[(4.0, 1.0), (4.0, 2.0)]), None);
    }
}
