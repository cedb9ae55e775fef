//! A worker process with `kind = "cuda"` over a real NATS server, on a library that stands in for the driver's: the root proof
//! has the bytes of a worker on the processor.

mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    fs,
    path::Path,
    process::{Child, Command},
};

use common::{last_line, proofyard, setup_dir, text};

/// A process that ends with the test.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn prove(block: &Path, proof: &Path, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["--json", "prove", text(block), "--out", text(proof), "--rows-log2", "12"];
    let dir = setup_dir();
    arguments.extend(["--subtrees", "2", "--dir", text(&dir)]);
    arguments.extend(more);
    assert_eq!(last_line(&proofyard(&arguments))["verified"], true);
    fs::read(proof).expect("a proof")
}

#[test]
fn a_worker_with_a_gpu_gives_the_bytes_of_the_processor() {
    let folder = tempfile::tempdir().expect("a folder");
    let block = folder.path().join("block.bin");
    assert!(proofyard(&["block", "generate", "--transfers", "2", "--out", text(&block)]).status.success());
    let expected = prove(&block, &folder.path().join("cpu.proof"), &[]);

    let server = nats::NatsServer::start();
    let config = folder.path().join("worker.toml");
    let dir = setup_dir();
    let setting = format!(
        "[device]\nkind = \"cuda\"\n[bus]\nurl = {:?}\nfarm = \"gpu\"\n[setup]\ndir = {:?}\n",
        server.url(),
        text(&dir)
    );
    fs::write(&config, setting).expect("written");
    let mut worker = Command::new(env!("CARGO_BIN_EXE_proofyard"));
    worker.args(["worker", "--config", text(&config)]);
    let _worker =
        Worker(worker.env("LD_LIBRARY_PATH", proofyard_kernels_cuda_emulator::DRIVER_MIRROR).spawn().expect("starts"));
    let over_nats = ["--workers", "0", "--bus", &server.url(), "--farm", "gpu"];
    assert!(prove(&block, &folder.path().join("gpu.proof"), &over_nats) == expected);
}
