// Tables of multiples of fixed bases.
#pragma once

#include "../curve.cuh"

// What is kept of a multiple until its coordinates are divided.
struct alignas(16) Denominator {
    Fq zz, zzz, before;
};

// Table j >= 1 from table 0: entry i is 2^(j doublings) P_i. A thread makes all multiples of one point and divides by the
// product of their denominators: 8 products and a few for each doubling, and one inversion a point.
KERNEL(128, msm_tables, AffinePoint *tables, uint32_t bases, uint32_t first_base, uint32_t count, uint32_t table_count,
       uint32_t doublings, Denominator *denominators) {
    uint32_t thread = BLOCK * THREADS + THREAD;
    if (thread >= count) return;
    AffinePoint *entry = tables + first_base + thread;
    Denominator *denominator = denominators + thread;
    Point p = Point::from(load(entry));
    if (p.is_infinity()) {
        ROLLED for (uint32_t table = 1; table < table_count; table++) {
            entry += bases;
            store(entry, {Fq::zero(), Fq::zero()});
        }
        return;
    }
    // No multiple is infinity, as the group's order is odd.
    Fq product = Fq::one();
    ROLLED for (uint32_t table = 1; table < table_count; table++) {
        ROLLED for (uint32_t i = 0; i < doublings; i++) p = twice(p);
        entry += bases;
        store(entry, {p.x, p.y});
        store(&denominator->zz, p.zz);
        store(&denominator->zzz, p.zzz);
        store(&denominator->before, product);
        denominator += count;
        product = multiply(product, p.zzz);
    }
    Fq inverse = invert(product);
    ROLLED for (uint32_t table = 1; table < table_count; table++) {
        denominator -= count;
        Fq zzz = load(&denominator->zzz);
        Fq inverse_zzz = multiply(inverse, load(&denominator->before));
        // ZZ / ZZZ is 1 / Z.
        Fq inverse_zz = square(multiply(load(&denominator->zz), inverse_zzz));
        AffinePoint undivided = load(entry);
        store(entry, {multiply(undivided.x, inverse_zz), multiply(undivided.y, inverse_zzz)});
        entry -= bases;
        inverse = multiply(inverse, zzz);
    }
}
