// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../../src/IRootProofVerifier.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";
import {FeeToken} from "./tokens/FeeToken.sol";
import {ReentrantToken} from "./tokens/ReentrantToken.sol";

/// A party to a height that takes no ETH.
contract Refuser {
    function propose(IProvingSidecar sidecar, bytes calldata data) external payable {
        (bool good,) = address(sidecar).call{value: msg.value}(data);
        require(good);
    }

    function withdraw(IProvingSidecar sidecar) external {
        sidecar.withdraw(address(0));
    }
}

/// What others do to a height that is not theirs.
contract GriefingTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_a_copied_block_commitment_cannot_be_revealed() public {
        propose(1, ALICE, 5);
        bytes32 copied = sidecar.proposalOf(1, 0).blockCommitment;
        uint256[2] memory output = ranked(9);
        vm.prank(BOB);
        sidecar.propose(1, copied, address(0), 0, 0, output);
        toReveal(1);
        reveal(1, ALICE);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.InvalidHeader.selector, 0));
        sidecar.reveal(1, header, salt(ALICE));
        toCommitment(1);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        require(winnerOf(1) == ALICE);
    }

    function test_a_copied_proof_earns_for_the_one_it_names() public {
        committed(1, ALICE, 1);
        vm.roll(sidecar.schedule(1)[5] - 1);
        bytes memory proof = proofFor(1, 0, PROVER);
        IProvingSidecar.Header memory header = headerOf(1, ALICE);
        vm.prank(BOB);
        refuses(IRootProofVerifier.ProofRejected.selector);
        sidecar.submitProof(1, header, 0, BOB, proof);
        vm.prank(BOB);
        sidecar.submitProof(1, header, 0, PROVER, proof);
        owed(prize, PROVER, SUBMISSION_REWARD + BLOCK_REWARD * 4 / 10);
        owedEth(PROVER, TIP);
        owed(bond, BOB, 0);
        owed(prize, BOB, 0);
    }

    function test_spamming_proposals_does_not_keep_a_higher_one_out() public {
        for (uint160 i = 1; i < 5; ++i) {
            address spammer = address(0xbad0 + i);
            fund(spammer);
            propose(1, spammer, i);
        }
        fund(ANYONE);
        // Nothing that the lowest outranks comes in, and an equal one does not either.
        uint256[2] memory low = ranked(0);
        vm.prank(ANYONE);
        refuses(IProvingSidecar.ProposalRefused.selector);
        sidecar.propose(1, 0, address(0), 0, 0, low);
        low = ranked(1);
        vm.prank(ANYONE);
        refuses(IProvingSidecar.ProposalRefused.selector);
        sidecar.propose(1, 0, address(0), 0, 0, low);

        require(propose(1, ALICE, 9) == 4 && sidecar.heightOf(1).proposals == 5);
        address displaced = address(0xbad1);
        owedEth(displaced, TIP);
        require(sidecar.proposalOf(1, 0).refunded);
        uint256[2] memory high = ranked(8);
        vm.prank(displaced);
        refuses(IProvingSidecar.ProposalRefused.selector);
        sidecar.propose(1, 0, address(0), 0, 0, high);
        toReveal(1);
        reveal(1, ALICE);
        IProvingSidecar.Header memory header = headerOf(1, displaced);
        vm.prank(displaced);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 0));
        sidecar.reveal(1, header, salt(displaced));
        toProving(1);
        sidecar.refund(1, 0);
        owedEth(displaced, TIP);
        isBacked();
    }

    function test_who_refuses_eth_stops_nobody() public {
        Refuser refuser = new Refuser();
        fund(address(refuser));
        IProvingSidecar.Header memory header = blockOf(1, address(refuser), 1, 1);
        bytes32 bound = sidecar.blockCommitmentOf(1, address(refuser), header, salt(address(refuser)));
        refuser.propose{value: TIP}(sidecar, abi.encodeCall(sidecar.propose, (1, bound, address(0), TIP, 0, ranked(9))));
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        toProving(1);
        sidecar.refund(1, 0);
        owedEth(address(refuser), TIP);
        vm.expectRevert(abi.encodeWithSignature("FailedCall()"));
        refuser.withdraw(sidecar);
        owedEth(address(refuser), TIP);
        prove(1, 0, PROVER);
        vm.prank(PROVER);
        require(sidecar.withdraw(address(0)) == TIP);
        isBacked();
    }

    function test_fee_on_transfer_tokens_are_refused_on_the_way_in() public {
        FeeToken fee = new FeeToken(100);
        versions.allowToken(address(fee));
        fee.mint(ALICE, MINTED);
        approve(fee, ALICE);
        uint256[2] memory output = ranked(5);
        bytes memory refused = abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(fee));
        vm.prank(ALICE);
        vm.expectRevert(refused);
        sidecar.propose(1, 0, address(fee), TIP, 0, output);

        IVersionRegistry.Version memory v = rules();
        v.depositToken = address(fee);
        use(v);
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toCommitment(1);
        vm.prank(ALICE);
        vm.expectRevert(refused);
        commitment.commitOwn(1, 0, 0, PROVER, MIN_DEPOSIT);
    }

    function test_a_token_that_takes_more_on_the_way_out_takes_nothing_from_others() public {
        FeeToken fee = new FeeToken(0);
        versions.allowToken(address(fee));
        fee.mint(ALICE, MINTED);
        fee.mint(BOB, MINTED);
        approve(fee, ALICE);
        approve(fee, BOB);
        propose(1, ALICE, 5, 1, address(fee), TIP);
        propose(1, BOB, 5, 1, address(fee), TIP);
        toProving(1);
        sidecar.refund(1, 0);
        sidecar.refund(1, 1);
        fee.setFee(100, true);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(fee)));
        sidecar.withdraw(address(fee));
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TokenRefused.selector, address(fee)));
        sidecar.withdrawToEscrow(address(fee));
        fee.setFee(0, false);
        vm.prank(BOB);
        sidecar.withdraw(address(fee));
        require(fee.balanceOf(address(sidecar)) == TIP && sidecar.held(address(fee)) == TIP);
    }

    function test_a_token_that_calls_back_finds_every_door_shut() public {
        ReentrantToken ree = new ReentrantToken();
        versions.allowToken(address(ree));
        ree.mint(ALICE, MINTED);
        approve(ree, ALICE);
        propose(1, BOB, 4);
        IProvingSidecar.Header memory header = headerOf(1, BOB);
        bytes[7] memory calls = [
            abi.encodeCall(sidecar.propose, (1, 0, address(0), 0, 0, ranked(1))),
            abi.encodeCall(sidecar.withdraw, (address(ree))),
            abi.encodeCall(sidecar.withdrawToEscrow, (address(ree))),
            abi.encodeCall(sidecar.refund, (1, 0)),
            abi.encodeCall(sidecar.settle, (1)),
            abi.encodeCall(sidecar.payShares, (1, 0)),
            abi.encodeCall(sidecar.submitProof, (1, header, 0, PROVER, ""))
        ];
        for (uint160 i = 0; i < calls.length; ++i) {
            address sequencer = address(0x5e90 + i);
            fund(sequencer);
            ree.mint(sequencer, MINTED);
            approve(ree, sequencer);
            ree.arm(address(sidecar), calls[i]);
            propose(1, sequencer, i + 2 > 9 ? 9 : i + 2, 1, address(ree), TIP);
            isShut(ree, i + 1);
        }
        toProving(1);
        sidecar.refund(1, 1);
        ree.arm(address(sidecar), calls[1]);
        vm.prank(address(0x5e90));
        sidecar.withdraw(address(ree));
        isShut(ree, calls.length + 1);
        require(sidecar.held(address(ree)) == ree.balanceOf(address(sidecar)));
    }

    function test_eth_and_tokens_that_nobody_owes_change_nothing() public {
        propose(1, ALICE, 5);
        (bool good,) = address(sidecar).call{value: 1}("");
        require(!good, "takes ETH that is nobody's");
        vm.deal(address(sidecar), TIP + 5);
        coin.mint(address(sidecar), 5);
        toProving(1);
        sidecar.refund(1, 0);
        vm.prank(ALICE);
        require(sidecar.withdraw(address(0)) == TIP);
        require(sidecar.held(address(coin)) == 0 && sidecar.held(address(0)) == 0);
    }

    function isShut(ReentrantToken ree, uint256 calls) private view {
        require(ree.calls() == calls, "did not call back");
        require(!ree.succeeded(), "went in");
        require(
            bytes4(ree.answer()) == bytes4(keccak256("ReentrancyGuardReentrantCall()")), "stopped by something else"
        );
    }
}
