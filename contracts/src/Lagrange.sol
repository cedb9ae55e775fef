// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import "./Layout.sol";

// The values L_j(zeta) = c / (w^-j zeta - 1) with c = (zeta^T - 1) / T for j = 0..5, and R_0(eta) = c' / (eta - 1),
// R_{M-1}(eta) = c' / (g eta - 1) with c' = (eta^M - 1) / M. The eight denominators are inverted together.

/// @dev Stores zeta^T, the scale c, w zeta.
function powersOfZeta(uint256 rowsLog2, uint256 rowsInverse, uint256 omega) pure {
    assembly {
        let r := mload(MODULUS)
        let power := mload(ZETA)
        mstore(W_ZETA, mulmod(power, omega, r))
        if and(rowsLog2, 16) {
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        if and(rowsLog2, 8) {
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        if and(rowsLog2, 4) {
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        if and(rowsLog2, 2) {
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        if and(rowsLog2, 1) { power := mulmod(power, power, r) }
        mstore(ZETA_T, power)
        mstore(SCALE_H, mulmod(add(power, R_MINUS_1), rowsInverse, r))
    }
}

/// @dev Stores eta^M - 1, the scale c', g eta and the denominators of R_0 and R_{M-1}. Returns whether M is in the table.
function powersOfEta() pure returns (bool known) {
    assembly {
        let r := mload(MODULUS)
        // The generator of K, 1/M and eta^M.
        let eta := mload(ETA)
        let g := 1
        let inverse := 1
        let power := eta
        known := 1
        switch mload(PRE_SUBTREES)
        case 16 {
            g := 0x21082ca216cbbf4e1c6e4f4594dd508c996dfbe1174efb98b11509c6e306460b
            inverse := 0x2d5e098bb31e86271ccb415b196942d755b0a9c3f21dd9882fa3d63ab1000001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 64 {
            g := 0x1418144d5b080fcac24cdb7649bdadf246a6cb2426e324bedb94fb05118f023a
            inverse := 0x2fa2bd3915acd9a9116f049fa77b52fbb39318a757d28acefed26dbda0400001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 4 {
            g := 0x30644e72e131a029048b6e193fd841045cea24f6fd736bec231204708f703636
            inverse := 0x244b3ad628e5381f4a3c3448e1210245de26ee365b4b146cf2e9782ef4000001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 8 {
            g := 0x2b337de1c8c14f22ec9b9e2f96afef3652627366f8170a0a948dad4ac1bd5e80
            inverse := 0x2a57c4a4850b6c2481463cffb1512d51832d6b3f6a82427f1b65b6e172000001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 32 {
            g := 0x9c532c6306b93d29678200d47c0b2a99c18d51b838eeb1d3eed4c533bb512d0
            inverse := 0x2ee12bff4a2813286a8dc388cd754d9a3ef2490635eba50cb9c2e5e750800001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 2 {
            g := R_MINUS_1
            inverse := HALF
            power := mulmod(power, power, r)
        }
        case 1 {}
        case 128 {
            g := 0x16e73dfdad310991df5ce19ce85943e01dcb5564b6f24c799d0e470cba9d1811
            inverse := 0x300385d5fb6f3ce964dfa52b147e55ac6de38077e8c5fdb0215a31a8c8200001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        case 256 {
            g := 0x7b0c561a6148404f086204a9f36ffb0617942546750f230c893619174a57a76
            inverse := 0x3033ea246e506e898e97f570caffd704cb0bb460313fb720b29e139e5c100001
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
            power := mulmod(power, power, r)
        }
        default { known := 0 }
        power := addmod(power, R_MINUS_1, r)
        mstore(Z_K, power)
        mstore(SCALE_K, mulmod(power, inverse, r))
        g := mulmod(g, eta, r)
        mstore(G_ETA, g)
        mstore(R_LAST, add(g, R_MINUS_1))
        mstore(R_FIRST, add(eta, R_MINUS_1))
    }
}

/// @dev Stores the other denominators and the products before each; returns the product of all.
function denominators(uint256 omegaInverse) pure returns (uint256 product) {
    assembly {
        let r := mload(MODULUS)
        let zeta := mload(ZETA)
        product := add(zeta, R_MINUS_1)
        mstore(L_0, product)
        zeta := mulmod(zeta, omegaInverse, r)
        let d := add(zeta, R_MINUS_1)
        mstore(L_1, d)
        product := mulmod(product, d, r)
        mstore(BEFORE_2, product)
        zeta := mulmod(zeta, omegaInverse, r)
        d := add(zeta, R_MINUS_1)
        mstore(L_2, d)
        product := mulmod(product, d, r)
        mstore(BEFORE_3, product)
        zeta := mulmod(zeta, omegaInverse, r)
        d := add(zeta, R_MINUS_1)
        mstore(L_3, d)
        product := mulmod(product, d, r)
        mstore(BEFORE_4, product)
        zeta := mulmod(zeta, omegaInverse, r)
        d := add(zeta, R_MINUS_1)
        mstore(L_4, d)
        product := mulmod(product, d, r)
        mstore(BEFORE_5, product)
        zeta := mulmod(zeta, omegaInverse, r)
        d := add(zeta, R_MINUS_1)
        mstore(L_5, d)
        product := mulmod(product, d, r)
        mstore(BEFORE_FIRST, product)
        product := mulmod(product, mload(R_FIRST), r)
        mstore(BEFORE_LAST, product)
        product := mulmod(product, mload(R_LAST), r)
    }
}

/// @dev The inverse of x mod r by Fermat, 0 of 0. `good` is false when the precompiled contract did not answer rightly.
function invert(uint256 x) view returns (uint256 inverse, bool good) {
    assembly {
        mstore(MODEXP, 0x20)
        mstore(add(MODEXP, 0x20), 0x20)
        mstore(add(MODEXP, 0x40), 0x20)
        mstore(add(MODEXP, 0x60), x)
        mstore(add(MODEXP, 0x80), R_MINUS_2)
        mstore(add(MODEXP, 0xa0), R)
        good := and(eq(returndatasize(), 0x20), staticcall(gas(), 5, MODEXP, 0xc0, 0x00, 0x20))
        inverse := mload(0x00)
        good := and(good, eq(mulmod(inverse, x, R), iszero(iszero(x))))
    }
}

/// @dev Replaces the denominators by the eight values, from the inverse of their product.
function lagrange(uint256 inverse) pure {
    assembly {
        let r := mload(MODULUS)
        let scale := mload(SCALE_K)
        let d := mload(R_LAST)
        mstore(R_LAST, mulmod(scale, mulmod(inverse, mload(BEFORE_LAST), r), r))
        inverse := mulmod(inverse, d, r)
        d := mload(R_FIRST)
        mstore(R_FIRST, mulmod(scale, mulmod(inverse, mload(BEFORE_FIRST), r), r))
        inverse := mulmod(mulmod(inverse, d, r), mload(SCALE_H), r)
        d := mload(L_5)
        mstore(L_5, mulmod(inverse, mload(BEFORE_5), r))
        inverse := mulmod(inverse, d, r)
        d := mload(L_4)
        mstore(L_4, mulmod(inverse, mload(BEFORE_4), r))
        inverse := mulmod(inverse, d, r)
        d := mload(L_3)
        mstore(L_3, mulmod(inverse, mload(BEFORE_3), r))
        inverse := mulmod(inverse, d, r)
        d := mload(L_2)
        mstore(L_2, mulmod(inverse, mload(BEFORE_2), r))
        inverse := mulmod(inverse, d, r)
        d := mload(L_1)
        mstore(L_1, mulmod(inverse, mload(L_0), r))
        mstore(L_0, mulmod(inverse, d, r))
    }
}
