/* What the three libraries of the mirror share. The device library keeps the state; the others call it. */
#ifndef MIRROR_H
#define MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUCCESS = 0, INVALID_DEVICE = 1, OUT_OF_MEMORY = 2, INVALID_POINTER = 3, INVALID_ARGUMENT = 11, BACKEND_LOAD_FAILED = 12 };

/* The calls that are counted and can be made to fail. */
enum call { SET_DEVICE, MALLOC, COPY, FREE, MSM, INIT_DOMAIN, RELEASE_DOMAIN, NTT, LOAD_BACKEND, CALLS };

/* Counts a call; the code to return instead of doing it, or 0. Fails on a thread that has chosen no device. */
int mirror_enter(enum call call);
/* The host's address of an address of the device; null if it is none. */
void *mirror_on_device(const void *address);
/* Whether answers are to be malformed; whether sums are to be negated. */
bool mirror_spoils(void);
bool mirror_twists(void);

typedef struct { uint64_t limb[4]; } element;

/* Arithmetic modulo the modulus `m`, in Montgomery form where not said otherwise. */
typedef struct { element m; uint64_t inverse; element r2; } field;
extern const field FR, FQ;

element mul(const field *f, const element *a, const element *b);
element add(const field *f, const element *a, const element *b);
element sub(const field *f, const element *a, const element *b);
element invert(const field *f, const element *a);
element from_standard(const field *f, const element *a);
element to_standard(const field *f, const element *a);
bool reduced(const field *f, const element *a);
bool equal(const element *a, const element *b);

#endif
