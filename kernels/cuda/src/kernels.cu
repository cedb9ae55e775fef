// All kernels: one translation unit, so that a fatbin holds them all.
#include "msm/bases.cu"
#include "msm/buckets.cu"
#include "msm/sort.cu"
#include "msm/weigh.cu"
#include "ntt.cu"
#include "polynomial.cu"
#include "product.cu"
#include "program.cu"
