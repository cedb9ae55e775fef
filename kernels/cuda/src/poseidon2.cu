// Poseidon2 permutations in a witness: from the input in a permutation's first row the 22 rows after it
// (`kernels/src/poseidon2/rows.rs` says what each holds).
//
// A thread computes a permutation, its state in registers and below 2r until it is stored. A subtree of 2^20 rows has about 30,000
// permutations, a few warps for each multiprocessor: blocks of one warp spread them evenly. All threads read the same constant
// at the same time. Loops stay loops, over a state whose elements take turns in its first place: unrolled, the products would
// not fit the instruction cache.
#pragma once

#include "lazy.cuh"

constexpr int POSEIDON2_WIDTH = 4;
constexpr uint32_t POSEIDON2_FULL_ROUNDS = 8;
constexpr uint32_t POSEIDON2_PARTIAL_ROUNDS = 56;
// Rows of four partial rounds each lie between the two halves of the full rounds.
constexpr uint32_t POSEIDON2_GROUPS = POSEIDON2_PARTIAL_ROUNDS / POSEIDON2_WIDTH;

// As the host writes it.
struct Poseidon2Constants {
    Fr full[POSEIDON2_FULL_ROUNDS * POSEIDON2_WIDTH];
    Fr partial[POSEIDON2_PARTIAL_ROUNDS];
    Fr diagonal[POSEIDON2_WIDTH];
};

struct Poseidon2State {
    Fr elements[POSEIDON2_WIDTH];

    DEVICE Fr &operator[](int i) { return elements[i]; }

    // Puts `last` in the last place and moves the others on; the first is gone.
    DEVICE void turn(const Fr &last) {
        UNROLL for (int i = 1; i < POSEIDON2_WIDTH; i++) elements[i - 1] = elements[i];
        elements[POSEIDON2_WIDTH - 1] = last;
    }
};

// x^5 for x below 2r.
DEVICE Fr fifth_power(const Fr &x) { return multiply_lazy(square_lazy(square_lazy(x)), x); }

DEVICE Fr twice(const Fr &x) { return add_twofold(x, x); }

// The external matrix, as in `kernels/src/poseidon2/mod.rs`.
DEVICE void mix_external(Poseidon2State &state) {
    Fr left = add_twofold(state[0], state[1]), right = add_twofold(state[2], state[3]);
    Fr p = add_twofold(twice(state[1]), right), q = add_twofold(twice(state[3]), left);
    state[3] = add_twofold(twice(twice(right)), q);
    state[1] = add_twofold(twice(twice(left)), p);
    state[0] = add_twofold(q, state[1]);
    state[2] = add_twofold(p, state[3]);
}

// The internal matrix: the sum of all elements, and of each its multiple.
DEVICE void mix_internal(Poseidon2State &state, const Fr *diagonal) {
    Fr sum = add_twofold(add_twofold(state[0], state[1]), add_twofold(state[2], state[3]));
    ROLLED for (int i = 0; i < POSEIDON2_WIDTH; i++) {
        state.turn(add_twofold(multiply_lazy(state[0], load(diagonal + i)), sum));
    }
}

// The wires of a permutation, from its first row on.
struct Poseidon2Rows {
    Fr *first, *second, *third, *fourth;

    DEVICE Fr *wire(uint32_t i) const { return i < 2 ? (i == 0 ? first : second) : (i == 2 ? third : fourth); }

    // Stores a value below 2r.
    DEVICE void put(uint32_t i, uint32_t row, const Fr &value) const {
        store(wire(i) + row, subtract_unless_less(value));
    }
};

KERNEL(32, poseidon2_rows, Fr *first, Fr *second, Fr *third, Fr *fourth, const uint32_t *first_rows, uint32_t count,
       const Poseidon2Constants *constants) {
    uint32_t index = BLOCK * THREADS + THREAD;
    if (index >= count) return;
    uint32_t first_row = first_rows[index];
    Poseidon2Rows rows = {first + first_row, second + first_row, third + first_row, fourth + first_row};
    Poseidon2State state = {{load(rows.first), load(rows.second), load(rows.third), load(rows.fourth)}};
    mix_external(state);
    uint32_t row = 0;
    ROLLED for (uint32_t round = 0; round < POSEIDON2_FULL_ROUNDS; round++) {
        if (round == POSEIDON2_FULL_ROUNDS / 2) {
            ROLLED for (uint32_t partial = 0; partial < POSEIDON2_PARTIAL_ROUNDS; partial++) {
                Fr input = add_twofold(state[0], load(constants->partial + partial));
                rows.put(partial % POSEIDON2_WIDTH, row + partial / POSEIDON2_WIDTH, input);
                state[0] = fifth_power(input);
                mix_internal(state, constants->diagonal);
            }
            row += POSEIDON2_GROUPS;
        }
        ROLLED for (uint32_t i = 0; i < POSEIDON2_WIDTH; i++) {
            Fr input = add_twofold(state[0], load(constants->full + round * POSEIDON2_WIDTH + i));
            // The first round's inputs have no row: the first row's gate goes through them.
            if (round > 0) rows.put(i, row, input);
            state.turn(fifth_power(input));
        }
        mix_external(state);
        row++;
    }
    ROLLED for (uint32_t i = 0; i < POSEIDON2_WIDTH; i++) {
        rows.put(i, row, state[0]);
        state.turn(state[0]);
    }
}
