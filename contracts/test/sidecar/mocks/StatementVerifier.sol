// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "../../../src/IRootProofVerifier.sol";

/// In the verifier's place: a proof is the hash of its statement in its second word, with the beneficiary in it as in a real one.
contract StatementVerifier {
    uint256 public immutable rowsPerSubtree;

    constructor(uint256 rows) {
        rowsPerSubtree = rows;
    }

    function verify(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, bytes calldata proof)
        external
        view
    {
        if (bytes32(proof[32:64]) != digest(start, end, beneficiary)) revert IRootProofVerifier.ProofRejected();
    }

    function digest(uint256[3] calldata start, uint256[3] calldata end, address beneficiary)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(address(this), start, end, beneficiary));
    }
}
