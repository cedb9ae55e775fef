//! What every process of Proofyard says about itself, configured the same way everywhere: logs and traces.

mod collector;
mod logs;
mod traces;

pub use logs::{LogConfig, LogError, LogFormat, start_logs};
pub use traces::{Kind, Span, SpanId, TraceId, Traces, TracesConfig, TracesError};
