//! How scalars are cut into signed digits, and which tables and bucket sets the digits use.

/// Bits of a scalar's magnitude (at most r/2) and a bit for the carry.
const BITS: usize = 254;
/// The widest window: 2^19 buckets of 128 bytes in a set.
const WIDTH_MAX: usize = 20;
/// Field products of a term: a mixed addition.
const TERM: usize = 10;
/// Field products of a bucket: two additions.
const BUCKET: usize = 28;

/// The cut: digit w of `width` bits uses table `w / groups`, which holds the bases times `2^(w / groups * groups * width)`,
/// and bucket set `w % groups`. With as many tables as windows there is one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Windows {
    /// Bits of a digit.
    pub width: usize,
    /// Bucket sets of a column.
    pub groups: usize,
    /// Tables, the bases themselves included.
    pub tables: usize,
}

impl Windows {
    /// What costs least for `points` bases with at most `tables_max` tables (at least one).
    ///
    /// Cost in field products of a column: an addition for each term, two for each bucket.
    pub fn best(points: usize, tables_max: usize) -> Self {
        let cut = |width: usize| {
            let count = BITS.div_ceil(width);
            let groups = count.div_ceil(tables_max);
            Self { width, groups, tables: count.div_ceil(groups) }
        };
        let cost = |windows: &Self| points * windows.count() * TERM + windows.groups * windows.buckets() * BUCKET;
        (2..=WIDTH_MAX).map(cut).min_by_key(cost).unwrap_or_else(|| cut(WIDTH_MAX))
    }

    /// Digits of a scalar.
    pub fn count(&self) -> usize {
        BITS.div_ceil(self.width)
    }

    /// Buckets of a set: magnitudes 1 to `2^(width - 1)`.
    pub fn buckets(&self) -> usize {
        1 << (self.width - 1)
    }

    /// Doublings from one table to the next.
    pub fn doublings(&self) -> usize {
        self.width * self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_a_table_and_a_set() {
        for log2 in 0..=24 {
            for tables_max in (1..=130).chain([usize::MAX]) {
                let windows = Windows::best(1 << log2, tables_max);
                assert!(windows.tables <= tables_max);
                assert!(windows.tables * windows.groups >= windows.count());
                assert!((windows.tables - 1) * windows.groups < windows.count());
                assert!(windows.width * windows.count() >= BITS);
            }
        }
    }

    #[test]
    fn many_points_take_wide_windows() {
        assert_eq!(Windows::best(1 << 20, 32), Windows { width: 20, groups: 1, tables: 13 });
        let without_tables = Windows::best(1 << 20, 1);
        assert_eq!((without_tables.tables, without_tables.groups), (1, without_tables.count()));
        assert!(without_tables.width < 20);
        assert!(Windows::best(1, 1000).width < 6);
    }
}
