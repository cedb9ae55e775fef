// From scalars to a list of terms sorted by bucket: signed digits, then a counting partition on two levels.
//
// A bucket's key is (column, group, magnitude - 1); the bins of the first level are the keys without their lowest `low_bits`
// bits. Per term 16 bytes are written and as many read, besides 96 bytes a scalar; a term costs six additions in shared
// memory and, where keys are many, at most two in global memory. Keys that are all equal only make the additions in shared
// memory wait for each other.
#pragma once

#include "../curve.cuh"
#include "../field.cuh"

// A base that goes into a bucket: which one of the tables' points, and in the top bit the sign.
struct alignas(8) Entry {
    uint32_t key, term;
};

constexpr uint32_t MSM_NO_KEY = 0xffffffffu;

// How scalars are cut: window w is bits w width, ..; it uses table w / groups and bucket set w % groups.
struct Windows {
    uint32_t width, groups, low_bits, bases;
};

// Calls visit(bin, low bits of the key, term) for each digit that is not zero.
template <class Visit> DEVICE void for_each_digit(const Fr &scalar, uint32_t base, const Windows &windows, Visit visit) {
    // Above r/2 the negative is the smaller number, so that magnitudes are below 2^253.
    Fr magnitude = to_integer(scalar), negative = negate(magnitude);
    uint32_t sign = 0;
    {
        sub_cc(negative.limbs[0], magnitude.limbs[0]);
        UNROLL for (int i = 1; i < LIMBS; i++) subc_cc(negative.limbs[i], magnitude.limbs[i]);
        if (subc(0, 0) != 0) {
            magnitude = negative;
            sign = 1;
        }
    }
    uint32_t half = 1u << (windows.width - 1), mask = 2 * half - 1;
    uint32_t group = 0, table = 0, carry = 0;
    // Shifted rather than indexed: the limbs stay in registers.
    while (carry != 0 || !magnitude.is_zero()) {
        uint32_t digit = (magnitude.limbs[0] & mask) + carry;
        carry = digit > half;
        uint32_t size = carry ? 2 * half - digit : digit;
        if (size != 0) {
            uint32_t key = group * half + size - 1;
            uint32_t term = (table * windows.bases + base) | (sign ^ carry) << 31;
            visit(key >> windows.low_bits, key & ((1u << windows.low_bits) - 1), term);
        }
        UNROLL for (int i = 0; i < LIMBS - 1; i++) {
            magnitude.limbs[i] = magnitude.limbs[i] >> windows.width | magnitude.limbs[i + 1] << (32 - windows.width);
        }
        magnitude.limbs[LIMBS - 1] >>= windows.width;
        if (++group == windows.groups) {
            group = 0;
            table++;
        }
    }
}

// Calls visit(scalar, index) for the scalars of this block: `rounds` for each thread.
template <class Visit> DEVICE void for_each_scalar(const Fr *scalars, uint32_t count, uint32_t rounds, Visit visit) {
    ROLLED for (uint32_t round = 0; round < rounds; round++) {
        uint32_t index = (BLOCK * rounds + round) * THREADS + THREAD;
        if (index >= count) break;
        visit(load(scalars + index), index);
    }
}

DEVICE void clear_shared(uint32_t *words, uint32_t count) {
    for (uint32_t i = THREAD; i < count; i += THREADS) words[i] = 0;
    block_barrier();
}

// The sum of the values of the threads before this one; `total` is that of all. `shared` has a word for each thread.
DEVICE uint32_t sum_before(uint32_t value, uint32_t *shared, uint32_t *total) {
    shared[THREAD] = value;
    block_barrier();
    uint32_t sum = value;
    for (uint32_t distance = 1; distance < THREADS; distance *= 2) {
        uint32_t other = THREAD >= distance ? shared[THREAD - distance] : 0;
        block_barrier();
        sum += other;
        shared[THREAD] = sum;
        block_barrier();
    }
    *total = shared[THREADS - 1];
    block_barrier();
    return sum - value;
}

// Zeros the counters and makes all buckets infinite; what else they hold does not matter then.
KERNEL(256, msm_clear, uint32_t *bins, uint32_t bin_count, uint32_t *keys, Point *buckets, uint32_t key_count) {
    uint32_t first = BLOCK * THREADS + THREAD, step = BLOCKS * THREADS;
    for (uint32_t i = first; i < bin_count; i += step) bins[i] = 0;
    for (uint32_t i = first; i < key_count; i += step) {
        keys[i] = 0;
        store(&buckets[i].zz, Fq::zero());
    }
}

// First level: how many terms of a column each of its bins gets.
KERNEL(256, msm_count_bins, const Fr *scalars, uint32_t count, uint32_t rounds, uint32_t width, uint32_t groups,
       uint32_t low_bits, uint32_t bin_count, uint32_t *counts) {
    uint32_t *local = dynamic_shared<uint32_t>();
    clear_shared(local, bin_count);
    Windows windows = {width, groups, low_bits, 0};
    for_each_scalar(scalars, count, rounds, [&](const Fr &scalar, uint32_t) {
        for_each_digit(scalar, 0, windows, [&](uint32_t bin, uint32_t, uint32_t) { atomic_add(&local[bin], 1); });
    });
    block_barrier();
    for (uint32_t bin = THREAD; bin < bin_count; bin += THREADS) {
        if (local[bin] != 0) atomic_add(&counts[bin], local[bin]);
    }
}

// One block: where the bins of all columns start, and their pieces of at most `piece` terms; the counts become the places of
// the next terms. One entry more than bins: the ends.
KERNEL(1024, msm_scan_bins, uint32_t *counts, uint32_t *starts, uint32_t *pieces, uint32_t bin_count, uint32_t piece) {
    SHARED uint32_t shared[1024];
    uint32_t each = (bin_count + THREADS - 1) / THREADS;
    uint32_t first = THREAD * each < bin_count ? THREAD * each : bin_count;
    uint32_t last = first + each < bin_count ? first + each : bin_count;
    uint32_t terms = 0, parts = 0;
    for (uint32_t bin = first; bin < last; bin++) {
        terms += counts[bin];
        parts += (counts[bin] + piece - 1) / piece;
    }
    uint32_t all_terms, all_parts;
    terms = sum_before(terms, shared, &all_terms);
    parts = sum_before(parts, shared, &all_parts);
    for (uint32_t bin = first; bin < last; bin++) {
        uint32_t here = counts[bin];
        counts[bin] = starts[bin] = terms;
        pieces[bin] = parts;
        terms += here;
        parts += (here + piece - 1) / piece;
    }
    if (THREAD == 0) {
        starts[bin_count] = all_terms;
        pieces[bin_count] = all_parts;
    }
}

// First level: puts the terms of a column into its bins, in any order. A block takes places for all its terms in a bin at
// once.
KERNEL(256, msm_fill_bins, const Fr *scalars, uint32_t count, uint32_t rounds, uint32_t width, uint32_t groups,
       uint32_t low_bits, uint32_t bin_count, uint32_t *places, uint32_t bases, uint32_t first_base, Entry *entries) {
    uint32_t *local = dynamic_shared<uint32_t>();
    clear_shared(local, bin_count);
    Windows windows = {width, groups, low_bits, bases};
    for_each_scalar(scalars, count, rounds, [&](const Fr &scalar, uint32_t) {
        for_each_digit(scalar, 0, windows, [&](uint32_t bin, uint32_t, uint32_t) { atomic_add(&local[bin], 1); });
    });
    block_barrier();
    for (uint32_t bin = THREAD; bin < bin_count; bin += THREADS) {
        if (local[bin] != 0) local[bin] = atomic_add(&places[bin], local[bin]);
    }
    block_barrier();
    for_each_scalar(scalars, count, rounds, [&](const Fr &scalar, uint32_t index) {
        for_each_digit(scalar, first_base + index, windows, [&](uint32_t bin, uint32_t low, uint32_t term) {
            entries[atomic_add(&local[bin], 1)] = {low, term};
        });
    });
}

// A run of terms of one bin.
struct Piece {
    uint32_t bin, first, last;
};

// The piece of this block; pieces lie in order of their bins. False for blocks beyond the last piece.
DEVICE bool find_piece(const uint32_t *starts, const uint32_t *pieces, uint32_t bin_count, uint32_t size, Piece &piece) {
    if (BLOCK >= pieces[bin_count]) return false;
    // The last bin that starts at this piece or before; empty bins have none.
    uint32_t low = 0, high = bin_count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (pieces[middle] <= BLOCK) low = middle;
        else high = middle;
    }
    piece.bin = low;
    piece.first = starts[low] + (BLOCK - pieces[low]) * size;
    piece.last = piece.first + size < starts[low + 1] ? piece.first + size : starts[low + 1];
    return true;
}

// How many terms of a piece each key of its bin has.
DEVICE void count_terms(const Entry *entries, const Piece &piece, uint32_t low_bits, uint32_t *counts) {
    clear_shared(counts, 1u << low_bits);
    for (uint32_t i = piece.first + THREAD; i < piece.last; i += THREADS) atomic_add(&counts[entries[i].key], 1);
    block_barrier();
}

// Second level: how many terms each key has.
KERNEL(256, msm_count_keys, const Entry *entries, const uint32_t *starts, const uint32_t *pieces, uint32_t bin_count,
       uint32_t piece_size, uint32_t low_bits, uint32_t *counts) {
    uint32_t *local = dynamic_shared<uint32_t>();
    Piece piece;
    if (!find_piece(starts, pieces, bin_count, piece_size, piece)) return;
    count_terms(entries, piece, low_bits, local);
    for (uint32_t low = THREAD; low < 1u << low_bits; low += THREADS) {
        if (local[low] != 0) atomic_add(&counts[(piece.bin << low_bits) + low], local[low]);
    }
}

// Second level, a block for each bin: the counts become the places of the next terms.
KERNEL(256, msm_scan_keys, uint32_t *counts, const uint32_t *starts, uint32_t low_bits) {
    SHARED uint32_t shared[256];
    uint32_t size = 1u << low_bits, each = (size + THREADS - 1) / THREADS;
    uint32_t first = THREAD * each < size ? THREAD * each : size;
    uint32_t last = first + each < size ? first + each : size;
    uint32_t *bin = counts + (static_cast<size_t>(BLOCK) << low_bits);
    uint32_t terms = 0, all;
    for (uint32_t low = first; low < last; low++) terms += bin[low];
    terms = starts[BLOCK] + sum_before(terms, shared, &all);
    for (uint32_t low = first; low < last; low++) {
        uint32_t here = bin[low];
        bin[low] = terms;
        terms += here;
    }
}

// Second level: the terms in order of their keys.
KERNEL(256, msm_fill_keys, const Entry *entries, const uint32_t *starts, const uint32_t *pieces, uint32_t bin_count,
       uint32_t piece_size, uint32_t low_bits, uint32_t *places, Entry *sorted) {
    uint32_t *local = dynamic_shared<uint32_t>();
    Piece piece;
    if (!find_piece(starts, pieces, bin_count, piece_size, piece)) return;
    count_terms(entries, piece, low_bits, local);
    uint32_t key = piece.bin << low_bits;
    for (uint32_t low = THREAD; low < 1u << low_bits; low += THREADS) {
        if (local[low] != 0) local[low] = atomic_add(&places[key + low], local[low]);
    }
    block_barrier();
    for (uint32_t i = piece.first + THREAD; i < piece.last; i += THREADS) {
        Entry entry = entries[i];
        sorted[atomic_add(&local[entry.key], 1)] = {key + entry.key, entry.term};
    }
}
