//! A worker's sign of life.

use serde::{Deserialize, Serialize};

use crate::capped;
use crate::ids::{JobId, SessionId, WorkerId};
use crate::messages::{JOBS_LISTED_MAX, SESSIONS_LISTED_MAX};

/// Most bytes of a device's name.
pub const DEVICE_NAME_BYTES_MAX: usize = 64;

/// A worker's state, sent twice a second and on every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Who reports.
    pub worker: WorkerId,
    /// Drawn at the process's start: a new value under an old name means that sessions and jobs are gone.
    pub instance: u64,
    /// Counts up from 0 in each process: an older report that arrives late is recognised.
    pub sequence: u64,
    /// Sessions held.
    #[serde(serialize_with = "capped::write_list::<SESSIONS_LISTED_MAX, _, _>")]
    #[serde(deserialize_with = "capped::read_list::<SESSIONS_LISTED_MAX, _, _>")]
    pub sessions: Vec<SessionId>,
    /// Most sessions kept at a time.
    pub sessions_max: u32,
    /// Most jobs worked on at a time.
    pub capacity: u32,
    /// Jobs being worked on or waiting in the worker.
    #[serde(serialize_with = "capped::write_list::<JOBS_LISTED_MAX, _, _>")]
    #[serde(deserialize_with = "capped::read_list::<JOBS_LISTED_MAX, _, _>")]
    pub running: Vec<JobId>,
    /// The worker takes no new jobs: it is about to leave.
    pub draining: bool,
    /// The proving device, such as `cpu`; longer names are cut by [`Heartbeat::device_name`].
    #[serde(serialize_with = "capped::write_text::<DEVICE_NAME_BYTES_MAX, _>")]
    #[serde(deserialize_with = "capped::read_text::<DEVICE_NAME_BYTES_MAX, _>")]
    pub device: String,
    /// Figures of the machine and the process.
    pub system: SystemFigures,
}

impl Heartbeat {
    /// A device's name cut to its cap.
    pub fn device_name(name: &str) -> String {
        capped::prefix(name, DEVICE_NAME_BYTES_MAX).to_owned()
    }
}

/// Figures of the machine and of the worker's process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemFigures {
    /// Use of all CPUs of the machine, in thousandths (1000 = all busy).
    pub cpu_permille: u32,
    /// Memory of the machine in use, in bytes.
    pub memory_used_bytes: u64,
    /// Memory of the machine, in bytes.
    pub memory_total_bytes: u64,
    /// Resident memory of the process, in bytes.
    pub process_rss_bytes: u64,
    /// Peak resident memory of the process, in bytes.
    pub peak_rss_bytes: u64,
}
