// From sorted terms to bucket sums.
//
// Every thread sums an equal share of the list, wherever buckets begin and end, so that it does not matter how the terms are
// spread over buckets. A bucket that begins and ends within a share is finished there; the first run and the last one may go
// on in other shares, and are left as a list of border sums (key, point), which is sorted again and a few times shorter. It
// is joined the same way until one block is left. So each bucket is written at most once.
#pragma once

#include "sort.cu"
#include "sum.cuh"

// The sums of the runs of a share. The first goes to `border`, as it may have begun before; others begin in the share.
struct Runs {
    uint32_t key, first_key;
    Point *border, *buckets;

    // The place for the run that ends here.
    DEVICE Point *place() {
        if (first_key != MSM_NO_KEY) return buckets + key;
        first_key = key;
        return border;
    }
};

// The list of border sums has two places for each thread: the first and the last run of its share, or MSM_NO_KEY.
//
// The hot loop: 10 products and 72 bytes for each term. Bounds for 512 threads hold it to 128 registers; blocks of 128 run.
KERNEL(512, msm_sum_terms, const Entry *entries, const uint32_t *entry_count, uint32_t share_min, const AffinePoint *tables,
       Point *buckets, uint32_t *border_keys, Point *borders) {
    uint32_t thread = BLOCK * THREADS + THREAD, threads = BLOCKS * THREADS, count = *entry_count;
    uint32_t share = (count + threads - 1) / threads;
    if (share < share_min) share = share_min;
    uint32_t first = thread * share < count ? thread * share : count;
    uint32_t last = first + share < count ? first + share : count;

    Runs runs = {MSM_NO_KEY, MSM_NO_KEY, borders + 2 * thread, buckets};
    Sum sum = Sum::infinity();
    ROLLED for (uint32_t i = first; i < last; i++) {
        Entry entry = entries[i];
        if (entry.key != runs.key) {
            if (runs.key != MSM_NO_KEY) store(runs.place(), sum.reduced());
            runs.key = entry.key;
            sum.clear();
        }
        AffinePoint point = load(tables + (entry.term & 0x7fffffffu));
        if (point.is_infinity()) continue;
        if (entry.term >> 31 != 0) point.y = negate(point.y);
        accumulate(sum, point);
    }
    uint32_t last_key = MSM_NO_KEY;
    if (runs.key != MSM_NO_KEY) {
        bool only = runs.first_key == MSM_NO_KEY;
        Point *place = only ? runs.place() : borders + 2 * thread + 1;
        store(place, sum.reduced());
        if (!only) last_key = runs.key;
    }
    border_keys[2 * thread] = runs.first_key;
    border_keys[2 * thread + 1] = last_key;
}

// The border sums of a run of threads: of its first bucket and of its last, if that is another.
struct Borders {
    uint32_t first_key, last_key;
    Point first, last;
};

// Joins the borders of two runs that follow each other; buckets that end between them are written.
DEVICE void join(Borders &left, const Borders &right, Point *buckets) {
    if (right.first_key == MSM_NO_KEY) return;
    if (left.first_key == MSM_NO_KEY) {
        left = right;
        return;
    }
    bool alone = left.last_key == MSM_NO_KEY;
    Point &end = alone ? left.first : left.last;
    bool same = (alone ? left.first_key : left.last_key) == right.first_key;
    if (same) end = add(end, right.first);
    // What ends here: the left end unless it goes on to the right end, and the right start if that ends, too.
    if (same && right.last_key == MSM_NO_KEY) return;
    if (!alone) store(buckets + left.last_key, end);
    bool starts = !same && right.last_key != MSM_NO_KEY;
    if (starts) store(buckets + right.first_key, right.first);
    left.last_key = right.last_key != MSM_NO_KEY ? right.last_key : right.first_key;
    left.last = right.last_key != MSM_NO_KEY ? right.last : right.first;
}

// Joins a list of border sums: `share` of them in a row a thread, then threads in pairs. Leaves two for each block, or
// nothing if there is only one. Threads are a power of two.
KERNEL(128, msm_join, const uint32_t *keys, const Point *points, uint32_t count, uint32_t share, Point *buckets,
       uint32_t *border_keys, Point *borders) {
    SHARED Borders shared[128];
    Borders &mine = shared[THREAD];
    uint32_t first = (BLOCK * THREADS + THREAD) * share;
    Runs runs = {MSM_NO_KEY, MSM_NO_KEY, &mine.first, buckets};
    Point sum = Point::infinity();
    ROLLED for (uint32_t i = first; i < first + share && i < count; i++) {
        uint32_t key = keys[i];
        if (key == MSM_NO_KEY) continue;
        if (key != runs.key && runs.key != MSM_NO_KEY) store(runs.place(), sum);
        sum = key == runs.key ? add(sum, load(points + i)) : load(points + i);
        runs.key = key;
    }
    mine.last_key = MSM_NO_KEY;
    if (runs.key != MSM_NO_KEY) {
        bool only = runs.first_key == MSM_NO_KEY;
        store(only ? runs.place() : &mine.last, sum);
        if (!only) mine.last_key = runs.key;
    }
    mine.first_key = runs.first_key;
    block_barrier();
    for (uint32_t pairs = THREADS / 2, distance = 1; pairs > 0; pairs /= 2, distance *= 2) {
        if (THREAD < pairs) join(shared[2 * distance * THREAD], shared[2 * distance * THREAD + distance], buckets);
        block_barrier();
    }
    if (THREAD != 0) return;
    if (BLOCKS == 1) {
        if (mine.first_key != MSM_NO_KEY) store(buckets + mine.first_key, mine.first);
        if (mine.last_key != MSM_NO_KEY) store(buckets + mine.last_key, mine.last);
        return;
    }
    border_keys[2 * BLOCK] = mine.first_key;
    border_keys[2 * BLOCK + 1] = mine.last_key;
    store(borders + 2 * BLOCK, mine.first);
    store(borders + 2 * BLOCK + 1, mine.last);
}
