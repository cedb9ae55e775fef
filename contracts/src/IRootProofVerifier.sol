// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Verifier of a block's root proof
/// @notice The protocol is docs/protocol.md; the contract and the Rust verifier accept the same proofs.
interface IRootProofVerifier {
    /// @notice What the circuit and the setup fix (section 9). Points are affine (x, y), infinity is (0, 0).
    /// @param label 32 bytes that name the setup
    /// @param rows rows per subtree, T
    /// @param fixedColumns commitments to q1 q2 q3 q4 qm p0 pl pi pr fb k l s1 s2 s3 s4
    /// @param tx the first secret in G2, as x.c1, x.c0, y.c1, y.c0
    /// @param ty the second secret in G2, in the same order
    struct Key {
        bytes32 label;
        uint256 rows;
        uint256[2][16] fixedColumns;
        uint256[4] tx;
        uint256[4] ty;
    }

    /// @notice No list of group proofs has this many bytes.
    error InvalidLength(uint256 length);

    /// @notice A word of the proof is a scalar >= r or a coordinate >= q.
    /// @param index which 32-byte word of the proof, from 0
    error NotCanonical(uint256 index);

    /// @notice A word of the statement is a scalar >= r.
    /// @param index 0..2 in start, 3..5 in end
    error StatementNotCanonical(uint256 index);

    /// @notice A group's number of subtrees is not a power of two up to 256.
    error UnsupportedSubtrees(uint256 subtrees);

    /// @notice A point of the proof is not on the curve.
    /// @param index of the word that holds its x, from 0
    error PointNotOnCurve(uint256 index);

    /// @notice A challenge fell on a root of unity, so that a Lagrange denominator is zero.
    error ZeroDenominator();

    /// @notice A precompiled contract failed or returned something else than it must.
    /// @param precompile its address
    error PrecompileFailed(uint256 precompile);

    /// @notice Everything is well formed, and the final equation does not hold.
    error ProofRejected();

    /// @notice The key given to the constructor is unusable.
    /// @param part 1 rows, 2 a fixed column's commitment, 3 a point of G2
    error InvalidKey(uint256 part);

    /// @notice Returns when the proof shows that a block leads from `start` to `end`; reverts otherwise.
    /// @param start the baton before the block: state root, data hash, fees; each < r
    /// @param end the baton after it
    /// @param beneficiary whom the prover named; another address needs another proof
    /// @param proof one to sixteen group proofs (section 10)
    function verify(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, bytes calldata proof)
        external
        view;

    /// @notice What makes `verify` with the same arguments about 3,700 gas cheaper when it is appended to its calldata, behind
    /// the proof, as bare words: for each group the inverse of a product of Lagrange denominators. `verify` computes itself
    /// what is missing or wrong there, so the words decide nothing. To be called, not sent.
    function hints(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, bytes calldata proof)
        external
        view
        returns (uint256[] memory);

    /// @notice Keccak-256 of the key's 42 words.
    function keyDigest() external view returns (bytes32);

    /// @notice The setup's label.
    function setupLabel() external view returns (bytes32);

    /// @notice Rows per subtree.
    function rowsPerSubtree() external view returns (uint256);
}
