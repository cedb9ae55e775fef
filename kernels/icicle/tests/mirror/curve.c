/* The mirror of libicicle_curve_bn254: the MSM, by double-and-add over all terms at once. */
#include "mirror.h"

typedef struct { element x, y; } affine;
typedef struct { element x, y, z; } projective;

typedef struct {
    void *stream;
    int precompute_factor;
    int c;
    int bitsize;
    int batch_size;
    bool are_points_shared_in_batch;
    bool are_scalars_on_device;
    bool are_scalars_montgomery_form;
    bool are_points_on_device;
    bool are_points_montgomery_form;
    bool are_results_on_device;
    bool is_async;
    void *ext;
} msm_config;

/* The complete addition of Renes, Costello and Batina for y^2 = x^3 + 3, homogeneous coordinates. */
static projective plus(const projective *p, const projective *q) {
    const field *f = &FQ;
    element three = {{3}}, nine = {{9}}, a, b;
    three = from_standard(f, &three), nine = from_standard(f, &nine);
    element xx = mul(f, &p->x, &q->x), yy = mul(f, &p->y, &q->y), zz = mul(f, &p->z, &q->z);
#define CROSS(out, u, v, uu, vv)                                                    \
    element out;                                                                    \
    a = add(f, &p->u, &p->v), b = add(f, &q->u, &q->v), out = mul(f, &a, &b);       \
    out = sub(f, &out, &uu), out = sub(f, &out, &vv)
    CROSS(xy, x, y, xx, yy);
    CROSS(yz, y, z, yy, zz);
    CROSS(xz, x, z, xx, zz);
#undef CROSS
    element xx3 = mul(f, &three, &xx), zz9 = mul(f, &nine, &zz), xz9 = mul(f, &nine, &xz);
    element high = add(f, &yy, &zz9), low = sub(f, &yy, &zz9);
    projective sum;
    a = mul(f, &xy, &low), b = mul(f, &yz, &xz9), sum.x = sub(f, &a, &b);
    a = mul(f, &low, &high), b = mul(f, &xz9, &xx3), sum.y = add(f, &a, &b);
    a = mul(f, &high, &yz), b = mul(f, &xx3, &xy), sum.z = add(f, &a, &b);
    return sum;
}

int bn254_msm(const element *scalars, const affine *bases, int size, const msm_config *config, projective *result) {
    int failure = mirror_enter(MSM);
    if (failure) return failure;
    bool plain = !config->stream && config->precompute_factor == 1 && config->c == 0 && config->bitsize == 0 &&
                 config->batch_size == 1 && config->are_points_shared_in_batch && !config->are_scalars_on_device &&
                 config->are_scalars_montgomery_form && config->are_points_on_device &&
                 !config->are_points_montgomery_form && !config->are_results_on_device && !config->is_async &&
                 !config->ext;
    if (!plain || size < 1) return INVALID_ARGUMENT;
    const affine *points = mirror_on_device(bases);
    if (!points || mirror_on_device(scalars) || mirror_on_device(result)) return INVALID_POINTER;
    element zero = {{0}}, one = {{1}};
    one = from_standard(&FQ, &one);
    projective sum = {zero, one, zero};
    for (int bit = 253; bit >= 0; bit--) {
        sum = plus(&sum, &sum);
        for (int i = 0; i < size; i++) {
            if (!reduced(&FR, &scalars[i]) || !reduced(&FQ, &points[i].x) || !reduced(&FQ, &points[i].y))
                return INVALID_ARGUMENT;
            element scalar = to_standard(&FR, &scalars[i]);
            bool infinite = equal(&points[i].x, &zero) && equal(&points[i].y, &zero);
            if (infinite || !(scalar.limb[bit / 64] >> (bit % 64) & 1)) continue;
            projective term = {from_standard(&FQ, &points[i].x), from_standard(&FQ, &points[i].y), one};
            sum = plus(&sum, &term);
        }
    }
    if (mirror_twists()) sum.y = sub(&FQ, &zero, &sum.y);
    result->x = to_standard(&FQ, &sum.x);
    result->y = to_standard(&FQ, &sum.y);
    result->z = to_standard(&FQ, &sum.z);
    if (mirror_spoils()) result->x = result->y;
    return SUCCESS;
}

#ifdef MIRROR_V3
bool bn254_eq(const projective *p, const projective *q) {
#else
bool bn254_projective_eq(const projective *p, const projective *q) {
#endif
    element left = mul(&FQ, &p->x, &q->z), right = mul(&FQ, &q->x, &p->z);
    return equal(&left, &right);
}
