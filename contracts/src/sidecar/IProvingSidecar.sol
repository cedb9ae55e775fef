// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The life of a block on L1
/// @notice docs/sidecar.md, sections 1 to 4. Times are L1 block numbers; amounts are in a token's smallest unit; the zero
/// token is ETH.
interface IProvingSidecar {
    /// @notice Where a height stands. The last three are final; Closed: the next call ends the height. A block that is proven and
    /// waits for its parent stays in Submission.
    enum Phase {
        None,
        Proposal,
        Reveal,
        Commitment,
        Proving,
        Submission,
        Closed,
        Proven,
        Slashed,
        Void
    }

    /// @notice What a block is (section 3).
    /// @param start baton before the block: state root, data hash, 0
    /// @param ends baton after each group; the last is the block's
    /// @param rowsLog2 base-2 logarithm of the rows of a subtree
    /// @param subtrees subtrees of the whole block
    /// @param dataVersion 0: dataCommitment is the SHA-256 of the block file
    /// @param dataCommitment commitment to the block's data
    /// @param dataUri where provers get it
    struct Header {
        uint256[3] start;
        uint256[3][] ends;
        uint32 rowsLog2;
        uint32 subtrees;
        uint8 dataVersion;
        bytes32 dataCommitment;
        string dataUri;
    }

    /// @notice Who proves a group, and what is at stake (section 4).
    /// @param prover earns the price, and its part of the reward
    /// @param payer gets the deposit back
    /// @param deposit in the deposit token
    /// @param price in the tip's token
    struct Commitment {
        address prover;
        address payer;
        uint256 deposit;
        uint256 price;
    }

    /// @notice A height for its readers.
    /// @param parent the height it builds on; 0 is genesis
    /// @param version of the rules it began with
    /// @param startBlock first block of its proposal phase
    /// @param phase as of this block
    /// @param proposals how many were made
    /// @param winner leading committed proposal, from 0; final once the commitment phase is over; type(uint32).max: none
    /// @param groups of the leading proposal; 0 while there is none
    /// @param groupsProven of it
    /// @param randomness that the VRF of this height is over
    struct HeightView {
        uint64 parent;
        uint32 version;
        uint64 startBlock;
        Phase phase;
        uint32 proposals;
        uint32 winner;
        uint32 groups;
        uint32 groupsProven;
        bytes32 randomness;
    }

    /// @notice A proposal for its readers.
    /// @param tip as proposed, also after parts of it are paid
    /// @param refunded nothing of tip and deposits is owed any more but multiproof shares; so also of winners that ended
    /// @param score with the deposits' weight once all groups are committed
    /// @param groups of the revealed block
    /// @param subtrees of the whole block
    /// @param headerHash keccak256 of the ABI-encoded header
    struct ProposalView {
        address sequencer;
        bytes32 blockCommitment;
        address tipToken;
        uint256 tip;
        uint16 rewardShareBps;
        bool revealed;
        bool refunded;
        uint256 score;
        uint32 groups;
        uint32 groupsCommitted;
        uint32 subtrees;
        bytes32 headerHash;
    }

    event HeightOpened(
        uint64 indexed height, uint64 indexed parent, uint32 version, uint64 startBlock, bytes32 randomness
    );
    event Proposed(
        uint64 indexed height,
        uint32 indexed proposal,
        address indexed sequencer,
        bytes32 blockCommitment,
        address tipToken,
        uint256 tip,
        uint16 rewardShareBps,
        uint256 score
    );
    event Revealed(uint64 indexed height, uint32 indexed proposal, Header header, bytes32 salt);
    event Committed(
        uint64 indexed height,
        uint32 indexed proposal,
        uint32 indexed group,
        address prover,
        address payer,
        uint256 deposit,
        uint256 price
    );
    /// @param beneficiary whom the proof names; the submitter when it names nobody
    event GroupProven(
        uint64 indexed height, uint32 indexed group, address indexed beneficiary, address submitter, bool rescued
    );
    /// @notice Multiproof: one more prover of a group that is proven already.
    event ShareProven(uint64 indexed height, uint32 indexed group, address indexed beneficiary);
    event HeightProven(uint64 indexed height, uint256[3] end);
    /// @param slashed deposits of the groups that were not proven
    /// @param voidedFrom first height that the reorg undoes; 0: none
    /// @param voidedTo the last one
    event HeightSlashed(uint64 indexed height, uint256 slashed, uint64 voidedFrom, uint64 voidedTo);
    event HeightVoided(uint64 indexed height);
    event Credited(address indexed token, address indexed account, uint256 amount, uint64 indexed height);
    event Withdrawn(address indexed token, address indexed account, uint256 amount);

    /// @notice Not possible in the height's present phase.
    error WrongPhase(uint64 height, Phase phase);
    /// @notice The next height cannot be opened yet, or this is not its number.
    error HeightNotOpen(uint64 height, uint64 expected);
    /// @notice The caller has no active key in the sequencer set, or its VRF output is wrong.
    error InvalidVrf();
    /// @notice One proposal a sequencer and height, and no more than the limit unless it outranks the lowest.
    error ProposalRefused();
    /// @notice The header does not give the block commitment, or is not one this version takes; field: 0 commitment, 1
    /// start, 2 groups, 3 class, 4 data version, 5 a word >= r, 6 length of the data's address.
    error InvalidHeader(uint8 field);
    /// @notice No such proposal, or not the caller's.
    error UnknownProposal(uint64 height, uint32 proposal);
    /// @notice No such group in the winning block, or it is committed or proven already.
    error GroupUnavailable(uint64 height, uint32 group);
    /// @notice Deposit or price are outside what the height asks.
    error TermsRefused(uint256 deposit, uint256 price);
    /// @notice Not one group proof for as many subtrees as the group has; a verifier's own errors come through.
    error InvalidProof();
    /// @notice Multiproof: a share needs a beneficiary, and each only has one.
    error BeneficiaryRefused(address beneficiary);
    /// @notice The token is not on the allow list, or the amount did not arrive.
    error TokenRefused(address token);
    /// @notice Only the version's commitment contract may do this.
    error NotCommitmentContract(address caller);
    /// @notice Nothing to draw.
    error NothingToWithdraw();

    /// @notice Proposes a block; opens the height when it is the next one. ETH tips come with the call, ERC-20 tips by allowance.
    /// @param height the open height, or the next one
    /// @param blockCommitment section 3
    /// @param tipToken zero for ETH
    /// @param tip paid in parts to the provers; what is left comes back
    /// @param rewardShareBps part of the block reward for the provers, in 1/10000
    /// @param vrfOutput signature over the height and its randomness, a point of G1
    function propose(
        uint64 height,
        bytes32 blockCommitment,
        address tipToken,
        uint256 tip,
        uint16 rewardShareBps,
        uint256[2] calldata vrfOutput
    ) external payable returns (uint32 proposal);

    /// @notice Shows the block behind the caller's proposal.
    function reveal(uint64 height, Header calldata header, bytes32 salt) external;

    /// @notice Records who proves a group; the deposit has been sent here. For the version's commitment contract.
    function recordCommitment(uint64 height, uint32 proposal, uint32 group, Commitment calldata commitment) external;

    /// @notice Verifies a group's proof and pays for it. Anyone may call.
    /// @param header the winning block's, as revealed
    /// @param beneficiary whom the proof names; zero: the sender earns the submission reward
    /// @param proof one group proof without end words; hint words may follow the call's data as docs/protocol.md says
    function submitProof(uint64 height, Header calldata header, uint32 group, address beneficiary, bytes calldata proof)
        external;

    /// @notice Brings all heights whose time has come to their end, as every other call does before its own work, and draws a
    /// proven height's rewards where that has not happened yet. Anyone may call; does nothing when there is nothing to do.
    function settle(uint64 height) external;

    /// @notice Credits tip and deposits of a proposal that did not win, or of a void height, once. Anyone may call.
    function refund(uint64 height, uint32 proposal) external;

    /// @notice Multiproof: credits the shares of a proven group once its share window is over: of the tip at once, of the reward
    /// when the height is proven. Anyone may call, again when the reward was not there yet.
    function payShares(uint64 height, uint32 group) external;

    /// @notice Pays out what is credited to the caller.
    function withdraw(address token) external returns (uint256 amount);

    /// @notice Pays what is credited to the caller into its escrow balance.
    function withdrawToEscrow(address token) external returns (uint256 amount);

    /// @notice The last height opened; 0 before the first.
    function lastHeight() external view returns (uint64);

    /// @notice The last proven height whose ancestors are all proven, and its end; genesis is height 0.
    function provenHead() external view returns (uint64 height, uint256[3] memory end);

    /// @notice Whether the next height may be opened in this block, its number, its parent, the baton it starts from and its
    /// randomness. Baton and randomness hold only when it may.
    function next()
        external
        view
        returns (bool open, uint64 height, uint64 parent, uint256[3] memory start, bytes32 randomness);

    /// @notice First blocks of the phases: proposal, reveal, commitment, proving, submission, closed.
    function schedule(uint64 height) external view returns (uint64[6] memory firstBlocks);

    function heightOf(uint64 height) external view returns (HeightView memory);
    function proposalOf(uint64 height, uint32 proposal) external view returns (ProposalView memory);
    function commitmentOf(uint64 height, uint32 proposal, uint32 group) external view returns (Commitment memory);
    function isProven(uint64 height, uint32 group) external view returns (bool);
    /// @notice What is held of a token for others: tips, deposits, credits. Never more than the balance.
    function held(address token) external view returns (uint256);
    function withdrawable(address token, address account) external view returns (uint256);
    function blockCommitmentOf(uint64 height, address sequencer, Header calldata header, bytes32 salt)
        external
        view
        returns (bytes32);
}
