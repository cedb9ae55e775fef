// Scans over the threads of a block.
#pragma once

#include "field.cuh"

// Blocks of at most this many threads.
constexpr uint32_t SCAN_THREADS = 256;

// The product of the values of all threads before this one (or after it, if `backwards`), and in `total` that of all. By
// doubling distances: log2 of the threads rounds. The block's threads call it together.
DEVICE Fr exclusive_product(const Fr &value, bool backwards, Fr *total) {
    SHARED Fr products[2][SCAN_THREADS];
    uint32_t here = backwards ? THREADS - 1 - THREAD : THREAD;
    Fr product = value;
    store(&products[0][here], product);
    uint32_t from = 0;
    ROLLED for (uint32_t distance = 1; distance < THREADS; distance *= 2) {
        block_barrier();
        if (here >= distance) product = multiply(load(&products[from][here - distance]), product);
        from ^= 1;
        store(&products[from][here], product);
    }
    block_barrier();
    *total = load(&products[from][THREADS - 1]);
    Fr before = here == 0 ? Fr::one() : load(&products[from][here - 1]);
    // The next call writes over this one's products.
    block_barrier();
    return before;
}

// Horner's rule over the threads of a block, from the last one down: with v_t the thread's value and v_(THREADS) = `beyond`,
// returns `sum_{s > t} v_s ratio^(s - t - 1)`, and in `total` that sum from t = -1 on. ratios[k] is ratio^(2^k).
DEVICE Fr horner_above(const Fr &value, const Fr &beyond, const Fr *ratios, Fr *total) {
    SHARED Fr values[2][SCAN_THREADS];
    Fr sum = value;
    if (THREAD == THREADS - 1) sum = add(sum, multiply(load(ratios), beyond));
    store(&values[0][THREAD], sum);
    uint32_t from = 0;
    ROLLED for (uint32_t distance = 1, k = 0; distance < THREADS; distance *= 2, k++) {
        block_barrier();
        if (THREAD + distance < THREADS) {
            sum = add(sum, multiply(load(ratios + k), load(&values[from][THREAD + distance])));
        }
        from ^= 1;
        store(&values[from][THREAD], sum);
    }
    block_barrier();
    *total = load(&values[from][0]);
    Fr above = THREAD + 1 < THREADS ? load(&values[from][THREAD + 1]) : beyond;
    block_barrier();
    return above;
}
