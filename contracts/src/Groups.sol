// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import "./Layout.sol";

// Several groups in one proof, section 10.

/// @dev Puts group j's terms away; the next group starts where this one ended.
function archive(uint256 j) pure {
    assembly {
        let slot := add(ARCHIVE, mul(j, ARCHIVE_STEP))
        mcopy(slot, TERMS, TERMS_SIZE)
        mstore(add(slot, ARCHIVE_U1), mload(U1))
        mstore(add(slot, ARCHIVE_U2), mload(U2))
        mstore(add(slot, ARCHIVE_STATE), mload(STATE))
        mcopy(PRE_START_0, PRE_END_0, 0x60)
    }
}

/// @dev What the groups after the first contribute, weighted by rho: the fixed terms and the generator are added to the first
/// group's scalars, the others summed up in the rests. Leaves the first group's terms in place.
function sumRest(uint256 groups) view returns (bool ok) {
    assembly {
        function accumulate(sum, term, scalar) -> good {
            mstore(add(term, 0x40), scalar)
            good := and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 7, term, 0x60, add(sum, 0x40), 0x40))
            good := and(good, and(eq(returndatasize(), 0x40), staticcall(GAS_CAP, 6, sum, 0x80, sum, 0x40)))
        }
        // All final states, then the index.
        let list := add(ARCHIVE, mul(groups, ARCHIVE_STEP))
        let size := shl(5, groups)
        for { let j := 0 } lt(j, groups) { j := add(j, 1) } {
            mstore(add(list, shl(5, j)), mload(add(add(ARCHIVE, mul(j, ARCHIVE_STEP)), ARCHIVE_STATE)))
        }
        // The rests start at infinity.
        calldatacopy(REST_A, calldatasize(), sub(ARCHIVE, REST_A))
        ok := 1
        for { let j := 1 } lt(j, groups) { j := add(j, 1) } {
            mstore(add(list, size), j)
            let rho := mod(keccak256(list, add(size, 0x20)), R)
            let slot := add(ARCHIVE, mul(j, ARCHIVE_STEP))
            let i := 0
            for {} lt(i, FIXED_TERMS) { i := add(i, 1) } {
                let from := add(add(slot, 0x40), mul(i, 0x60))
                let into := add(add(ARCHIVE, 0x40), mul(i, 0x60))
                mstore(into, addmod(mload(into), mulmod(rho, mload(from), R), R))
            }
            for {} lt(i, ALL_TERMS) { i := add(i, 1) } {
                let term := add(slot, mul(i, 0x60))
                ok := and(ok, accumulate(REST_A, term, mulmod(rho, mload(add(term, 0x40)), R)))
            }
            let u1 := mulmod(rho, mload(add(slot, ARCHIVE_U1)), R)
            let u2 := mulmod(rho, mload(add(slot, ARCHIVE_U2)), R)
            slot := sub(slot, TERMS)
            ok := and(ok, accumulate(REST_B, add(slot, T_WX1), rho))
            ok := and(ok, accumulate(REST_B, add(slot, T_WX2), u1))
            ok := and(ok, accumulate(REST_C, add(slot, T_WY), rho))
            ok := and(ok, accumulate(REST_C, add(slot, T_WYS), u2))
        }
        mcopy(TERMS, ARCHIVE, TERMS_SIZE)
        mstore(U1, mload(add(ARCHIVE, ARCHIVE_U1)))
        mstore(U2, mload(add(ARCHIVE, ARCHIVE_U2)))
    }
}
