// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SidecarActions, SidecarHandler} from "./SidecarHandler.sol";

/// Which functions of a contract the runner calls.
struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// Money and ends, after every random call.
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 32
contract InvariantsTest {
    SidecarHandler handler;

    function setUp() public {
        handler = new SidecarHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// Half of the calls are whole heights, so that all states are reached; the others are single steps anywhere in them.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[10] memory list = [
            SidecarActions.propose.selector,
            SidecarActions.reveal.selector,
            SidecarActions.commit.selector,
            SidecarActions.submit.selector,
            SidecarActions.settle.selector,
            SidecarActions.refund.selector,
            SidecarActions.share.selector,
            SidecarActions.draw.selector,
            SidecarActions.change.selector,
            SidecarActions.pass.selector
        ];
        bytes4[] memory selectors = new bytes4[](20);
        for (uint256 i = 0; i < 20; ++i) {
            selectors[i] = i < 10 ? list[i] : SidecarActions.walk.selector;
        }
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_money_and_ends() public {
        handler.checkConservation();
        handler.checkEnds();
        handler.checkTips();
        handler.checkDeposits();
        handler.checkRewards();
    }

    /// After a run's last call.
    function afterInvariant() public {
        handler.finish();
        invariant_money_and_ends();
        handler.drawEverything();
    }
}

/// Guided lifecycles, a thousand and more: each height goes its way in order, with random failures, so that all ends are reached often.
contract LifecyclesTest {
    SidecarHandler handler;

    function setUp() public {
        handler = new SidecarHandler();
    }

    /// forge-config: default.fuzz.runs = 42
    function testFuzz_lifecycles(uint256 seed) public {
        for (uint256 i = 0; i < 24; ++i) {
            handler.walk(uint256(keccak256(abi.encode(seed, i))));
            handler.checkEnds();
            handler.checkConservation();
        }
        invariant();
        handler.finish();
        invariant();
        handler.drawEverything();
    }

    function test_the_walks_reach_every_end() public {
        for (uint256 i = 0; i < 60; ++i) {
            handler.walk(uint256(keccak256(abi.encode("walk", i))));
        }
        handler.finish();
        uint256[4] memory counts = handler.census();
        require(counts[0] == 0 && counts[1] > 3 && counts[2] > 3 && counts[3] > 3, "an end is missing");
    }

    function invariant() private {
        handler.checkTips();
        handler.checkDeposits();
        handler.checkRewards();
    }
}
