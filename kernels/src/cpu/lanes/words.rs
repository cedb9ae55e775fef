//! Vectors of eight 64-bit words with the 52-bit multiply-add of AVX-512 IFMA.

/// How many words a vector has.
pub(in crate::cpu) const LANES: usize = 8;

/// Bits a product takes from each factor.
pub(super) const BITS: u32 = 52;

/// A vector of [`LANES`] words; operations are lane by lane and wrap around.
///
/// Everything generic over this trait is inlined into the closures given to [`Words::vectorize`], so that it is compiled
/// with the instructions of the implementation.
pub(in crate::cpu) trait Words: Copy + Send + Sync + 'static {
    /// Runs `work` compiled with the instructions that the operations need.
    fn vectorize<R>(work: impl FnOnce() -> R) -> R;

    /// The same word in every lane.
    fn splat(word: u64) -> Self;
    /// `self + other`.
    fn add(self, other: Self) -> Self;
    /// `self - other`.
    fn sub(self, other: Self) -> Self;
    /// Bitwise and.
    fn and(self, other: Self) -> Self;
    /// Bitwise or.
    fn or(self, other: Self) -> Self;
    /// `self << N`.
    fn shl<const N: u32>(self) -> Self;
    /// `self >> N`, zeros shifted in.
    fn shr<const N: u32>(self) -> Self;
    /// `self >> N`, the sign bit shifted in.
    fn sar<const N: u32>(self) -> Self;
    /// `self + low 52 bits of a b`, of whose factors the low 52 bits count.
    fn madd_lo(self, a: Self, b: Self) -> Self;
    /// `self + (a b >> 52)`, of whose factors the low 52 bits count.
    fn madd_hi(self, a: Self, b: Self) -> Self;
    /// `table[self]`; the low four bits count.
    fn lookup(self, table: &[u64; 16]) -> Self;
    /// One bit a lane, the lowest for lane 0: whether the word is zero.
    fn zeros(self) -> u8;
    /// `other` in the lanes whose sign bit in `sign` is set, `self` elsewhere.
    fn or_where_negative(self, sign: Self, other: Self) -> Self;
    /// Vector w has word w of row k in lane k.
    fn gather(rows: [&[u64; 4]; LANES]) -> [Self; 4];
    /// The inverse of [`Words::gather`].
    fn scatter(vectors: [Self; 4]) -> [[u64; 4]; LANES];
}

/// The operations in portable Rust: slow, the same values on every machine.
#[derive(Clone, Copy)]
pub(in crate::cpu) struct Model([u64; LANES]);

impl Model {
    fn zip(self, other: Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }

    fn product(a: u64, b: u64) -> u128 {
        let low = |word: u64| u128::from(word & ((1 << BITS) - 1));
        low(a) * low(b)
    }
}

impl Words for Model {
    fn vectorize<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    fn splat(word: u64) -> Self {
        Self([word; LANES])
    }

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }

    fn sub(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_sub)
    }

    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    fn shl<const N: u32>(self) -> Self {
        Self(self.0.map(|word| word << N))
    }

    fn shr<const N: u32>(self) -> Self {
        Self(self.0.map(|word| word >> N))
    }

    fn sar<const N: u32>(self) -> Self {
        Self(self.0.map(|word| (word as i64 >> N) as u64))
    }

    fn madd_lo(self, a: Self, b: Self) -> Self {
        let mask = (1 << BITS) - 1;
        self.add(a.zip(b, |a, b| Self::product(a, b) as u64 & mask))
    }

    fn madd_hi(self, a: Self, b: Self) -> Self {
        self.add(a.zip(b, |a, b| (Self::product(a, b) >> BITS) as u64))
    }

    fn lookup(self, table: &[u64; 16]) -> Self {
        Self(self.0.map(|index| table[index as usize % 16]))
    }

    fn zeros(self) -> u8 {
        (0..LANES).map(|lane| u8::from(self.0[lane] == 0) << lane).sum()
    }

    fn or_where_negative(self, sign: Self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| if (sign.0[lane] as i64) < 0 { other.0[lane] } else { self.0[lane] }))
    }

    fn gather(rows: [&[u64; 4]; LANES]) -> [Self; 4] {
        std::array::from_fn(|word| Self(std::array::from_fn(|lane| rows[lane][word])))
    }

    fn scatter(vectors: [Self; 4]) -> [[u64; 4]; LANES] {
        std::array::from_fn(|lane| std::array::from_fn(|word| vectors[word].0[lane]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(in crate::cpu) use ifma::Ifma;

#[cfg(target_arch = "x86_64")]
mod ifma {
    use std::arch::x86_64::*;

    use super::{LANES, Words};

    /// The operations as AVX-512 instructions.
    ///
    /// Values are made only inside [`Words::vectorize`], and callers choose this type only where [`Ifma::available`].
    #[derive(Clone, Copy)]
    pub(in crate::cpu) struct Ifma(__m512i);

    impl Ifma {
        /// Whether the machine has the instructions; the answer is cached by the standard library.
        pub(in crate::cpu) fn available() -> bool {
            std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512ifma")
        }
    }

    /// Compiles what it inlines with the instructions.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn with_features<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    // SAFETY of every block below: the instructions are there, see the type; memory is accessed through references of
    // the size that is read.
    impl Words for Ifma {
        #[inline(always)]
        fn vectorize<R>(work: impl FnOnce() -> R) -> R {
            unsafe { with_features(work) }
        }

        #[inline(always)]
        fn splat(word: u64) -> Self {
            Self(unsafe { _mm512_set1_epi64(word as i64) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_epi64(self.0, other.0) })
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
        }

        #[inline(always)]
        fn and(self, other: Self) -> Self {
            Self(unsafe { _mm512_and_si512(self.0, other.0) })
        }

        #[inline(always)]
        fn or(self, other: Self) -> Self {
            Self(unsafe { _mm512_or_si512(self.0, other.0) })
        }

        #[inline(always)]
        fn shl<const N: u32>(self) -> Self {
            Self(unsafe { _mm512_slli_epi64::<N>(self.0) })
        }

        #[inline(always)]
        fn shr<const N: u32>(self) -> Self {
            Self(unsafe { _mm512_srli_epi64::<N>(self.0) })
        }

        #[inline(always)]
        fn sar<const N: u32>(self) -> Self {
            Self(unsafe { _mm512_srai_epi64::<N>(self.0) })
        }

        #[inline(always)]
        fn madd_lo(self, a: Self, b: Self) -> Self {
            Self(unsafe { _mm512_madd52lo_epu64(self.0, a.0, b.0) })
        }

        #[inline(always)]
        fn madd_hi(self, a: Self, b: Self) -> Self {
            Self(unsafe { _mm512_madd52hi_epu64(self.0, a.0, b.0) })
        }

        #[inline(always)]
        fn lookup(self, table: &[u64; 16]) -> Self {
            Self(unsafe {
                let low = _mm512_loadu_si512(table.as_ptr().cast());
                let high = _mm512_loadu_si512(table[8..].as_ptr().cast());
                _mm512_permutex2var_epi64(low, self.0, high)
            })
        }

        #[inline(always)]
        fn zeros(self) -> u8 {
            unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
        }

        #[inline(always)]
        fn or_where_negative(self, sign: Self, other: Self) -> Self {
            Self(unsafe { _mm512_mask_blend_epi64(_mm512_movepi64_mask(sign.0), self.0, other.0) })
        }

        #[inline(always)]
        fn gather(rows: [&[u64; 4]; LANES]) -> [Self; 4] {
            unsafe {
                // Rows k and k + 4 side by side, then a transposition of four by four in each half.
                let pair = |k: usize| {
                    let low = _mm256_loadu_si256(rows[k].as_ptr().cast());
                    let high = _mm256_loadu_si256(rows[k + 4].as_ptr().cast());
                    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
                };
                transpose([pair(0), pair(1), pair(2), pair(3)]).map(Self)
            }
        }

        #[inline(always)]
        fn scatter(vectors: [Self; 4]) -> [[u64; 4]; LANES] {
            unsafe {
                let mut rows = [[0u64; 4]; LANES];
                let pairs = transpose(vectors.map(|vector| vector.0));
                for (k, pair) in pairs.into_iter().enumerate() {
                    _mm256_storeu_si256(rows[k].as_mut_ptr().cast(), _mm512_castsi512_si256(pair));
                    _mm256_storeu_si256(rows[k + 4].as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(pair));
                }
                rows
            }
        }
    }

    /// Transposes each half of four vectors as a matrix of four by four.
    #[inline(always)]
    unsafe fn transpose([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        // SAFETY: the caller vouches for the instructions.
        unsafe {
            let (ab_even, ab_odd) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
            let (cd_even, cd_odd) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
            // Words 0 and 2 of all rows are in the even vectors: lanes (0, 1) and (2, 3) of each half.
            let front = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
            let back = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
            [
                _mm512_permutex2var_epi64(ab_even, front, cd_even),
                _mm512_permutex2var_epi64(ab_odd, front, cd_odd),
                _mm512_permutex2var_epi64(ab_even, back, cd_even),
                _mm512_permutex2var_epi64(ab_odd, back, cd_odd),
            ]
        }
    }
}
