// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Calls back in the middle of its next transfer, as the account that it is: it can deposit, propose, prove like any other.
contract ReentrantToken is ERC20("Reentrant", "REE") {
    address private target;
    bytes private data;

    /// How often it called back, whether the last call went through, and what it returned or reverted with.
    uint256 public calls;
    bool public succeeded;
    bytes public answer;

    receive() external payable {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// Sets the call of the next transfer; it is made once.
    function arm(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    /// Acts as this contract, outside of a transfer.
    function run(address target_, uint256 value, bytes calldata data_) external payable returns (bytes memory result) {
        bool good;
        (good, result) = target_.call{value: value}(data_);
        if (!good) {
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        address callee = target;
        if (callee == address(0) || from == address(0)) return;
        target = address(0);
        ++calls;
        (succeeded, answer) = callee.call(data);
    }
}
