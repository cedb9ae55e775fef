//! Blocks and the block file, version 1 (docs/block-file.md).

use ark_bn254::Fr;
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::encoding::{DecodeError, Place, Reader, check_count, field_to_bytes, put_count, put_key};
use crate::schnorr::Signature;
use crate::transfer::{SignedTransfer, Transfer};
use crate::tree::{ARITY, DEPTH, PreLeaf, PreState};

/// First bytes of a block file.
pub const MAGIC: [u8; 8] = *b"PYBLOCK\0";
/// Version of the block file this build reads and writes.
pub const VERSION: u32 = 1;
/// Transfers a block holds at most.
pub const TRANSFERS_MAX: usize = 65_536;
/// Leaves a block touches at most: two a transfer.
pub const LEAVES_MAX: usize = 2 * TRANSFERS_MAX;
/// Sibling hashes that `LEAVES_MAX` leaves need at most: three for each node above a touched leaf.
pub const SIBLINGS_MAX: usize = siblings_max();
/// Bytes of an encoded transfer.
pub const TRANSFER_BYTES: usize = 3 * 4 + 2 * 8 + 2 * 32 + 16 + 32;
/// Bytes of an encoded pre-state entry: the shorter, unused form.
const UNUSED_LEAF_BYTES: usize = 4 + 1;
/// Bytes of an encoded pre-state entry in use.
pub(crate) const USED_LEAF_BYTES: usize = UNUSED_LEAF_BYTES + 2 * 32 + 8 + 4;
/// Bytes of the counts of transfers, pre-state entries and sibling hashes.
pub(crate) const BATCH_COUNTS_BYTES: usize = 3 * 4;
/// Bytes of the header: magic, version, previous root, previous data hash, three counts.
pub const HEADER_BYTES: usize = 8 + 4 + 2 * 32 + BATCH_COUNTS_BYTES;
/// Bytes of the longest block file.
pub const BLOCK_BYTES_MAX: usize =
    HEADER_BYTES + TRANSFERS_MAX * TRANSFER_BYTES + LEAVES_MAX * USED_LEAF_BYTES + SIBLINGS_MAX * 32;

const fn siblings_max() -> usize {
    let (mut level, mut count) = (0, 0);
    while level < DEPTH {
        let parents = 1usize << (2 * (DEPTH - 1 - level));
        count += (ARITY - 1) * if parents < LEAVES_MAX { parents } else { LEAVES_MAX };
        level += 1;
    }
    count
}

/// A committed batch of transfers with what proving it from its previous root takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// State root before the block.
    pub previous_root: Fr,
    /// Data hash the previous block ended with; 0 before the first block.
    pub previous_data_hash: Fr,
    /// The transfers, in order.
    pub transfers: Vec<SignedTransfer>,
    /// The touched part of the state before the block.
    pub pre_state: PreState,
}

impl Block {
    /// The block file. Counts over the caps are written as they are (saturated): `decode` and `execute` refuse them.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + batch_bytes(&self.transfers, &self.pre_state));
        out.extend(MAGIC);
        out.extend(VERSION.to_be_bytes());
        out.extend(field_to_bytes(self.previous_root));
        out.extend(field_to_bytes(self.previous_data_hash));
        put_batch(&mut out, &self.transfers, &self.pre_state);
        out
    }

    /// Reads a block file. Accepts exactly what `encode` writes for a block within the caps; memory stays below a small
    /// multiple of the bytes given.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.preamble(&MAGIC, VERSION, "block file")?;
        let previous_root = reader.field("previous root")?;
        let previous_data_hash = reader.field("previous data hash")?;
        let (transfers, pre_state) = read_batch(&mut reader, TRANSFERS_MAX)?;
        reader.finish()?;
        Ok(Self { previous_root, previous_data_hash, transfers, pre_state })
    }

    /// SHA-256 of the block file.
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }
}

/// Bytes `put_batch` writes, at most.
pub(crate) fn batch_bytes(transfers: &[SignedTransfer], pre_state: &PreState) -> usize {
    BATCH_COUNTS_BYTES
        + transfers.len() * TRANSFER_BYTES
        + pre_state.leaves.len() * USED_LEAF_BYTES
        + pre_state.siblings.len() * 32
}

/// Checks the counts of transfers, leaves and siblings against their caps.
pub(crate) fn check_caps(transfers: usize, leaves: usize, siblings: usize) -> Result<(), DecodeError> {
    check_count("transfers", transfers, TRANSFERS_MAX)?;
    check_count("pre-state entries", leaves, LEAVES_MAX)?;
    check_count("sibling hashes", siblings, SIBLINGS_MAX)
}

/// Appends three counts, the transfers, the pre-state's entries and its sibling hashes.
pub(crate) fn put_batch(out: &mut Vec<u8>, transfers: &[SignedTransfer], pre_state: &PreState) {
    put_count(out, transfers.len());
    put_count(out, pre_state.leaves.len());
    put_count(out, pre_state.siblings.len());
    for SignedTransfer { transfer, signature } in transfers {
        let Transfer { from, to, to_key, amount, fee, nonce } = transfer;
        out.extend(from.to_be_bytes());
        out.extend(to.to_be_bytes());
        out.extend(nonce.to_be_bytes());
        out.extend(amount.to_be_bytes());
        out.extend(fee.to_be_bytes());
        put_key(out, to_key);
        out.extend(signature.e.to_be_bytes());
        out.extend(field_to_bytes(signature.s));
    }
    for PreLeaf { leaf, account } in &pre_state.leaves {
        out.extend(leaf.to_be_bytes());
        match account {
            None => out.push(0),
            Some(Account { key, balance, nonce }) => {
                out.push(1);
                put_key(out, key);
                out.extend(balance.to_be_bytes());
                out.extend(nonce.to_be_bytes());
            }
        }
    }
    for sibling in &pre_state.siblings {
        out.extend(field_to_bytes(*sibling));
    }
}

/// Reads what `put_batch` wrote; checks counts against caps and against the bytes left before allocating.
pub(crate) fn read_batch(
    reader: &mut Reader<'_>,
    transfers_max: usize,
) -> Result<(Vec<SignedTransfer>, PreState), DecodeError> {
    let transfer_count = reader.count("transfers", transfers_max.min(TRANSFERS_MAX))?;
    let leaf_count = reader.count("pre-state entries", LEAVES_MAX)?;
    let sibling_count = reader.count("sibling hashes", SIBLINGS_MAX)?;

    reader.require(transfer_count, TRANSFER_BYTES)?;
    let mut transfers = Vec::with_capacity(transfer_count);
    for index in 0..transfer_count {
        reader.place = Place::Transfer(index);
        transfers.push(read_transfer(reader)?);
    }

    reader.place = Place::Leaf(0);
    reader.require(leaf_count, UNUSED_LEAF_BYTES)?;
    let mut leaves: Vec<PreLeaf> = Vec::with_capacity(leaf_count);
    for index in 0..leaf_count {
        reader.place = Place::Leaf(index);
        let entry = read_leaf(reader)?;
        if let Some(previous) = leaves.last().map(|entry| entry.leaf).filter(|previous| *previous >= entry.leaf) {
            return Err(DecodeError::Order { place: reader.place, leaf: entry.leaf, previous });
        }
        leaves.push(entry);
    }

    reader.place = Place::Sibling(0);
    reader.require(sibling_count, 32)?;
    let mut siblings = Vec::with_capacity(sibling_count);
    for index in 0..sibling_count {
        reader.place = Place::Sibling(index);
        siblings.push(reader.field("value")?);
    }
    Ok((transfers, PreState { leaves, siblings }))
}

fn read_transfer(reader: &mut Reader<'_>) -> Result<SignedTransfer, DecodeError> {
    let (from, to, nonce) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let (amount, fee) = (reader.u64()?, reader.u64()?);
    let to_key = reader.key("recipient key")?;
    let signature = Signature { e: reader.u128()?, s: reader.field("signature response s")? };
    Ok(SignedTransfer { transfer: Transfer { from, to, to_key, amount, fee, nonce }, signature })
}

fn read_leaf(reader: &mut Reader<'_>) -> Result<PreLeaf, DecodeError> {
    let leaf = reader.u32()?;
    let account = if reader.flag("flag")? {
        Some(Account { key: reader.key("account key")?, balance: reader.u64()?, nonce: reader.u32()? })
    } else {
        None
    };
    Ok(PreLeaf { leaf, account })
}
