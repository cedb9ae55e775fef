//! The L1 client of coordinator and sequencer's sidecar.
//!
//! * [`rpc`]: several JSON-RPC endpoints, ranked by health; reads that decide about money are compared;
//! * [`watcher`]: follows the chain and says what was applied and what a reorg took back;
//! * [`transactions`]: sends transactions until they are final, from a journal that is written first;
//! * [`signer`]: keys, local or remote, and what is signed off chain;
//! * [`metrics`]: what all of them show;
//! * [`sidecar_client`]: typed calls and events of the contracts of docs/sidecar.md, and their deployment.
//!
//! Decisions are pure functions of state and event; clocks, network and disk are in thin adapters around them. See
//! docs/settlement.md.

pub mod chain;
pub mod config;
pub mod metrics;
pub mod rpc;
pub mod sidecar_client;
pub mod signer;
pub mod transactions;
pub mod watcher;

pub use alloy;
pub use proofyard_contracts as contracts;
