//! `proofyard-worker` as a process of the farm tests, which may be told to lie in one round. Test code only: the product's
//! worker has no such switch.

#[path = "../liar/mod.rs"]
mod liar;

use std::{path::PathBuf, sync::Arc};

use clap::Parser;
use proofyard_worker::{
    CpuKeys, Parts,
    bus::{
        BusOptions,
        nats::{NatsFarm, Role},
    },
    config::Config,
};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    config: PathBuf,
    #[arg(long)]
    lie_in_round: Option<u8>,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments = Arguments::parse();
    let config = Config::load(&arguments.config).expect("a configuration");
    tracing_subscriber::fmt().with_env_filter(config.log.filter.as_str()).with_writer(std::io::stderr).init();
    let id = config.worker_id().expect("a name");
    let name = config.farm().expect("a farm");
    let access = config.bus.access();
    let farm =
        NatsFarm::connect(&access, &name, id.as_str(), Role::Worker, BusOptions::default()).await.expect("a bus");
    let keys = Arc::new(CpuKeys::cpu(config.setup.dir.clone(), config.label().expect("a label")));
    let parts = Parts {
        bus: Arc::new(farm.worker(id.clone()).await.expect("an end of the bus")),
        blobs: Arc::new(farm.blobs()),
        provers: vec![liar::liar(keys, arguments.lie_in_round)],
        threads: config.threads(),
        limits: config.limits(),
        traces: Default::default(),
        metrics: Arc::default(),
        id,
    };
    let mut terminate = signal(SignalKind::terminate()).expect("a signal");
    let shutdown = async move {
        terminate.recv().await;
    };
    proofyard_worker::run(parts, shutdown).await.expect("a pool");
    std::process::exit(0);
}
