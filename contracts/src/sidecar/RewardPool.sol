// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IRewardPool} from "./IRewardPool.sol";

/// @title Block and submission rewards of one sidecar
/// @notice Anyone fills it by a transfer of its token; only the sidecar draws.
contract RewardPool is IRewardPool {
    using SafeERC20 for IERC20;

    /// @inheritdoc IRewardPool
    address public immutable token;
    /// @inheritdoc IRewardPool
    uint256 public immutable blockReward;
    /// @inheritdoc IRewardPool
    uint256 public immutable submissionReward;
    /// @inheritdoc IRewardPool
    address public immutable sidecar;

    /// @param sidecar_ may be an address where the sidecar is deployed later; the sidecar checks it
    constructor(address token_, uint256 blockReward_, uint256 submissionReward_, address sidecar_) {
        (token, blockReward, submissionReward, sidecar) = (token_, blockReward_, submissionReward_, sidecar_);
    }

    /// @inheritdoc IRewardPool
    function draw(uint256 amount) external returns (uint256 sent) {
        if (msg.sender != sidecar) revert NotSidecar(msg.sender);
        sent = Math.min(amount, IERC20(token).balanceOf(address(this)));
        emit Paid(sidecar, sent);
        IERC20(token).safeTransfer(sidecar, sent);
    }
}
