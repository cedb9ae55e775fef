// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingStrategy} from "./IProvingStrategy.sol";

/// @title One committed prover a group, with a deposit at stake
contract BondedStrategy is IProvingStrategy {
    /// @inheritdoc IProvingStrategy
    bool public constant isBonded = true;
    /// @inheritdoc IProvingStrategy
    uint64 public constant shareBlocks = 0;
    /// @inheritdoc IProvingStrategy
    uint32 public constant maxProvers = 1;

    /// @inheritdoc IProvingStrategy
    /// @dev A proof that names nobody is the committed prover's even in the rescue: anyone may have copied it.
    function payee(address committed, address beneficiary, bool inRescue)
        external
        pure
        returns (address prover, bool rescued)
    {
        rescued = inRescue && beneficiary != address(0) && beneficiary != committed;
        prover = rescued ? beneficiary : committed;
    }
}
