// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers and the memory map that the parts of the verifier share.

// r, the order of the scalar field, and q, that of the base field.
uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
uint256 constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
uint256 constant R_MINUS_1 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000;
uint256 constant R_MINUS_2 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593efffffff;
uint256 constant R_MINUS_3 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffffe;
uint256 constant R_MINUS_9 = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593effffff8;
uint256 constant R_TWICE = 0x60c89ce5c263405370a08b6d0302b0ba5067d090f372e12287c3eb27e0000002;
uint256 constant HALF = 0x183227397098d014dc2822db40c0ac2e9419f4243cdcb848a1f0fac9f8000001;
uint256 constant SIXTH = 0x285396b510feb022c442e4c2c1411ef84c2b4191bac53323b891a1fb48000001;
// 5^((r-1)/2^28), of order 2^28.
uint256 constant RHO = 0x2a3c09f0a58a7e8500e0a7eb8ef62abc402d111e41112ed49bd61b6e725b19f0;

// A precompile that rejects its input takes all gas it was given. This is ten times what a multiplication costs.
uint256 constant GAS_CAP = 60000;

// Sizes in bytes (section 10): the step of the list of groups, and the end words, which the last group lacks.
uint256 constant STEP = 1824;
uint256 constant END_WORDS = 96;
uint256 constant MAX_GROUPS = 16;

// Memory. Every address is fixed: only one call runs, nothing else allocates, and a revert may overwrite all of it.
// The preamble, 14 words.
uint256 constant PRE_TAG = 0x80;
uint256 constant PRE_KEY = 0xa0;
uint256 constant PRE_CHAIN = 0xc0;
uint256 constant PRE_CONTRACT = 0xe0;
uint256 constant PRE_ROWS = 0x100;
uint256 constant PRE_SUBTREES = 0x120;
uint256 constant PRE_VALUES = 0x140;
uint256 constant PRE_START_0 = 0x160;
uint256 constant PRE_START_1 = 0x180;
uint256 constant PRE_START_2 = 0x1a0;
uint256 constant PRE_END_0 = 0x1c0;
uint256 constant PRE_END_1 = 0x1e0;
uint256 constant PRE_END_2 = 0x200;
uint256 constant PRE_BENEFICIARY = 0x220;
// The transcript's state, followed by what is absorbed and the label: at most 14 words and a byte.
uint256 constant STATE = 0x240;
uint256 constant ABSORB = 0x260;
// Once the challenges are drawn, in the same place: L_0..L_5 at zeta, R_0 and R_{M-1} at eta, zeta^T, eta^M - 1, g eta,
// w zeta, the constant r0, sum_e alpha^e (E S(w))_e. Before that, in place of the first eight their denominators, and the products of those before
// each, from the third on.
uint256 constant L_0 = 0x260;
uint256 constant L_1 = 0x280;
uint256 constant L_2 = 0x2a0;
uint256 constant L_3 = 0x2c0;
uint256 constant L_4 = 0x2e0;
uint256 constant L_5 = 0x300;
uint256 constant R_FIRST = 0x320;
uint256 constant R_LAST = 0x340;
uint256 constant ZETA_T = 0x360;
uint256 constant Z_K = 0x380;
uint256 constant G_ETA = 0x3a0;
uint256 constant W_ZETA = 0x3c0;
uint256 constant R0 = 0x3e0;
uint256 constant FULL = 0x400;
// r, which the parts load from here to keep it on the stack; as a literal it would take 33 bytes of code at each use.
uint256 constant MODULUS = 0x440;
// Challenges.
uint256 constant BETA = 0x460;
uint256 constant GAMMA = 0x480;
uint256 constant ALPHA = 0x4a0;
uint256 constant ZETA = 0x4c0;
uint256 constant MU = 0x4e0;
uint256 constant ETA = 0x500;
uint256 constant V = 0x520;
uint256 constant U1 = 0x540;
uint256 constant U2 = 0x560;
// The 17 claims w, w' (N), s, z' (Z_N), p0, fb, k, l, sbar, with room for the state before and the label after them.
uint256 constant CLAIM_STATE = 0x580;
uint256 constant W1 = 0x5a0;
uint256 constant W2 = 0x5c0;
uint256 constant W3 = 0x5e0;
uint256 constant W4 = 0x600;
uint256 constant N1 = 0x620;
uint256 constant N2 = 0x640;
uint256 constant N3 = 0x660;
uint256 constant N4 = 0x680;
uint256 constant S1 = 0x6a0;
uint256 constant S2 = 0x6c0;
uint256 constant S3 = 0x6e0;
uint256 constant Z_N = 0x700;
uint256 constant P0 = 0x720;
uint256 constant FB = 0x740;
uint256 constant K = 0x760;
uint256 constant L = 0x780;
uint256 constant SBAR = 0x7a0;
uint256 constant CLAIM_LABEL = 0x7c0;
// Scratch for the inversion, which happens before the terms of the fixed columns are there.
uint256 constant BEFORE_2 = 0x7e0;
uint256 constant BEFORE_3 = 0x800;
uint256 constant BEFORE_4 = 0x820;
uint256 constant BEFORE_5 = 0x840;
uint256 constant BEFORE_FIRST = 0x860;
uint256 constant BEFORE_LAST = 0x880;
uint256 constant SCALE_H = 0x8a0;
uint256 constant SCALE_K = 0x8c0;
uint256 constant MODEXP = 0x8e0;
// Terms (x, y, scalar), 96 bytes each: the fixed columns and the generator, then those of the group.
uint256 constant TERMS = 0x7e0;
uint256 constant T_Q1 = 0x7e0;
uint256 constant T_Q2 = 0x840;
uint256 constant T_Q3 = 0x8a0;
uint256 constant T_Q4 = 0x900;
uint256 constant T_QM = 0x960;
uint256 constant T_P0 = 0x9c0;
uint256 constant T_PL = 0xa20;
uint256 constant T_PI = 0xa80;
uint256 constant T_PR = 0xae0;
uint256 constant T_FB = 0xb40;
uint256 constant T_K = 0xba0;
uint256 constant T_L = 0xc00;
uint256 constant T_S1 = 0xc60;
uint256 constant T_S2 = 0xcc0;
uint256 constant T_S3 = 0xd20;
uint256 constant T_S4 = 0xd80;
uint256 constant T_G1 = 0xde0;
uint256 constant T_A1 = 0xe40;
uint256 constant T_A2 = 0xea0;
uint256 constant T_A3 = 0xf00;
uint256 constant T_A4 = 0xf60;
uint256 constant T_IN0 = 0xfc0;
uint256 constant T_IN1 = 0x1020;
uint256 constant T_IN2 = 0x1080;
uint256 constant T_Z = 0x10e0;
uint256 constant T_T0 = 0x1140;
uint256 constant T_T1 = 0x11a0;
uint256 constant T_T2 = 0x1200;
uint256 constant T_T3 = 0x1260;
uint256 constant T_T4 = 0x12c0;
uint256 constant T_Q = 0x1320;
uint256 constant T_WX1 = 0x1380;
uint256 constant T_WX2 = 0x13e0;
uint256 constant T_WY = 0x1440;
uint256 constant T_WYS = 0x14a0;
uint256 constant FIXED_TERMS = 17;
uint256 constant ALL_TERMS = 35;
uint256 constant TERMS_SIZE = 0xd20;
// The scalars of the terms.
uint256 constant S_Q1 = 0x820;
uint256 constant S_Q2 = 0x880;
uint256 constant S_Q3 = 0x8e0;
uint256 constant S_Q4 = 0x940;
uint256 constant S_QM = 0x9a0;
uint256 constant S_P0 = 0xa00;
uint256 constant S_PL = 0xa60;
uint256 constant S_PI = 0xac0;
uint256 constant S_PR = 0xb20;
uint256 constant S_FB = 0xb80;
uint256 constant S_K = 0xbe0;
uint256 constant S_L = 0xc40;
uint256 constant S_S1 = 0xca0;
uint256 constant S_S2 = 0xd00;
uint256 constant S_S3 = 0xd60;
uint256 constant S_S4 = 0xdc0;
uint256 constant S_G1 = 0xe20;
uint256 constant S_A1 = 0xe80;
uint256 constant S_A2 = 0xee0;
uint256 constant S_A3 = 0xf40;
uint256 constant S_A4 = 0xfa0;
uint256 constant S_IN0 = 0x1000;
uint256 constant S_IN1 = 0x1060;
uint256 constant S_IN2 = 0x10c0;
uint256 constant S_Z = 0x1120;
uint256 constant S_T0 = 0x1180;
uint256 constant S_T1 = 0x11e0;
uint256 constant S_T2 = 0x1240;
uint256 constant S_T3 = 0x12a0;
uint256 constant S_T4 = 0x1300;
uint256 constant S_Q = 0x1360;
uint256 constant S_WX1 = 0x13c0;
uint256 constant S_WX2 = 0x1420;
uint256 constant S_WY = 0x1480;
uint256 constant S_WYS = 0x14e0;
// In place of the preamble, once all scalars are there: the pairing's input, three pairs of 192 bytes. Until the end each
// begins with a sum (64 bytes) and a product (64 bytes).
uint256 constant PAIR_A = 0x80;
uint256 constant PRODUCT_A = 0xc0;
uint256 constant PAIR_B = 0x140;
uint256 constant PRODUCT_B = 0x180;
uint256 constant PAIR_C = 0x200;
uint256 constant PRODUCT_C = 0x240;
// Several groups only: the sums of the groups after the first, each with its product; then each group's terms, u1, u2 and
// final state.
uint256 constant REST_A = 0x1500;
uint256 constant REST_B = 0x1580;
uint256 constant REST_C = 0x1600;
uint256 constant ARCHIVE = 0x1680;
uint256 constant ARCHIVE_STEP = 0xd80;
uint256 constant ARCHIVE_U1 = 0xd20;
uint256 constant ARCHIVE_U2 = 0xd40;
uint256 constant ARCHIVE_STATE = 0xd60;
