//! Signed requests: who sends one, that it is as it was sent, and that it is sent once.
//!
//! A signed request carries two headers: [`DATE_HEADER`], Unix milliseconds, and [`AUTH_HEADER`],
//! `<address> <nonce> <signature>`. The signature is EIP-191 (`personal_sign`) over [`signed_text`]: method, path and query,
//! date, nonce and the SHA-256 of the body as it is sent (so after compression).
//!
//! Nothing here reads a clock: `now` is passed in. [`Replay`] and [`RateLimit`] are what a server keeps between requests.

mod error;
mod rate;
mod replay;
mod stamp;

pub use error::AuthError;
pub use rate::{Rate, RateLimit};
pub use replay::{Replay, ReplayLimits};
pub use stamp::{Nonce, Stamp, signed_text};

/// Header with the time of sending, Unix milliseconds.
pub const DATE_HEADER: &str = "date-milliseconds";
/// Header with address, nonce and signature.
pub const AUTH_HEADER: &str = "proofyard-auth";
/// Header with the milliseconds that the caller waits.
pub const TIMEOUT_HEADER: &str = "x-timeout-ms";
/// Header with the code and reason of a quote that is not given.
pub const DECLINE_HEADER: &str = "proofyard-decline";

/// A request older or newer than this is refused, in milliseconds.
pub const WINDOW_MS: u64 = 30_000;
