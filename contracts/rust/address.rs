//! Where contracts come to lie.
//!
//! An account's n-th creation lands at `keccak(rlp([account, n]))[12..]`, so the address is known before anything is
//! deployed. A proof names the contract it is for; runs without a chain of their own use [`DEFAULT_ADDRESS`].

use crate::hash::keccak256;

/// Chain id of a local development node.
pub const DEFAULT_CHAIN_ID: u64 = 31337;

/// The first account that a local development node (anvil) funds.
pub const DEFAULT_DEPLOYER: [u8; 20] = [
    0xf3, 0x9f, 0xd6, 0xe5, 0x1a, 0xad, 0x88, 0xf6, 0xf4, 0xce, 0x6a, 0xb8, 0x82, 0x72, 0x79, 0xcf, 0xff, 0xb9, 0x22,
    0x66,
];

/// The address of the first contract that [`DEFAULT_DEPLOYER`] creates (nonce 0): the verifier's on a fresh local node.
pub const DEFAULT_ADDRESS: [u8; 20] = [
    0x5f, 0xbd, 0xb2, 0x31, 0x56, 0x78, 0xaf, 0xec, 0xb3, 0x67, 0xf0, 0x32, 0xd9, 0x3f, 0x64, 0x2f, 0x64, 0x18, 0x0a,
    0xa3,
];

/// The address of the contract that `deployer` creates with its transaction number `nonce`.
pub fn create_address(deployer: [u8; 20], nonce: u64) -> [u8; 20] {
    let bytes = nonce.to_be_bytes();
    let significant = &bytes[nonce.leading_zeros() as usize / 8..];
    let mut list = vec![0x80 + 20];
    list.extend(deployer);
    match significant {
        [] => list.push(0x80),
        [single] if *single < 0x80 => list.push(*single),
        _ => {
            list.push(0x80 + significant.len() as u8);
            list.extend(significant);
        }
    }
    let mut encoded = vec![0xc0 + list.len() as u8];
    encoded.extend(list);
    let mut address = [0; 20];
    address.copy_from_slice(&keccak256(&encoded)[12..]);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_address_is_the_deployers_first_creation() {
        assert_eq!(create_address(DEFAULT_DEPLOYER, 0), DEFAULT_ADDRESS);
    }

    #[test]
    fn addresses_of_later_creations_match_published_ones() {
        // The example of the Ethereum community's documentation of CREATE.
        let account: [u8; 20] = hex::decode("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0").unwrap().try_into().unwrap();
        let expected = [
            (0, "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
            (1, "343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
            (2, "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
            (3, "fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"),
        ];
        for (nonce, address) in expected {
            assert_eq!(hex::encode(create_address(account, nonce)), address);
        }
    }
}
