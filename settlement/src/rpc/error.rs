//! What can go wrong between this process and L1.

use alloy::primitives::Bytes;
use thiserror::Error;

use super::health::Reason;

/// A question to L1 that got no usable answer. Endpoints are named by number and host: their URLs may hold keys.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RpcError {
    /// Nobody answers at the address.
    #[error("[PY-L-010] {endpoint}: {method}: no connection ({detail}); check that the node runs and is reachable")]
    Unreachable {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// The kind of failure.
        detail: String,
    },
    /// The answer took too long. What was asked may have been done nevertheless.
    #[error("[PY-L-011] {endpoint}: {method}: no answer in {millis} ms; the node is overloaded or hangs")]
    Timeout {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// How long it was waited for.
        millis: u64,
    },
    /// The HTTP status is no success.
    #[error("[PY-L-012] {endpoint}: {method}: HTTP status {status}; check key and quota of the endpoint")]
    Status {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// The status.
        status: u16,
    },
    /// The answer is not what the method gives.
    #[error("[PY-L-013] {endpoint}: {method}: unusable answer ({detail}); is this an Ethereum JSON-RPC endpoint?")]
    BadAnswer {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The answer is longer than allowed.
    #[error(
        "[PY-L-014] {endpoint}: {method}: the answer is longer than {cap} bytes; raise l1.answer_bytes_max or ask for less"
    )]
    TooLarge {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// Bytes allowed.
        cap: usize,
    },
    /// The node answers with an error.
    #[error("[PY-L-015] {endpoint}: {method}: error {code}: {message}")]
    Refused {
        /// Number and host.
        endpoint: String,
        /// What was asked.
        method: &'static str,
        /// The JSON-RPC code.
        code: i64,
        /// The node's words.
        message: String,
        /// Revert data, if it came with any.
        data: Option<Bytes>,
    },
    /// All endpoints are set aside for reasons that make their answers worthless.
    #[error("[PY-L-016] no usable L1 endpoint ({reasons}); configure more endpoints or repair these")]
    NoEndpoint {
        /// Each endpoint with its reason.
        reasons: String,
    },
    /// Endpoints contradict each other and nobody can say who is right.
    #[error("[PY-L-017] endpoints disagree about {what}; configure a third endpoint")]
    Disagreement {
        /// What was asked.
        what: String,
    },
}

impl RpcError {
    /// Whether this is the node's considered answer, which another honest node would give as well.
    pub fn is_answer(&self) -> bool {
        let Self::Refused { code, message, data, .. } = self else { return false };
        let message = message.to_ascii_lowercase();
        *code == 3 || data.is_some() || message.contains("revert") || message.contains("invalid opcode")
    }

    /// Whether the endpoint failed, rather than the question.
    pub(super) fn is_fault(&self) -> bool {
        match self {
            // What is wrong with a transaction or an unknown method is no fault of the node.
            Self::Refused { method, code, .. } => {
                !(self.is_answer() || *method == "eth_sendRawTransaction" || matches!(code, -32602 | -32601))
            }
            Self::NoEndpoint { .. } | Self::Disagreement { .. } => false,
            _ => true,
        }
    }

    /// Revert data, when the node says that a call reverted.
    pub fn revert_data(&self) -> Option<Bytes> {
        match self {
            Self::Refused { data, .. } if self.is_answer() => Some(data.clone().unwrap_or_default()),
            _ => None,
        }
    }
}

/// Why endpoints are set aside, for the message of [`RpcError::NoEndpoint`].
pub(super) fn reasons(of: impl Iterator<Item = (String, Option<Reason>)>) -> String {
    let each: Vec<_> = of
        .map(|(endpoint, reason)| match reason {
            Some(reason) => format!("{endpoint}: {reason}"),
            None => format!("{endpoint}: failed just now"),
        })
        .collect();
    each.join("; ")
}
