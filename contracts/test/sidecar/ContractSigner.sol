// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// A prover that is a contract: it calls what it is told, and its signature is one digest that it was told to approve.
contract ContractSigner is IERC1271 {
    bytes32 public approved;

    function approve(bytes32 digest) external {
        approved = digest;
    }

    function run(address target, bytes calldata data) external {
        (bool good, bytes memory result) = target.call(data);
        if (!good) {
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool good = digest == approved && keccak256(signature) == keccak256("as the contract wants it");
        return good ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
