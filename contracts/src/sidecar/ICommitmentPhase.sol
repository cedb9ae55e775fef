// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProverEscrow} from "./IProverEscrow.sol";

/// @title The rules of the commitment phase, replaceable through the version registry
/// @notice docs/sidecar.md, section 4. The contract holds nothing: deposits go straight to the sidecar.
interface ICommitmentPhase {
    /// @notice The quote is for another height, proposal, group, token or sequencer.
    error QuoteMismatch();

    /// @notice The caller commits a group of its own proposal with its own deposit (by allowance to this contract).
    function commitOwn(uint64 height, uint32 proposal, uint32 group, address prover, uint256 deposit) external;

    /// @notice The caller publishes a prover's quote for a group of its own proposal; the escrow pays the deposit.
    function commitQuote(
        uint64 height,
        uint32 proposal,
        uint32 group,
        IProverEscrow.Quote calldata quote,
        bytes calldata signature
    ) external;
}
