// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Block and submission rewards
/// @notice Pays from what it holds, and never more.
interface IRewardPool {
    event Paid(address indexed to, uint256 amount);

    error NotSidecar(address caller);

    function token() external view returns (address);
    function blockReward() external view returns (uint256);
    function submissionReward() external view returns (uint256);

    /// @notice Who may draw.
    function sidecar() external view returns (address);

    /// @notice Sends up to `amount` to the sidecar; what it sent. For the sidecar only.
    function draw(uint256 amount) external returns (uint256 sent);
}
