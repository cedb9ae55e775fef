// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {R} from "../Fixture.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// Rows proposal, reveal and commitment of the lifecycle: who wins, who gets back what.
contract ProposalTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_proposal_opens_the_next_height() public {
        (bool open, uint64 height, uint64 parent, uint256[3] memory start, bytes32 randomness) = sidecar.next();
        require(open && height == 1 && parent == 0 && randomness == keccak256("genesis"));
        require(start[0] == 7 && start[1] == 11 && start[2] == 0);
        isPhase(1, IProvingSidecar.Phase.None);
        propose(1, ALICE, 5);
        isPhase(1, IProvingSidecar.Phase.Proposal);
        uint64[6] memory blocks = sidecar.schedule(1);
        require(blocks[0] == 1000 && blocks[1] == 1004 && blocks[2] == 1006);
        require(blocks[3] == 1010 && blocks[4] == 1050 && blocks[5] == 1054);
        require(sidecar.lastHeight() == 1 && sidecar.heightOf(1).proposals == 1);
    }

    function test_proposal_losers_get_their_tip_back_in_eth_and_erc20() public {
        propose(1, ALICE, 5);
        propose(1, BOB, 4);
        propose(1, CAROL, 3, 1, address(coin), 500);
        toReveal(1);
        reveal(1, ALICE);
        reveal(1, BOB);
        reveal(1, CAROL);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        wrongPhase(1, IProvingSidecar.Phase.Commitment);
        sidecar.refund(1, 1);
        toProving(1);
        sidecar.refund(1, 1);
        sidecar.refund(1, 2);
        owedEth(BOB, TIP);
        owed(bond, BOB, MIN_DEPOSIT);
        owed(coin, CAROL, 500);
        uint256 before = BOB.balance;
        vm.prank(BOB);
        require(sidecar.withdraw(address(0)) == TIP && BOB.balance == before + TIP);
        vm.prank(CAROL);
        sidecar.withdraw(address(coin));
        require(coin.balanceOf(CAROL) == MINTED);
        isBacked();
    }

    function test_proposal_is_refunded_once_and_the_winner_not_at_all() public {
        propose(1, ALICE, 5);
        propose(1, BOB, 4);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        toProving(1);
        sidecar.refund(1, 1);
        sidecar.refund(1, 1);
        owedEth(BOB, TIP);
        wrongPhase(1, IProvingSidecar.Phase.Proving);
        sidecar.refund(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 2));
        sidecar.refund(1, 2);
        prove(1, 0, PROVER);
        sidecar.refund(1, 0);
        owedEth(ALICE, 0);
    }

    function test_proposal_needs_its_phase_its_height_and_a_vrf_output() public {
        uint256[2] memory none;
        refuses(IProvingSidecar.InvalidVrf.selector);
        sidecar.propose(1, 0, address(0), 0, 0, none);
        uint256[2] memory some = ranked(1);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.HeightNotOpen.selector, 2, 1));
        sidecar.propose(2, 0, address(0), 0, 0, some);
        wrongPhase(0, IProvingSidecar.Phase.None);
        sidecar.propose(0, 0, address(0), 0, 0, some);
        propose(1, ALICE, 5);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.HeightNotOpen.selector, 2, 2));
        sidecar.propose(2, 0, address(0), 0, 0, some);
        refuses(IProvingSidecar.ProposalRefused.selector);
        sidecar.propose(1, 0, address(0), 0, 10_001, some);
        vm.prank(ALICE);
        refuses(IProvingSidecar.ProposalRefused.selector);
        sidecar.propose(1, 0, address(0), 0, 0, some);
        toReveal(1);
        wrongPhase(1, IProvingSidecar.Phase.Reveal);
        sidecar.propose(1, 0, address(0), 0, 0, some);
    }

    function test_proposal_takes_exactly_its_tip() public {
        uint256[2] memory some = ranked(1);
        bytes memory refused = abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(0));
        vm.expectRevert(refused);
        sidecar.propose{value: 9}(1, 0, address(0), 10, 0, some);
        vm.expectRevert(refused);
        sidecar.propose{value: 11}(1, 0, address(0), 10, 0, some);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(coin)));
        sidecar.propose{value: 1}(1, 0, address(coin), 10, 0, some);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(prize)));
        sidecar.propose(1, 0, address(prize), 10, 0, some);
    }

    function test_reveal_an_unrevealed_proposal_cannot_win() public {
        propose(1, ALICE, 9);
        propose(1, BOB, 1);
        toReveal(1);
        reveal(1, BOB);
        toCommitment(1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 0));
        commitment.commitOwn(1, 0, 0, PROVER, MIN_DEPOSIT);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        toProving(1);
        require(winnerOf(1) == BOB);
        sidecar.refund(1, 0);
        owedEth(ALICE, TIP);
    }

    function test_reveal_binds_the_block_to_its_commitment() public {
        propose(1, ALICE, 5);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        vm.prank(ALICE);
        wrongPhase(1, IProvingSidecar.Phase.Proposal);
        sidecar.reveal(1, header, salt(ALICE));
        toReveal(1);
        vm.prank(ALICE);
        invalid(0);
        sidecar.reveal(1, header, salt(BOB));
        header.dataCommitment = 0;
        vm.prank(ALICE);
        invalid(0);
        sidecar.reveal(1, header, salt(ALICE));
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, type(uint32).max));
        sidecar.reveal(1, header, salt(ALICE));
        reveal(1, ALICE);
        header = headerOf(1, ALICE);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 0));
        sidecar.reveal(1, header, salt(ALICE));
        require(sidecar.proposalOf(1, 0).headerHash == keccak256(abi.encode(header)));
    }

    function test_reveal_refuses_headers_that_this_version_does_not_take() public {
        IProvingSidecar.Header memory header = blockOf(1, ALICE, 1, 1);
        header.start[0] = 8;
        refusesHeader(header, 1);
        header = blockOf(1, ALICE, 1, 1);
        header.start[2] = 1;
        refusesHeader(header, 1);
        header = blockOf(1, ALICE, 1, 1);
        header.ends = new uint256[3][](0);
        refusesHeader(header, 2);
        refusesHeader(blockOf(1, ALICE, 17, 1), 2);
        header = blockOf(1, ALICE, 2, 1);
        header.subtrees = 3;
        refusesHeader(header, 2);
        header.subtrees = 0;
        refusesHeader(header, 3);
        header = blockOf(1, ALICE, 1, 1);
        header.rowsLog2 = ROWS_LOG2 + 1;
        refusesHeader(header, 3);
        header = blockOf(1, ALICE, 1, 1);
        header.dataVersion = 1;
        refusesHeader(header, 4);
        header = blockOf(1, ALICE, 2, 1);
        header.ends[0][1] = R;
        refusesHeader(header, 5);
        header = blockOf(1, ALICE, 1, 1);
        header.dataUri = string(new bytes(257));
        refusesHeader(header, 6);
    }

    function test_reveal_takes_only_the_size_classes_of_its_version() public {
        refusesHeader(blockOf(1, ALICE, 1, 8), 3);
        IVersionRegistry.Class memory eight = IVersionRegistry.Class(ROWS_LOG2, 8, verifier);
        versions.addClass(1, eight);
        proposeBlock(2, ALICE, 5, blockOf(2, ALICE, 1, 8), address(0), 0);
        proposeBlock(2, BOB, 4, blockOf(2, BOB, 2, 4), address(0), 0);
        toReveal(2);
        reveal(2, ALICE);
        reveal(2, BOB);
        require(sidecar.proposalOf(2, 0).subtrees == 8 && sidecar.proposalOf(2, 1).groups == 2);
        vm.expectRevert(abi.encodePacked(IVersionRegistry.InvalidClass.selector));
        versions.addClass(1, eight);
    }

    function test_commitment_without_one_the_next_ranked_takes_the_height() public {
        propose(1, ALICE, 9);
        propose(1, BOB, 5);
        propose(1, CAROL, 3);
        toReveal(1);
        reveal(1, ALICE);
        reveal(1, BOB);
        reveal(1, CAROL);
        toCommitment(1);
        require(sidecar.heightOf(1).winner == type(uint32).max);
        commitOwn(1, 2, 0, MIN_DEPOSIT);
        require(sidecar.heightOf(1).winner == 2);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        require(sidecar.heightOf(1).winner == 1);
        toProving(1);
        require(winnerOf(1) == BOB);
        isPhase(1, IProvingSidecar.Phase.Proving);
    }

    function test_commitment_of_some_groups_does_not_win() public {
        propose(1, ALICE, 9, 2, address(0), TIP);
        propose(1, BOB, 5);
        toReveal(1);
        reveal(1, ALICE);
        reveal(1, BOB);
        toCommitment(1);
        commitOwn(1, 0, 1, MIN_DEPOSIT / 2);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        toProving(1);
        require(winnerOf(1) == BOB);
        sidecar.refund(1, 0);
        owed(bond, ALICE, MIN_DEPOSIT / 2);
    }

    function test_commitment_terms() public {
        propose(1, ALICE, 9, 2, address(0), TIP);
        toReveal(1);
        reveal(1, ALICE);
        vm.prank(ALICE);
        wrongPhase(1, IProvingSidecar.Phase.Reveal);
        commitment.commitOwn(1, 0, 0, PROVER, MIN_DEPOSIT);
        toCommitment(1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TermsRefused.selector, MIN_DEPOSIT / 2 - 1, TIP / 2));
        commitment.commitOwn(1, 0, 0, PROVER, MIN_DEPOSIT / 2 - 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TermsRefused.selector, MIN_DEPOSIT, TIP / 2));
        commitment.commitOwn(1, 0, 0, address(0), MIN_DEPOSIT);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 2));
        commitment.commitOwn(1, 0, 2, PROVER, MIN_DEPOSIT);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.GroupUnavailable.selector, 1, 0));
        commitment.commitOwn(1, 0, 0, OTHER, MIN_DEPOSIT);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 0));
        commitment.commitOwn(1, 0, 1, PROVER, MIN_DEPOSIT);
        require(sidecar.commitmentOf(1, 0, 0).prover == PROVER);
    }

    function test_commitment_is_recorded_only_by_the_versions_contract() public {
        propose(1, ALICE, 9);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        bond.mint(address(sidecar), MIN_DEPOSIT);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.NotCommitmentContract.selector, address(this)));
        sidecar.recordCommitment(1, 0, 0, IProvingSidecar.Commitment(PROVER, ALICE, MIN_DEPOSIT, TIP));
        vm.prank(address(commitment));
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TermsRefused.selector, MIN_DEPOSIT, TIP + 1));
        sidecar.recordCommitment(1, 0, 0, IProvingSidecar.Commitment(PROVER, ALICE, MIN_DEPOSIT, TIP + 1));
        vm.prank(address(commitment));
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(bond)));
        sidecar.recordCommitment(1, 0, 0, IProvingSidecar.Commitment(PROVER, ALICE, MIN_DEPOSIT + 1, TIP));
    }

    function test_commitment_none_makes_the_height_void_and_the_next_one_opens() public {
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toProving(1);
        isPhase(1, IProvingSidecar.Phase.Closed);
        (bool open, uint64 height, uint64 parent,, bytes32 randomness) = sidecar.next();
        require(open && height == 2 && parent == 0);
        require(randomness == keccak256(abi.encode(keccak256("genesis"), 1)));
        propose(2, BOB, 5);
        isPhase(1, IProvingSidecar.Phase.Void);
        require(sidecar.heightOf(2).randomness == randomness);
        sidecar.refund(1, 0);
        owedEth(ALICE, TIP);
    }

    function test_ranking_ties_go_to_the_earlier_proposal() public {
        propose(1, ALICE, 5);
        propose(1, BOB, 5);
        toReveal(1);
        reveal(1, ALICE);
        reveal(1, BOB);
        toCommitment(1);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        require(winnerOf(1) == ALICE);
    }

    function test_ranking_counts_the_deposit_when_the_version_weighs_it() public {
        IVersionRegistry.Version memory v = rules();
        v.depositWeightBps = 10_000;
        use(v);
        propose(1, ALICE, 9);
        propose(1, BOB, 5, 2, address(0), TIP);
        toReveal(1);
        reveal(1, ALICE);
        reveal(1, BOB);
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        uint256 bare = sidecar.proposalOf(1, 1).score;
        require(winnerOf(1) == ALICE);
        commitOwn(1, 1, 1, MIN_DEPOSIT);
        // Twice the least deposit at full weight: twice the score.
        require(sidecar.proposalOf(1, 1).score == 2 * bare);
        require(winnerOf(1) == BOB);
    }

    function test_ranking_counts_at_most_ten_times_the_least_deposit() public {
        IVersionRegistry.Version memory v = rules();
        v.depositWeightBps = 5000;
        use(v);
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        uint256 bare = sidecar.proposalOf(1, 0).score;
        commitOwn(1, 0, 0, 1000 * MIN_DEPOSIT);
        require(sidecar.proposalOf(1, 0).score == bare + bare * 9 / 2);
    }

    function refusesHeader(IProvingSidecar.Header memory header, uint8 field) private {
        uint64 height = sidecar.lastHeight() + 1;
        proposeBlock(height, ALICE, 5, header, address(0), 0);
        toReveal(height);
        vm.prank(ALICE);
        invalid(field);
        sidecar.reveal(height, header, salt(ALICE));
        toProving(height);
        sidecar.settle(height);
    }

    function invalid(uint8 field) private {
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.InvalidHeader.selector, field));
    }
}
