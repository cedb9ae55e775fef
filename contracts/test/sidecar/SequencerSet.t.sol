// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlsVrf} from "../../src/sidecar/BlsVrf.sol";
import {ISequencerSet} from "../../src/sidecar/ISequencerSet.sol";
import {Q} from "../Fixture.sol";
import {vm} from "../Vm.sol";
import {BlsSigner} from "./BlsSigner.sol";

contract SequencerSetTest {
    address constant ALICE = address(0xA11CE);
    address constant BOB = address(0xB0B);
    uint64 constant DELAY = 100;
    uint64 constant START = 1_000;
    bytes constant MESSAGE = "a height and its randomness";

    ISequencerSet set;

    function setUp() public {
        vm.roll(START);
        set = create();
    }

    function test_a_key_is_active_from_the_end_of_its_delay_and_not_before() public {
        register(ALICE, 1);
        (uint256[4] memory key, uint64 from, uint64 until) = set.keyOf(ALICE);
        require(keccak256(abi.encode(key)) == keccak256(abi.encode(BlsSigner.publicKey(1))));
        require(from == START + DELAY && until == type(uint64).max);
        uint256[2] memory output = BlsSigner.vrf(1, MESSAGE);
        require(!set.verify(ALICE, START, MESSAGE, output), "at once");
        require(!set.verify(ALICE, START + DELAY - 1, MESSAGE, output), "a block too early");
        require(set.verify(ALICE, START + DELAY, MESSAGE, output), "in the first block");
        require(set.verify(ALICE, type(uint64).max - 1, MESSAGE, output), "long after");
    }

    function test_only_the_sequencers_own_output_over_the_message_is_accepted() public {
        register(ALICE, 1);
        register(BOB, 2);
        uint64 then = START + DELAY;
        require(set.verify(BOB, then, MESSAGE, BlsSigner.vrf(2, MESSAGE)));
        require(!set.verify(ALICE, then, MESSAGE, BlsSigner.vrf(2, MESSAGE)), "another's key");
        require(!set.verify(ALICE, then, "another message", BlsSigner.vrf(1, MESSAGE)), "another message");
        require(!set.verify(ALICE, then, MESSAGE, BlsSigner.sign(1, MESSAGE, BlsVrf.POSSESSION_DST)), "another domain");
        require(!set.verify(address(this), then, MESSAGE, BlsSigner.vrf(1, MESSAGE)), "not registered");
        uint256[2] memory output = BlsSigner.vrf(1, MESSAGE);
        output[0] += Q;
        require(!set.verify(ALICE, then, MESSAGE, output), "a second encoding of the output");
        require(!set.verify(ALICE, then, MESSAGE, [uint256(0), 0]), "infinity");
    }

    function test_a_key_without_its_secret_is_refused() public {
        // The difference of two keys, as a rogue key is: no signature of its own can be shown.
        uint256[4] memory rogue = BlsSigner.publicKey(3);
        refused(ALICE, rogue, BlsSigner.possession(2, set, ALICE), ISequencerSet.InvalidPossession.selector);
        refused(ALICE, rogue, [uint256(0), 0], ISequencerSet.InvalidPossession.selector);
        refused(ALICE, rogue, [uint256(1), 2], ISequencerSet.InvalidPossession.selector);
        refused(ALICE, rogue, [uint256(1), 3], ISequencerSet.InvalidPossession.selector);
    }

    function test_anothers_possession_is_refused() public {
        register(BOB, 2);
        uint256[2] memory copied = BlsSigner.possession(2, set, BOB);
        refused(ALICE, BlsSigner.publicKey(2), copied, ISequencerSet.InvalidPossession.selector);
    }

    function test_a_possession_for_another_set_or_chain_is_refused() public {
        ISequencerSet other = create();
        uint256[2] memory possession = BlsSigner.possession(1, other, ALICE);
        refused(ALICE, BlsSigner.publicKey(1), possession, ISequencerSet.InvalidPossession.selector);
        possession = BlsSigner.possession(1, set, ALICE);
        vm.chainId(2);
        refused(ALICE, BlsSigner.publicKey(1), possession, ISequencerSet.InvalidPossession.selector);
    }

    function test_a_vrf_output_is_no_possession() public {
        bytes memory message = set.possessionMessage(ALICE, BlsSigner.publicKey(1));
        refused(ALICE, BlsSigner.publicKey(1), BlsSigner.vrf(1, message), ISequencerSet.InvalidPossession.selector);
    }

    function test_points_that_are_no_keys_are_refused() public {
        uint256[2] memory possession = BlsSigner.possession(1, set, ALICE);
        bytes4 why = ISequencerSet.InvalidKey.selector;
        refused(ALICE, [uint256(0), 0, 0, 0], possession, why);
        refused(ALICE, [uint256(1), 2, 3, 4], possession, why);
        uint256[4] memory key = BlsSigner.publicKey(1);
        key[0] += Q;
        refused(ALICE, key, possession, why);
        bytes32[] memory words = vm.parseJsonBytes32Array(vm.readFile("test/fixtures/bls_vrf.json"), ".outsideSubgroup");
        key = [uint256(words[0]), uint256(words[1]), uint256(words[2]), uint256(words[3])];
        refused(ALICE, key, possession, why);
    }

    function test_a_second_registration_is_refused_until_the_first_has_ended() public {
        register(ALICE, 1);
        bytes memory why = abi.encodeWithSelector(ISequencerSet.AlreadyRegistered.selector, ALICE);
        uint256[2] memory possession = BlsSigner.possession(2, set, ALICE);
        vm.expectRevert(why);
        vm.prank(ALICE);
        set.register(BlsSigner.publicKey(2), possession);

        vm.roll(START + 10);
        vm.prank(ALICE);
        set.deregister();
        vm.roll(START + 10 + DELAY - 1);
        vm.expectRevert(why);
        vm.prank(ALICE);
        set.register(BlsSigner.publicKey(2), possession);

        vm.roll(START + 10 + DELAY);
        register(ALICE, 2);
        uint64 from = START + 10 + 2 * DELAY;
        require(!set.verify(ALICE, from, MESSAGE, BlsSigner.vrf(1, MESSAGE)), "the old key");
        require(!set.verify(ALICE, from - 1, MESSAGE, BlsSigner.vrf(2, MESSAGE)), "the new key at once");
        require(set.verify(ALICE, from, MESSAGE, BlsSigner.vrf(2, MESSAGE)), "the new key");
    }

    function test_a_leaving_sequencers_key_stays_active_for_the_delay() public {
        register(ALICE, 1);
        vm.roll(START + 500);
        vm.prank(ALICE);
        set.deregister();
        uint256[2] memory output = BlsSigner.vrf(1, MESSAGE);
        require(set.verify(ALICE, START + 500 + DELAY - 1, MESSAGE, output), "still active");
        require(!set.verify(ALICE, START + 500 + DELAY, MESSAGE, output), "no longer");
        bytes memory why = abi.encodeWithSelector(ISequencerSet.NotRegistered.selector, ALICE);
        vm.expectRevert(why);
        vm.prank(ALICE);
        set.deregister();
    }

    function test_nobody_leaves_who_is_not_there() public {
        vm.expectRevert(abi.encodeWithSelector(ISequencerSet.NotRegistered.selector, BOB));
        vm.prank(BOB);
        set.deregister();
    }

    function test_a_key_that_leaves_before_its_delay_is_over_is_never_active() public {
        register(ALICE, 1);
        vm.prank(ALICE);
        set.deregister();
        uint256[2] memory output = BlsSigner.vrf(1, MESSAGE);
        for (uint64 block_ = START; block_ < START + 3 * DELAY; block_ += 10) {
            require(!set.verify(ALICE, block_, MESSAGE, output));
        }
    }

    function test_snapshot_gas_of_register_and_verify() public {
        register(ALICE, 1);
        vm.snapshotValue("SequencerSet", "gas_register", vm.lastCallGas().gasTotalUsed);
        // A message of the length that heights use: four words.
        bytes memory message = abi.encode(block.chainid, address(set), 7, keccak256("randomness"));
        uint256[2] memory output = BlsSigner.vrf(1, message);
        require(set.verify(ALICE, START + DELAY, message, output));
        vm.snapshotValue("SequencerSet", "gas_verify", vm.lastCallGas().gasTotalUsed);
    }

    function register(address sequencer, uint256 secret) private {
        uint256[4] memory key = BlsSigner.publicKey(secret);
        uint256[2] memory possession = BlsSigner.possession(secret, set, sequencer);
        vm.prank(sequencer);
        set.register(key, possession);
    }

    function refused(address sequencer, uint256[4] memory key, uint256[2] memory possession, bytes4 why) private {
        vm.expectRevert(abi.encodeWithSelector(why));
        vm.prank(sequencer);
        set.register(key, possession);
    }

    /// The code as it is deployed, not as tests are compiled.
    function create() private returns (ISequencerSet made) {
        bytes memory code = bytes.concat(vm.getCode("SequencerSet.sol:SequencerSet"), abi.encode(DELAY));
        assembly {
            made := create(0, add(code, 32), mload(code))
        }
        require(address(made).code.length > 0);
    }
}
