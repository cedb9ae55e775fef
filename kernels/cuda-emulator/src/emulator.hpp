// The launch emulator: runs a kernel's blocks one after the other, the threads of a block as fibers that change at barriers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace emulator {

// Where the running thread is in its launch.
struct Place {
    uint32_t thread, threads, block, blocks;
};
extern Place place;

// All threads of the block wait for each other.
void barrier();
// The memory of the block that the launch asked for.
void *dynamic_shared();

// A kernel that can be launched by name.
struct Kernel {
    const char *name;
    uint32_t threads_max;
    const size_t *argument_sizes;
    size_t arguments;
    void (*call)(const Kernel &kernel, void *const *arguments);
    // The function itself, of the type that `call` knows.
    void (*function)();
};

void enter(const Kernel &kernel);
// The kernel of this name, or null.
const Kernel *find(const char *name);

struct Registration {
    template <class... A> Registration(const char *name, uint32_t threads_max, void (*function)(A...)) {
        static const size_t sizes[] = {sizeof(A)...};
        enter({name, threads_max, sizes, sizeof...(A), call<A...>, reinterpret_cast<void (*)()>(function)});
    }

  private:
    template <class... A> static void call(const Kernel &kernel, void *const *arguments) {
        spread<A...>(reinterpret_cast<void (*)(A...)>(kernel.function), arguments, std::index_sequence_for<A...>());
    }
    template <class... A, size_t... I>
    static void spread(void (*function)(A...), void *const *arguments, std::index_sequence<I...>) {
        function(*static_cast<A *>(arguments[I])...);
    }
};

} // namespace emulator
