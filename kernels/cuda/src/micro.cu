// What a device's multipliers and memory give at best: the measured floor under the kernels' times.
//
// A thread works on CHAINS independent values, so that no instruction waits for the one before it, and ends with one store that
// keeps the compiler from dropping the work.
#pragma once

#include "field.cuh"

// Values of a thread, a loop's rounds over all of them, and rounds of field products, which are long themselves.
constexpr int MICRO_CHAINS = 8;
constexpr int MICRO_ROUNDS = 16;
constexpr int MICRO_FIELD_CHAINS = 2;

// x = x factor + addend, low halves: IMAD.
KERNEL(256, micro_multiply_add, uint32_t factor, uint32_t addend, uint32_t loops, uint32_t *out) {
    uint32_t index = BLOCK * THREADS + THREAD;
    uint32_t chains[MICRO_CHAINS];
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) chains[c] = index + c;
    ROLLED for (uint32_t loop = 0; loop < loops; loop++) {
        UNROLL for (int round = 0; round < MICRO_ROUNDS; round++) {
            UNROLL for (int c = 0; c < MICRO_CHAINS; c++) chains[c] = chains[c] * factor + addend;
        }
    }
    uint32_t all = 0;
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) all ^= chains[c];
    out[index] = all;
}

// x = low(y) factor + x, then y = low(x) factor + y, 32 x 32 + 64 bits: IMAD.WIDE, as a pair of instructions that the compiler
// makes one of.
KERNEL(256, micro_multiply_wide, uint32_t factor, uint32_t loops, uint32_t *out) {
    uint32_t index = BLOCK * THREADS + THREAD;
    uint32_t low[MICRO_CHAINS], high[MICRO_CHAINS];
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) {
        low[c] = index + c;
        high[c] = 0;
    }
    ROLLED for (uint32_t loop = 0; loop < loops; loop++) {
        UNROLL for (int round = 0; round < MICRO_ROUNDS; round++) {
            UNROLL for (int c = 0; c < MICRO_CHAINS; c++) {
                uint32_t other = low[c ^ 1];
                low[c] = mad_lo_cc(other, factor, low[c]);
                high[c] = madc_hi(other, factor, high[c]);
            }
        }
    }
    uint32_t all = 0;
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) all ^= low[c] ^ high[c];
    out[index] = all;
}

// x = high half of x factor, + addend: IMAD.HI.
KERNEL(256, micro_multiply_high, uint32_t factor, uint32_t addend, uint32_t loops, uint32_t *out) {
    uint32_t index = BLOCK * THREADS + THREAD;
    uint32_t chains[MICRO_CHAINS];
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) chains[c] = index + c;
    ROLLED for (uint32_t loop = 0; loop < loops; loop++) {
        UNROLL for (int round = 0; round < MICRO_ROUNDS; round++) {
            UNROLL for (int c = 0; c < MICRO_CHAINS; c++) chains[c] = mul_hi(chains[c], factor) + addend;
        }
    }
    uint32_t all = 0;
    UNROLL for (int c = 0; c < MICRO_CHAINS; c++) all ^= chains[c];
    out[index] = all;
}

// x = x factor in the scalar field, below 2r until the end.
KERNEL(256, micro_field_product, Fr factor, uint32_t loops, Fr *out) {
    uint32_t index = BLOCK * THREADS + THREAD;
    Fr chains[MICRO_FIELD_CHAINS];
    UNROLL for (int c = 0; c < MICRO_FIELD_CHAINS; c++) {
        chains[c] = Fr::zero();
        chains[c].limbs[0] = index + c;
    }
    ROLLED for (uint32_t loop = 0; loop < loops; loop++) {
        UNROLL for (int c = 0; c < MICRO_FIELD_CHAINS; c++) chains[c] = multiply_lazy(chains[c], factor);
    }
    Fr all = Fr::zero();
    UNROLL for (int c = 0; c < MICRO_FIELD_CHAINS; c++) all = add(all, subtract_unless_less(chains[c]));
    store(out + index, all);
}

// What one load or store moves at most.
struct alignas(16) MicroQuad {
    uint32_t words[4];
};

// Copies `size` quads.
KERNEL(256, micro_copy, const MicroQuad *in, MicroQuad *out, uint32_t size) {
    for (uint32_t i = BLOCK * THREADS + THREAD; i < size; i += BLOCKS * THREADS) out[i] = in[i];
}
