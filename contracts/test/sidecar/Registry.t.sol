// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// What versions the registry refuses, and that it only adds.
contract RegistryTest is SidecarTest {
    function setUp() public {
        deploySidecar();
    }

    function test_registry_only_the_owner_adds() public {
        IVersionRegistry.Version memory v = rules();
        IVersionRegistry.Class[] memory none = new IVersionRegistry.Class[](0);
        bytes memory refused = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", ALICE);
        vm.prank(ALICE);
        vm.expectRevert(refused);
        versions.addVersion(v, none);
        vm.prank(ALICE);
        vm.expectRevert(refused);
        versions.addClass(1, IVersionRegistry.Class(ROWS_LOG2, 8, verifier));
        vm.prank(ALICE);
        vm.expectRevert(refused);
        versions.allowToken(address(prize));
    }

    function test_registry_refuses_rules_that_contradict_themselves() public {
        IVersionRegistry.Version memory v = rules();
        v.proposalBlocks = 0;
        refusesRules(v, 0);
        v = rules();
        v.revealBlocks = 0;
        refusesRules(v, 0);
        v = rules();
        v.submissionBlocks = 0;
        refusesRules(v, 0);
        v = rules();
        v.provingBlocks = 100_000;
        refusesRules(v, 0);
        v = rules();
        v.strategy = ALICE;
        refusesRules(v, 1);
        v = rules();
        v.commitmentBlocks = 0;
        refusesRules(v, 1);
        v = rules();
        v.commitmentPhase = ALICE;
        refusesRules(v, 1);
        v = racing();
        v.commitmentBlocks = 1;
        refusesRules(v, 1);
        v = rules();
        v.maxInFlight = 0;
        refusesRules(v, 2);
        v.maxInFlight = 9;
        refusesRules(v, 2);
        v = rules();
        v.rescueBlocks = 45;
        refusesRules(v, 3);
        v = rules();
        v.rescuePenaltyBps = 10_001;
        refusesRules(v, 3);
        v = rules();
        v.maxProposals = 0;
        refusesRules(v, 4);
        v.maxProposals = 65;
        refusesRules(v, 4);
        v = rules();
        v.minDeposit = 0;
        refusesRules(v, 5);
        v.minDeposit = 1 << 128;
        refusesRules(v, 5);
        v = rules();
        v.depositToken = address(prize);
        refusesRules(v, 5);
        v = rules();
        v.slashRecipient = address(0);
        refusesRules(v, 6);
        require(versions.current() == 1);
    }

    function test_registry_refuses_classes_that_cannot_verify() public {
        refusesClass(IVersionRegistry.Class(ROWS_LOG2 + 1, 1, verifier));
        refusesClass(IVersionRegistry.Class(ROWS_LOG2, 0, verifier));
        refusesClass(IVersionRegistry.Class(ROWS_LOG2, 8, ALICE));
        refusesClass(IVersionRegistry.Class(300, 8, verifier));
        vm.expectRevert(abi.encodeWithSelector(IVersionRegistry.UnknownVersion.selector, 2));
        versions.addClass(2, IVersionRegistry.Class(ROWS_LOG2, 8, verifier));
        vm.expectRevert(abi.encodeWithSelector(IVersionRegistry.UnknownVersion.selector, 0));
        versions.versionOf(0);
        vm.expectRevert(abi.encodeWithSelector(IVersionRegistry.InvalidToken.selector, ALICE));
        versions.allowToken(ALICE);
    }

    function test_registry_keeps_what_it_was_given() public {
        IVersionRegistry.Version memory v = pipelined();
        use(v);
        require(keccak256(abi.encode(versions.versionOf(2))) == keccak256(abi.encode(v)));
        require(keccak256(abi.encode(versions.versionOf(1))) == keccak256(abi.encode(rules())));
        require(versions.current() == 2 && versions.isCommitmentPhase(address(commitment)));
        require(versions.verifierOf(2, ROWS_LOG2, 4) == verifier && versions.verifierOf(2, ROWS_LOG2, 3) == address(0));
    }

    function test_the_sidecar_refuses_a_pool_that_pays_another() public {
        address foreign = make("RewardPool.sol:RewardPool", abi.encode(prize, 1, 1, ALICE));
        bytes memory arguments = abi.encode(versions, set, foreign, escrow, 0, 0, bytes32(0));
        vm.expectRevert(abi.encodeWithSignature("PoolRefused(address)", foreign));
        this.deployed(arguments);
    }

    function deployed(bytes calldata arguments) external {
        make("ProvingSidecar.sol:ProvingSidecar", arguments);
    }

    function refusesRules(IVersionRegistry.Version memory v, uint8 field) private {
        IVersionRegistry.Class[] memory none = new IVersionRegistry.Class[](0);
        vm.expectRevert(abi.encodeWithSelector(IVersionRegistry.InvalidVersion.selector, field));
        versions.addVersion(v, none);
    }

    function refusesClass(IVersionRegistry.Class memory class) private {
        vm.expectRevert(abi.encodePacked(IVersionRegistry.InvalidClass.selector));
        versions.addClass(1, class);
    }
}
