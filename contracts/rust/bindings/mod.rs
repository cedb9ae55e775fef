//! Typed calls, events, errors and signed messages of the sidecar's contracts (docs/sidecar.md).
//!
//! The types are made from the Solidity interfaces in `contracts/src/sidecar` when the crate is built, so the two cannot
//! drift: `IProvingSidecar::proposeCall`, `IProvingSidecar::Revealed`, `IProverEscrow::Quote` and so on. A call is encoded
//! with `SolCall::abi_encode`, an event decoded with `SolEvent::decode_log`, a revert's reason with
//! `IProvingSidecarErrors::abi_decode`.

mod commitment;
pub mod creation;
mod signing;

pub use commitment::{block_commitment, possession_message, vrf_message};
pub use interfaces::*;
pub use signing::{domain, quote_digest, receipt_digest};

// What the macro makes carries the interfaces' comments where there are any.
#[allow(missing_docs, clippy::all)]
mod interfaces {
    include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));

    alloy::sol! {
        #![sol(all_derives)]

        interface IERC20 {
            event Transfer(address indexed from, address indexed to, uint256 value);
            event Approval(address indexed owner, address indexed spender, uint256 value);

            function balanceOf(address account) external view returns (uint256);
            function allowance(address owner, address spender) external view returns (uint256);
            function approve(address spender, uint256 value) external returns (bool);
            function transfer(address to, uint256 value) external returns (bool);
        }

        /// The development token; only who deployed it mints.
        interface IDevToken {
            function mint(address to, uint256 amount) external;
        }
    }
}
