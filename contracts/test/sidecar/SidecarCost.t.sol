// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";
import {StackFixture} from "./StackFixture.sol";

/// What each call costs as a transaction of its own, with the real contracts. The figures are under snapshots/.
/// forge-config: default.isolate = true
contract SidecarCostTest is StackFixture {
    function setUp() public {
        deployStack();
    }

    function test_snapshot_gas_up_to_the_proof() public {
        bytes32 bound = sidecar.blockCommitmentOf(1, ALICE, fixtureBlock(), salt(ALICE));
        uint256[2] memory output = vrf(1);
        uint256[2] memory second = vrf(2);
        vm.prank(ALICE);
        sidecar.propose(1, bound, address(coin), TIP, 4000, output);
        snapshot("propose_opening_with_erc20_tip");
        vm.prank(BOB);
        sidecar.propose{value: TIP}(1, bound, address(0), TIP, 4000, second);
        snapshot("propose_with_eth_tip");
        toReveal(1);
        vm.prank(ALICE);
        sidecar.reveal(1, fixtureBlock(), salt(ALICE));
        snapshot("reveal_two_groups");
        toCommitment(1);
        vm.prank(ALICE);
        commitment.commitOwn(1, 0, 0, PROVER, MIN_DEPOSIT / 2);
        snapshot("commit_own");
        IProverEscrow.Quote memory quote = quoteFor(1);
        bytes memory signature = sign(quote);
        vm.prank(ALICE);
        commitment.commitQuote(1, 0, 1, quote, signature);
        snapshot("commit_quote_the_last_group");
        toProving(1);
        uint256 hint = real.hints(f.start, f.end, f.beneficiary, f.proof)[0];
        bytes memory call = abi.encodeCall(sidecar.submitProof, (1, fixtureBlock(), 1, f.beneficiary, f.proof));
        uint256 id = vm.snapshotState();
        (bool good,) = address(sidecar).call(call);
        snapshot("submit_proof_of_four_subtrees");
        require(good);
        vm.revertToState(id);
        (good,) = address(sidecar).call(abi.encodePacked(call, hint));
        snapshot("submit_proof_of_four_subtrees_with_hint");
        require(good);
        vm.prank(signer);
        sidecar.withdrawToEscrow(address(bond));
        snapshot("withdraw_to_escrow");
        vm.prank(signer);
        sidecar.withdraw(address(coin));
        snapshot("withdraw_erc20");
        sidecar.refund(1, 1);
        snapshot("refund_without_deposit");
        vm.prank(BOB);
        sidecar.withdraw(address(0));
        snapshot("withdraw_eth");
        toClosed(1);
        sidecar.settle(1);
        snapshot("settle_slashing_one_group");
    }

    function test_snapshot_size_of_the_code() public {
        vm.snapshotValue("ProvingSidecar", "runtime_bytes", address(sidecar).code.length);
        require(address(sidecar).code.length < 24_576, "does not fit a contract");
    }

    function snapshot(string memory name) private {
        vm.snapshotValue("ProvingSidecar", string.concat("gas_", name), vm.lastCallGas().gasTotalUsed);
    }
}

/// What depends on other heights, proposals and provers. Sequencer set and verifier cost nothing here.
/// forge-config: default.isolate = true
contract SidecarWorstCaseTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_snapshot_gas_of_the_last_proof() public {
        committed(1, ALICE, 4);
        for (uint32 g = 0; g < 4; ++g) {
            prove(1, g, PROVER);
        }
        snapshot("last_of_four_proofs_without_the_verifier");
    }

    function test_snapshot_gas_of_displacing_one_of_64_proposals() public {
        IVersionRegistry.Version memory v = rules();
        v.maxProposals = 64;
        use(v);
        for (uint160 i = 1; i <= 64; ++i) {
            address spammer = address(0xbad000 + i);
            fund(spammer);
            propose(1, spammer, 2);
        }
        propose(1, ALICE, 9);
        snapshot("propose_displacing_one_of_64_without_the_vrf");
    }

    function test_snapshot_gas_of_slashing_with_seven_heights_after_it() public {
        eightInFlight();
        toClosed(1);
        sidecar.settle(1);
        snapshot("settle_slashing_16_groups_and_7_heights");
        isPhase(1, IProvingSidecar.Phase.Slashed);
        isPhase(8, IProvingSidecar.Phase.Void);
        sidecar.refund(8, 0);
        snapshot("refund_of_16_groups");
    }

    function test_snapshot_gas_of_proving_eight_heights_at_once() public {
        eightInFlight();
        for (uint64 h = 8; h > 0; --h) {
            for (uint32 g = 16; g > 0; --g) {
                prove(h, g - 1, PROVER);
            }
        }
        snapshot("last_proof_of_eight_heights_without_the_verifier");
        isPhase(8, IProvingSidecar.Phase.Proven);
        sidecar.settle(8);
        snapshot("settle_drawing_rewards_of_16_groups");
    }

    function test_snapshot_gas_of_multiproof() public {
        use(racing());
        propose(1, ALICE, 5);
        toReveal(1);
        reveal(1, ALICE);
        toProving(1);
        prove(1, 0, PROVER);
        snapshot("multiproof_first_without_the_verifier");
        prove(1, 0, OTHER);
        snapshot("multiproof_second_without_the_verifier");
        vm.roll(block.number + 5);
        sidecar.payShares(1, 0);
        snapshot("pay_two_shares");
    }

    function eightInFlight() private {
        IVersionRegistry.Version memory v = pipelined();
        (v.maxInFlight, v.provingBlocks) = (8, 200);
        use(v);
        address[4] memory sequencers = [ALICE, BOB, CAROL, DAVE];
        for (uint64 h = 1; h < 9; ++h) {
            committed(h, sequencers[h % 4], 16);
        }
    }

    function snapshot(string memory name) private {
        vm.snapshotValue("ProvingSidecar", string.concat("gas_", name), vm.lastCallGas().gasTotalUsed);
    }
}
