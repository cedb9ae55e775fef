//! The contracts of docs/sidecar.md as typed calls and events.

pub mod calls;
mod deploy;
mod deployment;
pub mod events;
mod reads;
pub mod reasons;

pub use deploy::{DeployError, DeployPlan, VerifyingKey, deploy};
pub use deployment::{Class, Deployment};
pub use reads::{ClientError, Next, SidecarClient};
