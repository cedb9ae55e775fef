//! The sequencer's process (docs/sidecar.md, section 9): has each block bid for, committed on L1, proven by whom it chose, rescued when
//! that one fails.
//!
//! [`core`] decides; everything else acts: [`driver`] runs it, [`l1`] reads and sends, [`market`] talks to coordinators, [`prover`] is
//! the own farm, [`store`] keeps what must not be lost, [`endpoint`] is for the sequencer. [`Sidecar`] puts them together from a
//! [`config::Config`].

pub mod blocks;
pub mod config;
pub mod core;
mod deeds;
pub mod driver;
pub mod endpoint;
mod error;
mod journal;
pub mod l1;
pub mod market;
pub mod metrics;
mod operations;
pub mod prover;
mod request_signer;
mod retention;
mod sidecar;
pub mod store;
mod watch;

pub use error::{ConfigError, StartError, StoreError};
pub use journal::StoreJournal;
pub use sidecar::{Sidecar, run, run_file, vrf_key};
