// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingSidecar} from "./IProvingSidecar.sol";

// Limits that keep every loop short.
uint256 constant MAX_GROUPS_PER_BLOCK = 16;
uint32 constant MAX_IN_FLIGHT = 8;
uint32 constant MAX_PROPOSALS = 64;
uint32 constant MAX_SHARES = 16;
// Everyone who submits pays for the header's bytes.
uint256 constant MAX_URI_BYTES = 256;

uint256 constant BPS = 10_000;

/// A height. The two first slots are all that is needed to see whether its time has come.
/// @param parent the height it builds on; 0: genesis
/// @param startBlock first block
/// @param decidedFrom first block after the commitment phase; a leader is the winner from then on
/// @param closedFrom first block after the window
/// @param version of the rules
/// @param proposals how many were made
/// @param leader number of the leading committed proposal, from 1; 0: none
/// @param groups of the leader
/// @param groupsProven of them
/// @param end None while open, else Proven, Slashed or Void
/// @param bonded whether it needs commitments
/// @param rewarded whether the rewards are drawn
/// @param leaderScore what a proposal must exceed to lead
/// @param randomness that its VRF is over
/// @param sharedReward multiproof: the provers' part of the reward, for each group
struct HeightRecord {
    uint64 parent;
    uint64 startBlock;
    uint64 decidedFrom;
    uint64 closedFrom;
    uint32 version;
    uint32 proposals;
    uint32 leader;
    uint8 groups;
    uint8 groupsProven;
    IProvingSidecar.Phase end;
    bool bonded;
    bool rewarded;
    uint256 leaderScore;
    bytes32 randomness;
    uint256 sharedReward;
}

/// A proposal.
/// @param refunded nothing of its tip and deposits is owed any more
/// @param vrfHash keccak256 of the VRF output: its upper half ranks, all of it is the next height's randomness
/// @param end baton after the block
/// @param deposits of its committed groups together
struct ProposalRecord {
    address sequencer;
    uint16 rewardShareBps;
    bool revealed;
    bool refunded;
    uint8 groups;
    uint8 groupsCommitted;
    uint32 subtrees;
    address tipToken;
    uint256 tip;
    bytes32 blockCommitment;
    bytes32 vrfHash;
    bytes32 headerHash;
    uint256[3] end;
    uint256 deposits;
}

/// A group of the winning block.
/// @param beneficiary earns the submission reward
/// @param provenBlock the first proof's block; 0: not proven
/// @param rescued whether the beneficiary took the committed prover's place
/// @param tipShared multiproof: the tip's part is credited
/// @param rewardShared multiproof: the reward's part is credited
struct GroupRecord {
    address beneficiary;
    uint64 provenBlock;
    bool rescued;
    bool tipShared;
    bool rewardShared;
}
