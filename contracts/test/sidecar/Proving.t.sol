// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../../src/IRootProofVerifier.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// Rows proving, submission and reward of the lifecycle, groups and rescue.
contract ProvingTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_proving_ends_with_an_early_proof() public {
        committed(1, ALICE, 1);
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        (uint64 head, uint256[3] memory end) = sidecar.provenHead();
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        require(head == 1 && keccak256(abi.encode(end)) == keccak256(abi.encode(header.ends[0])));
        (bool open, uint64 height, uint64 parent, uint256[3] memory start, bytes32 randomness) = sidecar.next();
        require(open && height == 2 && parent == 1);
        require(start[0] == end[0] && start[1] == end[1] && start[2] == 0 && end[2] != 0);
        require(randomness == keccak256(abi.encode(ranked(5))));
    }

    function test_proving_of_fixed_length_takes_proofs_in_the_submission_phase_only() public {
        IVersionRegistry.Version memory v = rules();
        v.fixedWindow = true;
        use(v);
        committed(1, ALICE, 1);
        refusesProof(1, 0, PROVER, IProvingSidecar.Phase.Proving);
        toSubmission(1);
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
    }

    function test_proving_takes_no_proof_before_the_winner_is_final() public {
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        refusesProof(1, 0, PROVER, IProvingSidecar.Phase.Commitment);
    }

    function test_proving_takes_no_proof_after_the_window() public {
        committed(1, ALICE, 1);
        toClosed(1);
        bytes memory proof = proofFor(1, 0, PROVER);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        wrongPhase(1, IProvingSidecar.Phase.Slashed);
        sidecar.submitProof(1, header, 0, PROVER, proof);
    }

    function test_submission_is_open_to_anyone_and_the_first_valid_proof_earns() public {
        committed(1, ALICE, 1);
        toSubmission(1);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        bytes memory wrong = proofFor(1, 0, BOB);
        refuses(IRootProofVerifier.ProofRejected.selector);
        sidecar.submitProof(1, header, 0, CAROL, wrong);
        prove(1, 0, address(0), ANYONE);
        owed(prize, ANYONE, SUBMISSION_REWARD);
        bytes memory second = proofFor(1, 0, OTHER);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 0));
        sidecar.submitProof(1, header, 0, OTHER, second);
        isBacked();
    }

    function test_submission_of_a_named_proof_earns_for_its_beneficiary() public {
        committed(1, ALICE, 1);
        prove(1, 0, OTHER, ANYONE);
        owed(prize, OTHER, SUBMISSION_REWARD);
        owed(prize, ANYONE, 0);
        // Outside the rescue the committed prover is paid all the same.
        owedEth(PROVER, TIP);
    }

    function test_submission_checks_header_class_and_length() public {
        committed(1, ALICE, 1);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        bytes memory proof = proofFor(1, 0, PROVER);
        header.dataUri = "";
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.InvalidHeader.selector, 0));
        sidecar.submitProof(1, header, 0, PROVER, proof);
        header = headerOf(1, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 1));
        sidecar.submitProof(1, header, 1, PROVER, proof);
        proof[31] = 0x02;
        refuses(IProvingSidecar.InvalidProof.selector);
        sidecar.submitProof(1, header, 0, PROVER, proof);
        proof = bytes.concat(proofFor(1, 0, PROVER), bytes32(0));
        refuses(IProvingSidecar.InvalidProof.selector);
        sidecar.submitProof(1, header, 0, PROVER, proof);
        wrongPhase(2, IProvingSidecar.Phase.None);
        sidecar.submitProof(2, header, 0, PROVER, proof);
    }

    function test_reward_goes_to_prover_sequencer_and_submitter_and_the_deposit_back() public {
        committed(1, ALICE, 1);
        prove(1, 0, PROVER);
        owedEth(PROVER, TIP);
        owed(prize, PROVER, BLOCK_REWARD * 4 / 10 + SUBMISSION_REWARD);
        owed(prize, ALICE, BLOCK_REWARD * 6 / 10);
        owed(bond, ALICE, MIN_DEPOSIT);
        owedEth(ALICE, 0);
        vm.prank(ALICE);
        sidecar.withdraw(address(bond));
        vm.prank(ALICE);
        sidecar.withdraw(address(prize));
        require(bond.balanceOf(ALICE) == MINTED && prize.balanceOf(ALICE) == BLOCK_REWARD * 6 / 10);
        vm.prank(ALICE);
        refuses(IProvingSidecar.NothingToWithdraw.selector);
        sidecar.withdraw(address(prize));
        isBacked();
    }

    function test_reward_is_never_more_than_the_pool_holds() public {
        uint256 half = (BLOCK_REWARD + SUBMISSION_REWARD) / 2;
        drain(half);
        committed(1, ALICE, 1);
        prove(1, 0, PROVER);
        owed(prize, ALICE, BLOCK_REWARD * 3 / 10);
        owed(prize, PROVER, BLOCK_REWARD * 2 / 10 + SUBMISSION_REWARD / 2);
        committed(2, ALICE, 1);
        prove(2, 0, PROVER);
        isPhase(2, IProvingSidecar.Phase.Proven);
        require(sidecar.held(address(prize)) == half);
        prize.mint(address(pool), BLOCK_REWARD);
        sidecar.settle(2);
        require(sidecar.held(address(prize)) == half, "paid twice");
        isBacked();
    }

    function test_reward_of_a_failing_pool_is_drawn_later_once() public {
        committed(1, ALICE, 1);
        bytes memory draw = abi.encodeCall(pool.draw, (BLOCK_REWARD + SUBMISSION_REWARD));
        vm.mockCallRevert(address(pool), draw, "");
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        owed(prize, ALICE, 0);
        owedEth(PROVER, TIP);
        vm.clearMockedCalls();
        sidecar.settle(1);
        sidecar.settle(1);
        owed(prize, ALICE, BLOCK_REWARD * 6 / 10);
        owed(prize, PROVER, BLOCK_REWARD * 4 / 10 + SUBMISSION_REWARD);
        isBacked();
    }

    function test_reward_pool_pays_the_sidecar_only() public {
        vm.expectRevert(abi.encodeWithSignature("NotSidecar(address)", address(this)));
        pool.draw(1);
    }

    function test_groups_are_paid_one_by_one_and_prove_the_height_together() public {
        committed(1, ALICE, 4, 2);
        for (uint32 g = 4; g-- > 1;) {
            prove(1, g, PROVER);
            isPhase(1, IProvingSidecar.Phase.Proving);
            require(sidecar.isProven(1, g));
        }
        owedEth(PROVER, TIP / 4 * 3);
        owed(bond, ALICE, MIN_DEPOSIT / 4 * 3);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        bytes memory again = proofFor(1, 2, OTHER);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 2));
        sidecar.submitProof(1, header, 2, OTHER, again);
        prove(1, 0, OTHER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        owedEth(PROVER, TIP);
        owed(bond, ALICE, MIN_DEPOSIT);
        owed(prize, OTHER, SUBMISSION_REWARD / 4);
        owed(prize, PROVER, BLOCK_REWARD * 4 / 10 + SUBMISSION_REWARD / 4 * 3);
        isBacked();
    }

    function test_groups_leave_the_sequencer_what_division_leaves() public {
        proposeBlock(1, ALICE, 5, blockOf(1, ALICE, 4, 1), address(0), 4003);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        for (uint32 g = 0; g < 4; ++g) {
            commitOwn(1, 0, g, MIN_DEPOSIT / 4);
        }
        toProving(1);
        for (uint32 g = 0; g < 4; ++g) {
            prove(1, g, PROVER);
        }
        owedEth(PROVER, 4000);
        owedEth(ALICE, 3);
        isBacked();
    }

    function test_rescue_takes_price_and_penalty_and_returns_the_rest() public {
        committed(1, ALICE, 1);
        vm.roll(sidecar.schedule(1)[5] - 8);
        prove(1, 0, OTHER);
        owedEth(OTHER, TIP);
        owedEth(PROVER, 0);
        owed(bond, OTHER, MIN_DEPOSIT / 4);
        owed(bond, ALICE, MIN_DEPOSIT / 4 * 3);
        owed(prize, OTHER, BLOCK_REWARD * 4 / 10 + SUBMISSION_REWARD);
        isBacked();
    }

    function test_rescue_needs_another_name_and_its_blocks() public {
        committed(1, ALICE, 4);
        vm.roll(sidecar.schedule(1)[5] - 9);
        prove(1, 0, OTHER);
        vm.roll(sidecar.schedule(1)[5] - 1);
        prove(1, 1, address(0), OTHER);
        prove(1, 2, PROVER, OTHER);
        owedEth(OTHER, 0);
        owedEth(PROVER, TIP / 4 * 3);
        owed(bond, ALICE, MIN_DEPOSIT / 4 * 3);
        prove(1, 3, OTHER);
        owedEth(OTHER, TIP / 4);
    }

    function drain(uint256 left) private {
        uint256 held = prize.balanceOf(address(pool));
        vm.prank(address(pool));
        require(prize.transfer(SINK, held - left), "moved");
    }

    function refusesProof(uint64 height, uint32 group, address beneficiary, IProvingSidecar.Phase now_) private {
        bytes memory proof = proofFor(height, group, beneficiary);
        IProvingSidecar.Header memory header = headerOf(height, winnerOf(height));
        wrongPhase(height, now_);
        sidecar.submitProof(height, header, group, beneficiary, proof);
    }
}
