// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// The strategy without bonds: whoever proves within the share window (five blocks here, three provers at most) has a share.
contract MultiproofTest is SidecarTest {
    function setUp() public {
        deploySidecar();
        use(racing());
    }

    function raced(uint64 height, address sequencer, uint256 groups) private {
        propose(height, sequencer, 5, groups, address(0), TIP);
        toReveal(height);
        reveal(height, sequencer);
        toProving(height);
    }

    function test_multiproof_the_highest_revealed_wins_without_commitments() public {
        propose(1, ALICE, 9);
        propose(1, BOB, 6);
        propose(1, CAROL, 4);
        toReveal(1);
        reveal(1, CAROL);
        reveal(1, BOB);
        toProving(1);
        isPhase(1, IProvingSidecar.Phase.Proving);
        require(winnerOf(1) == BOB && sidecar.schedule(1)[2] == sidecar.schedule(1)[3]);
        sidecar.refund(1, 0);
        sidecar.refund(1, 2);
        owedEth(ALICE, TIP);
        owedEth(CAROL, TIP);
    }

    function test_multiproof_shares_tip_and_reward_evenly() public {
        raced(1, ALICE, 1);
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        vm.roll(block.number + 2);
        prove(1, 0, OTHER);
        vm.roll(block.number + 2);
        prove(1, 0, DAVE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 0));
        sidecar.payShares(1, 0);
        vm.roll(block.number + 1);
        sidecar.payShares(1, 0);
        sidecar.payShares(1, 0);
        owedEth(PROVER, TIP / 3 + TIP % 3);
        owedEth(OTHER, TIP / 3);
        owedEth(DAVE, TIP / 3);
        uint256 proving = BLOCK_REWARD * 4 / 10;
        owed(prize, PROVER, SUBMISSION_REWARD + proving / 3 + proving % 3);
        owed(prize, OTHER, proving / 3);
        owed(prize, DAVE, proving / 3);
        owed(prize, ALICE, BLOCK_REWARD * 6 / 10);
        owedEth(ALICE, 0);
        isBacked();
    }

    function test_multiproof_ends_shares_with_the_window_and_the_limit() public {
        raced(1, ALICE, 2);
        prove(1, 0, PROVER);
        prove(1, 0, OTHER);
        prove(1, 0, DAVE);
        refusesShare(0, CAROL);
        prove(1, 1, PROVER);
        vm.roll(block.number + 5);
        refusesShare(1, OTHER);
    }

    function test_multiproof_shares_need_a_name_of_their_own() public {
        raced(1, ALICE, 1);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        bytes memory nameless = proofFor(1, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.BeneficiaryRefused.selector, address(0)));
        sidecar.submitProof(1, header, 0, address(0), nameless);
        prove(1, 0, PROVER);
        bytes memory copied = proofFor(1, 0, PROVER);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.BeneficiaryRefused.selector, PROVER));
        sidecar.submitProof(1, header, 0, PROVER, copied);
    }

    function test_multiproof_without_a_proof_the_height_is_void_and_nobody_slashed() public {
        raced(1, ALICE, 2);
        prove(1, 1, PROVER);
        toClosed(1);
        sidecar.refund(1, 0);
        isPhase(1, IProvingSidecar.Phase.Void);
        sidecar.payShares(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 0));
        sidecar.payShares(1, 0);
        owedEth(ALICE, TIP / 2);
        owedEth(PROVER, TIP / 2);
        owed(prize, PROVER, 0);
        isBacked();
    }

    function test_multiproof_shares_of_a_reward_that_comes_late() public {
        raced(1, ALICE, 2);
        prove(1, 0, PROVER);
        vm.roll(block.number + 5);
        sidecar.payShares(1, 0);
        owedEth(PROVER, TIP / 2);
        owed(prize, PROVER, 0);
        prove(1, 1, OTHER);
        sidecar.payShares(1, 0);
        owedEth(PROVER, TIP / 2);
        owed(prize, PROVER, SUBMISSION_REWARD / 2 + BLOCK_REWARD * 4 / 20);
        isBacked();
    }

    function test_multiproof_takes_no_commitments() public {
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toProving(1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.NotCommitmentContract.selector, address(commitment)));
        commitment.commitOwn(1, 0, 0, PROVER, 0);
    }

    function refusesShare(uint32 group, address beneficiary) private {
        bytes memory proof = proofFor(1, group, beneficiary);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, group));
        sidecar.submitProof(1, header, group, beneficiary, proof);
    }
}
