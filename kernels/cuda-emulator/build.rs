//! Compiles the kernels' sources for the host, under the launch emulator: into this crate, and into a library that stands in
//! for the CUDA driver's.

use std::{env, error::Error, path::PathBuf, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    let sources = "../cuda/src";
    println!("cargo::rerun-if-changed={sources}");
    println!("cargo::rerun-if-changed=src");
    let compiler = || {
        let mut build = cc::Build::new();
        build.cpp(true).std("c++17").opt_level(2).pic(true).include("src").include(sources);
        build.flag_if_supported("-Wno-unused-function");
        build
    };
    let mut emulator = compiler();
    let objects = emulator.file("src/emulator.cpp").try_compile_intermediates()?;
    compiler().objects(&objects).try_compile("proofyard_cuda_emulator")?;

    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names a folder")?).join("driver-mirror");
    std::fs::create_dir_all(&folder)?;
    let mirror = compiler().file("src/driver_mirror.cpp").try_compile_intermediates()?;
    let mut link: Command = compiler().try_get_compiler()?.to_command();
    link.arg("-shared").arg("-o").arg(folder.join("libcuda.so")).args(&objects).args(&mirror);
    if !link.status()?.success() {
        return Err("linking the driver's mirror failed".into());
    }
    println!("cargo::rustc-env=PROOFYARD_DRIVER_MIRROR={}", folder.display());
    Ok(())
}
