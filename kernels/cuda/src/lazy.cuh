// Arithmetic for long sums: elements in [0, 2p), reduced no further until they are stored, and products that share a
// reduction.
#pragma once

#include "field.cuh"

// a + b modulo 2p, for a and b below 2p.
template <class P> DEVICE Field<P> add_twofold(const Field<P> &a, const Field<P> &b) {
    return subtract_unless_less<P, 2>(add_lazy(a, b));
}

// a - b modulo 2p, for a and b below 2p.
template <class P> DEVICE Field<P> subtract_twofold(const Field<P> &a, const Field<P> &b) {
    return subtract<P, 2>(a, b);
}

// Whether a, below 2p, is 0 modulo p: it is 0 or p.
template <class P> DEVICE bool is_zero_twofold(const Field<P> &a) {
    uint32_t any = 0, differs = 0;
    UNROLL for (int i = 0; i < LIMBS; i++) {
        any |= a.limbs[i];
        differs |= a.limbs[i] ^ P::modulus(i);
    }
    return any == 0 || differs == 0;
}

// (a b + c d) / R below 2p, for a, b, c, d up to 2p: one reduction for two products, 192 wide and 8 narrow instructions
// instead of 256 and 16.
//
// Word by word as in multiply_lazy. After a reduction the sum is below a + c + p <= 5p < 2^256, and the next word adds less
// than 2^32 (a + c + p), so that it fits in nine limbs. At the end it is below (8 p^2) / 2^256 + p < 2.6p.
template <class P>
DEVICE Field<P> multiply_pair(const Field<P> &a, const Field<P> &b, const Field<P> &c, const Field<P> &d) {
    uint32_t even[LIMBS], odd[LIMBS];
    montgomery::begin(even, odd, a.limbs, b.limbs[0]);
    UNROLL for (int i = 0; i < LIMBS; i++) {
        // The rows change places with every word.
        uint32_t *low = i % 2 == 0 ? even : odd, *high = i % 2 == 0 ? odd : even;
        if (i > 0) montgomery::next(low, high, a.limbs, b.limbs[i]);
        montgomery::accumulate(high, c.limbs + 1, d.limbs[i]);
        montgomery::accumulate(low, c.limbs, d.limbs[i]);
        high[LIMBS - 1] = addc(high[LIMBS - 1], 0);
        montgomery::reduce<P>(low, high);
    }
    Field<P> sum;
    sum.limbs[0] = add_cc(even[0], odd[1]);
    UNROLL for (int i = 1; i < LIMBS - 1; i++) sum.limbs[i] = addc_cc(even[i], odd[i + 1]);
    sum.limbs[LIMBS - 1] = addc(even[LIMBS - 1], 0);
    return subtract_unless_less<P, 2>(sum);
}

namespace montgomery {

// Adds the products of a_i with every second limb from a_first on, at the limbs i + first and up; above them the row holds
// no more than carries.
DEVICE void cross(uint32_t *row, const uint32_t *a, int i, int first) {
    UNROLL for (int j = first; j < LIMBS; j += 2) {
        int at = i + j;
        row[at] = j == first ? mad_lo_cc(a[i], a[j], row[at]) : madc_lo_cc(a[i], a[j], row[at]);
        row[at + 1] = madc_hi_cc(a[i], a[j], row[at + 1]);
        if (j + 2 >= LIMBS && at + 2 < 2 * LIMBS) row[at + 2] = addc(row[at + 2], 0);
    }
}

// a a, 16 limbs: the 28 products of different limbs once, doubled, and the 8 squares; 36 wide instructions instead of 64.
DEVICE void square(uint32_t *whole, const uint32_t *a) {
    uint32_t odd[2 * LIMBS];
    UNROLL for (int i = 0; i < 2 * LIMBS; i++) whole[i] = odd[i] = 0;
    UNROLL for (int i = 0; i < LIMBS - 1; i++) {
        cross(odd, a, i, i + 1);
        if (i + 2 < LIMBS) cross(whole, a, i, i + 2);
    }
    // Limb 0 is empty in both rows, limb 1 in the even one, limb 15 (a carry of products below 2^480) in the even one.
    whole[1] = odd[1];
    whole[2] = add_cc(whole[2], odd[2]);
    UNROLL for (int i = 3; i < 2 * LIMBS - 1; i++) whole[i] = addc_cc(whole[i], odd[i]);
    whole[2 * LIMBS - 1] = addc(odd[2 * LIMBS - 1], 0);

    whole[1] = add_cc(whole[1], whole[1]);
    UNROLL for (int i = 2; i < 2 * LIMBS - 1; i++) whole[i] = addc_cc(whole[i], whole[i]);
    whole[2 * LIMBS - 1] = addc(whole[2 * LIMBS - 1], whole[2 * LIMBS - 1]);

    whole[0] = mul_lo(a[0], a[0]);
    whole[1] = add_cc(whole[1], mul_hi(a[0], a[0]));
    UNROLL for (int i = 1; i < LIMBS; i++) {
        whole[2 * i] = madc_lo_cc(a[i], a[i], whole[2 * i]);
        whole[2 * i + 1] = i + 1 < LIMBS ? madc_hi_cc(a[i], a[i], whole[2 * i + 1])
                                          : madc_hi(a[i], a[i], whole[2 * i + 1]);
    }
}

// Shifts the sum, whose lowest limb is 0, down by a limb: what was the odd row is the even one now.
DEVICE void shift(uint32_t *odd_to_even, uint32_t *even_to_odd) {
    uint32_t *even = odd_to_even, *odd = even_to_odd;
    even[0] = add_cc(even[0], odd[1]);
    UNROLL for (int i = 0; i < LIMBS - 2; i++) odd[i] = addc_cc(odd[i + 2], 0);
    odd[LIMBS - 2] = addc(0, 0);
    odd[LIMBS - 1] = 0;
}

} // namespace montgomery

// a a / R below 2p, for a below 2p: 100 wide and 8 narrow instructions.
//
// The low half of the square is reduced by itself, to at most p; the high half is below 4 p^2 / 2^256 < 0.8p.
template <class P> DEVICE Field<P> square_lazy(const Field<P> &a) {
    uint32_t whole[2 * LIMBS], even[LIMBS], odd[LIMBS];
    montgomery::square(whole, a.limbs);
    UNROLL for (int i = 0; i < LIMBS; i++) {
        even[i] = whole[i];
        odd[i] = 0;
    }
    montgomery::reduce<P>(even, odd);
    UNROLL for (int i = 1; i < LIMBS; i++) {
        uint32_t *low = i % 2 == 0 ? even : odd, *high = i % 2 == 0 ? odd : even;
        montgomery::shift(low, high);
        montgomery::reduce<P>(low, high);
    }
    Field<P> low, sum;
    low.limbs[0] = add_cc(even[0], odd[1]);
    UNROLL for (int i = 1; i < LIMBS - 1; i++) low.limbs[i] = addc_cc(even[i], odd[i + 1]);
    low.limbs[LIMBS - 1] = addc(even[LIMBS - 1], 0);
    UNROLL for (int i = 0; i < LIMBS; i++) sum.limbs[i] = whole[LIMBS + i];
    return add_lazy(low, sum);
}
