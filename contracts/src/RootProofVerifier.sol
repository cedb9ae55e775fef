// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {archive, sumRest} from "./Groups.sol";
import {IRootProofVerifier} from "./IRootProofVerifier.sol";
import {denominators, invert, lagrange, powersOfEta, powersOfZeta} from "./Lagrange.sol";
import "./Layout.sol";
import {
    lineariseColumns,
    lineariseInitial,
    lineariseNext,
    linearisePartial,
    lineariseSelected
} from "./Linearisation.sol";
import {lineariseBatonAndQuotients, linearisePermutation, open} from "./Openings.sol";
import {drawChallenges} from "./Transcript.sol";

/// @title Verifier of a block's root proof
/// @notice Equations and names are those of docs/protocol.md. The key is part of the code; there is no storage.
contract RootProofVerifier is IRootProofVerifier {
    /// @inheritdoc IRootProofVerifier
    bytes32 public immutable keyDigest;
    /// @inheritdoc IRootProofVerifier
    bytes32 public immutable setupLabel;
    /// @inheritdoc IRootProofVerifier
    uint256 public immutable rowsPerSubtree;

    uint256 private immutable ROWS_LOG2;
    uint256 private immutable ROWS_INVERSE;
    uint256 private immutable OMEGA;
    uint256 private immutable OMEGA_INVERSE;

    uint256 private immutable Q1_X;
    uint256 private immutable Q1_Y;
    uint256 private immutable Q2_X;
    uint256 private immutable Q2_Y;
    uint256 private immutable Q3_X;
    uint256 private immutable Q3_Y;
    uint256 private immutable Q4_X;
    uint256 private immutable Q4_Y;
    uint256 private immutable QM_X;
    uint256 private immutable QM_Y;
    uint256 private immutable P0_X;
    uint256 private immutable P0_Y;
    uint256 private immutable PL_X;
    uint256 private immutable PL_Y;
    uint256 private immutable PI_X;
    uint256 private immutable PI_Y;
    uint256 private immutable PR_X;
    uint256 private immutable PR_Y;
    uint256 private immutable FB_X;
    uint256 private immutable FB_Y;
    uint256 private immutable K_X;
    uint256 private immutable K_Y;
    uint256 private immutable L_X;
    uint256 private immutable L_Y;
    uint256 private immutable S1_X;
    uint256 private immutable S1_Y;
    uint256 private immutable S2_X;
    uint256 private immutable S2_Y;
    uint256 private immutable S3_X;
    uint256 private immutable S3_Y;
    uint256 private immutable S4_X;
    uint256 private immutable S4_Y;

    uint256 private immutable TX_0;
    uint256 private immutable TX_1;
    uint256 private immutable TX_2;
    uint256 private immutable TX_3;
    uint256 private immutable TY_0;
    uint256 private immutable TY_1;
    uint256 private immutable TY_2;
    uint256 private immutable TY_3;

    /// @notice Refuses rows that are no power of two in 2^3..2^28, points off the curve and G2 points outside the subgroup.
    constructor(Key memory key) {
        uint256 rowsLog2 = 3;
        while (rowsLog2 < 28 && 2 ** rowsLog2 != key.rows) ++rowsLog2;
        if (2 ** rowsLog2 != key.rows) revert InvalidKey(1);
        for (uint256 i = 0; i < 16; ++i) {
            if (!_isOnCurve(key.fixedColumns[i][0], key.fixedColumns[i][1])) revert InvalidKey(2);
        }
        if (!_isInSubgroup(key.tx) || !_isInSubgroup(key.ty)) revert InvalidKey(3);
        keyDigest = keccak256(abi.encode(key));
        setupLabel = key.label;
        rowsPerSubtree = key.rows;

        uint256 omega = RHO;
        for (uint256 i = rowsLog2; i < 28; ++i) {
            omega = mulmod(omega, omega, R);
        }
        ROWS_LOG2 = rowsLog2;
        OMEGA = omega;
        uint256 inverse = 1;
        uint256 omegaInverse = omega;
        // 1/T by halving; w^-1 = w^(T-1) = w * w^2 * w^4 * ...
        uint256 power = omega;
        for (uint256 i = 0; i < rowsLog2; ++i) {
            inverse = mulmod(inverse, HALF, R);
            if (i > 0) omegaInverse = mulmod(omegaInverse, power, R);
            power = mulmod(power, power, R);
        }
        ROWS_INVERSE = inverse;
        OMEGA_INVERSE = omegaInverse;

        (Q1_X, Q1_Y) = (key.fixedColumns[0][0], key.fixedColumns[0][1]);
        (Q2_X, Q2_Y) = (key.fixedColumns[1][0], key.fixedColumns[1][1]);
        (Q3_X, Q3_Y) = (key.fixedColumns[2][0], key.fixedColumns[2][1]);
        (Q4_X, Q4_Y) = (key.fixedColumns[3][0], key.fixedColumns[3][1]);
        (QM_X, QM_Y) = (key.fixedColumns[4][0], key.fixedColumns[4][1]);
        (P0_X, P0_Y) = (key.fixedColumns[5][0], key.fixedColumns[5][1]);
        (PL_X, PL_Y) = (key.fixedColumns[6][0], key.fixedColumns[6][1]);
        (PI_X, PI_Y) = (key.fixedColumns[7][0], key.fixedColumns[7][1]);
        (PR_X, PR_Y) = (key.fixedColumns[8][0], key.fixedColumns[8][1]);
        (FB_X, FB_Y) = (key.fixedColumns[9][0], key.fixedColumns[9][1]);
        (K_X, K_Y) = (key.fixedColumns[10][0], key.fixedColumns[10][1]);
        (L_X, L_Y) = (key.fixedColumns[11][0], key.fixedColumns[11][1]);
        (S1_X, S1_Y) = (key.fixedColumns[12][0], key.fixedColumns[12][1]);
        (S2_X, S2_Y) = (key.fixedColumns[13][0], key.fixedColumns[13][1]);
        (S3_X, S3_Y) = (key.fixedColumns[14][0], key.fixedColumns[14][1]);
        (S4_X, S4_Y) = (key.fixedColumns[15][0], key.fixedColumns[15][1]);
        (TX_0, TX_1, TX_2, TX_3) = (key.tx[0], key.tx[1], key.tx[2], key.tx[3]);
        (TY_0, TY_1, TY_2, TY_3) = (key.ty[0], key.ty[1], key.ty[2], key.ty[3]);
    }

    /// @inheritdoc IRootProofVerifier
    function verify(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, bytes calldata proof)
        external
        view
    {
        uint256 groups = _preamble(start, end, beneficiary, proof.length);
        uint256 offset;
        uint256 hint;
        assembly {
            offset := proof.offset
            hint := add(proof.offset, proof.length)
        }
        if (groups == 1) {
            assembly {
                mstore(PRE_SUBTREES, calldataload(offset))
            }
            _scalars(offset + 32, hint);
        } else {
            for (uint256 j = 0; j < groups; ++j) {
                _scalars(_enter(j, groups, offset), hint + 32 * j);
                archive(j);
            }
            if (!sumRest(groups)) _diagnose(groups, offset);
        }
        _checkEquation(groups, offset);
    }

    /// @inheritdoc IRootProofVerifier
    function hints(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, bytes calldata proof)
        external
        view
        returns (uint256[] memory)
    {
        uint256 groups = _preamble(start, end, beneficiary, proof.length);
        uint256 offset;
        assembly {
            offset := proof.offset
        }
        for (uint256 j = 0; j < groups; ++j) {
            uint256 product = _denominators(_enter(j, groups, offset));
            uint256 inverse = _invert(product);
            assembly {
                mstore(add(REST_A, shl(5, j)), inverse)
                mcopy(PRE_START_0, PRE_END_0, 0x60)
            }
        }
        assembly {
            mstore(PAIR_C, 0x20)
            mstore(add(PAIR_C, 0x20), groups)
            mcopy(add(PAIR_C, 0x40), REST_A, shl(5, groups))
            return(PAIR_C, add(0x40, shl(5, groups)))
        }
    }

    // ------------------------------------------------------------------------------------------------ one group's scalars

    /// Number of groups in a proof of this many bytes; writes the preamble as it is for the only group.
    function _preamble(uint256[3] calldata start, uint256[3] calldata end, address beneficiary, uint256 length)
        private
        view
        returns (uint256 groups)
    {
        unchecked {
            groups = (length + END_WORDS) / STEP;
            if (length + END_WORDS != groups * STEP || groups - 1 >= MAX_GROUPS) revert InvalidLength(length);
        }
        bytes32 digest = keyDigest;
        uint256 rows = rowsPerSubtree;
        bool canonical;
        assembly {
            mstore(MODULUS, R)
            mstore(PRE_TAG, "proofyard/root-proof/v1")
            mstore(PRE_KEY, digest)
            mstore(PRE_CHAIN, chainid())
            mstore(PRE_CONTRACT, address())
            mstore(PRE_ROWS, rows)
            mstore(PRE_VALUES, 3)
            calldatacopy(PRE_START_0, start, 0x60)
            calldatacopy(PRE_END_0, end, 0x60)
            mstore(PRE_BENEFICIARY, beneficiary)
            canonical := and(lt(mload(PRE_START_0), R), lt(mload(PRE_END_0), R))
            canonical := and(canonical, and(lt(mload(PRE_START_1), R), lt(mload(PRE_END_1), R)))
            canonical := and(canonical, and(lt(mload(PRE_START_2), R), lt(mload(PRE_END_2), R)))
        }
        if (!canonical) {
            for (uint256 i = 0; i < 6; ++i) {
                if (_load(PRE_START_0 + 32 * i) >= R) revert StatementNotCanonical(i);
            }
        }
    }

    /// Completes the preamble for group j of several and returns where its body is.
    function _enter(uint256 j, uint256 groups, uint256 offset) private pure returns (uint256 body) {
        uint256 head = offset + j * STEP;
        assembly {
            mstore(PRE_SUBTREES, calldataload(head))
        }
        body = head + 32;
        if (j + 1 < groups) {
            for (uint256 k = 0; k < 3; ++k) {
                uint256 value;
                assembly {
                    value := calldataload(add(body, shl(5, k)))
                    mstore(add(PRE_END_0, shl(5, k)), value)
                }
                if (value >= R) revert NotCanonical(j * (STEP / 32) + 1 + k);
            }
            body += END_WORDS;
        } else {
            // The last end is the statement's, the second argument of the call.
            assembly {
                calldatacopy(PRE_END_0, 0x64, 0x60)
            }
        }
    }

    /// Challenges and the product of the Lagrange denominators.
    function _denominators(uint256 body) private view returns (uint256 product) {
        if (!drawChallenges(body)) _refuseClaims(body);
        powersOfZeta(ROWS_LOG2, ROWS_INVERSE, OMEGA);
        if (!powersOfEta()) revert UnsupportedSubtrees(_load(PRE_SUBTREES));
        return denominators(OMEGA_INVERSE);
    }

    function _invert(uint256 product) private view returns (uint256) {
        if (product == 0) revert ZeroDenominator();
        (uint256 inverse, bool good) = invert(product);
        if (!good) revert PrecompileFailed(5);
        return inverse;
    }

    /// Challenges and scalars of the group whose preamble is complete.
    function _scalars(uint256 body, uint256 hint) private view {
        uint256 product = _denominators(body);
        uint256 inverse;
        bool helped;
        assembly {
            inverse := calldataload(hint)
            helped := eq(mulmod(inverse, product, R), 1)
        }
        if (!helped) inverse = _invert(product);
        lagrange(inverse);
        linearisePartial();
        lineariseInitial();
        lineariseNext();
        lineariseColumns();
        lineariseSelected();
        linearisePermutation();
        lineariseBatonAndQuotients();
        open();
    }

    // ------------------------------------------------------------------------------------------------- the final equation

    function _store(uint256 pointer, uint256 value) private pure {
        assembly {
            mstore(pointer, value)
        }
    }

    function _load(uint256 pointer) private pure returns (uint256 value) {
        assembly {
            value := mload(pointer)
        }
    }

    /// Sums A, B, C and checks e(-A, [1]) e(B, [tx]) e(C, [ty]) = 1.
    function _checkEquation(uint256 groups, uint256 offset) private view {
        _store(T_Q1, Q1_X);
        _store(T_Q1 + 0x20, Q1_Y);
        _store(T_Q2, Q2_X);
        _store(T_Q2 + 0x20, Q2_Y);
        _store(T_Q3, Q3_X);
        _store(T_Q3 + 0x20, Q3_Y);
        _store(T_Q4, Q4_X);
        _store(T_Q4 + 0x20, Q4_Y);
        _store(T_QM, QM_X);
        _store(T_QM + 0x20, QM_Y);
        _store(T_P0, P0_X);
        _store(T_P0 + 0x20, P0_Y);
        _store(T_PL, PL_X);
        _store(T_PL + 0x20, PL_Y);
        _store(T_PI, PI_X);
        _store(T_PI + 0x20, PI_Y);
        _store(T_PR, PR_X);
        _store(T_PR + 0x20, PR_Y);
        _store(T_FB, FB_X);
        _store(T_FB + 0x20, FB_Y);
        _store(T_K, K_X);
        _store(T_K + 0x20, K_Y);
        _store(T_L, L_X);
        _store(T_L + 0x20, L_Y);
        _store(T_S1, S1_X);
        _store(T_S1 + 0x20, S1_Y);
        _store(T_S2, S2_X);
        _store(T_S2 + 0x20, S2_Y);
        _store(T_S3, S3_X);
        _store(T_S3 + 0x20, S3_Y);
        _store(T_S4, S4_X);
        _store(T_S4 + 0x20, S4_Y);
        _store(T_G1, 1);
        _store(T_G1 + 0x20, 2);
        bool ok;
        assembly {
            // Each call must succeed and return 64 bytes: success times returned size, summed over all calls, tells.
            // B = WX1 + u1 WX2 and C = WY + u2 WY'; then the terms get back the scalars they have in A.
            mcopy(PAIR_B, T_WX1, 0x40)
            let kept := mload(S_WX2)
            mstore(S_WX2, mload(U1))
            let sum := mul(returndatasize(), staticcall(GAS_CAP, 7, T_WX2, 0x60, PRODUCT_B, 0x40))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_B, 0x80, PAIR_B, 0x40)))
            mstore(S_WX2, kept)
            mcopy(PAIR_C, T_WY, 0x40)
            kept := mload(S_WYS)
            mstore(S_WYS, mload(U2))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_WYS, 0x60, PRODUCT_C, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_C, 0x80, PAIR_C, 0x40)))
            mstore(S_WYS, kept)
            // A: the first product is the first sum.
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Q1, 0x60, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Q2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Q3, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Q4, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_QM, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_P0, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_PL, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_PI, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_PR, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_FB, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_K, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_L, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_S1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_S2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_S3, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_S4, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_G1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_A1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_A2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_A3, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_A4, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_IN0, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_IN1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_IN2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Z, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_T0, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_T1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_T2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_T3, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_T4, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_Q, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_WX1, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_WX2, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_WY, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 7, T_WYS, 0x60, PRODUCT_A, 0x40)))
            sum := add(sum, mul(returndatasize(), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
            ok := eq(sum, mul(73, 0x40))
            if gt(groups, 1) {
                mcopy(PRODUCT_A, REST_A, 0x40)
                ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, PAIR_A, 0x80, PAIR_A, 0x40)))
                mcopy(PRODUCT_B, REST_B, 0x40)
                ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, PAIR_B, 0x80, PAIR_B, 0x40)))
                mcopy(PRODUCT_C, REST_C, 0x40)
                ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, PAIR_C, 0x80, PAIR_C, 0x40)))
            }
        }
        if (!ok) _diagnose(groups, offset);
        // -A with the generator of G2.
        assembly {
            let y := add(PAIR_A, 0x20)
            mstore(y, mod(sub(Q, mload(y)), Q))
            mstore(add(PAIR_A, 0x40), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(add(PAIR_A, 0x60), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(add(PAIR_A, 0x80), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(add(PAIR_A, 0xa0), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
        }
        _store(PAIR_B + 0x40, TX_0);
        _store(PAIR_B + 0x60, TX_1);
        _store(PAIR_B + 0x80, TX_2);
        _store(PAIR_B + 0xa0, TX_3);
        _store(PAIR_C + 0x40, TY_0);
        _store(PAIR_C + 0x60, TY_1);
        _store(PAIR_C + 0x80, TY_2);
        _store(PAIR_C + 0xa0, TY_3);
        uint256 verdict;
        assembly {
            ok := and(eq(returndatasize(), 0x20), staticcall(gas(), 8, PAIR_A, 0x240, 0x00, 0x20))
            verdict := mload(0x00)
        }
        if (!ok) revert PrecompileFailed(8);
        if (verdict != 1) revert ProofRejected();
    }

    // ------------------------------------------------------------------------------------- what is wrong, once known to be

    /// Names the first claim >= r.
    function _refuseClaims(uint256 body) private pure {
        uint256 proofOffset;
        assembly {
            proofOffset := add(add(calldataload(0xe4), 4), 32)
        }
        for (uint256 i = 0; i < 17; ++i) {
            if (_load(W1 + 32 * i) >= R) revert NotCanonical((body + 896 - proofOffset) / 32 + i);
        }
    }

    /// Names the first bad point, or else the precompile that failed on good ones.
    function _diagnose(uint256 groups, uint256 offset) private view {
        for (uint256 j = 0; j < groups; ++j) {
            uint256 body = offset + j * STEP + 32 + (j + 1 < groups ? END_WORDS : 0);
            for (uint256 i = 0; i < 53; i += 2) {
                // 28 words of points, 17 of claims, 8 of points.
                if (i == 28) i = 45;
                uint256 x;
                uint256 y;
                assembly {
                    x := calldataload(add(body, shl(5, i)))
                    y := calldataload(add(add(body, shl(5, i)), 32))
                }
                uint256 index = (body - offset) / 32 + i;
                if (x >= Q) revert NotCanonical(index);
                if (y >= Q) revert NotCanonical(index + 1);
                if (!_isOnCurve(x, y)) revert PointNotOnCurve(index);
            }
        }
        bool adds;
        assembly {
            calldatacopy(0, calldatasize(), 0x80)
            adds := and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, 0, 0x80, 0, 0x40))
            mstore(0x40, 0x80)
        }
        revert PrecompileFailed(adds ? 7 : 6);
    }

    function _isOnCurve(uint256 x, uint256 y) private pure returns (bool) {
        if (x >= Q || y >= Q) return false;
        return (x == 0 && y == 0) || mulmod(y, y, Q) == addmod(mulmod(mulmod(x, x, Q), x, Q), 3, Q);
    }

    /// The pairing of infinity with the point succeeds exactly for points of the subgroup of order r, infinity included.
    function _isInSubgroup(uint256[4] memory point) private view returns (bool ok) {
        if (point[0] | point[1] | point[2] | point[3] == 0) return false;
        uint256[6] memory pair = [0, 0, point[0], point[1], point[2], point[3]];
        assembly {
            ok := and(eq(returndatasize(), 0x20), staticcall(gas(), 8, pair, 0xc0, 0x00, 0x20))
            ok := and(ok, eq(mload(0x00), 1))
        }
    }
}
