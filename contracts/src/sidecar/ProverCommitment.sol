// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ICommitmentPhase} from "./ICommitmentPhase.sol";
import {IProverEscrow} from "./IProverEscrow.sol";
import {IProvingSidecar} from "./IProvingSidecar.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";

/// @title The commitment phase: own deposits and signed quotes
/// @notice Deposits go straight to the sidecar, which counts what arrived, checks phase and terms, and undoes the call otherwise.
contract ProverCommitment is ICommitmentPhase, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IProvingSidecar public immutable sidecar;
    IVersionRegistry public immutable versions;
    IProverEscrow public immutable escrow;

    constructor(IProvingSidecar sidecar_, IVersionRegistry versions_, IProverEscrow escrow_) {
        (sidecar, versions, escrow) = (sidecar_, versions_, escrow_);
    }

    /// @inheritdoc ICommitmentPhase
    function commitOwn(uint64 height, uint32 proposal, uint32 group, address prover, uint256 deposit)
        external
        nonReentrant
    {
        (IProvingSidecar.ProposalView memory p, IERC20 token) = _own(height, proposal);
        token.safeTransferFrom(msg.sender, address(sidecar), deposit);
        sidecar.recordCommitment(
            height, proposal, group, IProvingSidecar.Commitment(prover, msg.sender, deposit, p.tip / p.groups)
        );
    }

    /// @inheritdoc ICommitmentPhase
    function commitQuote(
        uint64 height,
        uint32 proposal,
        uint32 group,
        IProverEscrow.Quote calldata quote,
        bytes calldata signature
    ) external nonReentrant {
        (IProvingSidecar.ProposalView memory p, IERC20 token) = _own(height, proposal);
        if (
            quote.sequencer != msg.sender || quote.height != height || quote.blockCommitment != p.blockCommitment
                || quote.group != group || quote.tipToken != p.tipToken || quote.depositToken != address(token)
        ) revert QuoteMismatch();
        escrow.draw(quote, signature, address(sidecar));
        sidecar.recordCommitment(
            height, proposal, group, IProvingSidecar.Commitment(quote.prover, quote.prover, quote.deposit, quote.price)
        );
    }

    /// The sender's revealed proposal and the token its deposits are in.
    function _own(uint64 height, uint32 proposal)
        private
        view
        returns (IProvingSidecar.ProposalView memory p, IERC20 token)
    {
        p = sidecar.proposalOf(height, proposal);
        if (p.sequencer != msg.sender || !p.revealed) revert IProvingSidecar.UnknownProposal(height, proposal);
        token = IERC20(versions.versionOf(sidecar.heightOf(height).version).depositToken);
    }
}
