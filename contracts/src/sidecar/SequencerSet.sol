// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlsVrf} from "./BlsVrf.sol";
import {ISequencerSet} from "./ISequencerSet.sol";

/// @title Sequencers and their VRF keys
/// @notice docs/sidecar.md, section 6. Open to everyone; a key works after a delay, so that it cannot be chosen for a randomness
/// that is known already.
contract SequencerSet is ISequencerSet {
    struct Entry {
        uint256[4] publicKey;
        uint64 activeFrom;
        uint64 activeUntil;
    }

    /// @notice Blocks from a registration to the first in which the key is active, and from leaving to the first in which it is not.
    uint64 public immutable activationBlocks;

    mapping(address sequencer => Entry) private entries;

    constructor(uint64 activationBlocks_) {
        activationBlocks = activationBlocks_;
    }

    /// @inheritdoc ISequencerSet
    function register(uint256[4] calldata publicKey, uint256[2] calldata possession) external {
        uint64 until = entries[msg.sender].activeUntil;
        if (until > block.number) revert AlreadyRegistered(msg.sender);
        (bool isKey, bool valid) =
            BlsVrf.check(publicKey, possessionMessage(msg.sender, publicKey), BlsVrf.POSSESSION_DST, possession);
        if (!isKey) revert InvalidKey();
        if (!valid) revert InvalidPossession();
        uint64 from = uint64(block.number) + activationBlocks;
        entries[msg.sender] = Entry(publicKey, from, type(uint64).max);
        emit Registered(msg.sender, publicKey, from);
    }

    /// @inheritdoc ISequencerSet
    function deregister() external {
        Entry storage entry = entries[msg.sender];
        if (entry.activeUntil != type(uint64).max) revert NotRegistered(msg.sender);
        uint64 until = uint64(block.number) + activationBlocks;
        entry.activeUntil = until;
        emit Left(msg.sender, until);
    }

    /// @inheritdoc ISequencerSet
    function verify(address sequencer, uint64 atBlock, bytes calldata message, uint256[2] calldata vrfOutput)
        external
        view
        returns (bool)
    {
        Entry storage entry = entries[sequencer];
        if (atBlock < entry.activeFrom || atBlock >= entry.activeUntil) return false;
        return BlsVrf.verify(entry.publicKey, message, BlsVrf.VRF_DST, vrfOutput);
    }

    /// @inheritdoc ISequencerSet
    function keyOf(address sequencer)
        external
        view
        returns (uint256[4] memory publicKey, uint64 activeFrom, uint64 activeUntil)
    {
        Entry storage entry = entries[sequencer];
        return (entry.publicKey, entry.activeFrom, entry.activeUntil);
    }

    /// @inheritdoc ISequencerSet
    function possessionMessage(address sequencer, uint256[4] memory publicKey) public view returns (bytes memory) {
        return abi.encode(block.chainid, address(this), sequencer, publicKey);
    }
}
