// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../../src/IRootProofVerifier.sol";
import {IProverEscrow} from "../../src/sidecar/IProverEscrow.sol";
import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {ISequencerSet} from "../../src/sidecar/ISequencerSet.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {Fixture, FixtureTest} from "../Fixture.sol";
import {vm} from "../Vm.sol";
import {BlsSigner} from "./BlsSigner.sol";
import "./SidecarTest.sol";

/// The real sequencer set, escrow and verifier. The fixture's block starts with fees, so it is the second group here; the first one's
/// class is served by the same verifier and stays unproven.
abstract contract StackFixture is SidecarTest, FixtureTest {
    uint256 constant PROVER_KEY = 0xbeef;

    Fixture f;
    address signer;
    uint32 rowsLog2;
    IRootProofVerifier real;

    function deployStack() internal {
        f = load("four_subtrees");
        real = deploy(f.key);
        deploySidecar(make("SequencerSet.sol:SequencerSet", abi.encode(10)));
        while (uint256(1) << rowsLog2 < f.key.rows) ++rowsLog2;
        IVersionRegistry.Class[] memory list = new IVersionRegistry.Class[](1);
        list[0] = IVersionRegistry.Class(rowsLog2, 4, address(real));
        versions.addVersion(rules(), list);
        signer = vm.addr(PROVER_KEY);
        fund(signer);
        vm.prank(signer);
        escrow.deposit(address(bond), 10 * MIN_DEPOSIT);
        register(ALICE, 1);
        register(BOB, 2);
        vm.roll(block.number + 10);
    }

    function register(address sequencer, uint256 secret) internal {
        uint256[2] memory possession = BlsSigner.possession(secret, ISequencerSet(set), sequencer);
        vm.prank(sequencer);
        ISequencerSet(set).register(BlsSigner.publicKey(secret), possession);
    }

    /// The VRF output for the height that opens next.
    function vrf(uint256 secret) internal view returns (uint256[2] memory) {
        (, uint64 height,,, bytes32 randomness) = sidecar.next();
        return BlsSigner.vrf(secret, abi.encode(block.chainid, address(sidecar), height, randomness));
    }

    function fixtureBlock() internal view returns (IProvingSidecar.Header memory header) {
        header.start = [uint256(7), 11, 0];
        header.ends = new uint256[3][](2);
        (header.ends[0], header.ends[1]) = (f.start, f.end);
        (header.rowsLog2, header.subtrees) = (rowsLog2, 8);
        header.dataUri = "https://blocks.example/1";
    }

    function quoteFor(uint32 group) internal view returns (IProverEscrow.Quote memory) {
        return IProverEscrow.Quote({
            prover: signer,
            sequencer: ALICE,
            height: 1,
            blockCommitment: sidecar.blockCommitmentOf(1, ALICE, fixtureBlock(), salt(ALICE)),
            group: group,
            tipToken: address(coin),
            price: TIP / 2 - 10,
            depositToken: address(bond),
            deposit: MIN_DEPOSIT / 2,
            nonce: group,
            expiry: uint64(block.number + 100)
        });
    }

    function sign(IProverEscrow.Quote memory quote) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PROVER_KEY, escrow.quoteDigest(quote));
        return abi.encodePacked(r, s, v);
    }

    /// Height 1 is Alice's and in its commitment phase.
    function revealed() internal {
        bytes32 bound = sidecar.blockCommitmentOf(1, ALICE, fixtureBlock(), salt(ALICE));
        uint256[2] memory output = vrf(1);
        vm.prank(ALICE);
        sidecar.propose(1, bound, address(coin), TIP, 4000, output);
        toReveal(1);
        vm.prank(ALICE);
        sidecar.reveal(1, fixtureBlock(), salt(ALICE));
        toCommitment(1);
    }

    /// Both groups are committed by the prover's quotes, and the height is in its proving phase.
    function quoted() internal {
        revealed();
        for (uint32 g = 0; g < 2; ++g) {
            IProverEscrow.Quote memory quote = quoteFor(g);
            bytes memory signature = sign(quote);
            vm.prank(ALICE);
            commitment.commitQuote(1, 0, g, quote, signature);
        }
        toProving(1);
    }
}
