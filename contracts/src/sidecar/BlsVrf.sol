// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title BLS signatures on BN254, used as a VRF
/// @notice docs/sidecar.md, section 6. A signature is unique for key and message, so its hash cannot be chosen. Keys are in G2
/// (x.c1, x.c0, y.c1, y.c0), signatures in G1. The hash is that of RFC 9380, suite BN254G1_XMD:SHA-256_SVDW_RO_.
/// Inputs are public, so nothing here takes constant time.
library BlsVrf {
    /// @notice Domain of the VRF.
    bytes internal constant VRF_DST = "PROOFYARD-VRF-V01-BN254G1_XMD:SHA-256_SVDW_RO_";
    /// @notice Domain of proofs of possession.
    bytes internal constant POSSESSION_DST = "PROOFYARD-POP-V01-BN254G1_XMD:SHA-256_SVDW_RO_";

    // Field of the coordinates; q = 3 mod 4, so a root of a square is its power to (q + 1) / 4.
    uint256 private constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    uint256 private constant ROOT_EXPONENT = 0xc19139cb84c680a6e14116da060561765e05aa45a1c72a34f082305b61f3f52;
    // 2^256 mod q.
    uint256 private constant SHIFT_256 = 0xe0a77c19a07df2f666ea36f7879462c0a78eb28f5c70b3dd35d438dc58f0d9d;
    // y^2 = x^3 + B.
    uint256 private constant B = 3;

    // RFC 9380, section 6.6.1 with Z = 1 and g(x) = x^3 + 3: g(Z), -Z / 2, the even root of -3 Z^2 g(Z), -4 g(Z) / (3 Z^2).
    uint256 private constant Z = 1;
    uint256 private constant C1 = 4;
    uint256 private constant C2 = 0x183227397098d014dc2822db40c0ac2ecbc0b548b438e5469e10460b6c3e7ea3;
    uint256 private constant C3 = 0x16789af3a83522eb353c98fc6b36d713d5d8d1cc5dffffffa;
    uint256 private constant C4 = 0x10216f7ba065e00de81ac1e7808072c9dd2b2385cd7b438469602eb24829a9bd;

    // The negative of G2's generator.
    uint256 private constant MINUS_G2_X1 = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 private constant MINUS_G2_X0 = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 private constant MINUS_G2_Y1 = 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec;
    uint256 private constant MINUS_G2_Y0 = 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d;

    // More than twice what two pairs cost (EIP-1108: 113,000). The precompile takes all it gets when it refuses a key.
    uint256 private constant PAIRING_GAS = 250_000;

    /// @notice Whether `signature` is the key's over the message.
    /// @param dst domain, at most 255 bytes
    function verify(uint256[4] memory publicKey, bytes memory message, bytes memory dst, uint256[2] memory signature)
        internal
        view
        returns (bool valid)
    {
        (, valid) = check(publicKey, message, dst, signature);
    }

    /// @notice The same, telling a key that is none from a signature that does not fit.
    /// @return isKey false when the key is not of G2, or infinity; true when the signature alone settles it
    /// @return valid whether the signature is the key's
    function check(uint256[4] memory publicKey, bytes memory message, bytes memory dst, uint256[2] memory signature)
        internal
        view
        returns (bool isKey, bool valid)
    {
        if (publicKey[0] | publicKey[1] | publicKey[2] | publicKey[3] == 0) return (false, false);
        // A failing precompile burns its gas, so what it would refuse is refused here; the key it must judge itself.
        if (!isOnCurve(signature)) return (true, false);
        uint256[2] memory hashed = hashToCurve(message, dst);
        uint256[12] memory pairs = [
            signature[0],
            signature[1],
            MINUS_G2_X1,
            MINUS_G2_X0,
            MINUS_G2_Y1,
            MINUS_G2_Y0,
            hashed[0],
            hashed[1],
            publicKey[0],
            publicKey[1],
            publicKey[2],
            publicKey[3]
        ];
        uint256 one;
        assembly ("memory-safe") {
            isKey := staticcall(PAIRING_GAS, 8, pairs, 384, 0, 32)
            one := mload(0)
        }
        valid = isKey && one == 1;
    }

    /// @notice Whether a point of G1 other than infinity, in its one encoding, is on the curve; G1 has no smaller subgroup.
    function isOnCurve(uint256[2] memory point) internal pure returns (bool) {
        uint256 x = point[0];
        uint256 y = point[1];
        return x < Q && y < Q && mulmod(y, y, Q) == g(x);
    }

    /// @notice The message's point of G1.
    /// @param dst domain, at most 255 bytes
    function hashToCurve(bytes memory message, bytes memory dst) internal view returns (uint256[2] memory point) {
        (uint256 u0, uint256 u1) = hashToField(message, dst);
        uint256[4] memory points;
        (points[0], points[1]) = mapToCurve(u0);
        (points[2], points[3]) = mapToCurve(u1);
        assembly ("memory-safe") {
            // Both are on the curve, so only missing gas can make this fail.
            if iszero(staticcall(gas(), 6, points, 128, point, 64)) { revert(0, 0) }
        }
    }

    /// @notice RFC 9380, section 5.2: two elements of 48 bytes each, reduced.
    function hashToField(bytes memory message, bytes memory dst) internal pure returns (uint256 u0, uint256 u1) {
        bytes memory suffix = abi.encodePacked(dst, uint8(dst.length));
        // Section 5.3.1: a block of zeros, the message, 96 bytes wanted, zero.
        bytes32 first = sha256(abi.encodePacked(bytes32(0), bytes32(0), message, uint16(96), uint8(0), suffix));
        bytes32 b1 = sha256(abi.encodePacked(first, uint8(1), suffix));
        bytes32 b2 = sha256(abi.encodePacked(first ^ b1, uint8(2), suffix));
        bytes32 b3 = sha256(abi.encodePacked(first ^ b2, uint8(3), suffix));
        u0 = addmod(mulmod(uint256(b1), 1 << 128, Q), uint256(b2) >> 128, Q);
        u1 = addmod(mulmod(uint128(uint256(b2)), SHIFT_256, Q), uint256(b3), Q);
    }

    /// @notice RFC 9380, section 6.6.1, in the straight line of its appendix F.1; `u` is below q.
    function mapToCurve(uint256 u) internal view returns (uint256 x, uint256 y) {
        uint256 t = mulmod(mulmod(u, u, Q), C1, Q);
        uint256 plus = addmod(1, t, Q);
        uint256 minus = addmod(1, Q - t, Q);
        // Zero where the denominator is: the power is.
        uint256 inverse = power(mulmod(plus, minus, Q), Q - 2);
        t = mulmod(mulmod(mulmod(u, minus, Q), inverse, Q), C3, Q);
        bool isSquare;
        x = addmod(C2, Q - t, Q);
        (isSquare, y) = root(g(x));
        if (!isSquare) {
            x = addmod(C2, t, Q);
            (isSquare, y) = root(g(x));
        }
        if (!isSquare) {
            t = mulmod(mulmod(plus, plus, Q), inverse, Q);
            x = addmod(Z, mulmod(mulmod(t, t, Q), C4, Q), Q);
            (, y) = root(g(x));
        }
        // The sign of u; a root is never zero: the curve has no point of order two.
        if (u & 1 != y & 1) y = Q - y;
    }

    /// @dev The right side of the curve's equation.
    function g(uint256 x) private pure returns (uint256) {
        return addmod(mulmod(mulmod(x, x, Q), x, Q), B, Q);
    }

    /// @dev A root of the value, when it is a square.
    function root(uint256 value) private view returns (bool isSquare, uint256 y) {
        y = power(value, ROOT_EXPONENT);
        isSquare = mulmod(y, y, Q) == value;
    }

    /// @dev Power modulo q by the precompile (EIP-198).
    function power(uint256 base, uint256 exponent) private view returns (uint256 result) {
        uint256[6] memory input = [32, 32, 32, base, exponent, Q];
        assembly ("memory-safe") {
            if iszero(staticcall(gas(), 5, input, 192, 0, 32)) { revert(0, 0) }
            result := mload(0)
        }
    }
}
