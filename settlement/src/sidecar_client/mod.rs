//! The contracts of docs/sidecar.md as typed calls and events.

pub mod calls;
mod deploy;
mod deployment;
mod errands;
pub mod events;
mod reads;
pub mod reasons;

pub use deploy::{DeployPlan, VerifyingKey, deploy};
pub use deployment::{Class, Deployment};
pub use errands::{ErrandError, Errands};
pub use reads::{ClientError, Next, SidecarClient};
