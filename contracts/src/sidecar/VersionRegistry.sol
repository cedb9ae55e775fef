// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {IRootProofVerifier} from "../IRootProofVerifier.sol";
import {IProvingStrategy} from "./IProvingStrategy.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";
import {BPS, MAX_IN_FLIGHT, MAX_PROPOSALS, MAX_SHARES} from "./Records.sol";

/// @title The versions of the rules, and what tokens they take
/// @notice The owner adds; nothing that a height in flight relies on is ever changed or removed.
contract VersionRegistry is IVersionRegistry, Ownable2Step {
    // Keeps every product with a deposit below 2^256.
    uint256 private constant MAX_DEPOSIT = type(uint128).max;

    /// @inheritdoc IVersionRegistry
    uint64 public immutable maxHeightBlocks;
    /// @inheritdoc IVersionRegistry
    uint32 public current;
    /// @inheritdoc IVersionRegistry
    mapping(address account => bool) public isCommitmentPhase;
    /// @inheritdoc IVersionRegistry
    mapping(address token => bool) public isAllowedToken;
    /// @inheritdoc IVersionRegistry
    mapping(uint32 version => mapping(uint32 rowsLog2 => mapping(uint32 subtreesPerGroup => address))) public
        verifierOf;

    mapping(uint32 version => Version) private _versions;

    constructor(address owner, uint64 maxHeightBlocks_) Ownable(owner) {
        maxHeightBlocks = maxHeightBlocks_;
    }

    /// @inheritdoc IVersionRegistry
    function addVersion(Version calldata version, Class[] calldata classes) external onlyOwner returns (uint32 number) {
        _check(version);
        number = ++current;
        _versions[number] = version;
        if (version.commitmentPhase != address(0)) isCommitmentPhase[version.commitmentPhase] = true;
        emit VersionAdded(number);
        for (uint256 i = 0; i < classes.length; ++i) {
            _addClass(number, classes[i]);
        }
    }

    /// @inheritdoc IVersionRegistry
    function addClass(uint32 version, Class calldata class) external onlyOwner {
        if (version == 0 || version > current) revert UnknownVersion(version);
        _addClass(version, class);
    }

    /// @inheritdoc IVersionRegistry
    function allowToken(address token) external onlyOwner {
        if (token.code.length == 0) revert InvalidToken(token);
        isAllowedToken[token] = true;
        emit TokenAllowed(token);
    }

    /// @inheritdoc IVersionRegistry
    function versionOf(uint32 version) external view returns (Version memory) {
        if (version == 0 || version > current) revert UnknownVersion(version);
        return _versions[version];
    }

    function _addClass(uint32 version, Class calldata class) private {
        if (
            class.subtreesPerGroup == 0 || class.rowsLog2 > 28 || class.verifier.code.length == 0
                || verifierOf[version][class.rowsLog2][class.subtreesPerGroup] != address(0)
                // 2^rowsLog2.
                // forge-lint: disable-next-line(incorrect-shift)
                || IRootProofVerifier(class.verifier).rowsPerSubtree() != 1 << class.rowsLog2
        ) revert InvalidClass();
        verifierOf[version][class.rowsLog2][class.subtreesPerGroup] = class.verifier;
        emit ClassAdded(version, class.rowsLog2, class.subtreesPerGroup, class.verifier);
    }

    function _check(Version calldata v) private view {
        uint256 window = uint256(v.provingBlocks) + v.submissionBlocks;
        uint256 length = uint256(v.proposalBlocks) + v.revealBlocks + v.commitmentBlocks + window;
        if (v.proposalBlocks == 0 || v.revealBlocks == 0 || v.submissionBlocks == 0 || length > maxHeightBlocks) {
            revert InvalidVersion(0);
        }
        if (v.strategy.code.length == 0) revert InvalidVersion(1);
        IProvingStrategy strategy = IProvingStrategy(v.strategy);
        if (strategy.isBonded()) {
            if (v.commitmentBlocks == 0 || v.commitmentPhase.code.length == 0) revert InvalidVersion(1);
            if (!isAllowedToken[v.depositToken] || v.minDeposit == 0 || v.minDeposit > MAX_DEPOSIT) {
                revert InvalidVersion(5);
            }
        } else if (
            v.commitmentBlocks != 0 || strategy.shareBlocks() == 0 || strategy.shareBlocks() > type(uint32).max
                || strategy.maxProvers() == 0 || strategy.maxProvers() > MAX_SHARES
        ) {
            revert InvalidVersion(1);
        }
        if (v.maxInFlight == 0 || v.maxInFlight > MAX_IN_FLIGHT) revert InvalidVersion(2);
        if (v.rescueBlocks > window || v.rescuePenaltyBps > BPS) revert InvalidVersion(3);
        if (v.maxProposals == 0 || v.maxProposals > MAX_PROPOSALS) revert InvalidVersion(4);
        if (v.slashRecipient == address(0)) revert InvalidVersion(6);
    }
}
