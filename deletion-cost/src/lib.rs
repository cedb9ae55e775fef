//! Tells Kubernetes which workers it may take away first, when it takes some away.
//!
//! A ReplicaSet that shrinks deletes the pods with the lowest `controller.kubernetes.io/pod-deletion-cost` first. This process asks the
//! coordinator what its workers do and writes that into the annotation of their pods: it is the only one of Proofyard's that needs
//! a service account, it may do nothing but list and patch pods of its namespace, and it holds no key.
//!
//! [`costs`] decides; [`cluster`] reads and writes pods; [`config`] is the file that `proofyard-deletion-cost` reads;
//! [`operations`] shows whether it works.

pub mod cluster;
pub mod config;
pub mod costs;
pub mod operations;
mod run;

pub use run::{RunError, serve};
