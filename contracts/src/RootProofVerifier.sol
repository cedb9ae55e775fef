// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRootProofVerifier} from "./IRootProofVerifier.sol";
import "./Poseidon2Matrices.sol";

// r, the order of the scalar field, and q, that of the base field.
uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
uint256 constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
uint256 constant R_MINUS_1 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000;
uint256 constant R_MINUS_2 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffffff;
uint256 constant HALF = 0x183227397098d014dc2822db40c0ac2e9419f4243cdcb848a1f0fac9f8000001;
uint256 constant SIXTH = 0x285396b510feb022c442e4c2c1411ef84c2b4191bac53323b891a1fb48000001;
// 5^((r-1)/2^28), of order 2^28.
uint256 constant RHO = 0x2a3c09f0a58a7e8500e0a7eb8ef62abc402d111e41112ed49bd61b6e725b19f0;

// A precompile that rejects its input takes all gas it was given. This is ten times what a multiplication costs.
uint256 constant GAS_CAP = 60000;

// Sizes in bytes (section 10): a group's body, the list's step and the end words that the last group lacks.
uint256 constant BODY = 1696;
uint256 constant STEP = 1824;
uint256 constant END_WORDS = 96;
uint256 constant MAX_GROUPS = 16;

// Memory. Every address is fixed: only one call runs, nothing else allocates, and a revert may overwrite all of it.
// The preamble, 14 words; then the transcript's state followed by what is absorbed.
uint256 constant PRE = 0x80;
uint256 constant PRE_SUBTREES = 0x120;
uint256 constant PRE_START = 0x160;
uint256 constant PRE_END = 0x1c0;
uint256 constant STATE = 0x240;
uint256 constant ABSORB = 0x260;
uint256 constant BETA = 0x440;
uint256 constant GAMMA = 0x460;
uint256 constant ALPHA = 0x480;
uint256 constant ZETA = 0x4a0;
uint256 constant MU = 0x4c0;
uint256 constant ETA = 0x4e0;
uint256 constant V = 0x500;
uint256 constant U1 = 0x520;
uint256 constant U2 = 0x540;
// The 17 claims, with room for the state before and the label after them: w, w' (N), s, z', p0, fb, k, l, sbar.
uint256 constant CLAIM_STATE = 0x560;
uint256 constant W1 = 0x580;
uint256 constant W2 = 0x5a0;
uint256 constant W3 = 0x5c0;
uint256 constant W4 = 0x5e0;
uint256 constant N1 = 0x600;
uint256 constant N2 = 0x620;
uint256 constant N3 = 0x640;
uint256 constant N4 = 0x660;
uint256 constant S1 = 0x680;
uint256 constant S2 = 0x6a0;
uint256 constant S3 = 0x6c0;
uint256 constant ZN = 0x6e0;
uint256 constant P0 = 0x700;
uint256 constant FB = 0x720;
uint256 constant K = 0x740;
uint256 constant L = 0x760;
uint256 constant SBAR = 0x780;
// L_0..L_5 at zeta, R_0 and R_{M-1} at eta; before that the eight denominators.
uint256 constant L0 = 0x7c0;
uint256 constant L1 = 0x7e0;
uint256 constant L2 = 0x800;
uint256 constant L3 = 0x820;
uint256 constant L4 = 0x840;
uint256 constant L5 = 0x860;
uint256 constant R_FIRST = 0x880;
uint256 constant R_LAST = 0x8a0;
uint256 constant PREFIX = 0x8c0;
uint256 constant MODEXP = 0x9c0;
// zeta^T, eta^M - 1, g eta, w zeta, the constant r0.
uint256 constant ZETA_T = 0xa80;
uint256 constant Z_K = 0xaa0;
uint256 constant G_ETA = 0xac0;
uint256 constant W_ZETA = 0xae0;
uint256 constant R0 = 0xb00;
// Terms (x, y, scalar), 96 bytes each: 16 fixed columns and the generator, then the 18 of the group.
uint256 constant TERMS = 0xb40;
uint256 constant S_GENERATOR = 0x1180;
uint256 constant GROUP = 0x11a0;
uint256 constant TERMS_SIZE = 0xd20;
uint256 constant FIXED_TERMS = 17;
uint256 constant GROUP_TERMS = 18;
uint256 constant WX1 = 0x16e0;
uint256 constant WX2 = 0x1740;
uint256 constant WY = 0x17a0;
uint256 constant WYS = 0x1800;
// Scalar slots of terms.
uint256 constant S_Q1 = 0xb80;
uint256 constant S_Q2 = 0xbe0;
uint256 constant S_Q3 = 0xc40;
uint256 constant S_Q4 = 0xca0;
uint256 constant S_QM = 0xd00;
uint256 constant S_P0 = 0xd60;
uint256 constant S_PL = 0xdc0;
uint256 constant S_PI = 0xe20;
uint256 constant S_PR = 0xe80;
uint256 constant S_FB = 0xee0;
uint256 constant S_K = 0xf40;
uint256 constant S_L = 0xfa0;
uint256 constant S_S1 = 0x1000;
uint256 constant S_S2 = 0x1060;
uint256 constant S_S3 = 0x10c0;
uint256 constant S_S4 = 0x1120;
uint256 constant S_A1 = 0x11e0;
uint256 constant S_A2 = 0x1240;
uint256 constant S_A3 = 0x12a0;
uint256 constant S_A4 = 0x1300;
uint256 constant S_IN0 = 0x1360;
uint256 constant S_IN1 = 0x13c0;
uint256 constant S_IN2 = 0x1420;
uint256 constant S_Z = 0x1480;
uint256 constant S_T0 = 0x14e0;
uint256 constant S_T1 = 0x1540;
uint256 constant S_T2 = 0x15a0;
uint256 constant S_T3 = 0x1600;
uint256 constant S_T4 = 0x1660;
uint256 constant S_Q = 0x16c0;
uint256 constant S_WX1 = 0x1720;
uint256 constant S_WX2 = 0x1780;
uint256 constant S_WY = 0x17e0;
uint256 constant S_WYS = 0x1840;
// The pairing's input, three pairs of 192 bytes. Until the end each also serves as sum (64 bytes) and product (64 bytes).
uint256 constant PAIR_A = 0x1860;
uint256 constant PAIR_B = 0x1920;
uint256 constant PAIR_C = 0x19e0;
// Several groups only: the sums of the groups after the first, then for each group its terms, u1, u2, final state.
uint256 constant REST_A = 0x1aa0;
uint256 constant REST_B = 0x1b20;
uint256 constant REST_C = 0x1ba0;
uint256 constant ARCHIVE = 0x1c20;
uint256 constant ARCHIVE_STEP = 0xd80;

/// @title Verifier of a block's root proof
/// @notice Equations and names are those of docs/protocol.md. The key is part of the code; there is no storage.
/// @dev Field arithmetic is lazy: r < 2^256 / 5, so a sum of five reduced values fits in a word, and mulmod and addmod take
/// any words. `sub(R, x)` is the negative of a reduced x.
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
        for (uint256 i = rowsLog2; i < 28; ++i) omega = mulmod(omega, omega, R);
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
        uint256 groups = (proof.length + END_WORDS) / STEP;
        if (groups * STEP != proof.length + END_WORDS || groups == 0 || groups > MAX_GROUPS) {
            revert InvalidLength(proof.length);
        }
        uint256 offset;
        assembly {
            offset := proof.offset
        }
        _preamble(start, end, beneficiary);
        if (groups == 1) {
            _group(offset, offset + 32);
        } else {
            _groups(groups, offset);
        }
        _accumulate(groups, offset);
    }

    // ------------------------------------------------------------------------------------------------ one group's scalars

    /// Writes the preamble of the first group; with several groups, that group's end is written later.
    function _preamble(uint256[3] calldata start, uint256[3] calldata end, address beneficiary) private view {
        bytes32 digest = keyDigest;
        uint256 rows = rowsPerSubtree;
        uint256 canonical;
        assembly {
            mstore(PRE, "proofyard/root-proof/v1")
            mstore(0xa0, digest)
            mstore(0xc0, chainid())
            mstore(0xe0, address())
            mstore(0x100, rows)
            mstore(0x140, 3)
            calldatacopy(PRE_START, start, 0x60)
            calldatacopy(PRE_END, end, 0x60)
            mstore(0x220, beneficiary)
            canonical := and(
                and(and(lt(mload(0x160), R), lt(mload(0x180), R)), and(lt(mload(0x1a0), R), lt(mload(0x1c0), R))),
                and(lt(mload(0x1e0), R), lt(mload(0x200), R))
            )
        }
        if (canonical == 0) {
            for (uint256 i = 0; i < 3; ++i) {
                if (start[i] >= R) revert StatementNotCanonical(i);
            }
            for (uint256 i = 0; i < 3; ++i) {
                if (end[i] >= R) revert StatementNotCanonical(3 + i);
            }
        }
    }

    /// Transcript and scalars of the group whose M is at calldata `head` and whose body is at `body`.
    function _group(uint256 head, uint256 body) private view {
        assembly {
            mstore(PRE_SUBTREES, calldataload(head))
        }
        _challenges(body);
        _lagrange();
        _linearise();
        _permutation();
        _batonAndQuotients();
        _openings();
    }

    /// Sections 6 and 10: checks the claims, absorbs, draws.
    function _challenges(uint256 body) private pure {
        uint256 canonical;
        assembly {
            calldatacopy(W1, add(body, 896), 544)
            canonical := and(and(lt(mload(W1), R), lt(mload(W2), R)), and(lt(mload(W3), R), lt(mload(W4), R)))
            canonical := and(canonical, and(and(lt(mload(N1), R), lt(mload(N2), R)), and(lt(mload(N3), R), lt(mload(N4), R))))
            canonical := and(canonical, and(and(lt(mload(S1), R), lt(mload(S2), R)), and(lt(mload(S3), R), lt(mload(ZN), R))))
            canonical := and(canonical, and(and(lt(mload(P0), R), lt(mload(FB), R)), and(lt(mload(K), R), lt(mload(L), R))))
            canonical := and(canonical, lt(mload(SBAR), R))
        }
        if (canonical == 0) _refuseClaims(body);
        assembly {
            mstore(STATE, keccak256(PRE, 0x1c0))
            // beta: the wires and S
            calldatacopy(ABSORB, body, 448)
            mstore8(0x420, 0x01)
            let state := keccak256(STATE, 481)
            mstore(STATE, state)
            mstore(BETA, mod(state, R))
            // gamma
            mstore8(ABSORB, 0x02)
            state := keccak256(STATE, 33)
            mstore(STATE, state)
            mstore(GAMMA, mod(state, R))
            // alpha: z
            calldatacopy(ABSORB, add(body, 448), 64)
            mstore8(0x2a0, 0x03)
            state := keccak256(STATE, 97)
            mstore(STATE, state)
            mstore(ALPHA, mod(state, R))
            // zeta: the chunks of t
            calldatacopy(ABSORB, add(body, 512), 320)
            mstore8(0x3a0, 0x04)
            state := keccak256(STATE, 353)
            mstore(STATE, state)
            mstore(ZETA, mod(state, R))
            // mu
            mstore8(ABSORB, 0x05)
            state := keccak256(STATE, 33)
            mstore(STATE, state)
            mstore(MU, mod(state, R))
            // eta: Q
            calldatacopy(ABSORB, add(body, 832), 64)
            mstore8(0x2a0, 0x06)
            state := keccak256(STATE, 97)
            mstore(ETA, mod(state, R))
            // v: the claims, which lie ready
            mstore(CLAIM_STATE, state)
            mstore8(0x7a0, 0x07)
            state := keccak256(CLAIM_STATE, 577)
            mstore(STATE, state)
            mstore(V, mod(state, R))
            // u1: WX1 and WX2
            calldatacopy(ABSORB, add(body, 1440), 128)
            mstore8(0x2e0, 0x08)
            state := keccak256(STATE, 161)
            mstore(STATE, state)
            mstore(U1, mod(state, R))
            // u2: WY and WY'; the state after it is the final state
            calldatacopy(ABSORB, add(body, 1568), 128)
            mstore8(0x2e0, 0x09)
            state := keccak256(STATE, 161)
            mstore(STATE, state)
            mstore(U2, mod(state, R))

            // The group's points into their terms.
            calldatacopy(0x11a0, body, 64)
            calldatacopy(0x1200, add(body, 64), 64)
            calldatacopy(0x1260, add(body, 128), 64)
            calldatacopy(0x12c0, add(body, 192), 64)
            calldatacopy(0x1320, add(body, 256), 64)
            calldatacopy(0x1380, add(body, 320), 64)
            calldatacopy(0x13e0, add(body, 384), 64)
            calldatacopy(0x1440, add(body, 448), 64)
            calldatacopy(0x14a0, add(body, 512), 64)
            calldatacopy(0x1500, add(body, 576), 64)
            calldatacopy(0x1560, add(body, 640), 64)
            calldatacopy(0x15c0, add(body, 704), 64)
            calldatacopy(0x1620, add(body, 768), 64)
            calldatacopy(0x1680, add(body, 832), 64)
            calldatacopy(WX1, add(body, 1440), 64)
            calldatacopy(WX2, add(body, 1504), 64)
            calldatacopy(WY, add(body, 1568), 64)
            calldatacopy(WYS, add(body, 1632), 64)
        }
    }

    /// L_0..L_5 at zeta, R_0 and R_{M-1} at eta, with one inversion. With D_j = w^-j zeta - 1 and c = (zeta^T - 1) / T,
    /// L_j = c / D_j; with c' = (eta^M - 1) / M, R_0 = c' / (eta - 1) and R_{M-1} = c' / (g eta - 1).
    function _lagrange() private view {
        uint256 rowsLog2 = ROWS_LOG2;
        uint256 rowsInverse = ROWS_INVERSE;
        uint256 omega = OMEGA;
        uint256 omegaInverse = OMEGA_INVERSE;
        uint256 status;
        assembly {
            function square4(x) -> y {
                y := mulmod(x, x, R)
                y := mulmod(y, y, R)
                y := mulmod(y, y, R)
                y := mulmod(y, y, R)
            }
            function square8(x) -> y {
                y := square4(square4(x))
            }

            let zeta := mload(ZETA)
            mstore(W_ZETA, mulmod(zeta, omega, R))
            let power := zeta
            if and(rowsLog2, 16) { power := square8(square8(power)) }
            if and(rowsLog2, 8) { power := square8(power) }
            if and(rowsLog2, 4) { power := square4(power) }
            if and(rowsLog2, 2) {
                power := mulmod(power, power, R)
                power := mulmod(power, power, R)
            }
            if and(rowsLog2, 1) { power := mulmod(power, power, R) }
            mstore(ZETA_T, power)

            let eta := mload(ETA)
            let g
            let inverse
            let etaM := eta
            let subtrees := mload(PRE_SUBTREES)
            switch subtrees
            case 16 {
                g := 0x21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b
                inverse := 0x2d5e098bb31e86271ccb415b196942d755b0a9c3f21dd9882fa3d63ab1000001
                etaM := square4(etaM)
            }
            case 64 {
                g := 0x1418144d5b080fcac24cdb7649bdadf246a6cb2426e324bedb94fb05118f023a
                inverse := 0x2fa2bd3915acd9a9116f049fa77b52fbb39318a757d28acefed26dbda0400001
                etaM := square4(etaM)
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
            }
            case 32 {
                g := 0x9c532c6306b93d29678200d47c0b2a99c18d51b838eeb1d3eed4c533bb512d0
                inverse := 0x2ee12bff4a2813286a8dc388cd754d9a3ef2490635eba50cb9c2e5e750800001
                etaM := square4(etaM)
                etaM := mulmod(etaM, etaM, R)
            }
            case 8 {
                g := 0x2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80
                inverse := 0x2a57c4a4850b6c2481463cffb1512d51832d6b3f6a82427f1b65b6e172000001
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
            }
            case 4 {
                g := 0x30644e72e131a029048b6e193fd841045cea24f6fd736bec231204708f703636
                inverse := 0x244b3ad628e5381f4a3c3448e1210245de26ee365b4b146cf2e9782ef4000001
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
            }
            case 2 {
                g := R_MINUS_1
                inverse := HALF
                etaM := mulmod(etaM, etaM, R)
            }
            case 1 {
                g := 1
                inverse := 1
            }
            case 128 {
                g := 0x16e73dfdad310991df5ce19ce85943e01dcb5564b6f24c799d0e470cba9d1811
                inverse := 0x300385d5fb6f3ce964dfa52b147e55ac6de38077e8c5fdb0215a31a8c8200001
                etaM := square4(etaM)
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
                etaM := mulmod(etaM, etaM, R)
            }
            case 256 {
                g := 0x7b0c561a6148404f086204a9f36ffb0617942546750f230c893619174a57a76
                inverse := 0x3033ea246e506e898e97f570caffd704cb0bb460313fb720b29e139e5c100001
                etaM := square8(etaM)
            }
            default { status := 1 }

            let gEta := mulmod(g, eta, R)
            let zK := addmod(etaM, R_MINUS_1, R)
            mstore(G_ETA, gEta)
            mstore(Z_K, zK)

            // The denominators, with the products of all before each.
            let d := add(zeta, R_MINUS_1)
            mstore(L0, d)
            let product := d
            let turned := mulmod(zeta, omegaInverse, R)
            d := add(turned, R_MINUS_1)
            mstore(L1, d)
            mstore(0x8c0, product)
            product := mulmod(product, d, R)
            turned := mulmod(turned, omegaInverse, R)
            d := add(turned, R_MINUS_1)
            mstore(L2, d)
            mstore(0x8e0, product)
            product := mulmod(product, d, R)
            turned := mulmod(turned, omegaInverse, R)
            d := add(turned, R_MINUS_1)
            mstore(L3, d)
            mstore(0x900, product)
            product := mulmod(product, d, R)
            turned := mulmod(turned, omegaInverse, R)
            d := add(turned, R_MINUS_1)
            mstore(L4, d)
            mstore(0x920, product)
            product := mulmod(product, d, R)
            turned := mulmod(turned, omegaInverse, R)
            d := add(turned, R_MINUS_1)
            mstore(L5, d)
            mstore(0x940, product)
            product := mulmod(product, d, R)
            d := add(eta, R_MINUS_1)
            mstore(R_FIRST, d)
            mstore(0x960, product)
            product := mulmod(product, d, R)
            d := add(gEta, R_MINUS_1)
            mstore(0x980, product)
            product := mulmod(product, d, R)

            mstore(0x9c0, 0x20)
            mstore(0x9e0, 0x20)
            mstore(0xa00, 0x20)
            mstore(0xa20, product)
            mstore(0xa40, R_MINUS_2)
            mstore(0xa60, R)
            let ok := and(eq(returndatasize(), 0x20), staticcall(gas(), 5, MODEXP, 0xc0, 0x00, 0x20))
            let inv := mload(0x00)
            if iszero(and(ok, eq(mulmod(inv, product, R), 1))) {
                if iszero(status) {
                    status := 2
                    if iszero(product) { status := 3 }
                }
            }

            // Back down; from here on d is what the scale has to be multiplied with.
            let scale := mulmod(zK, inverse, R)
            mstore(R_LAST, mulmod(scale, mulmod(inv, mload(0x980), R), R))
            inv := mulmod(inv, d, R)
            mstore(0x9a0, mulmod(scale, mulmod(inv, mload(0x960), R), R))
            inv := mulmod(inv, mload(R_FIRST), R)
            mstore(R_FIRST, mload(0x9a0))
            scale := mulmod(add(power, R_MINUS_1), rowsInverse, R)
            inv := mulmod(inv, scale, R)
            d := mload(L5)
            mstore(L5, mulmod(inv, mload(0x940), R))
            inv := mulmod(inv, d, R)
            d := mload(L4)
            mstore(L4, mulmod(inv, mload(0x920), R))
            inv := mulmod(inv, d, R)
            d := mload(L3)
            mstore(L3, mulmod(inv, mload(0x900), R))
            inv := mulmod(inv, d, R)
            d := mload(L2)
            mstore(L2, mulmod(inv, mload(0x8e0), R))
            inv := mulmod(inv, d, R)
            d := mload(L1)
            mstore(L1, mulmod(inv, mload(0x8c0), R))
            mstore(L0, mulmod(inv, d, R))
        }
        if (status != 0) {
            if (status == 1) revert UnsupportedSubtrees(_memory(PRE_SUBTREES));
            if (status == 3) revert ZeroDenominator();
            revert PrecompileFailed(5);
        }
    }

    /// Section 8: the scalars of D on the fixed columns and the constant r0, all gates.
    function _linearise() private pure {
        assembly {
            function fifth(x) -> y {
                y := mulmod(x, x, R)
                y := mulmod(mulmod(y, y, R), x, R)
            }
            // sum_e alpha^e x_e, e = 1..4; the x are sums of at most four reduced values.
            function weigh(alpha, x1, x2, x3, x4) -> y {
                y := mulmod(alpha, x4, R)
                y := mulmod(alpha, add(x3, y), R)
                y := mulmod(alpha, add(x2, y), R)
                y := mulmod(alpha, add(x1, y), R)
            }
            // E times (a, b, c, d); the results are sums of two or three reduced values.
            function external(a, b, c, d) -> e1, e2, e3, e4 {
                let ab := add(a, b)
                let cd := add(c, d)
                let t2 := addmod(add(b, b), cd, R)
                let t3 := addmod(add(d, d), ab, R)
                e2 := add(mulmod(4, ab, R), t2)
                e4 := add(mulmod(4, cd, R), t3)
                e1 := add(t3, e2)
                e3 := add(t2, e4)
            }
            function weighExternal(alpha, a, b, c, d) -> y {
                let e1, e2, e3, e4 := external(a, b, c, d)
                y := weigh(alpha, e1, e2, e3, e4)
            }
            // s_1, s_2, s_3 of the state that a group of partial rounds was entered with: V x + W S(x).
            function entered(x1, x2, x3, b0, b1, b2) -> s1, s2, s3 {
                s1 := addmod(
                    add(add(mulmod(POSEIDON2_V_11, x1, R), mulmod(POSEIDON2_V_12, x2, R)), mulmod(POSEIDON2_V_13, x3, R)),
                    add(add(mulmod(POSEIDON2_W_10, b0, R), mulmod(POSEIDON2_W_11, b1, R)), mulmod(POSEIDON2_W_12, b2, R)),
                    R
                )
                s2 := addmod(
                    add(add(mulmod(POSEIDON2_V_21, x1, R), mulmod(POSEIDON2_V_22, x2, R)), mulmod(POSEIDON2_V_23, x3, R)),
                    add(add(mulmod(POSEIDON2_W_20, b0, R), mulmod(POSEIDON2_W_21, b1, R)), mulmod(POSEIDON2_W_22, b2, R)),
                    R
                )
                s3 := addmod(
                    add(add(mulmod(POSEIDON2_V_31, x1, R), mulmod(POSEIDON2_V_32, x2, R)), mulmod(POSEIDON2_V_33, x3, R)),
                    add(add(mulmod(POSEIDON2_W_30, b0, R), mulmod(POSEIDON2_W_31, b1, R)), mulmod(POSEIDON2_W_32, b2, R)),
                    R
                )
            }
            // One partial round's linear part on (boxed, s1, s2, s3), the new first element left out.
            function round(boxed, s1, s2, s3) -> n1, n2, n3 {
                let total := add(add(boxed, s1), add(s2, s3))
                n1 := addmod(mulmod(POSEIDON2_MU_1, s1, R), total, R)
                n2 := addmod(mulmod(POSEIDON2_MU_2, s2, R), total, R)
                n3 := addmod(mulmod(POSEIDON2_MU_3, s3, R), total, R)
            }

            let alpha := mload(ALPHA)
            // Poseidon2.
            {
                let b0 := fifth(mload(W1))
                let b1 := fifth(mload(W2))
                let b2 := fifth(mload(W3))
                let b3 := fifth(mload(W4))
                // E S(w)
                let full := weighExternal(alpha, b0, b1, b2, b3)
                {
                    let next := weigh(alpha, mload(N1), mload(N2), mload(N3), mload(N4))
                    mstore(R0, mulmod(mload(P0), add(full, sub(R, next)), R))
                }
                full := sub(R, full)
                // V2 w + W2 S(w): the state before the group, carried through its four rounds.
                {
                    let s1, s2, s3 := entered(mload(W2), mload(W3), mload(W4), b0, b1, b2)
                    s1, s2, s3 := round(b0, s1, s2, s3)
                    s1, s2, s3 := round(b1, s1, s2, s3)
                    s1, s2, s3 := round(b2, s1, s2, s3)
                    let total := add(add(b3, s1), add(s2, s3))
                    let y := mulmod(alpha, addmod(mulmod(POSEIDON2_MU_3, s3, R), total, R), R)
                    y := mulmod(alpha, add(y, addmod(mulmod(POSEIDON2_MU_2, s2, R), total, R)), R)
                    y := mulmod(alpha, add(y, addmod(mulmod(POSEIDON2_MU_1, s1, R), total, R)), R)
                    y := mulmod(alpha, add(y, addmod(mulmod(POSEIDON2_MU_0, b3, R), total, R)), R)
                    mstore(S_PL, add(y, full))
                }
                // E S(E w + c0)
                {
                    let e1, e2, e3, e4 := external(mload(W1), mload(W2), mload(W3), mload(W4))
                    e1 := fifth(add(e1, POSEIDON2_C0_0))
                    e2 := fifth(add(e2, POSEIDON2_C0_1))
                    e3 := fifth(add(e3, POSEIDON2_C0_2))
                    e4 := fifth(add(e4, POSEIDON2_C0_3))
                    mstore(S_PI, add(weighExternal(alpha, e1, e2, e3, e4), full))
                }
                // w' - V w' - W S(w'); its first element is zero.
                {
                    let s1, s2, s3 := entered(
                        mload(N2), mload(N3), mload(N4), fifth(mload(N1)), fifth(mload(N2)), fifth(mload(N3))
                    )
                    let y := mulmod(alpha, add(mload(N4), sub(R, s3)), R)
                    y := mulmod(alpha, add(y, add(mload(N3), sub(R, s2))), R)
                    y := mulmod(alpha, add(y, add(mload(N2), sub(R, s1))), R)
                    mstore(S_PR, mulmod(alpha, y, R))
                }
            }
            // The point gates' common parts: x, y, x', y', then the gates' own.
            let x := mload(W1)
            let y := mload(W2)
            let dx := add(x, sub(R, mload(N1)))
            let yy := add(mload(N2), y)
            {
                let fb := mload(FB)
                let p0 := mload(P0)
                let d := mload(W3)
                let u := mload(W4)
                let d2 := mulmod(d, d, R)
                // The columns q1..q4 and qm.
                {
                    let sA := addmod(1, sub(add(R, R), add(p0, fb)), R)
                    let alpha2 := mulmod(alpha, alpha, R)
                    let alpha3 := mulmod(alpha2, alpha, R)
                    let fb2 := sub(R, mulmod(alpha2, fb, R))
                    let h := mulmod(alpha3, mulmod(fb, add(add(y, y), sub(add(R, R), mulmod(alpha, dx, R))), R), R)
                    mstore(S_Q1, add(add(mulmod(sA, x, R), mulmod(alpha, p0, R)), fb2))
                    mstore(S_Q2, add(add(mulmod(sA, y, R), mulmod(alpha2, p0, R)), mulmod(fb2, d2, R)))
                    h := mulmod(h, d, R)
                    mstore(S_Q3, add(add(mulmod(sA, d, R), mulmod(alpha3, p0, R)), h))
                    mstore(
                        S_Q4,
                        add(add(mulmod(sA, u, R), mulmod(mulmod(alpha2, alpha2, R), p0, R)), mulmod(h, d2, R))
                    )
                    mstore(S_QM, mulmod(mulmod(sA, x, R), y, R))
                }
                // FIXED-BASE without its columns.
                let um := addmod(u, sub(R, x), R)
                let b1 := mulmod(add(d2, R_MINUS_1), add(d2, sub(R, 9)), R)
                let b3 := mulmod(add(add(mload(N1), x), u), mulmod(um, um, R), R)
                b3 := addmod(
                    add(b3, sub(R, mulmod(mulmod(u, u, R), u, R))), add(17, sub(R, mulmod(y, y, R))), R
                )
                let b4 := add(mulmod(yy, um, R), mulmod(y, dx, R))
                mstore(R0, add(mload(R0), mulmod(fb, weigh(alpha, b1, u, b3, b4), R)))
            }
            // k (k-1)(k-2)/6 SELECT + k (k-3)/2 ((k-2) ADD - (k-1) DBL)
            {
                let k := mload(K)
                let k1 := add(k, R_MINUS_1)
                let k2 := add(k, R_MINUS_2)
                let gates
                {
                    let u := mload(W3)
                    let um := addmod(u, sub(R, x), R)
                    let vm := addmod(mload(W4), sub(R, y), R)
                    let b1 := mulmod(add(add(mload(N1), x), u), mulmod(um, um, R), R)
                    b1 := add(b1, sub(R, mulmod(vm, vm, R)))
                    let b2 := add(mulmod(yy, um, R), sub(R, mulmod(vm, dx, R)))
                    let b3 := add(mload(W4), sub(R, mulmod(mload(N3), mload(N4), R)))
                    let b4 := add(mulmod(mload(N3), mload(N3), R), R_MINUS_1)
                    gates := mulmod(k2, weigh(alpha, b1, b2, b3, b4), R)
                }
                {
                    let y2 := mulmod(y, y, R)
                    let b1 := mulmod(mulmod(4, y2, R), add(mload(N1), add(x, x)), R)
                    b1 := add(b1, sub(R, mulmod(mulmod(9, x, R), add(y2, 17), R)))
                    let b2 := mulmod(add(y, y), yy, R)
                    b2 := add(b2, sub(R, mulmod(mulmod(3, mulmod(x, x, R), R), dx, R)))
                    b2 := mulmod(alpha, add(b1, mulmod(alpha, b2, R)), R)
                    gates := add(gates, sub(R, mulmod(k1, b2, R)))
                }
                gates := mulmod(gates, mulmod(HALF, add(k, sub(R, 3)), R), R)
                {
                    let b0 := mload(N1)
                    let b1 := mload(N2)
                    let c := sub(R, x)
                    let e := addmod(mload(W4), add(sub(R, mload(W3)), sub(add(R, x), y)), R)
                    let picked := mulmod(b1, add(add(mload(W3), c), mulmod(b0, e, R)), R)
                    picked := add(picked, mulmod(b0, add(y, c), R))
                    let b := mulmod(alpha, add(mload(N3), sub(add(add(R, R), c), picked)), R)
                    gates := add(gates, mulmod(mulmod(b, SIXTH, R), mulmod(k1, k2, R), R))
                }
                mstore(R0, addmod(mload(R0), mulmod(k, gates, R), R))
            }
            // l (2-l) RANGE + l (l-1)/2 DEMUX
            {
                function range(high, low) -> p {
                    let step := addmod(low, sub(add(add(R, R), add(R, R)), shl(2, high)), R)
                    p := mulmod(step, add(step, sub(R, 3)), R)
                    p := mulmod(p, add(p, 2), R)
                }
                let l := mload(L)
                let gates
                {
                    let r1 := range(x, y)
                    let r2 := range(y, mload(W3))
                    let r3 := range(mload(W3), mload(W4))
                    gates := weigh(alpha, r1, r2, r3, range(mload(W4), mload(N1)))
                }
                gates := mulmod(gates, sub(add(R, 2), l), R)
                {
                    let delta := add(mload(W4), sub(R, mload(W3)))
                    let p := mulmod(x, delta, R)
                    let s := mulmod(y, delta, R)
                    let ps := mulmod(x, s, R)
                    let b := mulmod(alpha, mulmod(y, add(y, R_MINUS_1), R), R)
                    b := mulmod(alpha, add(b, mulmod(x, add(x, R_MINUS_1), R)), R)
                    b := mulmod(alpha, add(b, add(mload(N4), sub(R, ps))), R)
                    b := mulmod(alpha, add(b, add(mload(N3), sub(add(R, ps), s))), R)
                    b := mulmod(alpha, add(b, add(mload(N2), sub(add(R, ps), p))), R)
                    b := mulmod(alpha, addmod(b, add(mload(N1), add(add(p, s), sub(add(R, R), add(delta, ps)))), R), R)
                    gates := add(gates, mulmod(b, mulmod(HALF, add(l, R_MINUS_1), R), R))
                }
                mstore(R0, add(mload(R0), mulmod(l, gates, R)))
            }
        }
    }

    /// Section 8: the permutation argument's part of D and of r0.
    function _permutation() private pure {
        assembly {
            let beta := mload(BETA)
            let gamma := mload(GAMMA)
            let shifted := mulmod(beta, mload(ZETA), R)
            let wire := add(mload(W1), gamma)
            let identity := add(wire, shifted)
            let labels := mulmod(add(wire, mulmod(beta, mload(S1), R)), mload(ZN), R)
            shifted := mulmod(5, shifted, R)
            wire := add(mload(W2), gamma)
            identity := mulmod(identity, add(wire, shifted), R)
            labels := mulmod(labels, add(wire, mulmod(beta, mload(S2), R)), R)
            shifted := mulmod(5, shifted, R)
            wire := add(mload(W3), gamma)
            identity := mulmod(identity, add(wire, shifted), R)
            labels := mulmod(labels, add(wire, mulmod(beta, mload(S3), R)), R)
            shifted := mulmod(5, shifted, R)
            wire := add(mload(W4), gamma)
            identity := mulmod(identity, add(wire, shifted), R)

            let alpha := mload(ALPHA)
            let alpha7 := mulmod(alpha, alpha, R)
            alpha7 := mulmod(mulmod(alpha7, alpha, R), mulmod(alpha7, alpha7, R), R)
            labels := sub(R, mulmod(labels, alpha7, R))
            mstore(S_S4, mulmod(beta, labels, R))
            let r0 := add(mload(R0), mulmod(labels, wire, R))
            // z is in E1 and, as the first of N, in E2.
            let first := mulmod(mulmod(alpha7, alpha, R), mload(L0), R)
            mstore(R0, addmod(r0, sub(R, first), R))
            mstore(S_Z, add(add(mulmod(identity, alpha7, R), first), mload(U1)))
        }
    }

    /// Section 8: S_k in D and in E3, the quotients in D, and the batons in r0.
    function _batonAndQuotients() private pure {
        assembly {
            let u2 := mload(U2)
            let mu := mload(MU)
            let mu2 := mulmod(mu, mu, R)
            let rFirst := mload(R_FIRST)
            let m1 := mulmod(mu, rFirst, R)
            let m2 := mulmod(mu2, rFirst, R)
            let m3 := mulmod(mu2, m1, R)
            mstore(S_IN0, add(add(m1, sub(R, mload(L0))), mulmod(u2, mload(L3), R)))
            mstore(S_IN1, add(add(m2, sub(R, mload(L1))), mulmod(u2, mload(L4), R)))
            mstore(S_IN2, add(add(m3, sub(R, mload(L2))), mulmod(u2, mload(L5), R)))
            let start0 := mload(PRE_START)
            let start1 := mload(0x180)
            let start2 := mload(0x1a0)
            let out := mulmod(mload(L3), add(mload(PRE_END), sub(R, start0)), R)
            out := add(out, mulmod(mload(L4), add(mload(0x1e0), sub(R, start1)), R))
            out := add(out, mulmod(mload(L5), add(mload(0x200), sub(R, start2)), R))
            out := mulmod(out, mload(R_LAST), R)
            out := add(out, add(mulmod(m1, start0, R), add(mulmod(m2, start1, R), mulmod(m3, start2, R))))
            mstore(R0, addmod(mload(R0), sub(add(R, R), addmod(out, mload(SBAR), R)), R))

            let zetaT := mload(ZETA_T)
            let scalar := sub(R, addmod(zetaT, R_MINUS_1, R))
            mstore(S_T0, scalar)
            scalar := mulmod(scalar, zetaT, R)
            mstore(S_T1, scalar)
            scalar := mulmod(scalar, zetaT, R)
            mstore(S_T2, scalar)
            scalar := mulmod(scalar, zetaT, R)
            mstore(S_T3, scalar)
            mstore(S_T4, mulmod(scalar, zetaT, R))
            mstore(S_Q, sub(R, mload(Z_K)))
        }
    }

    /// What E1 and E2 open beside D and z, as powers of v; total is f + u1 n + u2 sbar without r0. Then the witnesses.
    function _openings() private pure {
        assembly {
            let v := mload(V)
            let u1 := mload(U1)
            let both := add(1, u1)
            let total := add(mulmod(u1, mload(ZN), R), mulmod(mload(U2), mload(SBAR), R))
            let power := v
            mstore(S_A1, mulmod(power, both, R))
            total := add(total, mulmod(power, add(mload(W1), mulmod(u1, mload(N1), R)), R))
            power := mulmod(power, v, R)
            mstore(S_A2, mulmod(power, both, R))
            total := add(total, mulmod(power, add(mload(W2), mulmod(u1, mload(N2), R)), R))
            power := mulmod(power, v, R)
            mstore(S_A3, mulmod(power, both, R))
            total := addmod(total, mulmod(power, add(mload(W3), mulmod(u1, mload(N3), R)), R), R)
            power := mulmod(power, v, R)
            mstore(S_A4, mulmod(power, both, R))
            total := add(total, mulmod(power, add(mload(W4), mulmod(u1, mload(N4), R)), R))
            power := mulmod(power, v, R)
            mstore(S_S1, power)
            total := add(total, mulmod(power, mload(S1), R))
            power := mulmod(power, v, R)
            mstore(S_S2, power)
            total := add(total, mulmod(power, mload(S2), R))
            power := mulmod(power, v, R)
            mstore(S_S3, power)
            total := addmod(total, mulmod(power, mload(S3), R), R)
            power := mulmod(power, v, R)
            mstore(S_P0, power)
            total := add(total, mulmod(power, mload(P0), R))
            power := mulmod(power, v, R)
            mstore(S_FB, power)
            total := add(total, mulmod(power, mload(FB), R))
            power := mulmod(power, v, R)
            mstore(S_K, power)
            total := add(total, mulmod(power, mload(K), R))
            power := mulmod(power, v, R)
            mstore(S_L, power)
            total := addmod(total, mulmod(power, mload(L), R), R)
            mstore(S_GENERATOR, add(mload(R0), sub(R, total)))

            mstore(S_WX1, mload(ZETA))
            mstore(S_WX2, mulmod(mload(U1), mload(W_ZETA), R))
            mstore(S_WY, mload(ETA))
            mstore(S_WYS, mulmod(mload(U2), mload(G_ETA), R))
        }
    }

    // ---------------------------------------------------------------------------------------------------- several groups

    /// Scalars of every group; what later groups contribute, weighted by rho, goes into the terms of the first group and into
    /// the three rest sums.
    function _groups(uint256 groups, uint256 offset) private view {
        for (uint256 j = 0; j < groups; ++j) {
            uint256 head = offset + j * STEP;
            uint256 body = head + 32;
            if (j + 1 < groups) {
                for (uint256 k = 0; k < 3; ++k) {
                    uint256 value;
                    assembly {
                        value := calldataload(add(body, shl(5, k)))
                        mstore(add(PRE_END, shl(5, k)), value)
                    }
                    if (value >= R) revert NotCanonical(j * (STEP / 32) + 1 + k);
                }
                body += END_WORDS;
            } else {
                // The last end is the statement's, which is the second argument of the call.
                assembly {
                    calldatacopy(PRE_END, 0x64, 0x60)
                }
            }
            _group(head, body);
            assembly {
                let slot := add(ARCHIVE, mul(j, ARCHIVE_STEP))
                mcopy(slot, TERMS, TERMS_SIZE)
                slot := add(slot, TERMS_SIZE)
                mstore(slot, mload(U1))
                mstore(add(slot, 0x20), mload(U2))
                mstore(add(slot, 0x40), mload(STATE))
                mcopy(PRE_START, PRE_END, 0x60)
            }
        }
        bool ok = true;
        assembly {
            // All final states, then the index.
            let list := add(ARCHIVE, mul(groups, ARCHIVE_STEP))
            let size := shl(5, groups)
            for { let j := 0 } lt(j, groups) { j := add(j, 1) } {
                mstore(add(list, shl(5, j)), mload(add(add(ARCHIVE, mul(j, ARCHIVE_STEP)), 0xd60)))
            }
            function accumulate(sum, term, scalar) -> good {
                mstore(add(term, 0x40), scalar)
                good := and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 7, term, 0x60, add(sum, 0x40), 0x40))
                good := and(good, and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, sum, 0x80, sum, 0x40)))
            }
            // The rest sums start at infinity.
            calldatacopy(REST_A, calldatasize(), sub(ARCHIVE, REST_A))
            for { let j := 1 } lt(j, groups) { j := add(j, 1) } {
                mstore(add(list, size), j)
                let rho := mod(keccak256(list, add(size, 0x20)), R)
                let slot := add(ARCHIVE, mul(j, ARCHIVE_STEP))
                for { let i := 0 } lt(i, FIXED_TERMS) { i := add(i, 1) } {
                    let entry := add(add(ARCHIVE, 0x40), mul(i, 0x60))
                    mstore(entry, addmod(mload(entry), mulmod(rho, mload(add(add(slot, 0x40), mul(i, 0x60))), R), R))
                }
                let u1 := mload(add(slot, TERMS_SIZE))
                let u2 := mload(add(slot, 0xd40))
                for { let i := FIXED_TERMS } lt(i, 35) { i := add(i, 1) } {
                    let term := add(slot, mul(i, 0x60))
                    ok := and(ok, accumulate(REST_A, term, mulmod(rho, mload(add(term, 0x40)), R)))
                }
                slot := add(slot, 0xba0)
                ok := and(ok, accumulate(REST_B, slot, rho))
                ok := and(ok, accumulate(REST_B, add(slot, 0x60), mulmod(rho, u1, R)))
                ok := and(ok, accumulate(REST_C, add(slot, 0xc0), rho))
                ok := and(ok, accumulate(REST_C, add(slot, 0x120), mulmod(rho, u2, R)))
            }
            // The first group again.
            mcopy(TERMS, ARCHIVE, TERMS_SIZE)
            mstore(U1, mload(add(ARCHIVE, TERMS_SIZE)))
            mstore(U2, mload(add(ARCHIVE, 0xd40)))
        }
        if (!ok) _diagnose(groups, offset);
    }

    // ------------------------------------------------------------------------------------------------- the final equation

    function _store(uint256 pointer, uint256 value) private pure {
        assembly {
            mstore(pointer, value)
        }
    }

    function _memory(uint256 pointer) private pure returns (uint256 value) {
        assembly {
            value := mload(pointer)
        }
    }

    /// Sums A, B, C and checks e(-A, [1]) e(B, [tx]) e(C, [ty]) = 1.
    function _accumulate(uint256 groups, uint256 offset) private view {
        _store(0xb40, Q1_X);
        _store(0xb60, Q1_Y);
        _store(0xba0, Q2_X);
        _store(0xbc0, Q2_Y);
        _store(0xc00, Q3_X);
        _store(0xc20, Q3_Y);
        _store(0xc60, Q4_X);
        _store(0xc80, Q4_Y);
        _store(0xcc0, QM_X);
        _store(0xce0, QM_Y);
        _store(0xd20, P0_X);
        _store(0xd40, P0_Y);
        _store(0xd80, PL_X);
        _store(0xda0, PL_Y);
        _store(0xde0, PI_X);
        _store(0xe00, PI_Y);
        _store(0xe40, PR_X);
        _store(0xe60, PR_Y);
        _store(0xea0, FB_X);
        _store(0xec0, FB_Y);
        _store(0xf00, K_X);
        _store(0xf20, K_Y);
        _store(0xf60, L_X);
        _store(0xf80, L_Y);
        _store(0xfc0, S1_X);
        _store(0xfe0, S1_Y);
        _store(0x1020, S2_X);
        _store(0x1040, S2_Y);
        _store(0x1080, S3_X);
        _store(0x10a0, S3_Y);
        _store(0x10e0, S4_X);
        _store(0x1100, S4_Y);
        _store(0x1140, 1);
        _store(0x1160, 2);
        bool ok;
        assembly {
            // The product of a term goes behind the sum, then the two are added.
            function mul_(term, product) -> good {
                good := and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 7, term, 0x60, product, 0x40))
            }
            function add_(sum) -> good {
                good := and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, sum, 0x80, sum, 0x40))
            }
            function step(term) -> good {
                good := mul_(term, 0x18a0)
                good := and(add_(PAIR_A), good)
            }

            // B = WX1 + u1 WX2 and C = WY + u2 WY'; the scalar that the term has in A is put back.
            mcopy(PAIR_B, WX1, 0x40)
            let kept := mload(S_WX2)
            mstore(S_WX2, mload(U1))
            ok := mul_(WX2, 0x1960)
            ok := and(add_(PAIR_B), ok)
            mstore(S_WX2, kept)
            mcopy(PAIR_C, WY, 0x40)
            kept := mload(S_WYS)
            mstore(S_WYS, mload(U2))
            ok := and(mul_(WYS, 0x1a20), ok)
            ok := and(add_(PAIR_C), ok)
            mstore(S_WYS, kept)

            ok := and(mul_(TERMS, PAIR_A), ok)
            ok := and(step(0xba0), ok)
            ok := and(step(0xc00), ok)
            ok := and(step(0xc60), ok)
            ok := and(step(0xcc0), ok)
            ok := and(step(0xd20), ok)
            ok := and(step(0xd80), ok)
            ok := and(step(0xde0), ok)
            ok := and(step(0xe40), ok)
            ok := and(step(0xea0), ok)
            ok := and(step(0xf00), ok)
            ok := and(step(0xf60), ok)
            ok := and(step(0xfc0), ok)
            ok := and(step(0x1020), ok)
            ok := and(step(0x1080), ok)
            ok := and(step(0x10e0), ok)
            ok := and(step(0x1140), ok)
            ok := and(step(0x11a0), ok)
            ok := and(step(0x1200), ok)
            ok := and(step(0x1260), ok)
            ok := and(step(0x12c0), ok)
            ok := and(step(0x1320), ok)
            ok := and(step(0x1380), ok)
            ok := and(step(0x13e0), ok)
            ok := and(step(0x1440), ok)
            ok := and(step(0x14a0), ok)
            ok := and(step(0x1500), ok)
            ok := and(step(0x1560), ok)
            ok := and(step(0x15c0), ok)
            ok := and(step(0x1620), ok)
            ok := and(step(0x1680), ok)
            ok := and(step(WX1), ok)
            ok := and(step(WX2), ok)
            ok := and(step(WY), ok)
            ok := and(step(WYS), ok)
            if gt(groups, 1) {
                mcopy(0x18a0, REST_A, 0x40)
                ok := and(add_(PAIR_A), ok)
                mcopy(0x1960, REST_B, 0x40)
                ok := and(add_(PAIR_B), ok)
                mcopy(0x1a20, REST_C, 0x40)
                ok := and(add_(PAIR_C), ok)
            }
        }
        if (!ok) _diagnose(groups, offset);
        // -A with the generator of G2.
        assembly {
            mstore(0x1880, mod(sub(Q, mload(0x1880)), Q))
            mstore(0x18a0, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x18c0, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x18e0, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0x1900, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
        }
        _store(0x1960, TX_0);
        _store(0x1980, TX_1);
        _store(0x19a0, TX_2);
        _store(0x19c0, TX_3);
        _store(0x1a20, TY_0);
        _store(0x1a40, TY_1);
        _store(0x1a60, TY_2);
        _store(0x1a80, TY_3);
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
            if (_memory(W1 + 32 * i) >= R) revert NotCanonical((body + 896 - proofOffset) / 32 + i);
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
