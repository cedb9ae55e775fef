// Pointwise programs (`kernels/src/program.rs`): permutation terms, the row identity, fifth powers; the formula itself is
// written once, in the proof system.
//
// A thread computes a row. Its buffers lie in shared memory, halves apart, so that the threads of a warp touch neighbouring
// 16 bytes; a step costs three such accesses of 32 bytes beside a product's hundreds of instructions. All threads read the same
// step and the same values at the same time.
#pragma once

#include "field.cuh"

// What an operand's two highest bits say that its index is of.
enum Place : uint32_t { VALUE, CURRENT_ROW, NEXT_ROW, BUFFER };

enum StepKind : uint32_t { ADD, SUBTRACT, MULTIPLY };

struct ProgramStep {
    // The kind in the two highest bits, the buffer for the result below.
    uint32_t kind_and_target;
    uint32_t left, right;
};

constexpr uint32_t TAG_SHIFT = 30;
constexpr uint32_t INDEX_MASK = (1u << TAG_SHIFT) - 1;

struct alignas(16) HalfField {
    uint32_t limbs[LIMBS / 2];
};

DEVICE Fr load_buffer(const HalfField *buffers, uint32_t index) {
    HalfField low = buffers[2 * index * THREADS], high = buffers[(2 * index + 1) * THREADS];
    Fr value;
    UNROLL for (int i = 0; i < LIMBS / 2; i++) {
        value.limbs[i] = low.limbs[i];
        value.limbs[i + LIMBS / 2] = high.limbs[i];
    }
    return value;
}

DEVICE void store_buffer(HalfField *buffers, uint32_t index, const Fr &value) {
    HalfField low, high;
    UNROLL for (int i = 0; i < LIMBS / 2; i++) {
        low.limbs[i] = value.limbs[i];
        high.limbs[i] = value.limbs[i + LIMBS / 2];
    }
    buffers[2 * index * THREADS] = low;
    buffers[(2 * index + 1) * THREADS] = high;
}

DEVICE Fr load_operand(uint32_t operand, const Fr *values, const Fr *const *columns, const HalfField *buffers,
                       uint32_t row, uint32_t next_row) {
    uint32_t index = operand & INDEX_MASK;
    switch (operand >> TAG_SHIFT) {
    case VALUE: return load(values + index);
    case CURRENT_ROW: return load(columns[index] + row);
    case NEXT_ROW: return load(columns[index] + next_row);
    default: return load_buffer(buffers, index);
    }
}

DEVICE void run_program(const ProgramStep *steps, uint32_t count, uint32_t output, const Fr *values,
                        const Fr *const *columns, Fr *out, uint32_t rows, HalfField *buffers) {
    for (uint32_t row = BLOCK * THREADS + THREAD; row < rows; row += BLOCKS * THREADS) {
        uint32_t next_row = row + 1 == rows ? 0 : row + 1;
        ROLLED for (uint32_t step = 0; step < count; step++) {
            ProgramStep now = steps[step];
            Fr left = load_operand(now.left, values, columns, buffers, row, next_row);
            Fr right = load_operand(now.right, values, columns, buffers, row, next_row);
            Fr result;
            switch (now.kind_and_target >> TAG_SHIFT) {
            case ADD: result = add(left, right); break;
            case SUBTRACT: result = subtract(left, right); break;
            default: result = multiply(left, right); break;
            }
            store_buffer(buffers, now.kind_and_target & INDEX_MASK, result);
        }
        store(out + row, load_operand(output, values, columns, buffers, row, next_row));
    }
}

// With the buffers in dynamic shared memory: 32 bytes for each of a thread's buffers.
KERNEL(64, program_in_shared, const ProgramStep *steps, uint32_t count, uint32_t output, const Fr *values,
       const Fr *const *columns, Fr *out, uint32_t rows) {
    run_program(steps, count, output, values, columns, out, rows, dynamic_shared<HalfField>() + THREAD);
}

// With the buffers in `memory`, for programs that need more of them than shared memory holds.
KERNEL(64, program_in_memory, const ProgramStep *steps, uint32_t count, uint32_t output, const Fr *values,
       const Fr *const *columns, Fr *out, uint32_t rows, HalfField *memory, uint32_t buffers) {
    run_program(steps, count, output, values, columns, out, rows, memory + 2 * buffers * THREADS * BLOCK + THREAD);
}
