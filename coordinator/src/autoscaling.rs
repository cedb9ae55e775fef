//! The section `[autoscaling]` of the configuration file.

use serde::{Deserialize, Serialize};

use crate::{error::ConfigError, market::Scaling};

/// How many workers the coordinator asks for, in the metric `proofyard_coordinator_workers_wanted`; it starts none itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoscalingConfig {
    /// At least so many, whatever is promised.
    pub workers_min: u32,
    /// At most so many.
    pub workers_max: u32,
    /// More than the promised work needs, in percent.
    pub headroom_percent: u32,
    /// From the wish for a worker to its first job.
    pub start_seconds: u64,
}

impl Default for AutoscalingConfig {
    fn default() -> Self {
        Self { workers_min: 4, workers_max: 64, headroom_percent: 25, start_seconds: 180 }
    }
}

impl AutoscalingConfig {
    /// Checks each value and how they relate.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key: &'static str, value: u64, expected: &str| {
            Err(ConfigError::Value { key, value: value.to_string(), expected: expected.to_owned() })
        };
        let Self { workers_min, workers_max, headroom_percent, start_seconds } = *self;
        if workers_min == 0 {
            return wrong("autoscaling.workers_min", 0, "at least 1: somebody must prove");
        }
        if workers_max < workers_min {
            return wrong("autoscaling.workers_max", workers_max.into(), "not below workers_min");
        }
        if headroom_percent > 1_000 {
            return wrong("autoscaling.headroom_percent", headroom_percent.into(), "at most 1000");
        }
        if start_seconds > 86_400 {
            return wrong("autoscaling.start_seconds", start_seconds, "at most 86400, a day");
        }
        Ok(())
    }

    /// The bounds as the market takes them.
    pub fn scaling(&self) -> Scaling {
        Scaling {
            floor: self.workers_min,
            most: self.workers_max,
            headroom_percent: self.headroom_percent,
            start_ms: self.start_seconds.saturating_mul(1_000),
        }
    }
}
