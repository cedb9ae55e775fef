// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// Row slashing of the lifecycle, void heights, and heights that stand on each other.
contract SlashingTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_slashing_without_later_heights_pays_the_recipient() public {
        committed(1, ALICE, 1);
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Proving);
        vm.roll(sidecar.schedule(1)[5] - 1);
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Submission);
        toClosed(1);
        isPhase(1, IProvingSidecar.Phase.Closed);
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Slashed);
        owed(bond, SINK, MIN_DEPOSIT);
        owed(bond, ALICE, 0);
        owedEth(ALICE, TIP);
        sidecar.settle(1);
        sidecar.refund(1, 0);
        owed(bond, SINK, MIN_DEPOSIT);
        owedEth(ALICE, TIP);
        isBacked();
    }

    function test_slashing_takes_unproven_groups_only() public {
        committed(1, ALICE, 4);
        prove(1, 1, PROVER);
        toClosed(1);
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Slashed);
        owed(bond, SINK, MIN_DEPOSIT / 4 * 3);
        owed(bond, ALICE, MIN_DEPOSIT / 4);
        owedEth(PROVER, TIP / 4);
        owedEth(ALICE, TIP / 4 * 3);
        owed(prize, PROVER, 0);
        isBacked();
    }

    function test_slashing_is_shared_by_the_undone_heights_in_proportion_to_their_subtrees() public {
        use(pipelined());
        committed(1, ALICE, 1);
        committed(2, BOB, 1, 4);
        committed(3, CAROL, 2, 1);
        committed(4, DAVE, 1);
        require(sidecar.heightOf(4).parent == 3 && sidecar.heightOf(2).parent == 1);
        prove(3, 0, PROVER);
        toClosed(1);
        sidecar.settle(4);
        isPhase(1, IProvingSidecar.Phase.Slashed);
        for (uint64 h = 2; h < 5; ++h) {
            isPhase(h, IProvingSidecar.Phase.Void);
            sidecar.refund(h, 0);
            sidecar.refund(h, 0);
        }
        owed(bond, SINK, 0);
        owed(bond, ALICE, 0);
        // Seven subtrees are undone; what rounding leaves goes to the oldest height's sequencer. Deposits of the void heights return.
        uint256 seventh = MIN_DEPOSIT / 7;
        owed(bond, DAVE, MIN_DEPOSIT + seventh);
        owed(bond, CAROL, MIN_DEPOSIT + MIN_DEPOSIT * 2 / 7);
        owed(bond, BOB, MIN_DEPOSIT + MIN_DEPOSIT - seventh - MIN_DEPOSIT * 2 / 7);
        // A group that was proven is paid although its height is undone.
        owedEth(PROVER, TIP / 2);
        owedEth(CAROL, TIP / 2);
        owedEth(DAVE, TIP);
        (bool open, uint64 height, uint64 parent, uint256[3] memory start,) = sidecar.next();
        require(open && height == 5 && parent == 0 && start[0] == 7);
        isBacked();
    }

    function test_slashing_in_the_middle_leaves_the_heights_before_it() public {
        use(pipelined());
        committed(1, ALICE, 1);
        committed(2, BOB, 1);
        committed(3, CAROL, 1);
        prove(1, 0, PROVER);
        toClosed(2);
        propose(4, DAVE, 1);
        isPhase(1, IProvingSidecar.Phase.Proven);
        isPhase(2, IProvingSidecar.Phase.Slashed);
        isPhase(3, IProvingSidecar.Phase.Void);
        require(sidecar.heightOf(4).parent == 1);
        owed(bond, CAROL, MIN_DEPOSIT);
    }

    function test_slashing_does_not_count_a_height_without_a_winner() public {
        use(pipelined());
        committed(1, ALICE, 1);
        vm.roll(sidecar.schedule(1)[5] - 7);
        propose(2, BOB, 5);
        toReveal(2);
        reveal(2, BOB);
        toCommitment(2);
        commitOwn(2, 0, 0, MIN_DEPOSIT);
        require(sidecar.heightOf(2).winner == 0);
        // Its commitment phase would be over when somebody settles, but the window of its parent closed before.
        toProving(2);
        (bool open, uint64 height,,, bytes32 randomness) = sidecar.next();
        require(open && height == 3);
        isPhase(2, IProvingSidecar.Phase.Closed);
        sidecar.settle(1);
        isPhase(2, IProvingSidecar.Phase.Void);
        require(sidecar.heightOf(2).winner == type(uint32).max);
        owed(bond, SINK, MIN_DEPOSIT);
        sidecar.refund(2, 0);
        owed(bond, BOB, MIN_DEPOSIT);
        owedEth(BOB, TIP);
        (,,,, bytes32 settled) = sidecar.next();
        require(randomness == settled);
        require(settled == keccak256(abi.encode(sidecar.heightOf(2).randomness, 2)));
        isBacked();
    }

    function test_slashing_follows_the_order_of_the_windows_whoever_settles_when() public {
        use(pipelined());
        committed(1, ALICE, 1);
        IVersionRegistry.Version memory v = pipelined();
        v.provingBlocks = 10;
        use(v);
        committed(2, BOB, 1);
        committed(3, CAROL, 1);
        // Height 2 closes before its parent does, and nobody looks until both windows are over.
        require(sidecar.schedule(2)[5] < sidecar.schedule(1)[5]);
        toClosed(1);
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Slashed);
        isPhase(2, IProvingSidecar.Phase.Slashed);
        isPhase(3, IProvingSidecar.Phase.Void);
        owed(bond, CAROL, MIN_DEPOSIT);
        owed(bond, SINK, MIN_DEPOSIT);
        sidecar.refund(2, 0);
        owed(bond, BOB, 0);
        isBacked();
    }

    function test_void_returns_everything_whole() public {
        committed(1, ALICE, 1);
        prove(1, 0, PROVER);
        propose(2, ALICE, 5, 2, address(coin), TIP);
        toReveal(2);
        reveal(2, ALICE);
        toCommitment(2);
        commitOwn(2, 0, 0, MIN_DEPOSIT);
        toProving(2);
        sidecar.refund(2, 0);
        isPhase(2, IProvingSidecar.Phase.Void);
        owed(coin, ALICE, TIP);
        owed(bond, ALICE, 2 * MIN_DEPOSIT);
        sidecar.settle(2);
        isPhase(2, IProvingSidecar.Phase.Void);
        isBacked();
    }

    function test_opening_is_sequential_by_default() public {
        committed(1, ALICE, 1);
        (bool open,,,,) = sidecar.next();
        require(!open);
        uint256[2] memory some = ranked(1);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.HeightNotOpen.selector, 2, 2));
        sidecar.propose(2, 0, address(0), 0, 0, some);
        prove(1, 0, PROVER);
        propose(2, ALICE, 1);
        require(sidecar.heightOf(2).parent == 1);
    }

    function test_opening_is_pipelined_up_to_the_limit_when_the_version_says_so() public {
        IVersionRegistry.Version memory v = pipelined();
        v.maxInFlight = 2;
        use(v);
        propose(1, ALICE, 5);
        (bool open,,,,) = sidecar.next();
        require(!open, "opens before there is a winner");
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        toProving(1);
        committed(2, BOB, 1);
        uint256[3] memory start = headerOf(2, BOB).start;
        require(start[0] == headerOf(1, ALICE).ends[0][0] && start[2] == 0);
        (open,,,,) = sidecar.next();
        require(!open, "opens beyond the limit");
        prove(1, 0, PROVER);
        (open,,,,) = sidecar.next();
        require(open);
    }

    function test_opening_goes_on_after_a_void_height_on_the_open_one() public {
        use(pipelined());
        committed(1, ALICE, 1);
        propose(2, BOB, 5);
        toProving(2);
        committed(3, CAROL, 1);
        isPhase(2, IProvingSidecar.Phase.Void);
        isPhase(1, IProvingSidecar.Phase.Proving);
        require(sidecar.heightOf(3).parent == 1);
        prove(3, 0, PROVER);
        isPhase(3, IProvingSidecar.Phase.Proving);
        prove(1, 0, PROVER);
        isPhase(3, IProvingSidecar.Phase.Proven);
    }

    function test_a_child_proven_before_its_parent_counts_when_the_parent_is() public {
        use(pipelined());
        committed(1, ALICE, 1);
        committed(2, BOB, 1);
        committed(3, CAROL, 1);
        prove(3, 0, PROVER);
        prove(2, 0, PROVER);
        owedEth(PROVER, 2 * TIP);
        (uint64 head,) = sidecar.provenHead();
        require(head == 0);
        isPhase(2, IProvingSidecar.Phase.Proving);
        prove(1, 0, PROVER);
        (head,) = sidecar.provenHead();
        require(head == 3);
        isPhase(2, IProvingSidecar.Phase.Proven);
        isPhase(3, IProvingSidecar.Phase.Proven);
        // Whoever proves the parent does not pay for the children's rewards: they are drawn by a call.
        owed(prize, BOB, 0);
        sidecar.settle(2);
        sidecar.settle(3);
        sidecar.settle(3);
        owed(prize, BOB, BLOCK_REWARD * 6 / 10);
        owed(prize, CAROL, BLOCK_REWARD * 6 / 10);
        isBacked();
    }

    function test_a_proven_child_waits_beyond_its_window_for_its_parent() public {
        use(pipelined());
        committed(1, ALICE, 1);
        IVersionRegistry.Version memory v = pipelined();
        (v.provingBlocks, v.rescueBlocks) = (1, 0);
        use(v);
        committed(2, BOB, 1);
        prove(2, 0, PROVER);
        toClosed(2);
        sidecar.settle(2);
        isPhase(2, IProvingSidecar.Phase.Submission);
        prove(1, 0, PROVER);
        isPhase(2, IProvingSidecar.Phase.Proven);
    }

    function test_a_height_in_flight_keeps_the_version_it_began_with() public {
        propose(1, ALICE, 5);
        IVersionRegistry.Version memory v = rules();
        v.proposalBlocks = 1;
        v.minDeposit = 2 * MIN_DEPOSIT;
        v.commitmentPhase = make("ProverCommitment.sol:ProverCommitment", abi.encode(sidecar, versions, escrow));
        use(v);
        propose(1, BOB, 4);
        toReveal(1);
        require(block.number == 1004 && sidecar.heightOf(1).version == 1);
        reveal(1, ALICE);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        toProving(1);
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);

        propose(2, ALICE, 5);
        require(sidecar.heightOf(2).version == 2);
        toReveal(2);
        reveal(2, ALICE);
        toCommitment(2);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.NotCommitmentContract.selector, address(commitment)));
        commitment.commitOwn(2, 0, 0, PROVER, 2 * MIN_DEPOSIT);
    }
}
