/* The mirror of libicicle_device: devices, memory, and the state that tests read and set. */
#include "mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { char type[64]; int id; } device;

/* Addresses of the device are no addresses of the host: to follow one there is a fault. */
#define DEVICE_BIT ((uintptr_t)1 << 60)

static struct {
    int calls[CALLS];
    int failures[CALLS];
    int spoils;
    int twists;
    bool gpu;
    long live;
} state;
static _Thread_local bool chosen;

static bool registered(const char *type) {
    return strcmp(type, "CPU") == 0 || (state.gpu && strcmp(type, "CUDA") == 0);
}

/* For the tests. */
void mirror_fail(int call, int code) { state.failures[call] = code; }
void mirror_spoil(int spoils) { state.spoils = spoils; }
void mirror_twist(int twists) { state.twists = twists; }
int mirror_calls(int call) { return __atomic_load_n(&state.calls[call], __ATOMIC_SEQ_CST); }
long mirror_live(void) { return __atomic_load_n(&state.live, __ATOMIC_SEQ_CST); }

int mirror_enter(enum call call) {
    __atomic_add_fetch(&state.calls[call], 1, __ATOMIC_SEQ_CST);
    if (state.failures[call]) return state.failures[call];
    if (call != SET_DEVICE && call != LOAD_BACKEND && call != FREE && !chosen) return INVALID_DEVICE;
    return SUCCESS;
}

bool mirror_spoils(void) { return state.spoils; }
bool mirror_twists(void) { return state.twists; }

void *mirror_on_device(const void *address) {
    uintptr_t bits = (uintptr_t)address;
    return bits & DEVICE_BIT ? (void *)(bits & ~DEVICE_BIT) : NULL;
}

/* The backend of the kind CUDA is "loaded" from a folder. */
int icicle_load_backend(const char *path, bool recursive) {
    int failure = mirror_enter(LOAD_BACKEND);
    if (failure) return failure;
    if (!path || !recursive) return INVALID_ARGUMENT;
    state.gpu = true;
    return SUCCESS;
}

int icicle_load_backend_from_env_or_default(void) {
    int failure = mirror_enter(LOAD_BACKEND);
    return failure ? failure : BACKEND_LOAD_FAILED;
}

int icicle_is_device_available(const device *wanted) { return registered(wanted->type) ? SUCCESS : INVALID_DEVICE; }

int icicle_get_registered_devices(char *output, size_t size) {
    int length = snprintf(output, size, state.gpu ? "CPU,CUDA" : "CPU");
    return (size_t)length < size ? SUCCESS : OUT_OF_MEMORY;
}

int icicle_get_device_count(int *count) {
    *count = 2;
    return SUCCESS;
}

int icicle_set_device(const device *wanted) {
    int failure = mirror_enter(SET_DEVICE);
    if (failure) return failure;
    /* The real one throws. */
    if (!registered(wanted->type)) abort();
    if (wanted->id < 0 || wanted->id > 1) return INVALID_DEVICE;
    chosen = true;
    return SUCCESS;
}

int icicle_malloc(void **address, size_t size) {
    int failure = mirror_enter(MALLOC);
    if (failure) return failure;
    void *memory = malloc(size);
    if (!memory) return OUT_OF_MEMORY;
    __atomic_add_fetch(&state.live, 1, __ATOMIC_SEQ_CST);
    *address = (void *)((uintptr_t)memory | DEVICE_BIT);
    return SUCCESS;
}

int icicle_free(void *address) {
    int failure = mirror_enter(FREE);
    if (failure) return failure;
    void *memory = mirror_on_device(address);
    if (!memory) return INVALID_POINTER;
    free(memory);
    __atomic_sub_fetch(&state.live, 1, __ATOMIC_SEQ_CST);
    return SUCCESS;
}

int icicle_copy_to_device(void *to, const void *from, size_t size) {
    int failure = mirror_enter(COPY);
    if (failure) return failure;
    void *memory = mirror_on_device(to);
    if (!memory || mirror_on_device(from)) return INVALID_POINTER;
    memcpy(memory, from, size);
    return SUCCESS;
}
