// Points of BN254 G1, y^2 = x^3 + 3.
#pragma once

#include "field.cuh"

// (0, 0) is infinity.
struct alignas(16) AffinePoint {
    Fq x, y;

    DEVICE bool is_infinity() const { return x.is_zero() && y.is_zero(); }
};

// x = X / ZZ, y = Y / ZZZ with ZZ^3 = ZZZ^2; ZZ = 0 is infinity. Formulas: the Explicit-Formulas Database, "XYZZ coordinates
// for short Weierstrass curves" (madd-2008-s, add-2008-s, dbl-2008-s-1).
struct alignas(16) Point {
    Fq x, y, zz, zzz;

    DEVICE static Point infinity() { return {Fq::one(), Fq::one(), Fq::zero(), Fq::zero()}; }
    DEVICE static Point from(const AffinePoint &p) {
        if (p.is_infinity()) return infinity();
        return {p.x, p.y, Fq::one(), Fq::one()};
    }
    DEVICE bool is_infinity() const { return zz.is_zero(); }
};

DEVICE AffinePoint load(const AffinePoint *at) { return {load(&at->x), load(&at->y)}; }
DEVICE void store(AffinePoint *at, const AffinePoint &p) {
    store(&at->x, p.x);
    store(&at->y, p.y);
}
DEVICE Point load(const Point *at) { return {load(&at->x), load(&at->y), load(&at->zz), load(&at->zzz)}; }
DEVICE void store(Point *at, const Point &p) {
    store(&at->x, p.x);
    store(&at->y, p.y);
    store(&at->zz, p.zz);
    store(&at->zzz, p.zzz);
}

// 2 p.
DEVICE_CALL Point twice(const Point &p) {
    if (p.is_infinity()) return p;
    Fq u = add(p.y, p.y);
    Fq v = square(u);
    Fq w = multiply(u, v);
    Fq s = multiply(p.x, v);
    Fq xx = square(p.x);
    Fq m = add(add(xx, xx), xx);
    Fq x = subtract(square(m), add(s, s));
    Fq y = subtract(multiply(m, subtract(s, x)), multiply(w, p.y));
    return {x, y, multiply(v, p.zz), multiply(w, p.zzz)};
}

// p + q, for all p and q.
DEVICE Point add(const Point &p, const AffinePoint &q) {
    if (q.is_infinity()) return p;
    if (p.is_infinity()) return Point::from(q);
    Fq h = subtract(multiply(q.x, p.zz), p.x);
    Fq r = subtract(multiply(q.y, p.zzz), p.y);
    if (h.is_zero()) return r.is_zero() ? twice(p) : Point::infinity();
    Fq hh = square(h);
    Fq hhh = multiply(h, hh);
    Fq v = multiply(p.x, hh);
    Fq x = subtract(subtract(square(r), hhh), add(v, v));
    Fq y = subtract(multiply(r, subtract(v, x)), multiply(p.y, hhh));
    return {x, y, multiply(p.zz, hh), multiply(p.zzz, hhh)};
}

// p + q, for all p and q.
DEVICE_CALL Point add(const Point &p, const Point &q) {
    if (q.is_infinity()) return p;
    if (p.is_infinity()) return q;
    Fq u = multiply(p.x, q.zz);
    Fq s = multiply(p.y, q.zzz);
    Fq h = subtract(multiply(q.x, p.zz), u);
    Fq r = subtract(multiply(q.y, p.zzz), s);
    if (h.is_zero()) return r.is_zero() ? twice(p) : Point::infinity();
    Fq hh = square(h);
    Fq hhh = multiply(h, hh);
    Fq v = multiply(u, hh);
    Fq x = subtract(subtract(square(r), hhh), add(v, v));
    Fq y = subtract(multiply(r, subtract(v, x)), multiply(s, hhh));
    return {x, y, multiply(multiply(p.zz, q.zz), hh), multiply(multiply(p.zzz, q.zzz), hhh)};
}
