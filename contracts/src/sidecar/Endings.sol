// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Heights} from "./Heights.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IRewardPool} from "./IRewardPool.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {BPS, GroupRecord, HeightRecord, MAX_IN_FLIGHT, ProposalRecord} from "./Records.sol";

/// @title How heights end, and who gets what then
/// @notice Nothing here but drawing rewards calls another contract's state-changing code, and nothing at all calls those it credits.
abstract contract Endings is Heights {
    /// @notice Where block and submission rewards come from.
    IRewardPool public immutable pool;

    address private immutable REWARD_TOKEN;
    uint256 private immutable BLOCK_REWARD;
    uint256 private immutable SUBMISSION_REWARD;

    /// @notice The pool pays another sidecar.
    error PoolRefused(address pool);

    constructor(IRewardPool pool_) {
        if (pool_.sidecar() != address(this)) revert PoolRefused(address(pool_));
        pool = pool_;
        (REWARD_TOKEN, BLOCK_REWARD, SUBMISSION_REWARD) = (pool_.token(), pool_.blockReward(), pool_.submissionReward());
    }

    /// @inheritdoc IProvingSidecar
    function settle(uint64 height) external nonReentrant {
        _advance();
        if (_heights[height].end == Phase.Proven) _reward(height);
    }

    /// @inheritdoc IProvingSidecar
    function refund(uint64 height, uint32 proposal) external nonReentrant {
        _advance();
        HeightRecord storage h = _heights[height];
        if (proposal >= h.proposals) revert UnknownProposal(height, proposal);
        ProposalRecord storage p = _proposals[height][proposal];
        if (p.refunded) return;
        bool won = h.leader == proposal + 1;
        if (h.end == Phase.None && (won || block.number < h.decidedFrom)) {
            revert WrongPhase(height, _phase(h, versions.versionOf(h.version)));
        }
        _returnTip(height, h, p, won);
        if (p.deposits == 0) return;
        address depositToken = versions.versionOf(h.version).depositToken;
        for (uint32 group = 0; group < p.groups; ++group) {
            if (won && _groups[height][group].provenBlock != 0) continue;
            Commitment storage commitment = _commitments[height][proposal][group];
            _credit(depositToken, commitment.payer, commitment.deposit, height);
        }
    }

    /// Closes what failed, in the order of the blocks in which it did, whoever calls when; then proves what has become complete.
    /// Afterwards an open height is one that can still be proven.
    function _advance() internal {
        while (true) {
            (uint64 first, uint64 since,) = _failures();
            if (first == 0) break;
            _close(first, since);
        }
        while (_newest != _head) {
            uint64 oldest = _newest;
            while (_heights[oldest].parent != _head) {
                oldest = _heights[oldest].parent;
            }
            if (!_isComplete(_heights[oldest])) return;
            _prove(oldest);
        }
    }

    /// Ends a height that failed in block `since`, and voids every open height after it.
    function _close(uint64 height, uint64 since) private {
        address[] memory affected = new address[](MAX_IN_FLIGHT);
        uint256[] memory subtrees = new uint256[](MAX_IN_FLIGHT);
        uint256 count = 0;
        uint64 voidedTo = _newest == height ? 0 : _newest;
        uint64 voidedFrom = 0;
        for (uint64 child = _newest; child != height;) {
            HeightRecord storage c = _heights[child];
            if (c.decidedFrom > since) {
                // It had no winner yet: what leads is a proposal like the others, and leaves no randomness.
                (c.leader, c.groups) = (0, 0);
            } else if (c.leader != 0) {
                ProposalRecord storage undone = _proposals[child][c.leader - 1];
                (affected[count], subtrees[count]) = (undone.sequencer, undone.subtrees);
                ++count;
            }
            c.end = Phase.Void;
            emit HeightVoided(child);
            voidedFrom = child;
            child = c.parent;
        }
        HeightRecord storage h = _heights[height];
        _newest = h.parent;
        if (h.leader == 0 || !h.bonded) {
            h.end = Phase.Void;
            emit HeightVoided(height);
            return;
        }
        h.end = Phase.Slashed;
        _returnTip(height, h, _proposals[height][h.leader - 1], true);
        uint256 slashed = _slash(height, h, affected, subtrees, count);
        emit HeightSlashed(height, slashed, voidedFrom, voidedTo);
    }

    /// Shares the deposits of the unproven groups among the affected in proportion to their subtrees; the last gets what rounding
    /// leaves.
    function _slash(
        uint64 height,
        HeightRecord storage h,
        address[] memory affected,
        uint256[] memory subtrees,
        uint256 count
    ) private returns (uint256 slashed) {
        for (uint32 group = 0; group < h.groups; ++group) {
            if (_groups[height][group].provenBlock != 0) continue;
            slashed += _commitments[height][h.leader - 1][group].deposit;
        }
        IVersionRegistry.Version memory v = versions.versionOf(h.version);
        if (count == 0) {
            _credit(v.depositToken, v.slashRecipient, slashed, height);
            return slashed;
        }
        uint256 total = 0;
        for (uint256 i = 0; i < count; ++i) {
            total += subtrees[i];
        }
        uint256 left = slashed;
        for (uint256 i = 0; i + 1 < count; ++i) {
            uint256 share = Math.mulDiv(slashed, subtrees[i], total);
            left -= share;
            _credit(v.depositToken, affected[i], share, height);
        }
        _credit(v.depositToken, affected[count - 1], left, height);
    }

    function _prove(uint64 height) private {
        HeightRecord storage h = _heights[height];
        h.end = Phase.Proven;
        _head = height;
        ProposalRecord storage p = _proposals[height][h.leader - 1];
        emit HeightProven(height, p.end);
        _returnTip(height, h, p, true);
    }

    /// Gives back what proven groups leave of a tip, once. Bonded groups were paid when they were proven; the parts of multiproof
    /// groups stay for `payShares`.
    function _returnTip(uint64 height, HeightRecord storage h, ProposalRecord storage p, bool won) internal {
        p.refunded = true;
        uint256 left = p.tip;
        if (won && !h.bonded) {
            left -= p.tip / p.groups * h.groupsProven;
        } else if (won) {
            for (uint32 group = 0; group < p.groups; ++group) {
                if (_groups[height][group].provenBlock == 0) continue;
                left -= _commitments[height][h.leader - 1][group].price;
            }
        }
        _credit(p.tipToken, p.sequencer, left, height);
    }

    /// Draws a proven height's rewards once and credits them, in proportion where the pool holds less. A pool that fails
    /// keeps no height from being proven: the draw is left for another call of `settle`.
    function _reward(uint64 height) internal {
        HeightRecord storage h = _heights[height];
        uint256 wanted = BLOCK_REWARD + SUBMISSION_REWARD;
        if (h.rewarded || wanted == 0) return;
        h.rewarded = true;
        uint256 before = _balance(REWARD_TOKEN);
        try pool.draw(wanted) returns (uint256) {}
        catch {
            h.rewarded = false;
            return;
        }
        uint256 received = _balance(REWARD_TOKEN) - before;
        held[REWARD_TOKEN] += received;
        ProposalRecord storage p = _proposals[height][h.leader - 1];
        uint256 submission = Math.mulDiv(received, SUBMISSION_REWARD, wanted);
        uint256 proving = (received - submission) * p.rewardShareBps / BPS / p.groups;
        submission /= p.groups;
        for (uint32 group = 0; group < p.groups; ++group) {
            GroupRecord storage g = _groups[height][group];
            _credit(REWARD_TOKEN, g.beneficiary, submission, height);
            if (!h.bonded) continue;
            address prover = g.rescued ? g.beneficiary : _commitments[height][h.leader - 1][group].prover;
            _credit(REWARD_TOKEN, prover, proving, height);
        }
        if (!h.bonded) h.sharedReward = proving;
        _credit(REWARD_TOKEN, p.sequencer, received - (submission + proving) * p.groups, height);
    }

    /// The multiproof shares of a group's part of the reward, in the reward's token.
    function _payRewardShares(uint64 height, address[] storage provers) internal {
        _split(REWARD_TOKEN, _heights[height].sharedReward, provers, height);
    }

    /// Credits equal shares; the first gets what rounding leaves.
    function _split(address token, uint256 amount, address[] storage accounts, uint64 height) internal {
        uint256 count = accounts.length;
        uint256 share = amount / count;
        _credit(token, accounts[0], amount - share * (count - 1), height);
        for (uint256 i = 1; i < count; ++i) {
            _credit(token, accounts[i], share, height);
        }
    }
}
