// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {R} from "../Layout.sol";
import {Endings} from "./Endings.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IProvingStrategy} from "./IProvingStrategy.sol";
import {ISequencerSet} from "./ISequencerSet.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {BPS, HeightRecord, MAX_GROUPS_PER_BLOCK, MAX_URI_BYTES, ProposalRecord} from "./Records.sol";

/// @title From the proposal to the winner
abstract contract Proposals is Endings {
    /// @notice Who may propose, and the keys of their VRF.
    ISequencerSet public immutable sequencers;

    /// Numbers from 1.
    mapping(uint64 height => mapping(address sequencer => uint32 number)) private _numberOf;
    /// Proposals that were not displaced, at most the version's limit.
    mapping(uint64 height => uint32[]) private _standing;

    constructor(ISequencerSet sequencers_) {
        sequencers = sequencers_;
    }

    /// @inheritdoc IProvingSidecar
    function propose(
        uint64 height,
        bytes32 blockCommitment,
        address tipToken,
        uint256 tip,
        uint16 rewardShareBps,
        uint256[2] calldata vrfOutput
    ) external payable nonReentrant returns (uint32 proposal) {
        _advance();
        if (height > lastHeight) _open(height);
        (HeightRecord storage h, IVersionRegistry.Version memory v) = _rules(height);
        _requirePhase(height, h, v, Phase.Proposal);
        if (rewardShareBps > BPS) revert ProposalRefused();
        if (tipToken != address(0) && !versions.isAllowedToken(tipToken)) revert TokenRefused(tipToken);
        bytes memory message = abi.encode(block.chainid, address(this), height, h.randomness);
        if (!sequencers.verify(msg.sender, h.startBlock, message, vrfOutput)) revert InvalidVrf();
        bytes32 vrfHash = keccak256(abi.encode(vrfOutput));

        proposal = h.proposals++;
        if (_numberOf[height][msg.sender] != 0) revert ProposalRefused();
        _numberOf[height][msg.sender] = proposal + 1;
        _enter(height, proposal, uint256(vrfHash) >> 128, v.maxProposals);
        ProposalRecord storage p = _proposals[height][proposal];
        (p.sequencer, p.rewardShareBps, p.tipToken, p.tip) = (msg.sender, rewardShareBps, tipToken, tip);
        (p.blockCommitment, p.vrfHash) = (blockCommitment, vrfHash);
        emit Proposed(
            height, proposal, msg.sender, blockCommitment, tipToken, tip, rewardShareBps, uint256(vrfHash) >> 128
        );
        _collect(tipToken, tip);
    }

    /// @inheritdoc IProvingSidecar
    function reveal(uint64 height, Header calldata header, bytes32 salt) external nonReentrant {
        _advance();
        (HeightRecord storage h, IVersionRegistry.Version memory v) = _rules(height);
        _requirePhase(height, h, v, Phase.Reveal);
        uint32 number = _numberOf[height][msg.sender];
        if (number == 0) revert UnknownProposal(height, type(uint32).max);
        uint32 proposal = number - 1;
        ProposalRecord storage p = _proposals[height][proposal];
        if (p.revealed || p.refunded) revert UnknownProposal(height, proposal);
        if (blockCommitmentOf(height, msg.sender, header, salt) != p.blockCommitment) revert InvalidHeader(0);
        _checkHeader(h, header);

        p.revealed = true;
        p.groups = uint8(header.ends.length);
        p.subtrees = header.subtrees;
        p.headerHash = keccak256(abi.encode(header));
        p.end = header.ends[header.ends.length - 1];
        emit Revealed(height, proposal, header, salt);
        if (!h.bonded) _lead(h, p, proposal, uint256(p.vrfHash) >> 128);
    }

    /// @inheritdoc IProvingSidecar
    function recordCommitment(uint64 height, uint32 proposal, uint32 group, Commitment calldata commitment)
        external
        nonReentrant
    {
        _advance();
        (HeightRecord storage h, IVersionRegistry.Version memory v) = _rules(height);
        if (msg.sender != v.commitmentPhase) revert NotCommitmentContract(msg.sender);
        _requirePhase(height, h, v, Phase.Commitment);
        ProposalRecord storage p = _proposals[height][proposal];
        if (!p.revealed) revert UnknownProposal(height, proposal);
        Commitment storage stored = _commitments[height][proposal][group];
        if (group >= p.groups || stored.prover != address(0)) revert GroupUnavailable(height, group);
        if (
            commitment.prover == address(0) || commitment.payer == address(0)
                || commitment.deposit < Math.ceilDiv(v.minDeposit, p.groups) || commitment.price > p.tip / p.groups
        ) revert TermsRefused(commitment.deposit, commitment.price);

        _commitments[height][proposal][group] = commitment;
        p.deposits += commitment.deposit;
        emit Committed(
            height, proposal, group, commitment.prover, commitment.payer, commitment.deposit, commitment.price
        );
        if (++p.groupsCommitted == p.groups) _lead(h, p, proposal, _score(p, v));
        _accept(v.depositToken, commitment.deposit);
    }

    /// @inheritdoc IProvingSidecar
    function blockCommitmentOf(uint64 height, address sequencer, Header calldata header, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), height, sequencer, header, salt));
    }

    /// The score of a proposal: its VRF's, weighted by the deposits once all of them are there.
    function _score(ProposalRecord storage p, IVersionRegistry.Version memory v) internal view returns (uint256 score) {
        score = uint256(p.vrfHash) >> 128;
        if (v.depositWeightBps == 0 || p.groups == 0 || p.groupsCommitted != p.groups) return score;
        uint256 excess = Math.min(p.deposits - v.minDeposit, 9 * v.minDeposit);
        score += Math.mulDiv(score, v.depositWeightBps * excess, BPS * v.minDeposit);
    }

    function _open(uint64 height) private {
        (bool open, uint64 parent, bytes32 randomness) = _next();
        uint64 expected = lastHeight + 1;
        if (!open || height != expected) revert HeightNotOpen(height, expected);
        uint32 version = versions.current();
        IVersionRegistry.Version memory v = versions.versionOf(version);
        uint64 start = uint64(block.number);
        uint64 decided = start + v.proposalBlocks + v.revealBlocks + v.commitmentBlocks;
        HeightRecord storage h = _heights[height];
        (h.parent, h.startBlock, h.decidedFrom) = (parent, start, decided);
        h.closedFrom = decided + v.provingBlocks + v.submissionBlocks;
        (h.version, h.bonded, h.randomness) = (version, IProvingStrategy(v.strategy).isBonded(), randomness);
        (lastHeight, _newest) = (height, height);
        emit HeightOpened(height, parent, version, start, randomness);
    }

    /// Takes a proposal into the standing ones; when they are as many as the limit, in the place of the lowest.
    function _enter(uint64 height, uint32 proposal, uint256 score, uint32 limit) private {
        uint32[] storage standing = _standing[height];
        uint256 count = standing.length;
        if (count < limit) {
            standing.push(proposal);
            return;
        }
        uint256 lowest = type(uint256).max;
        uint256 place = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 other = uint256(_proposals[height][standing[i]].vrfHash) >> 128;
            if (other < lowest) (lowest, place) = (other, i);
        }
        if (score <= lowest) revert ProposalRefused();
        _returnTip(height, _heights[height], _proposals[height][standing[place]], false);
        standing[place] = proposal;
    }

    function _lead(HeightRecord storage h, ProposalRecord storage p, uint32 proposal, uint256 score) private {
        uint32 leader = h.leader;
        uint256 best = h.leaderScore;
        if (leader != 0 && (score < best || (score == best && proposal + 1 > leader))) return;
        (h.leader, h.groups, h.leaderScore) = (proposal + 1, p.groups, score);
    }

    function _checkHeader(HeightRecord storage h, Header calldata header) private view {
        uint256[3] memory start = _startAfter(h.parent);
        for (uint256 k = 0; k < 3; ++k) {
            if (header.start[k] != start[k]) revert InvalidHeader(1);
        }
        uint256 groups = header.ends.length;
        if (groups == 0 || groups > MAX_GROUPS_PER_BLOCK || header.subtrees % groups != 0) revert InvalidHeader(2);
        // At most MAX_GROUPS_PER_BLOCK, as just checked.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint32 subtreesPerGroup = header.subtrees / uint32(groups);
        if (versions.verifierOf(h.version, header.rowsLog2, subtreesPerGroup) == address(0)) revert InvalidHeader(3);
        if (header.dataVersion != 0) revert InvalidHeader(4);
        for (uint256 g = 0; g < groups; ++g) {
            for (uint256 k = 0; k < 3; ++k) {
                if (header.ends[g][k] >= R) revert InvalidHeader(5);
            }
        }
        if (bytes(header.dataUri).length > MAX_URI_BYTES) revert InvalidHeader(6);
    }
}
