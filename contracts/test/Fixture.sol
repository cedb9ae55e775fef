// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../src/IRootProofVerifier.sol";
import {vm} from "./Vm.sol";

/// A proof with its statement.
struct Fixture {
    IRootProofVerifier.Key key;
    uint256[3] start;
    uint256[3] end;
    address beneficiary;
    bytes proof;
}

// The account whose first creation is the contract that the fixtures' proofs name.
address constant DEPLOYER = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;
// Enough for any list of groups here; a rejected point costs one capped call of a precompile.
uint256 constant CALL_GAS = 3_000_000;
uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
uint256 constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

/// What the tests share: reading fixtures, deploying at the known address, calling, changing words.
abstract contract FixtureTest {
    function load(string memory name) internal view returns (Fixture memory f) {
        string memory json = vm.readFile(string.concat("test/fixtures/", name, ".json"));
        f.key = abi.decode(vm.parseJsonBytes(json, ".key"), (IRootProofVerifier.Key));
        bytes32[] memory start = vm.parseJsonBytes32Array(json, ".start");
        bytes32[] memory end = vm.parseJsonBytes32Array(json, ".end");
        for (uint256 i = 0; i < 3; ++i) {
            f.start[i] = uint256(start[i]);
            f.end[i] = uint256(end[i]);
        }
        f.beneficiary = vm.parseJsonAddress(json, ".beneficiary");
        f.proof = vm.parseJsonBytes(json, ".proof");
    }

    /// Deploys at the address that the fixtures' proofs name; once a test.
    function deploy(IRootProofVerifier.Key memory key) internal returns (IRootProofVerifier) {
        vm.prank(DEPLOYER);
        return create(key);
    }

    /// Deploys at some other address, or reverts with the constructor's reason.
    function create(IRootProofVerifier.Key memory key) internal returns (IRootProofVerifier verifier) {
        bytes memory code = bytes.concat(vm.getCode("RootProofVerifier.sol:RootProofVerifier"), abi.encode(key));
        assembly {
            verifier := create(0, add(code, 32), mload(code))
            if iszero(verifier) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function call(IRootProofVerifier verifier, Fixture memory f)
        internal
        view
        returns (bool accepted, bytes memory why)
    {
        return address(verifier).staticcall{gas: CALL_GAS}(
            abi.encodeCall(verifier.verify, (f.start, f.end, f.beneficiary, f.proof))
        );
    }

    /// Calldata of verify with the hints behind the proof.
    function withHints(IRootProofVerifier verifier, Fixture memory f) internal view returns (bytes memory) {
        return abi.encodePacked(
            abi.encodeCall(verifier.verify, (f.start, f.end, f.beneficiary, f.proof)),
            verifier.hints(f.start, f.end, f.beneficiary, f.proof)
        );
    }

    function accepts(IRootProofVerifier verifier, Fixture memory f) internal view {
        (bool accepted, bytes memory why) = call(verifier, f);
        if (!accepted) {
            assembly {
                revert(add(why, 32), mload(why))
            }
        }
    }

    function rejects(IRootProofVerifier verifier, Fixture memory f, bytes memory expected) internal view {
        (bool accepted, bytes memory why) = call(verifier, f);
        require(!accepted, "accepted what must be rejected");
        require(keccak256(why) == keccak256(expected), "rejected for another reason");
    }

    /// Rejected, whatever the reason, but with one of the contract's errors.
    function rejects(IRootProofVerifier verifier, Fixture memory f) internal view {
        (bool accepted, bytes memory why) = call(verifier, f);
        require(!accepted, "accepted what must be rejected");
        require(why.length == 4 || why.length == 36, "rejected without a reason");
    }

    function rejected() internal pure returns (bytes memory) {
        return abi.encodePacked(IRootProofVerifier.ProofRejected.selector);
    }

    function reason(bytes4 selector, uint256 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function word(bytes memory proof, uint256 index) internal pure returns (uint256 value) {
        assembly {
            value := mload(add(add(proof, 32), shl(5, index)))
        }
    }

    function setWord(bytes memory proof, uint256 index, uint256 value) internal pure {
        assembly {
            mstore(add(add(proof, 32), shl(5, index)), value)
        }
    }

    /// Words of a one-group proof: 0 is M, then 28 words of points, 17 claims, 8 words of points.
    function isScalar(uint256 index) internal pure returns (bool) {
        return index > 28 && index <= 45;
    }
}
