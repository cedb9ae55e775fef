//! The L1 client against real anvils, honest and lying; its pure cores at random. One binary: what they link is large.

mod configuration;
mod journal;
mod node;
mod proxy;
mod rpc;
mod sidecar;
mod signer;
mod transaction_core;
mod transactions;
mod watcher;
