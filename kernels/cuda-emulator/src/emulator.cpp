#include "emulator.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <vector>

#include "kernels.cu"

namespace emulator {

Place place;

namespace {

constexpr size_t STACK_BYTES = 256 * 1024;

std::vector<Kernel> &kernels() {
    // Made on first use: registrations run before main, in any order.
    static std::vector<Kernel> all;
    return all;
}

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[STACK_BYTES]};
    bool finished;
};

std::vector<Fiber> fibers;
ucontext_t scheduler;
std::vector<uint64_t> shared;
const Kernel *running;
void *const *running_arguments;

void run_thread() {
    running->call(*running, running_arguments);
    fibers[place.thread].finished = true;
    // The link to the scheduler ends the fiber.
}

void begin(Fiber &fiber) {
    fiber.finished = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK_BYTES;
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, run_thread, 0);
}

// Runs all threads of a block from barrier to barrier, each time in another order, so that a missing barrier shows. False if
// threads leave while others wait.
bool run_block(uint32_t threads, uint64_t &order) {
    for (uint32_t i = 0; i < threads; i++) begin(fibers[i]);
    for (;;) {
        order = order * 6364136223846793005u + 1442695040888963407u;
        uint32_t start = static_cast<uint32_t>(order >> 33) % threads;
        bool backwards = order >> 63;
        uint32_t finished = 0;
        for (uint32_t i = 0; i < threads; i++) {
            uint32_t step = backwards ? threads - i : i;
            place.thread = (start + step) % threads;
            Fiber &fiber = fibers[place.thread];
            swapcontext(&scheduler, &fiber.context);
            finished += fiber.finished;
        }
        if (finished == threads) return true;
        if (finished != 0) return false;
    }
}

} // namespace

void enter(const Kernel &kernel) { kernels().push_back(kernel); }

const Kernel *find(const char *name) {
    for (const Kernel &kernel : kernels()) {
        if (std::strcmp(kernel.name, name) == 0) return &kernel;
    }
    return nullptr;
}

void barrier() {
    swapcontext(&fibers[place.thread].context, &scheduler);
}

void *dynamic_shared() { return shared.data(); }

} // namespace emulator

// What went wrong with a launch; 0 is nothing. Codes as in ../src/lib.rs.
enum Failure : int32_t { NONE, UNKNOWN_KERNEL, TOO_MANY_THREADS, WRONG_ARGUMENTS, LOST_AT_A_BARRIER };

extern "C" int32_t proofyard_emulator_launch(const char *name, uint32_t blocks, uint32_t threads, size_t shared_bytes,
                                             void *const *arguments, const size_t *sizes, size_t count,
                                             uint64_t order) {
    using namespace emulator;
    const Kernel *found = find(name);
    if (found == nullptr) return UNKNOWN_KERNEL;
    if (threads == 0 || threads > found->threads_max) return TOO_MANY_THREADS;
    if (count != found->arguments) return WRONG_ARGUMENTS;
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] != found->argument_sizes[i]) return WRONG_ARGUMENTS;
    }
    running = found;
    running_arguments = arguments;
    if (fibers.size() < threads) fibers.resize(threads);
    for (uint32_t block = 0; block < blocks; block++) {
        // A device's shared memory holds whatever was there before. Aligned to 16 bytes by the allocator.
        shared.assign(shared_bytes / sizeof(uint64_t) + 2, 0xa5a5a5a5a5a5a5a5u);
        place = {0, threads, block, blocks};
        if (!run_block(threads, order)) return LOST_AT_A_BARRIER;
    }
    return NONE;
}
