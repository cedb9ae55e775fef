//! Compiles the kernels' sources for the host, under the launch emulator.

fn main() {
    let sources = "../cuda/src";
    println!("cargo::rerun-if-changed={sources}");
    println!("cargo::rerun-if-changed=src");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .file("src/emulator.cpp")
        .include("src")
        .include(sources)
        .flag_if_supported("-Wno-unused-function")
        .compile("proofyard_cuda_emulator");
}
