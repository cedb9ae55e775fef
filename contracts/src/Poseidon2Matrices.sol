// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Constants of Poseidon2 in rows (docs/protocol.md, section 4), in the form the verifier uses V, W, V2 and W2. Derived, not
// chosen: tests/poseidon2.rs of the crate proofyard-contracts computes them again from the diagonal mu.
//
// A group of four partial rounds has the S-box inputs x_0..x_3, S_j = x_j^5, and was entered with state s. Constants aside,
// with t_j = x_j - mu_0 S_(j-1) for j = 1..3 (the sum that round j adds to every element) and m = mu_1 + mu_2 + mu_3,
//   u_1 = s_1 + s_2 + s_3                   = t_1 - S_0
//   u_2 = mu_1 s_1 + mu_2 s_2 + mu_3 s_3    = t_2 - S_1 - 3 t_1
//   u_3 = mu_1^2 s_1 + ...                  = t_3 - S_2 - 3 t_2 - m t_1
// is a Vandermonde system for s_1, s_2, s_3: s_c = ENTER_c3 u_3 + ENTER_c2 u_2 + ENTER_c1 u_1 for c = 1, 2, and s_3 is the rest.

uint256 constant ENTER_11 = 0x1ef4bbba46c4d0cc35641efeb9e33fbfe8ee65e6faf7027cf312e4e5eba4abfa;
uint256 constant ENTER_12 = 0x19e2d26ccec6636134e147b3a0a98da202550d083e9f8db5cfc9efaf67b4b3f6;
uint256 constant ENTER_13 = 0x214eac3d0d1d03e83ed90deedcd2d295d79d5c22106a623e0ee78acd18e97d90;
uint256 constant ENTER_21 = 0x211ec34dad83225dd492cdfb9862fe0a32b41c86c612f24ef616335ad03f0b70;
uint256 constant ENTER_22 = 0x11be141f1427cd47723bbcfac954ccf472775489397ee3de4cb129be6fc88228;
uint256 constant ENTER_23 = 0x1124bda311ecbe27646c5c3a2ce7cead6647e4561df5e66276fedb4a57988dd6;

// Diagonal mu of the internal matrix J + diag(mu), and -m.
uint256 constant MU_0 = 0x10dc6e9c006ea38b04b1e03b4bd9490c0d03f98929ca1d7fb56821fd19d3b6e7;
uint256 constant MU_1 = 0x0c28145b6a44df3e0149b3d0a30b3bb599df9756d4dd9b84a86b38cfb45a740b;
uint256 constant MU_2 = 0x00544b8338791518b2c7645a50392798b21f75bb60e3596170067d00141cac15;
uint256 constant MU_3 = 0x222c01175718386f2e2e82eb122789e352e105a3b8fa852613bc534433ee428b;
uint256 constant MINUS_MU_0 = 0x1f87dfd6e0c2fc9eb39e657b35a80f511b2feebf4fef53118e79d396d62c491a;
uint256 constant MINUS_M = 0x01bbed7ce75b7363d610aaa07c156b2b8953d5928afdf68517b3ec7ff39a9d56;

// Constants of the first full round.
uint256 constant C0_0 = 0x19b849f69450b06848da1d39bd5e4a4302bb86744edc26238b0878e269ed23e5;
uint256 constant C0_1 = 0x265ddfe127dd51bd7239347b758f0a1320eb2cc7450acc1dad47f80c8dcf34d6;
uint256 constant C0_2 = 0x199750ec472f1809e0f66a545e1e51624108ac845015c2aa3dfc36bab497d8aa;
uint256 constant C0_3 = 0x157ff3fe65ac7208110f06a5f74302b14d743ea25067f0ffd032f787c7f1cdf8;
