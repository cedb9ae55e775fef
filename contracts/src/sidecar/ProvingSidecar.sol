// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Custody} from "./Custody.sol";
import {Endings} from "./Endings.sol";
import {Heights} from "./Heights.sol";
import {IProverEscrow} from "./IProverEscrow.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IRewardPool} from "./IRewardPool.sol";
import {ISequencerSet} from "./ISequencerSet.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {Proofs} from "./Proofs.sol";
import {Proposals} from "./Proposals.sol";
import {HeightRecord, ProposalRecord} from "./Records.sol";

/// @title The life of a block on L1
/// @notice docs/sidecar.md. The parts: Custody (money), Heights (times and the chain of open heights), Endings (proven, slashed,
/// void), Proposals (up to the winner), Proofs; here are the readers' views.
contract ProvingSidecar is Proofs {
    /// @param root state root at genesis
    /// @param dataHash data hash at genesis
    /// @param randomness of the first height's VRF; not known before the first keys are registered
    constructor(
        IVersionRegistry versions_,
        ISequencerSet sequencers_,
        IRewardPool pool_,
        IProverEscrow escrow_,
        uint256 root,
        uint256 dataHash,
        bytes32 randomness
    ) Custody(escrow_) Heights(versions_, root, dataHash, randomness) Endings(pool_) Proposals(sequencers_) {}

    /// @inheritdoc IProvingSidecar
    function heightOf(uint64 height) external view returns (HeightView memory) {
        HeightRecord storage h = _heights[height];
        if (h.startBlock == 0) return _nothing();
        (,, uint64 oldestFailure) = _failures();
        // A failure ends the open heights after it, too.
        Phase phase = h.end == Phase.None && oldestFailure != 0 && height >= oldestFailure
            ? Phase.Closed
            : _phase(h, versions.versionOf(h.version));
        return HeightView({
            parent: h.parent,
            version: h.version,
            startBlock: h.startBlock,
            phase: phase,
            proposals: h.proposals,
            winner: h.leader == 0 ? type(uint32).max : h.leader - 1,
            groups: h.groups,
            groupsProven: h.groupsProven,
            randomness: h.randomness
        });
    }

    /// @inheritdoc IProvingSidecar
    function proposalOf(uint64 height, uint32 proposal) external view returns (ProposalView memory view_) {
        ProposalRecord storage p = _proposals[height][proposal];
        if (p.sequencer == address(0)) return view_;
        return ProposalView({
            sequencer: p.sequencer,
            blockCommitment: p.blockCommitment,
            tipToken: p.tipToken,
            tip: p.tip,
            rewardShareBps: p.rewardShareBps,
            revealed: p.revealed,
            refunded: p.refunded,
            score: _score(p, versions.versionOf(_heights[height].version)),
            groups: p.groups,
            groupsCommitted: p.groupsCommitted,
            subtrees: p.subtrees,
            headerHash: p.headerHash
        });
    }

    /// @inheritdoc IProvingSidecar
    function commitmentOf(uint64 height, uint32 proposal, uint32 group) external view returns (Commitment memory) {
        return _commitments[height][proposal][group];
    }

    /// @inheritdoc IProvingSidecar
    function isProven(uint64 height, uint32 group) external view returns (bool) {
        return _groups[height][group].provenBlock != 0;
    }

    function _nothing() private pure returns (HeightView memory view_) {
        view_.winner = type(uint32).max;
    }
}
