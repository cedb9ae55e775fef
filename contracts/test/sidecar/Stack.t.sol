// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../../src/IRootProofVerifier.sol";
import {ICommitmentPhase} from "../../src/sidecar/ICommitmentPhase.sol";
import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";
import {StackFixture} from "./StackFixture.sol";

/// The contracts together, none of them replaced.
contract StackTest is StackFixture {
    function setUp() public {
        deployStack();
    }

    function test_a_sequencer_proposes_with_its_own_vrf_output_only() public {
        uint256[2] memory output = vrf(1);
        vm.prank(BOB);
        refuses(IProvingSidecar.InvalidVrf.selector);
        sidecar.propose(1, 0, address(0), 0, 0, output);
        vm.prank(ALICE);
        sidecar.propose(1, 0, address(0), 0, 0, output);
        require(sidecar.proposalOf(1, 0).score == uint256(keccak256(abi.encode(output))) >> 128);
    }

    function test_a_key_must_be_active_when_the_height_opens() public {
        register(CAROL, 3);
        uint256[2] memory alice = vrf(1);
        uint256[2] memory carol = vrf(3);
        vm.roll(block.number + 9);
        vm.prank(ALICE);
        sidecar.propose(1, 0, address(0), 0, 0, alice);
        vm.roll(block.number + 1);
        vm.prank(CAROL);
        refuses(IProvingSidecar.InvalidVrf.selector);
        sidecar.propose(1, 0, address(0), 0, 0, carol);
    }

    function test_quotes_draw_deposits_and_the_prover_gets_price_and_deposit() public {
        quoted();
        IProvingSidecar.Header memory header = fixtureBlock();
        require(escrow.available(address(bond), signer) == 9 * MIN_DEPOSIT);
        require(sidecar.held(address(bond)) == MIN_DEPOSIT);
        sidecar.submitProof(1, header, 1, f.beneficiary, f.proof);
        require(sidecar.isProven(1, 1));
        owed(coin, signer, TIP / 2 - 10);
        owed(bond, signer, MIN_DEPOSIT / 2);
        vm.prank(signer);
        sidecar.withdrawToEscrow(address(bond));
        require(escrow.available(address(bond), signer) == 9 * MIN_DEPOSIT + MIN_DEPOSIT / 2);
        toClosed(1);
        sidecar.settle(1);
        owed(bond, SINK, MIN_DEPOSIT / 2);
        owed(coin, ALICE, TIP / 2 + 10);
        isBacked();
    }

    function test_a_real_proof_is_taken_with_and_without_hints() public {
        quoted();
        IProvingSidecar.Header memory header = fixtureBlock();
        bytes memory call = abi.encodeCall(sidecar.submitProof, (1, header, 1, f.beneficiary, f.proof));
        uint256 hint = real.hints(f.start, f.end, f.beneficiary, f.proof)[0];
        bytes memory asked =
            abi.encodePacked(abi.encodeCall(real.verify, (f.start, f.end, f.beneficiary, f.proof)), hint);
        vm.expectCall(address(real), asked, 1);
        (bool good,) = address(sidecar).call(abi.encodePacked(call, hint));
        require(good && sidecar.isProven(1, 1));
    }

    function test_a_real_proof_for_another_beneficiary_or_group_is_refused() public {
        quoted();
        IProvingSidecar.Header memory header = fixtureBlock();
        refuses(IRootProofVerifier.ProofRejected.selector);
        sidecar.submitProof(1, header, 1, ANYONE, f.proof);
        refuses(IRootProofVerifier.ProofRejected.selector);
        sidecar.submitProof(1, header, 0, f.beneficiary, f.proof);
    }

    function test_quotes_are_for_one_height_proposal_group_and_sequencer() public {
        revealed();
        IProverEscrow.Quote memory quote = quoteFor(0);
        quote.height = 2;
        refusesQuote(0, quote);
        quote = quoteFor(1);
        refusesQuote(0, quote);
        quote = quoteFor(0);
        quote.blockCommitment = keccak256("another");
        refusesQuote(0, quote);
        quote = quoteFor(0);
        quote.sequencer = BOB;
        refusesQuote(0, quote);
        quote = quoteFor(0);
        quote.tipToken = address(0);
        refusesQuote(0, quote);
        quote = quoteFor(0);
        quote.depositToken = address(coin);
        refusesQuote(0, quote);

        quote = quoteFor(0);
        quote.price = TIP / 2 + 1;
        bytes memory signature = sign(quote);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.TermsRefused.selector, MIN_DEPOSIT / 2, TIP / 2 + 1));
        commitment.commitQuote(1, 0, 0, quote, signature);
        quote = quoteFor(0);
        signature = sign(quote);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IProvingSidecar.UnknownProposal.selector, 1, 0));
        commitment.commitQuote(1, 0, 0, quote, signature);
        require(escrow.available(address(bond), signer) == 10 * MIN_DEPOSIT);
    }

    function refusesQuote(uint32 group, IProverEscrow.Quote memory quote) private {
        bytes memory signature = sign(quote);
        vm.prank(ALICE);
        refuses(ICommitmentPhase.QuoteMismatch.selector);
        commitment.commitQuote(1, 0, group, quote, signature);
    }
}
