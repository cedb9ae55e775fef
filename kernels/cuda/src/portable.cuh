// One source, two compilers: what differs between a GPU and the launch emulator on a host is in this file and nowhere else.
//
// A kernel is written
//
//     KERNEL(256, name, const Fr *in, Fr *out, uint32_t size) { .. }
//
// with the largest number of threads of its blocks. It may use THREAD, BLOCK, THREADS (of a block), BLOCKS, SHARED memory,
// block_barrier() and atomic_add(). On the host a block's threads are fibers that change at barriers.
#pragma once

#include <cstdint>

#ifdef __CUDACC__

#define DEVICE __device__ __forceinline__
// For functions too large to be worth a copy at every call.
#define DEVICE_CALL __device__ __noinline__
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)
#define SHARED __shared__
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#define TABLE static __constant__ const

#define THREAD (threadIdx.x)
#define THREADS (blockDim.x)
#define BLOCK (blockIdx.x)
#define BLOCKS (gridDim.x)

// Memory of the size that the launch asked for, 16-byte aligned.
template <class T> DEVICE T *dynamic_shared() {
    extern __shared__ uint4 dynamic_shared_memory[];
    return reinterpret_cast<T *>(dynamic_shared_memory);
}

DEVICE void block_barrier() { __syncthreads(); }
DEVICE uint32_t atomic_add(uint32_t *at, uint32_t value) { return atomicAdd(at, value); }

#else

#include "emulator.hpp"

#define DEVICE inline
#define DEVICE_CALL inline
#define KERNEL(threads, name, ...)                                                                                       \
    static void name(__VA_ARGS__);                                                                                       \
    static const emulator::Registration registered_##name(#name, threads, name);                                         \
    static void name(__VA_ARGS__)
#define SHARED static
#define UNROLL
#define ROLLED
#define TABLE static const

#define THREAD (emulator::place.thread)
#define THREADS (emulator::place.threads)
#define BLOCK (emulator::place.block)
#define BLOCKS (emulator::place.blocks)

template <class T> T *dynamic_shared() { return static_cast<T *>(emulator::dynamic_shared()); }

inline void block_barrier() { emulator::barrier(); }
inline uint32_t atomic_add(uint32_t *at, uint32_t value) {
    uint32_t before = *at;
    *at = before + value;
    return before;
}

#endif

// Instructions that read or set the carry flag. Chains of them stand together, as nothing in between keeps the flag.
//
//   add_cc      a + b, sets the carry             madc_lo_cc   low(a b) + c + carry, sets the carry
//   addc_cc     a + b + carry, sets it            madc_hi_cc   high(a b) + c + carry, sets it
//   addc        a + b + carry                     and so on; sub_cc and its kin keep a borrow in the flag.
#ifdef __CUDACC__

#define TWO_OPERANDS(name, instruction)                                                                                  \
    DEVICE uint32_t name(uint32_t a, uint32_t b) {                                                                       \
        uint32_t d;                                                                                                      \
        asm volatile(instruction ".u32 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));                                         \
        return d;                                                                                                        \
    }
#define THREE_OPERANDS(name, instruction)                                                                                \
    DEVICE uint32_t name(uint32_t a, uint32_t b, uint32_t c) {                                                           \
        uint32_t d;                                                                                                      \
        asm volatile(instruction ".u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));                             \
        return d;                                                                                                        \
    }

TWO_OPERANDS(add_cc, "add.cc")
TWO_OPERANDS(addc_cc, "addc.cc")
TWO_OPERANDS(addc, "addc")
TWO_OPERANDS(sub_cc, "sub.cc")
TWO_OPERANDS(subc_cc, "subc.cc")
TWO_OPERANDS(subc, "subc")
THREE_OPERANDS(mad_lo_cc, "mad.lo.cc")
THREE_OPERANDS(madc_lo_cc, "madc.lo.cc")
THREE_OPERANDS(mad_hi_cc, "mad.hi.cc")
THREE_OPERANDS(madc_hi_cc, "madc.hi.cc")
THREE_OPERANDS(madc_hi, "madc.hi")
DEVICE uint32_t mul_lo(uint32_t a, uint32_t b) { return a * b; }
DEVICE uint32_t mul_hi(uint32_t a, uint32_t b) { return __umulhi(a, b); }

#undef TWO_OPERANDS
#undef THREE_OPERANDS

#else

inline uint32_t carry_flag = 0;

inline uint32_t with_carry(uint64_t sum) {
    carry_flag = static_cast<uint32_t>(sum >> 32);
    return static_cast<uint32_t>(sum);
}
// A difference that went below zero has ones above.
inline uint32_t with_borrow(uint64_t difference) {
    carry_flag = static_cast<uint32_t>(difference >> 63);
    return static_cast<uint32_t>(difference);
}
inline uint32_t mul_lo(uint32_t a, uint32_t b) { return a * b; }
inline uint32_t mul_hi(uint32_t a, uint32_t b) { return static_cast<uint32_t>((uint64_t{a} * b) >> 32); }
inline uint32_t add_cc(uint32_t a, uint32_t b) { return with_carry(uint64_t{a} + b); }
inline uint32_t addc_cc(uint32_t a, uint32_t b) { return with_carry(uint64_t{a} + b + carry_flag); }
inline uint32_t addc(uint32_t a, uint32_t b) { return a + b + carry_flag; }
inline uint32_t sub_cc(uint32_t a, uint32_t b) { return with_borrow(uint64_t{a} - b); }
inline uint32_t subc_cc(uint32_t a, uint32_t b) { return with_borrow(uint64_t{a} - b - carry_flag); }
inline uint32_t subc(uint32_t a, uint32_t b) { return a - b - carry_flag; }
inline uint32_t mad_lo_cc(uint32_t a, uint32_t b, uint32_t c) { return with_carry(uint64_t{mul_lo(a, b)} + c); }
inline uint32_t madc_lo_cc(uint32_t a, uint32_t b, uint32_t c) {
    return with_carry(uint64_t{mul_lo(a, b)} + c + carry_flag);
}
inline uint32_t mad_hi_cc(uint32_t a, uint32_t b, uint32_t c) { return with_carry(uint64_t{mul_hi(a, b)} + c); }
inline uint32_t madc_hi_cc(uint32_t a, uint32_t b, uint32_t c) {
    return with_carry(uint64_t{mul_hi(a, b)} + c + carry_flag);
}
inline uint32_t madc_hi(uint32_t a, uint32_t b, uint32_t c) { return mul_hi(a, b) + c + carry_flag; }

#endif
