// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import "./Layout.sol";
import "./Poseidon2Matrices.sol";

// Section 8: the scalars of the linearisation D and the constant r0, from claims and challenges.
//
// Arithmetic is lazy: r < 2^256 / 5, so a sum of five reduced values fits in a word, and mulmod and addmod take any words.
// `sub(R, x)` is the negative of a reduced x. Sums over alpha^e, e = 1, 2, .., are taken by Horner's rule.

/// @dev POSEIDON2: the scalar of pl; stores sum_e alpha^e (E S(w))_e for the next two.
function linearisePartial() pure {
    assembly {
        let alpha := mload(ALPHA)
        // S(w)
        let b0 := mload(W1)
        let t := mulmod(b0, b0, R)
        b0 := mulmod(mulmod(t, t, R), b0, R)
        let b1 := mload(W2)
        t := mulmod(b1, b1, R)
        b1 := mulmod(mulmod(t, t, R), b1, R)
        let b2 := mload(W3)
        t := mulmod(b2, b2, R)
        b2 := mulmod(mulmod(t, t, R), b2, R)
        let b3 := mload(W4)
        t := mulmod(b3, b3, R)
        b3 := mulmod(mulmod(t, t, R), b3, R)

        // V2 w + W2 S(w): the state before the group, carried through its four rounds.
        {
            let t1 := addmod(mload(W2), mulmod(MINUS_MU_0, b0, R), R)
            let t2 := addmod(mload(W3), mulmod(MINUS_MU_0, b1, R), R)
            let t3 := addmod(mload(W4), mulmod(MINUS_MU_0, b2, R), R)
            let u2 := sub(R, t2)
            let u3 := addmod(add(add(t3, sub(R, b2)), add(u2, add(u2, u2))), mulmod(MINUS_M, t1, R), R)
            u2 := sub(R, t1)
            u2 := add(add(t2, sub(R, b1)), add(u2, add(u2, u2)))
            let u1 := add(t1, sub(R, b0))
            let s1 := addmod(add(mulmod(ENTER_13, u3, R), mulmod(ENTER_12, u2, R)), mulmod(ENTER_11, u1, R), R)
            u2 := addmod(add(mulmod(ENTER_23, u3, R), mulmod(ENTER_22, u2, R)), mulmod(ENTER_21, u1, R), R)
            u3 := add(u1, sub(R_TWICE, add(s1, u2)))
            s1 := add(t1, mulmod(MU_1, s1, R))
            u2 := add(t1, mulmod(MU_2, u2, R))
            u3 := add(t1, mulmod(MU_3, u3, R))
            s1 := add(t2, mulmod(MU_1, s1, R))
            u2 := add(t2, mulmod(MU_2, u2, R))
            u3 := add(t2, mulmod(MU_3, u3, R))
            s1 := add(t3, mulmod(MU_1, s1, R))
            u2 := add(t3, mulmod(MU_2, u2, R))
            u3 := add(t3, mulmod(MU_3, u3, R))
            t := addmod(add(b3, s1), add(u2, u3), R)
            u3 := mulmod(alpha, add(t, mulmod(MU_3, u3, R)), R)
            u3 := mulmod(alpha, add(u3, add(t, mulmod(MU_2, u2, R))), R)
            u3 := mulmod(alpha, add(u3, add(t, mulmod(MU_1, s1, R))), R)
            mstore(S_PL, mulmod(alpha, add(u3, add(t, mulmod(MU_0, b3, R))), R))
        }
        // E S(w)
        let full
        {
            let ab := add(b0, b1)
            let cd := add(b2, b3)
            let t2 := addmod(add(b1, b1), cd, R)
            let t3 := addmod(add(b3, b3), ab, R)
            ab := add(mulmod(4, ab, R), t2)
            cd := add(mulmod(4, cd, R), t3)
            full := mulmod(alpha, cd, R)
            full := mulmod(alpha, add(full, add(t2, cd)), R)
            full := mulmod(alpha, add(full, ab), R)
            full := mulmod(alpha, add(full, add(t3, ab)), R)
        }
        mstore(FULL, full)
        mstore(S_PL, add(mload(S_PL), sub(R, full)))
    }
}

/// @dev POSEIDON2: the scalar of pi.
function lineariseInitial() pure {
    assembly {
        let alpha := mload(ALPHA)
        // E S(E w + c0)
        {
            let b0 := mload(W1)
            let b1 := mload(W2)
            let b2 := mload(W3)
            let b3 := mload(W4)
            let ab := add(b0, b1)
            let cd := add(b2, b3)
            let t2 := addmod(add(b1, b1), cd, R)
            let t3 := addmod(add(b3, b3), ab, R)
            ab := add(mulmod(4, ab, R), t2)
            cd := add(mulmod(4, cd, R), t3)
            b0 := add(add(t3, ab), C0_0)
            let t := mulmod(b0, b0, R)
            b0 := mulmod(mulmod(t, t, R), b0, R)
            b1 := add(ab, C0_1)
            t := mulmod(b1, b1, R)
            b1 := mulmod(mulmod(t, t, R), b1, R)
            b2 := add(add(t2, cd), C0_2)
            t := mulmod(b2, b2, R)
            b2 := mulmod(mulmod(t, t, R), b2, R)
            b3 := add(cd, C0_3)
            t := mulmod(b3, b3, R)
            b3 := mulmod(mulmod(t, t, R), b3, R)
            ab := add(b0, b1)
            cd := add(b2, b3)
            t2 := addmod(add(b1, b1), cd, R)
            t3 := addmod(add(b3, b3), ab, R)
            ab := add(mulmod(4, ab, R), t2)
            cd := add(mulmod(4, cd, R), t3)
            t := mulmod(alpha, cd, R)
            t := mulmod(alpha, add(t, add(t2, cd)), R)
            t := mulmod(alpha, add(t, ab), R)
            t := mulmod(alpha, add(t, add(t3, ab)), R)
            mstore(S_PI, add(t, sub(R, mload(FULL))))
        }
    }
}

/// @dev POSEIDON2: the scalar of pr, and p0 (E S(w) - w'), which is part of r0.
function lineariseNext() pure {
    assembly {
        let alpha := mload(ALPHA)
        let next := mulmod(alpha, mload(N4), R)
        next := mulmod(alpha, add(next, mload(N3)), R)
        next := mulmod(alpha, add(next, mload(N2)), R)
        mstore(R0, mulmod(mload(P0), add(mload(FULL), sub(R, mulmod(alpha, add(next, mload(N1)), R))), R))
        // w' - V w' - W S(w'): the first element is zero, the others are w'_c - s_c with the state s before the group of w'.
        {
            let b0 := mload(N1)
            let t := mulmod(b0, b0, R)
            b0 := mulmod(mulmod(t, t, R), b0, R)
            let b1 := mload(N2)
            let t1 := addmod(b1, mulmod(MINUS_MU_0, b0, R), R)
            t := mulmod(b1, b1, R)
            b1 := mulmod(mulmod(t, t, R), b1, R)
            let b2 := mload(N3)
            let t2 := addmod(b2, mulmod(MINUS_MU_0, b1, R), R)
            t := mulmod(b2, b2, R)
            b2 := mulmod(mulmod(t, t, R), b2, R)
            let u2 := sub(R, t2)
            let u3 := addmod(mload(N4), mulmod(MINUS_MU_0, b2, R), R)
            u3 := addmod(add(add(u3, sub(R, b2)), add(u2, add(u2, u2))), mulmod(MINUS_M, t1, R), R)
            u2 := sub(R, t1)
            u2 := add(add(t2, sub(R, b1)), add(u2, add(u2, u2)))
            let u1 := add(t1, sub(R, b0))
            t1 := addmod(add(mulmod(ENTER_13, u3, R), mulmod(ENTER_12, u2, R)), mulmod(ENTER_11, u1, R), R)
            t2 := addmod(add(mulmod(ENTER_23, u3, R), mulmod(ENTER_22, u2, R)), mulmod(ENTER_21, u1, R), R)
            t := mulmod(alpha, add(u1, sub(R_TWICE, add(t1, t2))), R)
            t := mulmod(alpha, add(t, t2), R)
            t := mulmod(alpha, add(t, t1), R)
            mstore(S_PR, mulmod(alpha, add(next, sub(R, t)), R))
        }
    }
}

/// @dev ARITH, POSEIDON2's and FIXED-BASE's columns: scalars of q1..q4 and qm; r0 receives what FIXED-BASE has beside them.
function lineariseColumns() pure {
    assembly {
        let alpha := mload(ALPHA)
        let p0 := mload(P0)
        let fb := mload(FB)
        let x := mload(W1)
        let y := mload(W2)
        let d := mload(W3)
        let d2 := mulmod(d, d, R)
        let dx := add(x, sub(R, mload(N1)))
        {
            let sA := addmod(1, sub(R_TWICE, add(p0, fb)), R)
            let q := mulmod(sA, x, R)
            mstore(S_QM, mulmod(q, y, R))
            let power := mulmod(alpha, p0, R)
            q := add(q, power)
            power := mulmod(alpha, power, R)
            let column := add(mulmod(sA, y, R), power)
            power := mulmod(alpha, power, R)
            let h := mulmod(alpha, fb, R)
            h := mulmod(alpha, h, R)
            mstore(S_Q1, add(q, sub(R, h)))
            mstore(S_Q2, add(column, sub(R, mulmod(h, d2, R))))
            // h d with h = fb (2 alpha^3 y - alpha^4 (x - x'))
            h := mulmod(mulmod(h, alpha, R), add(add(y, y), sub(R, mulmod(alpha, dx, R))), R)
            h := mulmod(h, d, R)
            mstore(S_Q3, add(add(mulmod(sA, d, R), power), h))
            mstore(S_Q4, add(add(mulmod(sA, mload(W4), R), mulmod(alpha, power, R)), mulmod(h, d2, R)))
        }
        let u := mload(W4)
        let um := add(u, sub(R, x))
        let b := add(mulmod(add(mload(N2), y), um, R), mulmod(y, dx, R))
        um := mulmod(add(add(mload(N1), x), u), mulmod(um, um, R), R)
        um := add(um, sub(R, mulmod(mulmod(u, u, R), u, R)))
        um := add(um, add(17, sub(R, mulmod(y, y, R))))
        b := mulmod(alpha, addmod(um, mulmod(alpha, b, R), R), R)
        b := mulmod(alpha, add(b, u), R)
        b := mulmod(alpha, add(b, mulmod(add(d2, R_MINUS_1), add(d2, R_MINUS_9), R)), R)
        mstore(R0, add(mload(R0), mulmod(fb, b, R)))
    }
}

/// @dev The gates selected by k and l, which are part of r0:
/// k ((k-3)/2 ((k-2) ADD - (k-1) DBL) + (k-1)(k-2)/6 SELECT) + l ((2-l) RANGE + (l-1)/2 DEMUX).
function lineariseSelected() pure {
    assembly {
        let alpha := mload(ALPHA)
        let x := mload(W1)
        let y := mload(W2)
        {
            let k := mload(K)
            let k1 := add(k, R_MINUS_1)
            let k2 := add(k, R_MINUS_2)
            let gates
            {
                let dx := add(x, sub(R, mload(N1)))
                let yy := add(mload(N2), y)
                // ADD
                {
                    let s := mload(N3)
                    let v := mload(W4)
                    let b := mulmod(alpha, add(mulmod(s, s, R), R_MINUS_1), R)
                    b := mulmod(alpha, add(b, add(v, sub(R, mulmod(s, mload(N4), R)))), R)
                    v := add(v, sub(R, y))
                    let u := mload(W3)
                    let um := add(u, sub(R, x))
                    b := add(b, mulmod(yy, um, R))
                    b := mulmod(alpha, add(b, sub(R, mulmod(v, dx, R))), R)
                    b := add(b, mulmod(add(add(mload(N1), x), u), mulmod(um, um, R), R))
                    gates := mulmod(k2, mulmod(alpha, add(b, sub(R, mulmod(v, v, R))), R), R)
                }
                // DBL
                {
                    let b := mulmod(add(y, y), yy, R)
                    let x2 := mulmod(x, x, R)
                    b := mulmod(alpha, add(b, sub(R, mulmod(add(x2, add(x2, x2)), dx, R))), R)
                    let y2 := mulmod(y, y, R)
                    b := add(b, mulmod(shl(2, y2), add(mload(N1), add(x, x)), R))
                    b := mulmod(alpha, add(b, sub(R, mulmod(9, mulmod(x, add(y2, 17), R), R))), R)
                    gates := add(gates, sub(R, mulmod(k1, b, R)))
                }
            }
            gates := mulmod(gates, mulmod(HALF, add(k, R_MINUS_3), R), R)
            // SELECT: c0 + b0 (c1 - c0) + b1 (c2 - c0 + b0 (c3 - c2 - c1 + c0))
            {
                let b0 := mload(N1)
                let c2 := mload(W3)
                let picked := mulmod(b0, add(add(mload(W4), x), sub(R_TWICE, add(c2, y))), R)
                picked := mulmod(mload(N2), add(picked, add(c2, sub(R, x))), R)
                picked := add(add(picked, x), mulmod(b0, add(y, sub(R, x)), R))
                picked := mulmod(alpha, addmod(mload(N3), sub(add(R, R_TWICE), picked), R), R)
                gates := add(gates, mulmod(mulmod(picked, SIXTH, R), mulmod(k1, k2, R), R))
            }
            mstore(R0, add(mload(R0), mulmod(k, gates, R)))
        }
        {
            let l := mload(L)
            let gates
            // RANGE: with p = s (s - 3), D(s) = p (p + 2).
            {
                let z := mload(W3)
                let v := mload(W4)
                let s := add(mload(N1), sub(shl(1, R_TWICE), shl(2, v)))
                s := mulmod(s, addmod(s, R_MINUS_3, R), R)
                gates := mulmod(alpha, mulmod(s, add(s, 2), R), R)
                s := add(v, sub(shl(1, R_TWICE), shl(2, z)))
                s := mulmod(s, addmod(s, R_MINUS_3, R), R)
                gates := mulmod(alpha, add(gates, mulmod(s, add(s, 2), R)), R)
                s := add(z, sub(shl(1, R_TWICE), shl(2, y)))
                s := mulmod(s, addmod(s, R_MINUS_3, R), R)
                gates := mulmod(alpha, add(gates, mulmod(s, add(s, 2), R)), R)
                s := add(y, sub(shl(1, R_TWICE), shl(2, x)))
                s := mulmod(s, addmod(s, R_MINUS_3, R), R)
                gates := mulmod(alpha, add(gates, mulmod(s, add(s, 2), R)), R)
            }
            gates := mulmod(gates, sub(add(R, 2), l), R)
            // DEMUX: with delta = new - cur, the four are b0 b1 delta, ...
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
                // t0 - delta + p + s - ps
                b := addmod(add(b, mload(N1)), add(add(p, s), sub(R, ps)), R)
                b := mulmod(alpha, add(b, sub(R_TWICE, delta)), R)
                gates := add(gates, mulmod(b, mulmod(HALF, add(l, R_MINUS_1), R), R))
            }
            mstore(R0, add(mload(R0), mulmod(l, gates, R)))
        }
    }
}
