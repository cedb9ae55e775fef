// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Constants of Poseidon2 in rows (docs/protocol.md, section 4). Derived, not chosen: a test of the Rust crate
// proofyard-contracts computes them again from the diagonal and compares.
//
// A group of four partial rounds whose S-box inputs are x_0..x_3, with S_j = x_j^5, was entered with the state s, s_0 = x_0
// and s_c = sum_j V_cj x_j + sum_j W_cj S_j for c = 1..3 (constants aside; V_c0 = W_c3 = 0).

uint256 constant POSEIDON2_V_11 = 0x29724779a68e426fec6e33e16b926293dac5001b6e5bbaedbc7006a81ae1f5c3;
uint256 constant POSEIDON2_V_12 = 0x16bf6a9b69d297fbe8f6a9540d33c69acbe4c93300d3481e2ad73a6ffcf83b48;
uint256 constant POSEIDON2_V_13 = 0x214eac3d0d1d03e83ed90deedcd2d295d79d5c22106a623e0ee78acd18e97d90;
uint256 constant POSEIDON2_V_21 = 0x0253c40625fa819e71442005936ea8ed884b5dae939ff831f9efa381d7bd7fbf;
uint256 constant POSEIDON2_V_22 = 0x0eb429a8bf9332fafd46ee02c41eb94967d38fcf5956a1482b968d7358fed8a7;
uint256 constant POSEIDON2_V_23 = 0x1124bda311ecbe27646c5c3a2ce7cead6647e4561df5e66276fedb4a57988dd6;
uint256 constant POSEIDON2_V_31 = 0x049e42f314a8dc1b5a9df1cf82804cdbc5238a7e77bdbd718d824b69fd608a80;
uint256 constant POSEIDON2_V_32 = 0x0af0ba2eb7cbd532d212ae5fb02ed878f47b8f461f8f872aed742db09a08ec12;
uint256 constant POSEIDON2_V_33 = 0x2e553305a3597e43cd5b2143f9480f7712829018c512988201dd85106f7df49c;

uint256 constant POSEIDON2_W_10 = 0x21c5360b2fc03371cf754c94709484d8568285e29d0f6da514c617fe0595b42c;
uint256 constant POSEIDON2_W_11 = 0x0744637ee65962ec75964b2d6a7028e09265d84a98d1bf09cf9bd4480af00377;
uint256 constant POSEIDON2_W_12 = 0x0ba57f308e399ebb243a3eab9c42b0114b3623fd0de684a76417c6e69c568b35;
uint256 constant POSEIDON2_W_20 = 0x18b23544d598c6d992e01b9f8013b084ad2edee829cb6006bb298369a35ed3cd;
uint256 constant POSEIDON2_W_21 = 0x12d51194ea6a06c1f6b91d87ffd4c87bbff718c150de2da2a5632fd6e8dd4c68;
uint256 constant POSEIDON2_W_22 = 0x1a85cf56e4993125ebf7b0f0999a055fbf6ff9c6164f076cc956535a67967fa5;
uint256 constant POSEIDON2_W_30 = 0x1574c2f9bc9ba27d099942fdc68132513fb2723d02cdf5f7026c2dc31d37c121;
uint256 constant POSEIDON2_W_31 = 0x164ad95f106e367b4c00dd01173c6700d5d6f73c900983e4cee2f174fc32b022;
uint256 constant POSEIDON2_W_32 = 0x0a38ffeb6e5ed048a81e561a4ba4a2ec1d8dca855583e47d1673db52ec12f527;

// Diagonal mu of the internal matrix J + diag(mu).
uint256 constant POSEIDON2_MU_0 = 0x10dc6e9c006ea38b04b1e03b4bd9490c0d03f98929ca1d7fb56821fd19d3b6e7;
uint256 constant POSEIDON2_MU_1 = 0x0c28145b6a44df3e0149b3d0a30b3bb599df9756d4dd9b84a86b38cfb45a740b;
uint256 constant POSEIDON2_MU_2 = 0x00544b8338791518b2c7645a50392798b21f75bb60e3596170067d00141cac15;
uint256 constant POSEIDON2_MU_3 = 0x222c01175718386f2e2e82eb122789e352e105a3b8fa852613bc534433ee428b;

// Constants of the first full round.
uint256 constant POSEIDON2_C0_0 = 0x19b849f69450b06848da1d39bd5e4a4302bb86744edc26238b0878e269ed23e5;
uint256 constant POSEIDON2_C0_1 = 0x265ddfe127dd51bd7239347b758f0a1320eb2cc7450acc1dad47f80c8dcf34d6;
uint256 constant POSEIDON2_C0_2 = 0x199750ec472f1809e0f66a545e1e51624108ac845015c2aa3dfc36bab497d8aa;
uint256 constant POSEIDON2_C0_3 = 0x157ff3fe65ac7208110f06a5f74302b14d743ea25067f0ffd032f787c7f1cdf8;
