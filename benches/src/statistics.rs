//! Medians and quartiles.

use serde::Serialize;

/// The three quartiles of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quartiles {
    /// A quarter of the sample lies below.
    pub lower: f64,
    /// Half of the sample lies below.
    pub median: f64,
    /// A quarter of the sample lies above.
    pub upper: f64,
}

impl Quartiles {
    /// Quartiles by linear interpolation between the two nearest values; None for an empty sample or one with a value
    /// that is no number.
    pub fn of(sample: &[f64]) -> Option<Self> {
        if sample.iter().any(|value| value.is_nan()) {
            return None;
        }
        let mut sorted = sample.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (sorted.len().checked_sub(1)?) as f64;
            let below = sorted.get(place.floor() as usize)?;
            let above = sorted.get(place.ceil() as usize)?;
            Some(below + (above - below) * place.fract())
        };
        Some(Self { lower: at(0.25)?, median: at(0.5)?, upper: at(0.75)? })
    }
}

/// The median; None as for [`Quartiles::of`].
pub fn median(sample: &[f64]) -> Option<f64> {
    Quartiles::of(sample).map(|quartiles| quartiles.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated_and_do_not_depend_on_the_order() {
        let odd = Quartiles::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(odd, Some(Quartiles { lower: 2.0, median: 3.0, upper: 4.0 }));
        let even = Quartiles::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(even, Some(Quartiles { lower: 1.75, median: 2.5, upper: 3.25 }));
        assert_eq!(Quartiles::of(&[7.0]), Some(Quartiles { lower: 7.0, median: 7.0, upper: 7.0 }));
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn one_slow_round_does_not_move_the_median() {
        assert_eq!(median(&[1.0, 1.0, 100.0]), Some(1.0));
    }
}
