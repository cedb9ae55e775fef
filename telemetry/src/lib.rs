//! What every process of Proofyard says about itself, configured the same way everywhere: logs, traces, and behind the operations
//! listener metrics and health. [`http`] serves that, and every other endpoint.

pub mod http;
pub mod metrics;
pub mod operations;

mod collector;
mod logs;
mod traces;

pub use logs::{LogConfig, LogError, LogFormat, start_logs};
pub use traces::{Kind, Span, SpanId, TraceId, Traces, TracesConfig, TracesError};
