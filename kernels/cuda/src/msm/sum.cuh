// A running sum of affine points, for the hot loop of an MSM: XYZZ with coordinates below 2p.
#pragma once

#include "../curve.cuh"
#include "../lazy.cuh"

// Infinity is ZZ = 0, whatever the other coordinates hold. A product of what is not 0 modulo p is not 0 either, so that the
// limbs of ZZ are all 0 at infinity and only there.
struct Sum {
    Fq x, y, zz, zzz;

    DEVICE static Sum from(const AffinePoint &q) { return {q.x, q.y, Fq::one(), Fq::one()}; }
    DEVICE static Sum infinity() { return {Fq::one(), Fq::one(), Fq::zero(), Fq::zero()}; }
    DEVICE bool is_infinity() const { return zz.is_zero(); }
    DEVICE void clear() { zz = Fq::zero(); }
    DEVICE Point reduced() const {
        return {subtract_unless_less(x), subtract_unless_less(y), subtract_unless_less(zz), subtract_unless_less(zzz)};
    }
};

// 2 q, for q that is not infinity (mdbl-2008-s-1); no point has y = 0, as the group's order is odd.
DEVICE Sum twice_affine(const AffinePoint &q) {
    Fq u = add_twofold(q.y, q.y);
    Fq v = square_lazy(u);
    Fq w = multiply_lazy(u, v);
    Fq s = multiply_lazy(q.x, v);
    Fq xx = square_lazy(q.x);
    Fq m = add_twofold(add_twofold(xx, xx), xx);
    Fq x = subtract_twofold(square_lazy(m), add_twofold(s, s));
    Fq minus_w = subtract_twofold(Fq::zero(), w);
    return {x, multiply_pair(m, subtract_twofold(s, x), minus_w, q.y), v, w};
}

// sum += q, for any sum and any q but infinity (madd-2008-s). Six products, two squares and a pair of products that share a
// reduction; in 32-bit multiplications (a wide one counts twice) 6 x 264 + 2 x 208 + 392 = 2,392.
DEVICE void accumulate(Sum &sum, const AffinePoint &q) {
    if (sum.is_infinity()) {
        sum = Sum::from(q);
        return;
    }
    Fq h = subtract_twofold(multiply_lazy(q.x, sum.zz), sum.x);
    Fq r = subtract_twofold(multiply_lazy(q.y, sum.zzz), sum.y);
    if (is_zero_twofold(h)) {
        if (is_zero_twofold(r)) sum = twice_affine(q);
        else sum.clear();
        return;
    }
    Fq hh = square_lazy(h);
    sum.zz = multiply_lazy(sum.zz, hh);
    Fq v = multiply_lazy(sum.x, hh);
    Fq hhh = multiply_lazy(h, hh);
    sum.zzz = multiply_lazy(sum.zzz, hhh);
    sum.x = subtract_twofold(subtract_twofold(square_lazy(r), hhh), add_twofold(v, v));
    Fq minus_hhh = subtract_twofold(Fq::zero(), hhh);
    sum.y = multiply_pair(r, subtract_twofold(v, sum.x), minus_hhh, sum.y);
}
