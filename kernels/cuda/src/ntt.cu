// Transforms: y_k = after^k sum_j w^(jk) scale before^j x_j, natural order in and out.
//
// With n = N1 N2 N3 a pass transforms one digit of the index (D. H. Bailey, "FFTs in external or hierarchical memory",
// 1990): all numbers whose other digits agree are a column of N_i, and a block transforms a tile of neighbouring
// columns in shared memory. The first pass takes the highest digit of j, the next pass the next one; what a pass leaves
// stands where it was read, and only the last pass writes elsewhere: where natural order wants it. Both sides move runs
// of as many neighbours as a tile has columns, two at least, which is 64 bytes. So a pass reads and writes every
// element once: 64 n bytes.
//
// Products, for each element: a column of 2^l takes 5/8 in its first stage, 12/8 in each further stage of three levels,
// 1 or 1/2 in a last stage of two levels or one; a factor between passes 18/8, made on the fly, as a table of all of
// them would be as long as the column. For 2^20 in two passes that is 10.5, against 10 of the plain algorithm with a
// table. A coset's powers cost 1 more on the way in and 2 on the way out.
#include "field.cuh"

namespace ntt {

// The tables of all transforms: w_N^i at N + i for tiles' columns up to N = 2^11, then the lower and the upper half of
// a two-level table of w^e, w of order 2^28: w^e = LOWER[e mod 2^14] UPPER[e / 2^14]. As in ntt.rs.
constexpr uint32_t LOWER = 1 << 12, LEVEL_LOG2 = 14, UPPER = LOWER + (1 << LEVEL_LOG2), ROOT_LOG2 = 28;

// Elements of a thread. Three levels of eight elements fit the registers that leave room for 16 warps on a
// multiprocessor.
constexpr uint32_t EACH_LOG2 = 3, EACH = 1 << EACH_LOG2;

// What a pass does beside its transforms; as in ntt.rs.
constexpr uint32_t REVERSED = 1; // element j is read at -j mod n: the transform with 1/w
constexpr uint32_t SCALED = 2;   // by the argument `scale`; in a pass that is not the last
constexpr uint32_t BEFORE = 4;   // before^j, in the first pass: `powers` split where the first digit ends
constexpr uint32_t AFTER = 8;    // after^k, in the last pass: `powers` split where the last digit begins

// w_8, w_8^2, w_8^3.
TABLE Fr EIGHTHS[3] = {
    {{0xb5ad7c3fu, 0xf8ad4ae2u, 0x83cb85beu, 0x2d60c6ffu, 0x5d9429f7u, 0xd976fd2bu, 0x3f9ad9a9u, 0x24407ce7u}},
    {{0x9edcef8bu, 0x7f753d97u, 0xb1479120u, 0x5f3f172cu, 0x74096c6eu, 0x8db16279u, 0x39c108cfu, 0x2b377b35u}},
    {{0x125d6166u, 0x11da29b6u, 0x5389b195u, 0xb069b2a2u, 0xd1277a24u, 0x7ad23dd6u, 0xae748ed2u, 0x1dbb3113u}},
};

DEVICE Fr below_2p(const Fr &a) { return subtract_unless_less<ScalarParameters, 2>(a); }

// Two numbers below 2p: their sum below 2p, their difference below 4p.
DEVICE void butterfly(Fr &a, Fr &b) {
    Fr difference = subtract_lazy(a, b);
    a = below_2p(add_lazy(a, b));
    b = difference;
}

// Transforms of 2^levels numbers each, side by side in v, in place, natural to bit-reversed order; from below 2p to
// below 4p.
DEVICE void transform(Fr *v, uint32_t levels) {
    if (levels == 3) {
        UNROLL for (int i = 0; i < 4; i++) butterfly(v[i], v[i + 4]);
        v[4] = below_2p(v[4]);
        UNROLL for (int i = 1; i < 4; i++) v[i + 4] = multiply_lazy(v[i + 4], EIGHTHS[i - 1]);
    }
    if (levels >= 2) {
        UNROLL for (int i = 0; i < 8; i += 4) {
            butterfly(v[i], v[i + 2]);
            butterfly(v[i + 1], v[i + 3]);
            v[i + 2] = below_2p(v[i + 2]);
            v[i + 3] = multiply_lazy(v[i + 3], EIGHTHS[1]);
        }
    }
    UNROLL for (int i = 0; i < 8; i += 2) {
        Fr difference = subtract_lazy(v[i], v[i + 1]);
        v[i] = add_lazy(v[i], v[i + 1]);
        v[i + 1] = difference;
    }
}

// Three bits in reverse.
DEVICE constexpr uint32_t reversed(uint32_t i) { return (i & 1) << 2 | (i & 2) | i >> 2; }

// Half an element: the unit of shared memory.
struct alignas(16) Half {
    uint32_t words[LIMBS / 2];
};

// A tile in shared memory: rows are the index of a column's transform, columns side by side.
//
// Shared memory has eight banks of 16 bytes. Elements are cut in halves, so that neighbours lie in neighbouring banks,
// and all octal digits of an index are added to the lowest: strides of powers of two, which all stages have, spread
// over the banks. What remains are conflicts of two in a last stage of one or two levels.
struct Tile {
    Half *halves;
    uint32_t size, columns_log2, column;

    DEVICE uint32_t slot(uint32_t row) const {
        uint32_t i = row << columns_log2 | column;
        return i ^ ((i >> 3 ^ i >> 6 ^ i >> 9) & 7);
    }
    DEVICE Fr get(uint32_t row) const {
        uint32_t at = slot(row);
        Half low = halves[at], high = halves[at + size];
        Fr value;
        UNROLL for (int i = 0; i < LIMBS / 2; i++) {
            value.limbs[i] = low.words[i];
            value.limbs[i + LIMBS / 2] = high.words[i];
        }
        return value;
    }
    DEVICE void put(uint32_t row, const Fr &value) const {
        const uint32_t *v = value.limbs;
        uint32_t at = slot(row);
        halves[at] = {{v[0], v[1], v[2], v[3]}};
        halves[at + size] = {{v[4], v[5], v[6], v[7]}};
    }
};

// A stage of a column's transform: decimation in frequency, three levels a stage, so that the octal digits of a row end
// up in reverse. `remaining` levels are still to come, this stage's among them; the last stage has what is left, three
// or fewer.
struct Stage {
    uint32_t base, remaining;

    DEVICE static Stage of(uint32_t thread, uint32_t remaining) {
        if (remaining > EACH_LOG2) {
            uint32_t step_log2 = remaining - EACH_LOG2;
            return {(thread >> step_log2 << remaining) + (thread & ((1 << step_log2) - 1)), remaining};
        }
        return {first_group(thread, remaining) << remaining, remaining};
    }
    DEVICE bool is_last() const { return remaining <= EACH_LOG2; }
    // The rows of the thread, i below 8. In the last stage they are groups of 2^remaining: several when that is less
    // than eight, namely those whose results lie an eighth of the column apart.
    DEVICE uint32_t row(uint32_t i) const {
        if (!is_last()) return base + (i << (remaining - EACH_LOG2));
        uint32_t group = reversed(i) & (EACH - 1) >> remaining;
        return base + (group << 2 * remaining) + (i & ((1 << remaining) - 1));
    }
    // Of a row's roots: w_M^(offset i) for the stage's transforms of M = 2^remaining.
    DEVICE uint32_t offset() const { return base & ((1 << (remaining - EACH_LOG2)) - 1); }
    // Result i of the last stage belongs at this index of the column plus i eighths.
    DEVICE static uint32_t first_result(uint32_t thread, uint32_t size_log2, uint32_t remaining) {
        uint32_t digits = first_group(thread, remaining), result = 0;
        ROLLED for (uint32_t bits = size_log2 - remaining; bits > 0; bits -= EACH_LOG2) {
            result = result << EACH_LOG2 | (digits & (EACH - 1));
            digits >>= EACH_LOG2;
        }
        return result;
    }

  private:
    DEVICE static uint32_t first_group(uint32_t thread, uint32_t remaining) {
        return thread >> remaining << EACH_LOG2 | (thread & ((1 << remaining) - 1));
    }
};

// w_n^exponent for n = 2^log2 and an exponent below n.
DEVICE Fr root_power(const Fr *tables, uint32_t log2, uint32_t exponent) {
    uint32_t scaled = exponent << (ROOT_LOG2 - log2);
    Fr lower = load(tables + LOWER + (scaled & ((1 << LEVEL_LOG2) - 1)));
    return multiply(lower, load(tables + UPPER + (scaled >> LEVEL_LOG2)));
}

} // namespace ntt

// One pass over n = 2^log2 elements: columns of 2^size_log2, tiles of 2^columns_log2 columns, a tile a block, eight
// elements a thread. `done_log2` bits of the index are transformed already, `first_log2` of them by the first of
// several passes. A pass that is not the last may work in place, and leaves elements below 2p.
//
// Products with factors are a loop over shared memory instead of eight copies of the code: so the instructions of a
// stage stay in the instruction cache, and shared memory, with 64 bytes more for every product, is far from its limit.
// Blocks have up to 256 threads; the bound of 512 makes the compiler leave registers for two blocks on a
// multiprocessor.
KERNEL(512, ntt_pass, const Fr *in, Fr *out, const Fr *tables, const Fr *powers, Fr scale, uint32_t log2,
       uint32_t done_log2, uint32_t size_log2, uint32_t columns_log2, uint32_t first_log2, uint32_t flags) {
    using namespace ntt;
    const uint32_t rest_log2 = log2 - done_log2 - size_log2, span_log2 = size_log2 - EACH_LOG2;
    const bool is_last_pass = rest_log2 == 0;
    const uint32_t first_column = BLOCK << columns_log2;

    // Threads that are neighbours take neighbouring columns, but on the way into the last pass neighbouring rows: a
    // column is a run in memory there.
    Tile tile{dynamic_shared<Half>(), 1u << (size_log2 + columns_log2), columns_log2, 0};
    uint32_t thread;
    if (is_last_pass) {
        tile.column = THREAD >> span_log2;
        thread = THREAD & ((1 << span_log2) - 1);
    } else {
        tile.column = THREAD & ((1 << columns_log2) - 1);
        thread = THREAD >> columns_log2;
    }

    // Row i of the column is element `start + i 2^rest_log2`. Columns of the last pass are counted in the order of
    // their results: the digits that are done stand in memory the other way round.
    uint32_t column = first_column + tile.column, start;
    if (is_last_pass) {
        uint32_t others_log2 = done_log2 - first_log2;
        start = ((column & ((1 << first_log2) - 1)) << others_log2 | column >> first_log2) << size_log2;
    } else {
        start = (column >> rest_log2 << (size_log2 + rest_log2)) + (column & ((1 << rest_log2) - 1));
    }

    Fr v[EACH];
    UNROLL for (uint32_t i = 0; i < EACH; i++) {
        uint32_t index = start + ((thread + (i << span_log2)) << rest_log2);
        if (flags & REVERSED) index = (0 - index) & ((1 << log2) - 1);
        v[i] = load(in + index);
    }
    if (flags & BEFORE) {
        UNROLL for (uint32_t i = 0; i < EACH; i++) tile.put(thread + (i << span_log2), v[i]);
        ROLLED for (uint32_t i = 0; i < EACH; i++) {
            uint32_t row = thread + (i << span_log2);
            tile.put(row, multiply_lazy(tile.get(row), load(powers + (1 << rest_log2) + row)));
        }
        UNROLL for (uint32_t i = 0; i < EACH; i++) v[i] = tile.get(thread + (i << span_log2));
    }

    // A thread's results stand where its operands stood, so that one barrier a stage is enough.
    Stage stage = Stage::of(thread, size_log2);
    ROLLED for (;;) {
        transform(v, stage.is_last() ? stage.remaining : EACH_LOG2);
        v[0] = below_2p(v[0]);
        UNROLL for (uint32_t i = 0; i < EACH; i++) tile.put(stage.row(i), v[reversed(i)]);
        if (stage.is_last()) break;
        const Fr *roots = tables + (1 << size_log2);
        uint32_t step = stage.offset() << (size_log2 - stage.remaining);
        ROLLED for (uint32_t i = 1; i < EACH; i++) {
            tile.put(stage.row(i), multiply_lazy(tile.get(stage.row(i)), load(roots + step * i)));
        }
        block_barrier();
        tile.column = THREAD & ((1 << columns_log2) - 1);
        thread = THREAD >> columns_log2;
        stage = Stage::of(thread, stage.remaining - EACH_LOG2);
        UNROLL for (uint32_t i = 0; i < EACH; i++) v[i] = tile.get(stage.row(i));
    }

    // Result i of the thread is row `row + i 2^span_log2`; its factor is `factor ratio^i`.
    column = first_column + tile.column;
    const uint32_t row = Stage::first_result(thread, size_log2, stage.remaining);
    const bool has_factor = !is_last_pass || flags & AFTER;
    Fr factor = scale, ratio = scale;
    if (!is_last_pass) {
        // w^(row column) of the transform that is left, a column by its place within.
        uint32_t place = column & ((1 << rest_log2) - 1);
        start = (column >> rest_log2 << (size_log2 + rest_log2)) + place;
        factor = root_power(tables, log2, place * row << done_log2);
        ratio = root_power(tables, log2, place << span_log2 << done_log2);
        if (flags & SCALED) factor = multiply(factor, scale);
        if (flags & BEFORE) factor = multiply(factor, load(powers + place));
    } else {
        start = column;
        if (flags & AFTER) {
            const Fr *upper = powers + (1 << done_log2);
            factor = multiply(load(powers + column), load(upper + row));
            ratio = load(upper + (1 << span_log2));
        }
    }
    const uint32_t step_log2 = is_last_pass ? done_log2 : rest_log2;
    ROLLED for (uint32_t i = 0; i < EACH; i++) {
        Fr value = tile.get(stage.row(i));
        if (has_factor) {
            value = multiply_lazy(value, factor);
            factor = multiply(factor, ratio);
        } else {
            value = below_2p(value);
        }
        if (is_last_pass) value = subtract_unless_less(value);
        store(out + start + ((row + (i << span_log2)) << step_log2), value);
    }
}

// The powers of a base as a table of two levels: `first base^i` for i below 2^split_log2, then `upper_base^i`, the base
// to the power of i 2^split_log2; `count` entries in all. A thread an entry, two products a bit.
KERNEL(256, ntt_powers, Fr *out, Fr first, Fr base, Fr upper_base, uint32_t split_log2, uint32_t count) {
    uint32_t index = BLOCK * THREADS + THREAD;
    if (index >= count) return;
    bool is_upper = index >> split_log2 != 0;
    uint32_t exponent = is_upper ? index - (1 << split_log2) : index;
    Fr power = is_upper ? Fr::one() : first, square_power = is_upper ? upper_base : base;
    ROLLED for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1) power = multiply(power, square_power);
        square_power = square(square_power);
    }
    store(out + index, power);
}

// Transforms of n = 1, 2 or 4, which are less than a thread of `ntt_pass` takes: thread k evaluates at before w^k.
KERNEL(4, ntt_small, const Fr *in, Fr *out, const Fr *tables, Fr before, Fr scale, Fr after, uint32_t flags) {
    const uint32_t size = THREADS, mask = size - 1;
    Fr point = multiply(before, load(tables + size + THREAD));
    Fr value = Fr::zero(), factor = scale;
    ROLLED for (uint32_t j = size; j-- > 0;) {
        value = add(multiply(value, point), load(in + (flags & ntt::REVERSED ? (0 - j) & mask : j)));
    }
    ROLLED for (uint32_t i = 0; i < THREAD; i++) factor = multiply(factor, after);
    store(out + THREAD, multiply(value, factor));
}
