// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../src/IRootProofVerifier.sol";
import {Fixture, FixtureTest} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// What a verification costs. The figures are committed under snapshots/ and compared by the test run.
contract CostTest is FixtureTest {
    function test_snapshot_gas_of_one_subtree() public {
        measure("one_subtree");
    }

    function test_snapshot_gas_of_four_subtrees() public {
        measure("four_subtrees");
    }

    function test_snapshot_gas_of_two_groups() public {
        measure("two_groups");
    }

    function test_snapshot_gas_of_three_groups() public {
        measure("three_groups");
    }

    function test_snapshot_gas_of_four_subtrees_with_hints() public {
        measureWithHints("four_subtrees");
    }

    function test_snapshot_gas_of_two_groups_with_hints() public {
        measureWithHints("two_groups");
    }

    function test_snapshot_size_of_the_code() public {
        uint256 size = address(deploy(load("one_subtree").key)).code.length;
        require(size < 24_576, "the code does not fit a contract");
        vm.snapshotValue("RootProofVerifier", "runtime_bytes", size);
    }

    function test_one_group_takes_37_multiplications_and_36_additions() public {
        count("four_subtrees", 37, 36);
    }

    function test_a_further_group_takes_22_multiplications_more() public {
        count("two_groups", 37 + 22, 36 + 22 + 3);
    }

    function test_three_groups_take_44_multiplications_more() public {
        count("three_groups", 37 + 44, 36 + 44 + 3);
    }

    function count(string memory name, uint64 multiplications, uint64 additions) private {
        Fixture memory f = load(name);
        IRootProofVerifier verifier = deploy(f.key);
        vm.expectCall(address(7), "", multiplications);
        vm.expectCall(address(6), "", additions);
        vm.expectCall(address(8), "", 1);
        call(verifier, f);
    }

    function measure(string memory name) private {
        Fixture memory f = load(name);
        IRootProofVerifier verifier = deploy(f.key);
        snapshot(verifier, name, abi.encodeCall(verifier.verify, (f.start, f.end, f.beneficiary, f.proof)));
    }

    function measureWithHints(string memory name) private {
        Fixture memory f = load(name);
        IRootProofVerifier verifier = deploy(f.key);
        snapshot(verifier, string.concat(name, "_with_hints"), withHints(verifier, f));
    }

    /// Base, calldata and execution of a transaction that calls the verifier and nothing else.
    function snapshot(IRootProofVerifier verifier, string memory name, bytes memory data) private {
        uint256 gas = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
        (bool accepted,) = address(verifier).staticcall(data);
        require(accepted);
        gas += vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("RootProofVerifier", string.concat("gas_", name), gas);
    }
}
