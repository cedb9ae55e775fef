// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import "./Layout.sol";

/// @dev Section 6 for the group whose body is at calldata `body`: copies and checks the claims, absorbs, draws, and copies the
/// points to their terms. Expects the preamble complete. Returns whether all claims are < r.
function drawChallenges(uint256 body) pure returns (bool canonical) {
    assembly {
        let r := mload(MODULUS)
        calldatacopy(W1, add(body, 896), 544)
        canonical := and(and(lt(mload(W1), r), lt(mload(W2), r)), and(lt(mload(W3), r), lt(mload(W4), r)))
        canonical := and(
            canonical,
            and(and(lt(mload(N1), r), lt(mload(N2), r)), and(lt(mload(N3), r), lt(mload(N4), r)))
        )
        canonical := and(
            canonical,
            and(and(lt(mload(S1), r), lt(mload(S2), r)), and(lt(mload(S3), r), lt(mload(Z_N), r)))
        )
        canonical := and(canonical, and(and(lt(mload(P0), r), lt(mload(FB), r)), and(lt(mload(K), r), lt(mload(L), r))))
        canonical := and(canonical, lt(mload(SBAR), r))

        mstore(STATE, keccak256(PRE_TAG, 448))
        // beta: the wires and S.
        calldatacopy(ABSORB, body, 448)
        mstore8(add(ABSORB, 448), 0x01)
        let state := keccak256(STATE, 481)
        mstore(STATE, state)
        mstore(BETA, mod(state, r))
        // gamma.
        mstore8(ABSORB, 0x02)
        state := keccak256(STATE, 33)
        mstore(STATE, state)
        mstore(GAMMA, mod(state, r))
        // alpha: z.
        calldatacopy(ABSORB, add(body, 448), 64)
        mstore8(add(ABSORB, 64), 0x03)
        state := keccak256(STATE, 97)
        mstore(STATE, state)
        mstore(ALPHA, mod(state, r))
        // zeta: the chunks of t.
        calldatacopy(ABSORB, add(body, 512), 320)
        mstore8(add(ABSORB, 320), 0x04)
        state := keccak256(STATE, 353)
        mstore(STATE, state)
        mstore(ZETA, mod(state, r))
        // mu.
        mstore8(ABSORB, 0x05)
        state := keccak256(STATE, 33)
        mstore(STATE, state)
        mstore(MU, mod(state, r))
        // eta: Q.
        calldatacopy(ABSORB, add(body, 832), 64)
        mstore8(add(ABSORB, 64), 0x06)
        state := keccak256(STATE, 97)
        mstore(ETA, mod(state, r))
        // v: the claims, which lie ready.
        mstore(CLAIM_STATE, state)
        mstore8(CLAIM_LABEL, 0x07)
        state := keccak256(CLAIM_STATE, 577)
        mstore(STATE, state)
        mstore(V, mod(state, r))
        // u1: WX1 and WX2.
        calldatacopy(ABSORB, add(body, 1440), 128)
        mstore8(add(ABSORB, 128), 0x08)
        state := keccak256(STATE, 161)
        mstore(STATE, state)
        mstore(U1, mod(state, r))
        // u2: WY and WY'. The state after it is the final state.
        calldatacopy(ABSORB, add(body, 1568), 128)
        mstore8(add(ABSORB, 128), 0x09)
        state := keccak256(STATE, 161)
        mstore(STATE, state)
        mstore(U2, mod(state, r))

        calldatacopy(T_A1, body, 64)
        calldatacopy(T_A2, add(body, 64), 64)
        calldatacopy(T_A3, add(body, 128), 64)
        calldatacopy(T_A4, add(body, 192), 64)
        calldatacopy(T_IN0, add(body, 256), 64)
        calldatacopy(T_IN1, add(body, 320), 64)
        calldatacopy(T_IN2, add(body, 384), 64)
        calldatacopy(T_Z, add(body, 448), 64)
        calldatacopy(T_T0, add(body, 512), 64)
        calldatacopy(T_T1, add(body, 576), 64)
        calldatacopy(T_T2, add(body, 640), 64)
        calldatacopy(T_T3, add(body, 704), 64)
        calldatacopy(T_T4, add(body, 768), 64)
        calldatacopy(T_Q, add(body, 832), 64)
        calldatacopy(T_WX1, add(body, 1440), 64)
        calldatacopy(T_WX2, add(body, 1504), 64)
        calldatacopy(T_WY, add(body, 1568), 64)
        calldatacopy(T_WYS, add(body, 1632), 64)
    }
}
