// Polynomials in coefficient form: evaluation, division by X - point, weighted sums.
//
// Entry i of (f - f(c)) / (X - c) is `sum_{j > i} f_j c^(j - i - 1)`, Horner's value of the coefficients above i, and f(c) is
// that of all; so both are one scan from the top: over blocks, then over the threads of each block.
#pragma once

#include "scan.cuh"

// Neighbouring coefficients of a thread.
constexpr uint32_t POLYNOMIAL_ENTRIES = 8;

// Horner's value of a thread's coefficients; beyond the last they are zero.
DEVICE Fr value_of_run(const Fr *coefficients, uint32_t first, uint32_t size, const Fr &point) {
    Fr value = Fr::zero();
    uint32_t end = first + POLYNOMIAL_ENTRIES < size ? first + POLYNOMIAL_ENTRIES : size;
    ROLLED for (uint32_t i = end; i-- > first && i < size;) {
        value = add(multiply(value, point), load(coefficients + i));
    }
    return value;
}

// Horner's value of each block's coefficients; ratios[k] is point^(POLYNOMIAL_ENTRIES 2^k).
KERNEL(256, polynomial_of_blocks, const Fr *coefficients, uint32_t size, Fr point, const Fr *ratios, Fr *block_values) {
    uint32_t first = (BLOCK * THREADS + THREAD) * POLYNOMIAL_ENTRIES;
    Fr total;
    horner_above(value_of_run(coefficients, first, size, point), Fr::zero(), ratios, &total);
    if (THREAD == 0) store(block_values + BLOCK, total);
}

// One block: the value above each block in place of its own; `point` is the step from block to block, a thread has `run` of
// them and ratios[k] is point^(run 2^k). The value of all goes to `total`.
KERNEL(256, polynomial_above_blocks, Fr *block_values, uint32_t blocks, uint32_t run, Fr point, const Fr *ratios,
       Fr *total) {
    uint32_t first = THREAD * run, end = first + run < blocks ? first + run : blocks;
    Fr value = Fr::zero();
    ROLLED for (uint32_t i = end; i-- > first && i < blocks;) value = add(multiply(value, point), load(block_values + i));
    Fr all;
    Fr above = horner_above(value, Fr::zero(), ratios, &all);
    ROLLED for (uint32_t i = end; i-- > first && i < blocks;) {
        Fr own = load(block_values + i);
        store(block_values + i, above);
        above = add(multiply(above, point), own);
    }
    if (THREAD == 0) store(total, all);
}

// The quotient's entries.
KERNEL(256, polynomial_quotient, const Fr *coefficients, uint32_t size, Fr point, const Fr *ratios, const Fr *above_blocks,
       Fr *quotient) {
    uint32_t first = (BLOCK * THREADS + THREAD) * POLYNOMIAL_ENTRIES;
    Fr total;
    Fr value = value_of_run(coefficients, first, size, point);
    Fr above = horner_above(value, load(above_blocks + BLOCK), ratios, &total);
    uint32_t end = first + POLYNOMIAL_ENTRIES < size ? first + POLYNOMIAL_ENTRIES : size;
    ROLLED for (uint32_t i = end; i-- > first && i < size;) {
        store(quotient + i, above);
        above = add(multiply(above, point), load(coefficients + i));
    }
}

struct Term {
    Fr weight;
    const Fr *column;
    uint64_t size;
};

// out[i] = sum_j weight_j column_j[i], over the columns that reach so far.
KERNEL(256, polynomial_sum, const Term *terms, uint32_t count, Fr *out, uint32_t size) {
    for (uint32_t i = BLOCK * THREADS + THREAD; i < size; i += BLOCKS * THREADS) {
        Fr sum = Fr::zero();
        ROLLED for (uint32_t j = 0; j < count; j++) {
            if (i < terms[j].size) sum = add(sum, multiply(load(&terms[j].weight), load(terms[j].column + i)));
        }
        store(out + i, sum);
    }
}
