//! Calldata of the verifier.

use crate::hash::keccak256;
use crate::{KEY_WORDS, Word};

/// Most groups a proof may hold.
const MAX_GROUPS: usize = 16;

/// Signature of the verifier's entry.
pub const VERIFY: &str = "verify(uint256[3],uint256[3],address,bytes)";

/// Signature of the function whose answer makes [`VERIFY`] cheaper.
pub const HINTS: &str = "hints(uint256[3],uint256[3],address,bytes)";

/// First four bytes of keccak(signature): what selects a function or names an error.
pub fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// Calldata of `verify(start, end, beneficiary, proof)`.
pub fn verify(start: &[Word; 3], end: &[Word; 3], beneficiary: [u8; 20], proof: &[u8]) -> Vec<u8> {
    statement(VERIFY, start, end, beneficiary, proof)
}

/// Calldata of `hints(start, end, beneficiary, proof)`, a question to ask (`eth_call`) before [`verify`] is sent.
pub fn hints(start: &[Word; 3], end: &[Word; 3], beneficiary: [u8; 20], proof: &[u8]) -> Vec<u8> {
    statement(HINTS, start, end, beneficiary, proof)
}

/// Appends the answer to [`hints`] to the calldata of [`verify`]: about 3,800 gas less a group. The contract checks the
/// words and does without them when they are wrong, so an answer that is not understood is left out.
pub fn with_hints(mut verify: Vec<u8>, answer: &[u8]) -> Vec<u8> {
    // An array of words: its offset, its length, the words; one for each group.
    if let Some((head, words)) = answer.split_at_checked(64)
        && head[..32] == word(32)
        && words.len() <= MAX_GROUPS * 32
        && head[32..] == word(words.len() as u64 / 32)
        && words.len().is_multiple_of(32)
    {
        verify.extend(words);
    }
    verify
}

fn statement(signature: &str, start: &[Word; 3], end: &[Word; 3], beneficiary: [u8; 20], proof: &[u8]) -> Vec<u8> {
    let length = 4 + 9 * 32 + proof.len().next_multiple_of(32);
    let mut data = Vec::with_capacity(length + MAX_GROUPS * 32);
    data.extend(selector(signature));
    data.extend(start.iter().chain(end).flatten());
    data.extend([0; 12]);
    data.extend(beneficiary);
    // The proof is the fourth argument: its offset from the first (8 words), its length, its bytes.
    data.extend(word(8 * 32));
    data.extend(word(proof.len() as u64));
    data.extend(proof);
    data.resize(length, 0);
    data
}

/// The constructor's argument: the key's words as they are.
pub fn constructor(key: &[Word; KEY_WORDS]) -> Vec<u8> {
    key.concat()
}

/// Data of the transaction that deploys the committed verifier with this key.
pub fn deployment(key: &[Word; KEY_WORDS]) -> Vec<u8> {
    let mut data = crate::artifact::Contract::RootProofVerifier.artifact().bytecode;
    data.extend(constructor(key));
    data
}

fn word(value: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_is_laid_out_as_the_abi_says() {
        let data = verify(&[[1; 32], [2; 32], [3; 32]], &[[4; 32], [5; 32], [6; 32]], [7; 20], &[8; 33]);
        assert_eq!(data.len(), 4 + 32 * 11);
        let words: Vec<&[u8]> = data[4..].chunks(32).collect();
        assert_eq!(words[5], [6; 32]);
        assert_eq!((&words[6][..12], &words[6][12..]), (&[0; 12][..], &[7; 20][..]));
        assert_eq!((words[7], words[8]), (&word(256)[..], &word(33)[..]));
        assert_eq!((words[9], words[10][0], &words[10][1..]), (&[8; 32][..], 8, &[0; 31][..]));
    }

    #[test]
    fn hints_are_appended_and_strange_answers_left_out() {
        let answer = [&word(32)[..], &word(2), &[7; 64]].concat();
        assert_eq!(with_hints(vec![1], &answer), [&[1][..], &[7; 64]].concat());
        for strange in [&answer[..64], &answer[..127], &answer[..20], &[], &[0xff; 96]] {
            assert_eq!(with_hints(vec![1], strange), [1]);
        }
        assert_eq!(with_hints(vec![1], &[&word(32)[..], &word(17), &[7; 17 * 32]].concat()), [1]);
    }

    #[test]
    fn selectors_match_published_ones() {
        assert_eq!(selector("transfer(address,uint256)"), [0xa9, 0x05, 0x9c, 0xbb]);
    }
}
