// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Sequencers and their VRF keys
/// @notice docs/sidecar.md, section 6. Points of G2 are x.c1, x.c0, y.c1, y.c0.
interface ISequencerSet {
    event Registered(address indexed sequencer, uint256[4] publicKey, uint64 activeFrom);
    event Left(address indexed sequencer, uint64 activeUntil);

    error InvalidKey();
    error InvalidPossession();
    error AlreadyRegistered(address sequencer);
    error NotRegistered(address sequencer);

    /// @notice Registers the caller's key; it replaces nothing. Active after the activation delay.
    function register(uint256[4] calldata publicKey, uint256[2] calldata possession) external;

    /// @notice The caller leaves after the activation delay and may register anew then.
    function deregister() external;

    /// @notice True when the sequencer's key was active at `atBlock` and `vrfOutput` is its signature over `message`.
    function verify(address sequencer, uint64 atBlock, bytes calldata message, uint256[2] calldata vrfOutput)
        external
        view
        returns (bool);

    /// @notice What the key signs to show that its owner has it.
    function possessionMessage(address sequencer, uint256[4] calldata publicKey) external view returns (bytes memory);

    /// @notice A sequencer's last key: active from `activeFrom` to before `activeUntil`; both 0 when there never was one.
    function keyOf(address sequencer)
        external
        view
        returns (uint256[4] memory publicKey, uint64 activeFrom, uint64 activeUntil);
}
