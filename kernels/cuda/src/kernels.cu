// All kernels: one translation unit, so that a fatbin holds them all.
#include "ntt.cu"
#include "polynomial.cu"
#include "product.cu"
#include "program.cu"
