// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title How proving is bought
/// @notice The bonded strategy is the proposal's: one committed prover a group, slashed when it fails. The multiproof strategy
/// lets anyone prove and splits the reward. A strategy holds no money; the sidecar asks and pays.
interface IProvingStrategy {
    /// @notice Whether a height needs commitments and deposits.
    function isBonded() external view returns (bool);

    /// @notice Blocks after a group's first proof in which more provers may claim a share; 0 when bonded.
    function shareBlocks() external view returns (uint64);

    /// @notice Most provers that share a group; 1 when bonded.
    function maxProvers() external view returns (uint32);

    /// @notice Who is paid for a proven group when `beneficiary` proved it: the committed prover, or in the rescue the beneficiary.
    function payee(address committed, address beneficiary, bool inRescue)
        external
        pure
        returns (address prover, bool rescued);
}
