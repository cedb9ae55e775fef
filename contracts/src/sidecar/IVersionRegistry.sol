// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Versions of the rules
/// @notice A height keeps the version that was current when it opened. Versions are only added.
interface IVersionRegistry {
    /// @param commitmentPhase rules of the commitment phase
    /// @param strategy how proving is bought
    /// @param proposalBlocks length of each phase, P, R, C, W, S of docs/sidecar.md
    /// @param fixedWindow true: proofs only in the submission phase
    /// @param pipelined true: the next height may open when this one has a winner
    /// @param maxInFlight most open heights
    /// @param rescueBlocks last blocks of the window in which a rescuer takes the price
    /// @param rescuePenaltyBps part of the deposit for the rescuer, in 1/10000
    /// @param depositWeightBps weight of the deposit in the ranking; 0: none
    /// @param maxProposals a height
    /// @param depositToken of all commitments
    /// @param minDeposit for a whole block
    /// @param slashRecipient gets a slashed deposit when no sequencer is affected
    struct Version {
        address commitmentPhase;
        address strategy;
        uint32 proposalBlocks;
        uint32 revealBlocks;
        uint32 commitmentBlocks;
        uint32 provingBlocks;
        uint32 submissionBlocks;
        bool fixedWindow;
        bool pipelined;
        uint32 maxInFlight;
        uint32 rescueBlocks;
        uint16 rescuePenaltyBps;
        uint16 depositWeightBps;
        uint32 maxProposals;
        address depositToken;
        uint256 minDeposit;
        address slashRecipient;
    }

    /// @param rowsLog2 base-2 logarithm of the rows of a subtree
    /// @param subtreesPerGroup of one group
    /// @param verifier of proofs of such a group
    struct Class {
        uint32 rowsLog2;
        uint32 subtreesPerGroup;
        address verifier;
    }

    event VersionAdded(uint32 indexed version);
    event ClassAdded(uint32 indexed version, uint32 rowsLog2, uint32 subtreesPerGroup, address verifier);
    event TokenAllowed(address indexed token);

    /// @notice The rules contradict themselves or the limits; field: 0 phases, 1 strategy and commitment phase, 2 heights in
    /// flight, 3 rescue, 4 proposals, 5 deposit, 6 recipient.
    error InvalidVersion(uint8 field);
    /// @notice No such version, a class that is there already, or a verifier for other rows.
    error InvalidClass();
    error UnknownVersion(uint32 version);
    error InvalidToken(address token);

    /// @notice Adds a version with its size classes; heights that open from now on follow it. For the owner.
    function addVersion(Version calldata version, Class[] calldata classes) external returns (uint32 number);

    /// @notice Adds a size class to a version. For the owner.
    function addClass(uint32 version, Class calldata class) external;

    /// @notice Allows tips and deposits in an ERC-20 that moves exactly what a transfer says. For the owner.
    function allowToken(address token) external;

    /// @notice Most blocks that the phases of a version may take together; an escrow's withdrawal delay is longer.
    function maxHeightBlocks() external view returns (uint64);

    /// @notice The newest version; 0 before the first.
    function current() external view returns (uint32);
    function versionOf(uint32 version) external view returns (Version memory);

    /// @notice The verifier of a size class in a version; zero: not taken.
    function verifierOf(uint32 version, uint32 rowsLog2, uint32 subtreesPerGroup) external view returns (address);

    /// @notice Whether a contract is the commitment phase of any version.
    function isCommitmentPhase(address account) external view returns (bool);
    function isAllowedToken(address token) external view returns (bool);
}
