// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {R} from "../Layout.sol";
import {Custody} from "./Custody.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {GroupRecord, HeightRecord, ProposalRecord} from "./Records.sol";

/// @title Heights, their times, and the chain of the open ones
/// @notice Each open height's parent is the open one before it, or the proven head: following parents from the newest open height
/// visits all of them, at most MAX_IN_FLIGHT.
abstract contract Heights is Custody {
    /// @notice Rules, size classes and allowed tokens.
    IVersionRegistry public immutable versions;

    uint256 private immutable GENESIS_ROOT;
    uint256 private immutable GENESIS_DATA_HASH;
    bytes32 private immutable GENESIS_RANDOMNESS;

    /// @inheritdoc IProvingSidecar
    uint64 public lastHeight;
    /// The newest open height; the head when none is open.
    uint64 internal _newest;
    /// The last proven height.
    uint64 internal _head;

    mapping(uint64 height => HeightRecord) internal _heights;
    mapping(uint64 height => mapping(uint32 proposal => ProposalRecord)) internal _proposals;
    mapping(uint64 height => mapping(uint32 proposal => mapping(uint32 group => Commitment))) internal _commitments;
    mapping(uint64 height => mapping(uint32 group => GroupRecord)) internal _groups;

    constructor(IVersionRegistry versions_, uint256 root, uint256 dataHash, bytes32 randomness) {
        if (root >= R || dataHash >= R) revert InvalidHeader(5);
        versions = versions_;
        (GENESIS_ROOT, GENESIS_DATA_HASH, GENESIS_RANDOMNESS) = (root, dataHash, randomness);
    }

    /// @inheritdoc IProvingSidecar
    function provenHead() external view returns (uint64 height, uint256[3] memory end) {
        height = _head;
        end = _endOf(height);
    }

    /// @inheritdoc IProvingSidecar
    function next()
        external
        view
        returns (bool open, uint64 height, uint64 parent, uint256[3] memory start, bytes32 randomness)
    {
        (open, parent, randomness) = _next();
        height = lastHeight + 1;
        if (open) start = _startAfter(parent);
    }

    /// @inheritdoc IProvingSidecar
    function schedule(uint64 height) external view returns (uint64[6] memory firstBlocks) {
        HeightRecord storage h = _heights[height];
        if (h.startBlock == 0) return firstBlocks;
        IVersionRegistry.Version memory v = versions.versionOf(h.version);
        firstBlocks[0] = h.startBlock;
        firstBlocks[1] = h.startBlock + v.proposalBlocks;
        firstBlocks[2] = firstBlocks[1] + v.revealBlocks;
        firstBlocks[3] = h.decidedFrom;
        firstBlocks[4] = h.closedFrom - v.submissionBlocks;
        firstBlocks[5] = h.closedFrom;
    }

    /// The phase by the height's own end, times and leader.
    function _phase(HeightRecord storage h, IVersionRegistry.Version memory v) internal view returns (Phase) {
        if (h.end != Phase.None) return h.end;
        if (h.startBlock == 0) return Phase.None;
        uint256 first = uint256(h.startBlock) + v.proposalBlocks;
        if (block.number < first) return Phase.Proposal;
        if (block.number < first + v.revealBlocks) return Phase.Reveal;
        if (block.number < h.decidedFrom) return Phase.Commitment;
        if (h.leader == 0) return Phase.Closed;
        if (block.number < h.closedFrom - v.submissionBlocks) return Phase.Proving;
        return block.number < h.closedFrom || _isComplete(h) ? Phase.Submission : Phase.Closed;
    }

    function _requirePhase(uint64 height, HeightRecord storage h, IVersionRegistry.Version memory v, Phase wanted)
        internal
        view
    {
        Phase phase = _phase(h, v);
        if (phase != wanted) revert WrongPhase(height, phase);
    }

    /// Rules of a height that exists.
    function _rules(uint64 height) internal view returns (HeightRecord storage h, IVersionRegistry.Version memory v) {
        h = _heights[height];
        if (h.startBlock == 0) revert WrongPhase(height, Phase.None);
        v = versions.versionOf(h.version);
    }

    /// All groups of the winner are proven.
    function _isComplete(HeightRecord storage h) internal view returns (bool) {
        uint256 groups = h.groups;
        return groups != 0 && h.groupsProven == groups;
    }

    /// The block in which an open height fails by itself, if that is this one or earlier; else 0. It fails without a winner when the
    /// commitment phase ends, with an unproven one when the window closes.
    function _failedAt(HeightRecord storage h) private view returns (uint64) {
        uint64 since = h.leader == 0 ? h.decidedFrom : h.closedFrom;
        return block.number >= since && !_isComplete(h) ? since : 0;
    }

    /// @return first the height that failed first, in blocks, and of several the oldest; 0: none
    /// @return since that block
    /// @return oldest the oldest that failed: it and all open heights after it will be closed
    function _failures() internal view returns (uint64 first, uint64 since, uint64 oldest) {
        uint64 head = _head;
        for (uint64 height = _newest; height != head; height = _heights[height].parent) {
            uint64 failed = _failedAt(_heights[height]);
            if (failed == 0) continue;
            oldest = height;
            if (first == 0 || failed <= since) (first, since) = (height, failed);
        }
    }

    /// Whether the next height may open, on what, and its randomness; as if all that failed were closed already.
    function _next() internal view returns (bool open, uint64 parent, bytes32 randomness) {
        (uint64 first, uint64 since, uint64 oldest) = _failures();
        uint64 last = lastHeight;
        parent = first == 0 ? _newest : _heights[oldest].parent;
        // When something failed the last height ends with it, as what it was in that block.
        randomness = _randomnessAfter(last, first == 0 || _heights[last].end != Phase.None ? block.number : since);
        uint64 head = _head;
        if (parent == head) return (true, parent, randomness);
        HeightRecord storage h = _heights[parent];
        if (block.number < h.decidedFrom) return (false, parent, randomness);
        IVersionRegistry.Version memory v = versions.versionOf(h.version);
        if (v.pipelined) {
            uint256 inFlight = 0;
            for (uint64 height = parent; height != head; height = _heights[height].parent) {
                ++inFlight;
            }
            open = inFlight < v.maxInFlight;
        }
    }

    /// What a height leaves for the next one's VRF when it stands as it did in block `since`.
    function _randomnessAfter(uint64 height, uint256 since) private view returns (bytes32) {
        if (height == 0) return GENESIS_RANDOMNESS;
        HeightRecord storage h = _heights[height];
        if (h.leader != 0 && since >= h.decidedFrom) return _proposals[height][h.leader - 1].vrfHash;
        return keccak256(abi.encode(h.randomness, height));
    }

    /// The baton after a height's winner.
    function _endOf(uint64 height) internal view returns (uint256[3] memory) {
        if (height == 0) return [GENESIS_ROOT, GENESIS_DATA_HASH, 0];
        return _proposals[height][_heights[height].leader - 1].end;
    }

    /// The baton that a block on top of a height starts from.
    function _startAfter(uint64 parent) internal view returns (uint256[3] memory start) {
        start = _endOf(parent);
        start[2] = 0;
    }
}
