// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import "./Layout.sol";

// Section 8: what is left of D and r0, and the three opening equations merged into one scalar per commitment.

/// @dev The permutation argument: scalars of s4 and z (which is also the first of N); r0 receives its part.
function linearisePermutation() pure {
    assembly {
        let beta := mload(BETA)
        let gamma := mload(GAMMA)
        let shifted := mulmod(beta, mload(ZETA), R)
        let wire := add(mload(W1), gamma)
        let identity := add(wire, shifted)
        let labels := mulmod(add(wire, mulmod(beta, mload(S1), R)), mload(Z_N), R)
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
        let first := mulmod(mulmod(alpha7, alpha, R), mload(L_0), R)
        mstore(R0, addmod(add(mload(R0), mulmod(labels, wire, R)), sub(R, first), R))
        mstore(S_Z, add(add(mulmod(identity, alpha7, R), first), mload(U1)))
    }
}

/// @dev S_k in D and in E3, the quotients in D, and the batons and sbar in r0.
function lineariseBatonAndQuotients() pure {
    assembly {
        let u2 := mload(U2)
        let mu := mload(MU)
        let weight := mulmod(mu, mload(R_FIRST), R)
        let l := mload(L_3)
        mstore(S_IN0, add(add(weight, sub(R, mload(L_0))), mulmod(u2, l, R)))
        let start := mload(PRE_START_0)
        let first := mulmod(weight, start, R)
        let out := mulmod(l, add(mload(PRE_END_0), sub(R, start)), R)
        weight := mulmod(mu, weight, R)
        l := mload(L_4)
        mstore(S_IN1, add(add(weight, sub(R, mload(L_1))), mulmod(u2, l, R)))
        start := mload(PRE_START_1)
        first := add(first, mulmod(weight, start, R))
        out := add(out, mulmod(l, add(mload(PRE_END_1), sub(R, start)), R))
        weight := mulmod(mu, weight, R)
        l := mload(L_5)
        mstore(S_IN2, add(add(weight, sub(R, mload(L_2))), mulmod(u2, l, R)))
        start := mload(PRE_START_2)
        first := add(first, mulmod(weight, start, R))
        out := add(out, mulmod(l, add(mload(PRE_END_2), sub(R, start)), R))
        out := addmod(add(first, mulmod(out, mload(R_LAST), R)), mload(SBAR), R)
        mstore(R0, add(mload(R0), sub(R, out)))

        let power := mload(ZETA_T)
        let scalar := sub(add(R, 1), power)
        mstore(S_T0, scalar)
        scalar := mulmod(scalar, power, R)
        mstore(S_T1, scalar)
        scalar := mulmod(scalar, power, R)
        mstore(S_T2, scalar)
        scalar := mulmod(scalar, power, R)
        mstore(S_T3, scalar)
        mstore(S_T4, mulmod(scalar, power, R))
        mstore(S_Q, sub(R, mload(Z_K)))
    }
}

/// @dev The columns that E1 and E2 open beside D and z, in powers of v; the generator, which takes f + u1 n + u2 sbar (total
/// is that without r0); the witnesses.
function open() pure {
    assembly {
        let v := mload(V)
        let u1 := mload(U1)
        let total := add(mulmod(u1, mload(Z_N), R), mulmod(mload(U2), mload(SBAR), R))
        {
            let both := add(1, u1)
            let power := mulmod(v, both, R)
            mstore(S_A1, power)
            power := mulmod(power, v, R)
            mstore(S_A2, power)
            power := mulmod(power, v, R)
            mstore(S_A3, power)
            mstore(S_A4, mulmod(power, v, R))
        }
        let power := v
        total := add(total, mulmod(power, add(mload(W1), mulmod(u1, mload(N1), R)), R))
        power := mulmod(power, v, R)
        total := add(total, mulmod(power, add(mload(W2), mulmod(u1, mload(N2), R)), R))
        power := mulmod(power, v, R)
        total := addmod(total, mulmod(power, add(mload(W3), mulmod(u1, mload(N3), R)), R), R)
        power := mulmod(power, v, R)
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
        mstore(S_G1, add(mload(R0), sub(R, total)))

        mstore(S_WX1, mload(ZETA))
        mstore(S_WX2, mulmod(u1, mload(W_ZETA), R))
        mstore(S_WY, mload(ETA))
        mstore(S_WYS, mulmod(mload(U2), mload(G_ETA), R))
    }
}
