// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// Phases of any lengths: each call is taken from its first block to its last, and not in the ones beside them.
contract ScheduleTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_schedule_of_any_lengths(uint32[5] memory lengths, bool fixedWindow, uint64 start) public {
        IVersionRegistry.Version memory v = rules();
        v.proposalBlocks = 1 + lengths[0] % 1000;
        v.revealBlocks = 1 + lengths[1] % 1000;
        v.commitmentBlocks = 1 + lengths[2] % 1000;
        v.provingBlocks = lengths[3] % 1000;
        v.submissionBlocks = 1 + lengths[4] % 1000;
        (v.fixedWindow, v.rescueBlocks) = (fixedWindow, 0);
        use(v);
        start = 1000 + start % 1e12;
        vm.roll(start);
        propose(1, ALICE, 5);
        uint64[6] memory first = sidecar.schedule(1);
        require(first[0] == start && first[1] == start + v.proposalBlocks && first[2] == first[1] + v.revealBlocks);
        require(first[3] == first[2] + v.commitmentBlocks && first[4] == first[3] + v.provingBlocks);
        require(first[5] == first[4] + v.submissionBlocks);

        vm.roll(first[1] - 1);
        isPhase(1, IProvingSidecar.Phase.Proposal);
        propose(1, BOB, 6);
        vm.roll(pick(first[1], first[2], lengths[0]));
        isPhase(1, IProvingSidecar.Phase.Reveal);
        reveal(1, ALICE);
        vm.roll(first[2] - 1);
        reveal(1, BOB);
        vm.roll(first[2]);
        isPhase(1, IProvingSidecar.Phase.Commitment);
        commitOwn(1, 0, 0, MIN_DEPOSIT);
        vm.roll(first[3] - 1);
        commitOwn(1, 1, 0, MIN_DEPOSIT);
        uint64 takes = fixedWindow ? first[4] : first[3];
        vm.roll(takes - 1);
        refusesProof();
        vm.roll(pick(takes, first[5], lengths[1]));
        uint256 snapshot = vm.snapshotState();
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        vm.revertToState(snapshot);
        vm.roll(first[5] - 1);
        isPhase(1, IProvingSidecar.Phase.Submission);
        sidecar.settle(1);
        snapshot = vm.snapshotState();
        prove(1, 0, PROVER);
        isPhase(1, IProvingSidecar.Phase.Proven);
        vm.revertToState(snapshot);
        vm.roll(first[5]);
        refusesProof();
        sidecar.settle(1);
        isPhase(1, IProvingSidecar.Phase.Slashed);
    }

    function pick(uint64 from, uint64 to, uint256 seed) private pure returns (uint256) {
        return from + seed % (to - from);
    }

    function refusesProof() private {
        bytes memory proof = proofFor(1, 0, PROVER);
        (bool good, bytes memory why) =
            address(sidecar).call(abi.encodeCall(sidecar.submitProof, (1, headerOf(1, BOB), 0, PROVER, proof)));
        // The selector is what is compared.
        // forge-lint: disable-next-line(unsafe-typecast)
        require(!good && bytes4(why) == IProvingSidecar.WrongPhase.selector, "taken at the wrong time");
    }
}
