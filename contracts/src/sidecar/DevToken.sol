// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for development chains
/// @notice Whoever deploys it mints as it likes. Worth nothing, by design.
contract DevToken is ERC20 {
    /// @notice Mints; the deployer.
    address public immutable minter;

    /// @notice Only the minter mints.
    error NotMinter(address caller);

    constructor(string memory name, string memory symbol) ERC20(name, symbol) {
        minter = msg.sender;
    }

    /// @notice Makes tokens out of nothing.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotMinter(msg.sender);
        _mint(to, amount);
    }
}
