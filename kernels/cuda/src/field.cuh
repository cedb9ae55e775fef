// BN254's fields, Montgomery form with R = 2^256, eight limbs of 32 bits, little-endian: the bytes of arkworks' elements.
#pragma once

#include "portable.cuh"

constexpr int LIMBS = 8;

struct ScalarParameters {
    DEVICE static constexpr uint32_t modulus(int i) {
        constexpr uint32_t limbs[LIMBS] = {0xf0000001u, 0x43e1f593u, 0x79b97091u, 0x2833e848u,
                                           0x8181585du, 0xb85045b6u, 0xe131a029u, 0x30644e72u};
        return limbs[i];
    }
    // R mod p.
    DEVICE static constexpr uint32_t one(int i) {
        constexpr uint32_t limbs[LIMBS] = {0x4ffffffbu, 0xac96341cu, 0x9f60cd29u, 0x36fc7695u,
                                           0x7879462eu, 0x666ea36fu, 0x9a07df2fu, 0x0e0a77c1u};
        return limbs[i];
    }
    // -1/p mod 2^32.
    static constexpr uint32_t INVERSE = 0xefffffffu;
};

struct BaseParameters {
    DEVICE static constexpr uint32_t modulus(int i) {
        constexpr uint32_t limbs[LIMBS] = {0xd87cfd47u, 0x3c208c16u, 0x6871ca8du, 0x97816a91u,
                                           0x8181585du, 0xb85045b6u, 0xe131a029u, 0x30644e72u};
        return limbs[i];
    }
    DEVICE static constexpr uint32_t one(int i) {
        constexpr uint32_t limbs[LIMBS] = {0xc58f0d9du, 0xd35d438du, 0xf5c70b3du, 0x0a78eb28u,
                                           0x7879462cu, 0x666ea36fu, 0x9a07df2fu, 0x0e0a77c1u};
        return limbs[i];
    }
    static constexpr uint32_t INVERSE = 0xe4866389u;
};

// An element; below p unless a function says otherwise.
template <class P> struct alignas(16) Field {
    uint32_t limbs[LIMBS];

    DEVICE static Field zero() {
        Field value;
        UNROLL for (int i = 0; i < LIMBS; i++) value.limbs[i] = 0;
        return value;
    }
    DEVICE static Field one() {
        Field value;
        UNROLL for (int i = 0; i < LIMBS; i++) value.limbs[i] = P::one(i);
        return value;
    }
    DEVICE bool is_zero() const {
        uint32_t any = 0;
        UNROLL for (int i = 0; i < LIMBS; i++) any |= limbs[i];
        return any == 0;
    }
    DEVICE bool operator==(const Field &other) const {
        uint32_t any = 0;
        UNROLL for (int i = 0; i < LIMBS; i++) any |= limbs[i] ^ other.limbs[i];
        return any == 0;
    }
};

using Fr = Field<ScalarParameters>;
using Fq = Field<BaseParameters>;

// Two 128-bit loads; loaded limb by limb, products are compiled to three instructions where one does.
template <class P> DEVICE Field<P> load(const Field<P> *at) {
#ifdef __CUDACC__
    const uint4 *halves = reinterpret_cast<const uint4 *>(at);
    uint4 low = halves[0], high = halves[1];
    return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
#else
    return *at;
#endif
}

template <class P> DEVICE void store(Field<P> *at, const Field<P> &value) {
#ifdef __CUDACC__
    uint4 *halves = reinterpret_cast<uint4 *>(at);
    const uint32_t *v = value.limbs;
    halves[0] = make_uint4(v[0], v[1], v[2], v[3]);
    halves[1] = make_uint4(v[4], v[5], v[6], v[7]);
#else
    *at = value;
#endif
}

// Limb i of p or 2p.
template <class P, uint32_t MULTIPLE> DEVICE constexpr uint32_t multiple_of_modulus(int i) {
    static_assert(MULTIPLE == 1 || MULTIPLE == 2, "p or 2p");
    return MULTIPLE == 1 ? P::modulus(i) : P::modulus(i) << 1 | (i > 0 ? P::modulus(i > 0 ? i - 1 : 0) >> 31 : 0);
}

// a - multiple p where that is not negative.
template <class P, uint32_t MULTIPLE = 1> DEVICE Field<P> subtract_unless_less(const Field<P> &a) {
    Field<P> reduced;
    UNROLL for (int i = 0; i < LIMBS; i++) {
        uint32_t m = multiple_of_modulus<P, MULTIPLE>(i);
        reduced.limbs[i] = i == 0 ? sub_cc(a.limbs[i], m) : subc_cc(a.limbs[i], m);
    }
    bool less = subc(0, 0) != 0;
    Field<P> result;
    UNROLL for (int i = 0; i < LIMBS; i++) result.limbs[i] = less ? a.limbs[i] : reduced.limbs[i];
    return result;
}

// a + b without a reduction: below the sum of their bounds, which must stay below 2^256 (5p).
template <class P> DEVICE Field<P> add_lazy(const Field<P> &a, const Field<P> &b) {
    Field<P> sum;
    sum.limbs[0] = add_cc(a.limbs[0], b.limbs[0]);
    UNROLL for (int i = 1; i < LIMBS - 1; i++) sum.limbs[i] = addc_cc(a.limbs[i], b.limbs[i]);
    sum.limbs[LIMBS - 1] = addc(a.limbs[LIMBS - 1], b.limbs[LIMBS - 1]);
    return sum;
}

// a - b + 2p for b below 2p: below a's bound plus 2p.
template <class P> DEVICE Field<P> subtract_lazy(const Field<P> &a, const Field<P> &b) {
    Field<P> twice_minus_b;
    UNROLL for (int i = 0; i < LIMBS; i++) {
        uint32_t m = multiple_of_modulus<P, 2>(i);
        twice_minus_b.limbs[i] = i == 0 ? sub_cc(m, b.limbs[i]) : subc_cc(m, b.limbs[i]);
    }
    return add_lazy(a, twice_minus_b);
}

template <class P> DEVICE Field<P> add(const Field<P> &a, const Field<P> &b) {
    return subtract_unless_less(add_lazy(a, b));
}

// a - b modulo multiple p, for a and b below that.
template <class P, uint32_t MULTIPLE = 1> DEVICE Field<P> subtract(const Field<P> &a, const Field<P> &b) {
    Field<P> difference;
    difference.limbs[0] = sub_cc(a.limbs[0], b.limbs[0]);
    UNROLL for (int i = 1; i < LIMBS; i++) difference.limbs[i] = subc_cc(a.limbs[i], b.limbs[i]);
    uint32_t borrowed = subc(0, 0);
    Field<P> result;
    UNROLL for (int i = 0; i < LIMBS; i++) {
        uint32_t m = multiple_of_modulus<P, MULTIPLE>(i) & borrowed;
        if (i == 0) result.limbs[i] = add_cc(difference.limbs[i], m);
        else if (i < LIMBS - 1) result.limbs[i] = addc_cc(difference.limbs[i], m);
        else result.limbs[i] = addc(difference.limbs[i], m);
    }
    return result;
}

template <class P> DEVICE Field<P> negate(const Field<P> &a) { return subtract(Field<P>::zero(), a); }

// The product, word by word with a reduction after each (P. L. Montgomery, "Modular multiplication without trial division",
// 1985). The sum is kept in two rows, `even` at the limbs 0..7 and `odd` at 1..8: in each, the low and high halves of the
// products of every second limb stand side by side, so that a product and its carry are one wide instruction.
namespace montgomery {

// even, odd = a b; the first word.
DEVICE void begin(uint32_t *even, uint32_t *odd, const uint32_t *a, uint32_t b) {
    UNROLL for (int i = 0; i < LIMBS; i += 2) {
        even[i] = mul_lo(a[i], b);
        even[i + 1] = mul_hi(a[i], b);
        odd[i] = mul_lo(a[i + 1], b);
        odd[i + 1] = mul_hi(a[i + 1], b);
    }
}

// row += factor (every second limb of a); the carry stays in the flag.
DEVICE void accumulate(uint32_t *row, const uint32_t *a, uint32_t factor) {
    row[0] = mad_lo_cc(a[0], factor, row[0]);
    row[1] = madc_hi_cc(a[0], factor, row[1]);
    UNROLL for (int i = 2; i < LIMBS; i += 2) {
        row[i] = madc_lo_cc(a[i], factor, row[i]);
        row[i + 1] = madc_hi_cc(a[i], factor, row[i + 1]);
    }
}

// Adds the multiple of p that clears the lowest limb.
template <class P> DEVICE void reduce(uint32_t *even, uint32_t *odd) {
    uint32_t p[LIMBS];
    UNROLL for (int i = 0; i < LIMBS; i++) p[i] = P::modulus(i);
    uint32_t factor = even[0] * P::INVERSE;
    accumulate(odd, p + 1, factor);
    accumulate(even, p, factor);
    odd[LIMBS - 1] = addc(odd[LIMBS - 1], 0);
}

// Shifts the sum down by a limb and adds a b: what was the odd row is the even one now.
DEVICE void next(uint32_t *odd_to_even, uint32_t *even_to_odd, const uint32_t *a, uint32_t b) {
    uint32_t *even = odd_to_even, *odd = even_to_odd;
    even[0] = add_cc(even[0], odd[1]);
    UNROLL for (int i = 0; i < LIMBS - 2; i += 2) {
        odd[i] = madc_lo_cc(a[i + 1], b, odd[i + 2]);
        odd[i + 1] = madc_hi_cc(a[i + 1], b, odd[i + 3]);
    }
    odd[LIMBS - 2] = madc_lo_cc(a[LIMBS - 1], b, 0);
    odd[LIMBS - 1] = madc_hi(a[LIMBS - 1], b, 0);
    accumulate(even, a, b);
    odd[LIMBS - 1] = addc(odd[LIMBS - 1], 0);
}

} // namespace montgomery

// a b / R without the last subtraction: below 2p for a below 4p and b below p, or both below 2p.
template <class P> DEVICE Field<P> multiply_lazy(const Field<P> &a, const Field<P> &b) {
    uint32_t even[LIMBS], odd[LIMBS];
    montgomery::begin(even, odd, a.limbs, b.limbs[0]);
    montgomery::reduce<P>(even, odd);
    UNROLL for (int i = 1; i < LIMBS; i += 2) {
        montgomery::next(odd, even, a.limbs, b.limbs[i]);
        montgomery::reduce<P>(odd, even);
        if (i + 1 < LIMBS) {
            montgomery::next(even, odd, a.limbs, b.limbs[i + 1]);
            montgomery::reduce<P>(even, odd);
        }
    }
    // The rows have changed places an odd number of times.
    Field<P> product;
    product.limbs[0] = add_cc(even[0], odd[1]);
    UNROLL for (int i = 1; i < LIMBS - 1; i++) product.limbs[i] = addc_cc(even[i], odd[i + 1]);
    product.limbs[LIMBS - 1] = addc(even[LIMBS - 1], 0);
    return product;
}

template <class P> DEVICE Field<P> multiply(const Field<P> &a, const Field<P> &b) {
    return subtract_unless_less(multiply_lazy(a, b));
}

template <class P> DEVICE Field<P> square(const Field<P> &a) { return multiply(a, a); }

// The number itself instead of its Montgomery form.
template <class P> DEVICE Field<P> to_integer(const Field<P> &a) {
    Field<P> unit = Field<P>::zero();
    unit.limbs[0] = 1;
    return multiply(a, unit);
}

// a^exponent.
template <class P> DEVICE Field<P> power(const Field<P> &a, uint64_t exponent) {
    Field<P> result = Field<P>::one();
    ROLLED for (int bit = 63; bit >= 0; bit--) {
        result = square(result);
        if (exponent >> bit & 1) result = multiply(result, a);
    }
    return result;
}

// 1 / a, and 0 for 0: a^(p - 2).
template <class P> DEVICE_CALL Field<P> invert(const Field<P> &a) {
    Field<P> result = Field<P>::one();
    ROLLED for (int limb = LIMBS - 1; limb >= 0; limb--) {
        // Both moduli end in a limb above 1, so nothing is borrowed.
        uint32_t word = limb == 0 ? P::modulus(0) - 2 : P::modulus(limb);
        ROLLED for (int bit = 31; bit >= 0; bit--) {
            result = square(result);
            if (word >> bit & 1) result = multiply(result, a);
        }
    }
    return result;
}
