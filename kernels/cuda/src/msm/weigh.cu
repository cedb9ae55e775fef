// From bucket sums to a point: sum_m m B_m over the magnitudes m = 1, 2, .. of a bucket set.
//
// A segment of s buckets is summed up as W = sum_i (i + 1) B_i and D = s sum_i B_i. Two segments of one length side by side
// are one with W = W_l + W_r + D_r and D = 2 (D_l + D_r), so nothing is multiplied by a segment's offset: two additions a
// bucket, and four operations for each pair of segments.
#pragma once

#include "../curve.cuh"

constexpr uint32_t MSM_SEGMENTS = 128;

// A segment's two sums.
struct Segment {
    Point w, d;
};

// Joins this block's segments in pairs, and writes the one that is left. Half of the threads see to W, the others to D: a
// level takes as long as two operations. `segments` is a power of two.
DEVICE void join_segments(Segment *shared, uint32_t segments, Segment *joined) {
    block_barrier();
    for (uint32_t pairs = segments / 2, distance = 1; pairs > 0; pairs /= 2, distance *= 2) {
        bool weighted = THREAD < MSM_SEGMENTS / 2;
        uint32_t pair = weighted ? THREAD : THREAD - MSM_SEGMENTS / 2;
        Segment &left = shared[2 * distance * pair], &right = shared[2 * distance * pair + distance];
        // What a thread writes no other reads on this level: left.d is read by none that sees to W.
        if (pair < pairs) {
            Point sum = weighted ? add(left.w, right.w) : add(left.d, right.d);
            store(weighted ? &left.w : &left.d, weighted ? add(sum, right.d) : twice(sum));
        }
        block_barrier();
    }
    if (THREAD == 0) {
        store(&joined[BLOCK].w, shared[0].w);
        store(&joined[BLOCK].d, shared[0].d);
    }
}

// p 2^doublings.
DEVICE Point times_power_of_two(Point p, uint32_t doublings) {
    ROLLED for (uint32_t i = 0; i < doublings; i++) p = twice(p);
    return p;
}

// A segment for each block: `segments` of 2^log2 buckets, all powers of two.
KERNEL(128, msm_weigh_buckets, const Point *buckets, uint32_t segments, uint32_t log2, Segment *joined) {
    SHARED Segment shared[MSM_SEGMENTS];
    if (THREAD < segments) {
        const Point *first = buckets + ((static_cast<size_t>(BLOCK) * segments + THREAD) << log2);
        Point sum = Point::infinity(), weighted = Point::infinity();
        ROLLED for (uint32_t i = 1u << log2; i-- > 0;) {
            sum = add(sum, load(first + i));
            weighted = add(weighted, sum);
        }
        shared[THREAD] = {weighted, times_power_of_two(sum, log2)};
    }
    join_segments(shared, segments, joined);
}

// The same with segments instead of buckets.
KERNEL(128, msm_weigh_segments, const Segment *parts, uint32_t segments, uint32_t log2, Segment *joined) {
    SHARED Segment shared[MSM_SEGMENTS];
    if (THREAD < segments) {
        const Segment *first = parts + ((static_cast<size_t>(BLOCK) * segments + THREAD) << log2);
        Point sum = Point::infinity(), weighted = Point::infinity();
        ROLLED for (uint32_t i = 1u << log2; i-- > 0;) {
            weighted = add(weighted, add(sum, load(&first[i].w)));
            sum = add(sum, load(&first[i].d));
        }
        shared[THREAD] = {weighted, times_power_of_two(sum, log2)};
    }
    join_segments(shared, segments, joined);
}
