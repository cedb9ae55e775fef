// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingStrategy} from "./IProvingStrategy.sol";
import {MAX_SHARES} from "./Records.sol";

/// @title Anyone proves, and those who do share
contract MultiproofStrategy is IProvingStrategy {
    /// @notice No share window, or a number of provers that the sidecar cannot pay.
    error InvalidShares();

    /// @inheritdoc IProvingStrategy
    bool public constant isBonded = false;
    /// @inheritdoc IProvingStrategy
    uint64 public immutable shareBlocks;
    /// @inheritdoc IProvingStrategy
    uint32 public immutable maxProvers;

    constructor(uint64 shareBlocks_, uint32 maxProvers_) {
        if (shareBlocks_ == 0 || shareBlocks_ > type(uint32).max || maxProvers_ == 0 || maxProvers_ > MAX_SHARES) {
            revert InvalidShares();
        }
        (shareBlocks, maxProvers) = (shareBlocks_, maxProvers_);
    }

    /// @inheritdoc IProvingStrategy
    function payee(address, address beneficiary, bool) external pure returns (address prover, bool rescued) {
        return (beneficiary, false);
    }
}
