/* The mirror of libicicle_field_bn254: the fields and the transform, radix 2. */
#include "mirror.h"

#include <stdlib.h>

typedef unsigned __int128 wide;

const field FR = {
    {{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}},
    0xc2e1f593efffffff,
    {{0x1bb8e645ae216da7, 0x53fe3ab1e35c59e3, 0x8c49833d53bb8085, 0x0216d0b17f4e44a5}},
};
const field FQ = {
    {{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}},
    0x87d20782e4866389,
    {{0xf32cfc5b538afa89, 0xb5e71911d44501fb, 0x47ab1eff0a417ff6, 0x06d89f71cab8351f}},
};

static const element ONE = {{1, 0, 0, 0}};

bool equal(const element *a, const element *b) {
    uint64_t differ = 0;
    for (int i = 0; i < 4; i++) differ |= a->limb[i] ^ b->limb[i];
    return differ == 0;
}

/* a - b and whether it wrapped. */
static bool borrowing(const element *a, const element *b, element *out) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        wide difference = (wide)a->limb[i] - b->limb[i] - borrow;
        out->limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return borrow != 0;
}

bool reduced(const field *f, const element *a) {
    element unused;
    return borrowing(a, &f->m, &unused);
}

element add(const field *f, const element *a, const element *b) {
    element sum, less;
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        wide limbs = (wide)a->limb[i] + b->limb[i] + carry;
        sum.limb[i] = (uint64_t)limbs;
        carry = (uint64_t)(limbs >> 64);
    }
    return borrowing(&sum, &f->m, &less) ? sum : less;
}

element sub(const field *f, const element *a, const element *b) {
    element difference;
    if (borrowing(a, b, &difference)) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            wide limbs = (wide)difference.limb[i] + f->m.limb[i] + carry;
            difference.limb[i] = (uint64_t)limbs;
            carry = (uint64_t)(limbs >> 64);
        }
    }
    return difference;
}

element mul(const field *f, const element *a, const element *b) {
    uint64_t t[6] = {0};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            wide limbs = (wide)a->limb[j] * b->limb[i] + t[j] + carry;
            t[j] = (uint64_t)limbs;
            carry = (uint64_t)(limbs >> 64);
        }
        wide top = (wide)t[4] + carry;
        t[4] = (uint64_t)top;
        t[5] = (uint64_t)(top >> 64);
        uint64_t factor = t[0] * f->inverse;
        carry = (uint64_t)(((wide)factor * f->m.limb[0] + t[0]) >> 64);
        for (int j = 1; j < 4; j++) {
            wide limbs = (wide)factor * f->m.limb[j] + t[j] + carry;
            t[j - 1] = (uint64_t)limbs;
            carry = (uint64_t)(limbs >> 64);
        }
        top = (wide)t[4] + carry;
        t[3] = (uint64_t)top;
        t[4] = t[5] + (uint64_t)(top >> 64);
    }
    element product = {{t[0], t[1], t[2], t[3]}}, less;
    return borrowing(&product, &f->m, &less) ? product : less;
}

element from_standard(const field *f, const element *a) { return mul(f, a, &f->r2); }
element to_standard(const field *f, const element *a) { return mul(f, a, &ONE); }

/* Fermat. */
element invert(const field *f, const element *a) {
    element two = {{2, 0, 0, 0}}, exponent, power = from_standard(f, &ONE);
    borrowing(&f->m, &two, &exponent);
    for (int bit = 255; bit >= 0; bit--) {
        power = mul(f, &power, &power);
        if (exponent.limb[bit / 64] >> (bit % 64) & 1) power = mul(f, &power, a);
    }
    return power;
}

typedef struct { void *stream; bool is_async; void *ext; } init_config;

typedef struct {
    void *stream;
    element coset_gen;
    int batch_size;
    bool columns_batch;
    int ordering;
    bool are_inputs_on_device;
    bool are_outputs_on_device;
    bool is_async;
    void *ext;
} ntt_config;

/* The root's order's logarithm, 0 without a domain; the root in Montgomery form. */
static int domain_log2;
static element domain_root;

int bn254_ntt_init_domain(const element *root, const init_config *config) {
    int failure = mirror_enter(INIT_DOMAIN);
    if (failure) return failure;
    if (config->stream || config->is_async || config->ext || !reduced(&FR, root)) return INVALID_ARGUMENT;
    /* As the real one: a second initialisation changes nothing. */
    if (domain_log2) return SUCCESS;
    element one = from_standard(&FR, &ONE), power = domain_root = from_standard(&FR, root);
    int log2 = 0;
    while (!equal(&power, &one) && log2 < 28) power = mul(&FR, &power, &power), log2++;
    if (!equal(&power, &one) || log2 == 0) return INVALID_ARGUMENT;
    domain_log2 = log2;
    return SUCCESS;
}

int bn254_ntt_release_domain(void) {
    int failure = mirror_enter(RELEASE_DOMAIN);
    if (failure) return failure;
    domain_log2 = 0;
    return SUCCESS;
}

/* Multiplies entry i by factor^i and all by scale. */
static void spread(element *values, int size, element factor, element scale) {
    for (int i = 0; i < size; i++) {
        values[i] = mul(&FR, &values[i], &scale);
        scale = mul(&FR, &scale, &factor);
    }
}

static void transform(element *values, int size, element root) {
    for (int i = 1, j = 0; i < size; i++) {
        int bit = size >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            element swapped = values[i];
            values[i] = values[j];
            values[j] = swapped;
        }
    }
    for (int half = 1; half < size; half *= 2) {
        element step = root;
        for (int order = size; order > 2 * half; order /= 2) step = mul(&FR, &step, &step);
        for (int start = 0; start < size; start += 2 * half) {
            element twiddle = from_standard(&FR, &ONE);
            for (int i = start; i < start + half; i++) {
                element odd = mul(&FR, &values[i + half], &twiddle);
                values[i + half] = sub(&FR, &values[i], &odd);
                values[i] = add(&FR, &values[i], &odd);
                twiddle = mul(&FR, &twiddle, &step);
            }
        }
    }
}

int bn254_ntt(const element *input, int size, int direction, const ntt_config *config, element *output) {
    int failure = mirror_enter(NTT);
    if (failure) return failure;
    bool plain = !config->stream && config->batch_size == 1 && !config->columns_batch && config->ordering == 0 &&
                 !config->are_inputs_on_device && !config->are_outputs_on_device && !config->is_async && !config->ext;
    if (!plain || direction < 0 || direction > 1) return INVALID_ARGUMENT;
    if (mirror_on_device(input) || mirror_on_device(output)) return INVALID_POINTER;
    if (size < 2 || (size & (size - 1)) || !domain_log2 || size > 1 << domain_log2) return INVALID_ARGUMENT;
    element zero = {{0}};
    if (!reduced(&FR, &config->coset_gen) || equal(&config->coset_gen, &zero)) return INVALID_ARGUMENT;
    for (int i = 0; i < size; i++) {
        if (!reduced(&FR, &input[i])) return INVALID_ARGUMENT;
        output[i] = from_standard(&FR, &input[i]);
    }
    element one = from_standard(&FR, &ONE), coset = from_standard(&FR, &config->coset_gen), root = domain_root;
    for (int order = 1 << domain_log2; order > size; order /= 2) root = mul(&FR, &root, &root);
    if (direction == 0) {
        spread(output, size, coset, one);
        transform(output, size, root);
    } else {
        element count = {{(uint64_t)size}};
        count = from_standard(&FR, &count);
        transform(output, size, invert(&FR, &root));
        spread(output, size, invert(&FR, &coset), invert(&FR, &count));
    }
    for (int i = 0; i < size; i++) output[i] = to_standard(&FR, &output[i]);
    if (mirror_spoils()) output[size - 1] = FR.m;
    return SUCCESS;
}
