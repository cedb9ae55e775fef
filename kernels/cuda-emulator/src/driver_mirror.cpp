// The functions of the CUDA driver that the backend calls, over the launch emulator: a library of its own, which stands in for
// libcuda.so in a test. Signatures and codes are those of the CUDA driver API reference, version 13.
//
// As on a device, work on a stream happens later: here when somebody waits for it. Only what the reference promises to be
// read at once is read at once: arguments of a launch, and memory of the host that is not pinned.

#include "emulator.hpp"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

extern "C" int32_t proofyard_emulator_launch(const char *name, uint32_t blocks, uint32_t threads, size_t shared_bytes,
                                             void *const *arguments, const size_t *sizes, size_t count, uint64_t order);

namespace {

enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
};

constexpr size_t MEMORY_BYTES = size_t{64} << 20;
constexpr size_t SHARED_BYTES_FREE = 48 * 1024, SHARED_BYTES_MAX = 99 * 1024;
constexpr uint32_t FATBIN_MAGIC = 0xba55ed50;

struct Function {
    std::string name;
    const emulator::Kernel *kernel;
    size_t shared_bytes = SHARED_BYTES_FREE;
};

struct Stream {
    std::deque<std::function<void()>> work;
};

std::recursive_mutex everything;
// The one context of the one device.
int context;
thread_local int *current = nullptr;
std::set<Stream *> streams;
std::map<std::string, std::unique_ptr<Function>> functions;
std::map<char *, size_t> pinned;
std::map<void *, size_t> allocated;
size_t used = 0;
// A launch that failed makes every later wait fail.
Result failure = SUCCESS;
uint64_t launches = 0;

Result run(Stream *stream) {
    while (!stream->work.empty()) {
        std::function<void()> work = std::move(stream->work.front());
        stream->work.pop_front();
        work();
    }
    return failure;
}

bool is_pinned(const char *at) {
    auto after = pinned.upper_bound(const_cast<char *>(at));
    if (after == pinned.begin()) return false;
    auto [start, size] = *--after;
    return at < start + size;
}

} // namespace

#define DRIVER(name, ...) extern "C" int name(__VA_ARGS__)
#define IN_CONTEXT                                                                                                       \
    std::lock_guard<std::recursive_mutex> held(everything);                                                             \
    if (current == nullptr) return INVALID_CONTEXT

DRIVER(cuInit, unsigned flags) { return flags == 0 ? SUCCESS : INVALID_VALUE; }
DRIVER(cuDriverGetVersion, int *version) {
    *version = 13000;
    return SUCCESS;
}
DRIVER(cuDeviceGetCount, int *count) {
    *count = 1;
    return SUCCESS;
}
DRIVER(cuDeviceGet, int *device, int ordinal) {
    *device = ordinal;
    return ordinal == 0 ? SUCCESS : INVALID_DEVICE;
}
DRIVER(cuDeviceGetName, char *name, int bytes, int) {
    std::strncpy(name, "driver mirror", static_cast<size_t>(bytes));
    return SUCCESS;
}
DRIVER(cuDeviceTotalMem_v2, size_t *bytes, int) {
    *bytes = MEMORY_BYTES;
    return SUCCESS;
}
DRIVER(cuDeviceGetAttribute, int *value, int attribute, int) {
    switch (attribute) {
    case 16: *value = 2; break;                            // multiprocessors
    case 75: *value = 9; break;                            // compute capability
    case 76: *value = 0; break;
    case 97: *value = static_cast<int>(SHARED_BYTES_MAX); break;
    case 115: *value = 1; break;                           // memory pools
    default: return INVALID_VALUE;
    }
    return SUCCESS;
}
DRIVER(cuDevicePrimaryCtxRetain, void **found, int) {
    *found = &context;
    return SUCCESS;
}
DRIVER(cuDevicePrimaryCtxRelease_v2, int) { return SUCCESS; }
DRIVER(cuCtxGetCurrent, void **found) {
    *found = current;
    return SUCCESS;
}
DRIVER(cuCtxSetCurrent, void *wanted) {
    current = static_cast<int *>(wanted);
    return SUCCESS;
}
DRIVER(cuCtxSetFlags, unsigned) {
    IN_CONTEXT;
    return SUCCESS;
}
DRIVER(cuCtxSynchronize) {
    IN_CONTEXT;
    for (Stream *stream : streams) run(stream);
    return failure;
}
DRIVER(cuGetErrorName, int code, const char **text) {
    static const std::map<int, const char *> names = {
        {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},     {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
        {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},     {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
        {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},             {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
        {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
    };
    auto found = names.find(code);
    if (found == names.end()) return INVALID_VALUE;
    *text = found->second;
    return SUCCESS;
}
DRIVER(cuGetErrorString, int code, const char **text) { return cuGetErrorName(code, text); }

DRIVER(cuModuleLoadData, void **module, const void *image) {
    IN_CONTEXT;
    uint32_t magic;
    std::memcpy(&magic, image, sizeof magic);
    if (magic != FATBIN_MAGIC || reinterpret_cast<uintptr_t>(image) % 8 != 0) return INVALID_IMAGE;
    *module = &functions;
    return SUCCESS;
}
DRIVER(cuModuleUnload, void *) {
    IN_CONTEXT;
    return SUCCESS;
}
DRIVER(cuModuleGetFunction, void **function, void *, const char *name) {
    IN_CONTEXT;
    const emulator::Kernel *kernel = emulator::find(name);
    if (kernel == nullptr) return NOT_FOUND;
    auto &place = functions[name];
    if (!place) place.reset(new Function{name, kernel});
    *function = place.get();
    return SUCCESS;
}
DRIVER(cuFuncSetAttribute, void *function, int attribute, int value) {
    IN_CONTEXT;
    // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    if (attribute != 8 || static_cast<size_t>(value) > SHARED_BYTES_MAX) return INVALID_VALUE;
    static_cast<Function *>(function)->shared_bytes = static_cast<size_t>(value);
    return SUCCESS;
}

DRIVER(cuStreamCreate, void **stream, unsigned) {
    IN_CONTEXT;
    Stream *made = new Stream;
    streams.insert(made);
    *stream = made;
    return SUCCESS;
}
DRIVER(cuStreamDestroy_v2, void *stream) {
    IN_CONTEXT;
    run(static_cast<Stream *>(stream));
    streams.erase(static_cast<Stream *>(stream));
    delete static_cast<Stream *>(stream);
    return SUCCESS;
}
DRIVER(cuStreamSynchronize, void *stream) {
    IN_CONTEXT;
    return run(static_cast<Stream *>(stream));
}
DRIVER(cuEventCreate, void **event, unsigned) {
    IN_CONTEXT;
    *event = new Stream *(nullptr);
    return SUCCESS;
}
DRIVER(cuEventDestroy_v2, void *event) {
    IN_CONTEXT;
    delete static_cast<Stream **>(event);
    return SUCCESS;
}
DRIVER(cuEventRecord, void *event, void *stream) {
    IN_CONTEXT;
    *static_cast<Stream **>(event) = static_cast<Stream *>(stream);
    return SUCCESS;
}
DRIVER(cuEventSynchronize, void *event) {
    IN_CONTEXT;
    Stream *stream = *static_cast<Stream **>(event);
    return stream == nullptr ? SUCCESS : run(stream);
}

DRIVER(cuMemGetInfo_v2, size_t *available, size_t *total) {
    IN_CONTEXT;
    *available = MEMORY_BYTES - used;
    *total = MEMORY_BYTES;
    return SUCCESS;
}
DRIVER(cuMemAllocAsync, uint64_t *address, size_t bytes, void *) {
    IN_CONTEXT;
    if (used + bytes > MEMORY_BYTES) return OUT_OF_MEMORY;
    used += bytes;
    void *memory = std::malloc(bytes);
    std::memset(memory, 0xa5, bytes);
    allocated[memory] = bytes;
    *address = reinterpret_cast<uint64_t>(memory);
    return SUCCESS;
}
DRIVER(cuMemFreeAsync, uint64_t address, void *stream) {
    IN_CONTEXT;
    void *memory = reinterpret_cast<void *>(address);
    if (allocated.find(memory) == allocated.end()) return INVALID_VALUE;
    used -= allocated[memory];
    allocated.erase(memory);
    static_cast<Stream *>(stream)->work.push_back([memory] { std::free(memory); });
    return SUCCESS;
}
DRIVER(cuMemHostAlloc, void **memory, size_t bytes, unsigned) {
    IN_CONTEXT;
    *memory = std::malloc(bytes);
    pinned[static_cast<char *>(*memory)] = bytes;
    return SUCCESS;
}
DRIVER(cuMemFreeHost, void *memory) {
    IN_CONTEXT;
    if (pinned.erase(static_cast<char *>(memory)) == 0) return INVALID_VALUE;
    std::free(memory);
    return SUCCESS;
}
DRIVER(cuMemcpyHtoDAsync_v2, uint64_t to, const void *from, size_t bytes, void *stream) {
    IN_CONTEXT;
    const char *source = static_cast<const char *>(from);
    std::function<void()> copy;
    if (is_pinned(source)) {
        copy = [=] { std::memcpy(reinterpret_cast<void *>(to), source, bytes); };
    } else {
        copy = [to, staged = std::string(source, bytes)] {
            std::memcpy(reinterpret_cast<void *>(to), staged.data(), staged.size());
        };
    }
    static_cast<Stream *>(stream)->work.push_back(std::move(copy));
    return SUCCESS;
}
DRIVER(cuMemcpyDtoHAsync_v2, void *to, uint64_t from, size_t bytes, void *stream) {
    IN_CONTEXT;
    static_cast<Stream *>(stream)->work.push_back([=] { std::memcpy(to, reinterpret_cast<void *>(from), bytes); });
    return SUCCESS;
}

DRIVER(cuLaunchKernel, void *function, unsigned blocks, unsigned blocks_y, unsigned blocks_z, unsigned threads,
       unsigned threads_y, unsigned threads_z, unsigned shared_bytes, void *stream, void **arguments, void **extra) {
    IN_CONTEXT;
    Function *called = static_cast<Function *>(function);
    bool flat = blocks_y == 1 && blocks_z == 1 && threads_y == 1 && threads_z == 1;
    if (!flat || extra != nullptr || blocks == 0 || shared_bytes > called->shared_bytes) return INVALID_VALUE;
    // 16-byte aligned copies, as kernels may ask for.
    struct alignas(16) Value {
        char bytes[64];
    };
    auto values = std::make_shared<std::vector<Value>>(called->kernel->arguments);
    for (size_t i = 0; i < values->size(); i++) {
        size_t size = called->kernel->argument_sizes[i];
        if (size > sizeof(Value)) return INVALID_VALUE;
        std::memcpy((*values)[i].bytes, arguments[i], size);
    }
    static_cast<Stream *>(stream)->work.push_back([=] {
        std::vector<void *> pointers;
        for (Value &value : *values) pointers.push_back(value.bytes);
        int32_t failed = proofyard_emulator_launch(called->name.c_str(), blocks, threads, shared_bytes, pointers.data(),
                                                   called->kernel->argument_sizes, pointers.size(), ++launches);
        if (failed != 0) failure = LAUNCH_FAILED;
    });
    return SUCCESS;
}
