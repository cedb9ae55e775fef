//! L1 for the sidecar: views for the core, transactions for its acts.

mod acts;
mod convert;
mod reader;
mod sender;

pub use acts::{Acts, Refusal};
pub use convert::{address, amount, bytes, header, link, quote, word};
pub use reader::{Ends, Reader};
pub use sender::{Sender, landings};
