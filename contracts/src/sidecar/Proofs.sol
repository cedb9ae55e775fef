// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IRootProofVerifier} from "../IRootProofVerifier.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IProvingStrategy} from "./IProvingStrategy.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {Proposals} from "./Proposals.sol";
import {BPS, GroupRecord, HeightRecord, ProposalRecord} from "./Records.sol";

/// @title Proofs and what they earn
abstract contract Proofs is Proposals {
    // docs/protocol.md, section 10: one group.
    uint256 private constant PROOF_BYTES = 1728;

    /// Multiproof: who proved a group, each once.
    mapping(uint64 height => mapping(uint32 group => address[])) private _provers;

    /// @inheritdoc IProvingSidecar
    function submitProof(uint64 height, Header calldata header, uint32 group, address beneficiary, bytes calldata proof)
        external
        nonReentrant
    {
        _advance();
        (HeightRecord storage h, IVersionRegistry.Version memory v) = _rules(height);
        GroupRecord storage g = _groups[height][group];
        bool isFirst = g.provenBlock == 0;
        if (isFirst) _requireOpen(height, h, v);
        if (group >= h.groups || (!isFirst && h.bonded)) revert GroupUnavailable(height, group);
        uint32 winner = h.leader - 1;
        if (keccak256(abi.encode(header)) != _proposals[height][winner].headerHash) revert InvalidHeader(0);
        if (!h.bonded) _claim(height, group, g, v.strategy, beneficiary);
        _verify(
            versions.verifierOf(h.version, header.rowsLog2, header.subtrees / h.groups),
            header,
            group,
            beneficiary,
            proof
        );

        if (!isFirst) {
            emit ShareProven(height, group, beneficiary);
            return;
        }
        ++h.groupsProven;
        g.provenBlock = uint64(block.number);
        g.beneficiary = beneficiary == address(0) ? msg.sender : beneficiary;
        if (h.bonded) _pay(height, h, g, group, v, beneficiary);
        emit GroupProven(height, group, g.beneficiary, msg.sender, g.rescued);
        _advance();
        if (h.end == Phase.Proven) _reward(height);
    }

    /// @inheritdoc IProvingSidecar
    function payShares(uint64 height, uint32 group) external nonReentrant {
        _advance();
        (HeightRecord storage h, IVersionRegistry.Version memory v) = _rules(height);
        GroupRecord storage g = _groups[height][group];
        if (g.provenBlock == 0 || h.bonded) revert GroupUnavailable(height, group);
        if (block.number < g.provenBlock + IProvingStrategy(v.strategy).shareBlocks()) {
            revert GroupUnavailable(height, group);
        }
        if (!g.tipShared) {
            g.tipShared = true;
            ProposalRecord storage p = _proposals[height][h.leader - 1];
            _split(p.tipToken, p.tip / p.groups, _provers[height][group], height);
        }
        if (h.end == Phase.Proven) _reward(height);
        if (h.rewarded && !g.rewardShared) {
            g.rewardShared = true;
            _payRewardShares(height, _provers[height][group]);
        }
    }

    /// A first proof is taken while its height is open and has a winner: from the proving phase on, or in the submission phase only.
    function _requireOpen(uint64 height, HeightRecord storage h, IVersionRegistry.Version memory v) private view {
        Phase phase = _phase(h, v);
        if (phase == Phase.Submission || (phase == Phase.Proving && !v.fixedWindow)) return;
        revert WrongPhase(height, phase);
    }

    /// Multiproof: enters the beneficiary among those who share. A proof that names nobody could be copied for any number of shares.
    function _claim(uint64 height, uint32 group, GroupRecord storage g, address strategy, address beneficiary) private {
        IProvingStrategy rules = IProvingStrategy(strategy);
        address[] storage provers = _provers[height][group];
        uint256 count = provers.length;
        if (count != 0 && (block.number >= g.provenBlock + rules.shareBlocks() || count >= rules.maxProvers())) {
            revert GroupUnavailable(height, group);
        }
        (address prover,) = rules.payee(address(0), beneficiary, false);
        if (prover == address(0)) revert BeneficiaryRefused(prover);
        for (uint256 i = 0; i < count; ++i) {
            if (provers[i] == prover) revert BeneficiaryRefused(prover);
        }
        provers.push(prover);
    }

    /// Bonded: pays the price and frees the deposit, here and nowhere else: the group is marked as proven.
    function _pay(
        uint64 height,
        HeightRecord storage h,
        GroupRecord storage g,
        uint32 group,
        IVersionRegistry.Version memory v,
        address beneficiary
    ) private {
        uint32 winner = h.leader - 1;
        Commitment storage commitment = _commitments[height][winner][group];
        bool inRescue = block.number >= h.closedFrom - v.rescueBlocks;
        (address prover, bool rescued) = IProvingStrategy(v.strategy).payee(commitment.prover, beneficiary, inRescue);
        uint256 deposit = commitment.deposit;
        if (rescued) {
            g.rescued = true;
            uint256 penalty = Math.mulDiv(deposit, v.rescuePenaltyBps, BPS);
            deposit -= penalty;
            _credit(v.depositToken, prover, penalty, height);
        }
        _credit(_proposals[height][winner].tipToken, prover, commitment.price, height);
        _credit(v.depositToken, commitment.payer, deposit, height);
    }

    /// Asks the verifier; the word behind the proof, if there is one, goes along as its hint.
    function _verify(address verifier, Header calldata header, uint32 group, address beneficiary, bytes calldata proof)
        private
        view
    {
        // The first word of a longer string is what is meant.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (proof.length != PROOF_BYTES || uint256(bytes32(proof)) != header.subtrees / header.ends.length) {
            revert InvalidProof();
        }
        uint256[3] calldata start = group == 0 ? header.start : header.ends[group - 1];
        bytes memory call = abi.encodeCall(IRootProofVerifier.verify, (start, header.ends[group], beneficiary, proof));
        uint256 behind;
        assembly ("memory-safe") {
            behind := add(proof.offset, PROOF_BYTES)
        }
        if (msg.data.length >= behind + 32) call = bytes.concat(call, msg.data[behind:behind + 32]);
        (bool accepted, bytes memory why) = verifier.staticcall(call);
        if (accepted) return;
        assembly ("memory-safe") {
            revert(add(why, 32), mload(why))
        }
    }
}
