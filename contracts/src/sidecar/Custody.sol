// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IProverEscrow} from "./IProverEscrow.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";

/// @title Other people's money
/// @notice What comes in is counted by balance differences; what is owed is credited and drawn by its owner. Only drawing sends.
abstract contract Custody is IProvingSidecar, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Where `withdrawToEscrow` pays to.
    IProverEscrow public immutable escrow;

    /// @inheritdoc IProvingSidecar
    mapping(address token => uint256) public held;
    /// @inheritdoc IProvingSidecar
    mapping(address token => mapping(address account => uint256)) public withdrawable;

    constructor(IProverEscrow escrow_) {
        escrow = escrow_;
    }

    /// @inheritdoc IProvingSidecar
    function withdraw(address token) external nonReentrant returns (uint256 amount) {
        amount = _draw(token);
        if (token == address(0)) {
            Address.sendValue(payable(msg.sender), amount);
            return amount;
        }
        uint256 before = _balance(token);
        IERC20(token).safeTransfer(msg.sender, amount);
        _requireSent(token, before, amount);
    }

    /// @inheritdoc IProvingSidecar
    function withdrawToEscrow(address token) external nonReentrant returns (uint256 amount) {
        if (token == address(0)) revert TokenRefused(token);
        amount = _draw(token);
        uint256 before = _balance(token);
        IERC20(token).forceApprove(address(escrow), amount);
        escrow.depositFor(msg.sender, token, amount);
        _requireSent(token, before, amount);
    }

    /// Takes the sender's tokens, or the ETH that came with the call; all of it must arrive.
    function _collect(address token, uint256 amount) internal {
        if (msg.value != (token == address(0) ? amount : 0)) revert TokenRefused(token);
        if (token != address(0) && amount != 0) {
            uint256 before = _balance(token);
            IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
            if (_balance(token) != before + amount) revert TokenRefused(token);
        }
        held[token] += amount;
    }

    /// Counts tokens that were sent here earlier in this transaction.
    function _accept(address token, uint256 amount) internal {
        uint256 counted = held[token];
        if (_balance(token) < counted + amount) revert TokenRefused(token);
        held[token] = counted + amount;
    }

    /// Owes what is held already.
    function _credit(address token, address account, uint256 amount, uint64 height) internal {
        if (amount == 0) return;
        withdrawable[token][account] += amount;
        emit Credited(token, account, amount, height);
    }

    function _balance(address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(address(this));
    }

    /// What a token took on top would be somebody else's.
    function _requireSent(address token, uint256 before, uint256 amount) private view {
        if (_balance(token) + amount != before) revert TokenRefused(token);
    }

    function _draw(address token) private returns (uint256 amount) {
        amount = withdrawable[token][msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        withdrawable[token][msg.sender] = 0;
        held[token] -= amount;
        emit Withdrawn(token, msg.sender, amount);
    }
}
