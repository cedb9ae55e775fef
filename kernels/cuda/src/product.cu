// The grand product of the permutation argument: z_0 = 1, z_(i+1) = z_i n_i / d_i.
//
// With N_i the product of the numerators before i, D_i' that of the denominators from i on and D the product of all
// denominators, z_i = N_i D_i' / D: two scans and one inversion, four products a row.
#pragma once

#include "scan.cuh"

// Neighbouring rows of a thread.
constexpr uint32_t PRODUCT_ROWS = 8;

DEVICE Fr load_or_one(const Fr *column, uint32_t index, uint32_t size) {
    return index < size ? load(column + index) : Fr::one();
}

DEVICE Fr product_of_run(const Fr *column, uint32_t first, uint32_t size) {
    Fr product = load_or_one(column, first, size);
    ROLLED for (uint32_t i = 1; i < PRODUCT_ROWS; i++) product = multiply(product, load_or_one(column, first + i, size));
    return product;
}

// The product of each block's rows.
KERNEL(256, product_of_blocks, const Fr *numerators, const Fr *denominators, uint32_t size, Fr *block_numerators,
       Fr *block_denominators) {
    uint32_t first = (BLOCK * THREADS + THREAD) * PRODUCT_ROWS;
    Fr numerator, denominator;
    exclusive_product(product_of_run(numerators, first, size), false, &numerator);
    exclusive_product(product_of_run(denominators, first, size), true, &denominator);
    if (THREAD == 0) {
        store(block_numerators + BLOCK, numerator);
        store(block_denominators + BLOCK, denominator);
    }
}

// One block: the numerators before each block and the denominators after it in place of its own, divided by all denominators.
// results[0] is the product of all rows' quotients, results[1] that of all denominators.
KERNEL(256, product_before_blocks, Fr *block_numerators, Fr *block_denominators, uint32_t blocks, Fr *results) {
    uint32_t run = (blocks + THREADS - 1) / THREADS;
    uint32_t first = THREAD * run, end = first + run < blocks ? first + run : blocks;
    Fr numerator = Fr::one(), denominator = Fr::one();
    ROLLED for (uint32_t i = first; i < end; i++) {
        numerator = multiply(numerator, load(block_numerators + i));
        denominator = multiply(denominator, load(block_denominators + i));
    }
    Fr all_numerators, all_denominators;
    numerator = exclusive_product(numerator, false, &all_numerators);
    denominator = exclusive_product(denominator, true, &all_denominators);
    SHARED Fr inverse_of_all;
    if (THREAD == 0) {
        Fr inverse = invert(all_denominators);
        store(&inverse_of_all, inverse);
        store(results, multiply(all_numerators, inverse));
        store(results + 1, all_denominators);
    }
    block_barrier();
    denominator = multiply(denominator, load(&inverse_of_all));
    ROLLED for (uint32_t i = first; i < end; i++) {
        Fr own = load(block_numerators + i);
        store(block_numerators + i, numerator);
        numerator = multiply(numerator, own);
    }
    ROLLED for (uint32_t i = end; i-- > first;) {
        Fr own = load(block_denominators + i);
        store(block_denominators + i, denominator);
        denominator = multiply(denominator, own);
    }
}

// z on each block's rows.
KERNEL(256, product_of_rows, const Fr *numerators, const Fr *denominators, uint32_t size, const Fr *before,
       const Fr *after, Fr *z) {
    uint32_t first = (BLOCK * THREADS + THREAD) * PRODUCT_ROWS;
    Fr total;
    Fr numerator = exclusive_product(product_of_run(numerators, first, size), false, &total);
    Fr denominator = exclusive_product(product_of_run(denominators, first, size), true, &total);
    numerator = multiply(numerator, load(before + BLOCK));
    denominator = multiply(denominator, load(after + BLOCK));
    uint32_t end = first + PRODUCT_ROWS < size ? first + PRODUCT_ROWS : size;
    ROLLED for (uint32_t i = end; i-- > first && i < size;) {
        denominator = multiply(denominator, load(denominators + i));
        store(z + i, denominator);
    }
    ROLLED for (uint32_t i = first; i < end; i++) {
        store(z + i, multiply(numerator, load(z + i)));
        numerator = multiply(numerator, load(numerators + i));
    }
}
