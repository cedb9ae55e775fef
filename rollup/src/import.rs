//! Import of recorded payments: a CSV of transactions with sender, recipient and value becomes a block of transfers.
//!
//! Columns, with this header line:
//! `block_number,transaction_index,hash,nonce,from_address,to_address,value_wei`.
//! Each address gets the key `SecretKey::from_seed("proofyard/import/v1" || 20 address bytes)`; anybody can compute it,
//! imported accounts are for replay only. Leaf indices count up from 0 in the order of first appearance, the sender of
//! a row before its recipient. Nonces start at 0 (the recorded ones and the hashes are checked for form and not used).
//! Amounts are wei rounded down to gwei. Every transfer pays `FEE_GWEI`. An address starts with exactly what it sends
//! in all, fees included; one that sends nothing starts unused and is opened by its first transfer.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use ark_bn254::Fr;
use rayon::prelude::*;
use thiserror::Error;

use crate::account::Account;
use crate::block::{Block, TRANSFERS_MAX};
use crate::schnorr::SecretKey;
use crate::transfer::Transfer;
use crate::tree::StateTree;

/// The header line.
pub const HEADER: &str = "block_number,transaction_index,hash,nonce,from_address,to_address,value_wei";
/// Fee of every imported transfer in gwei: 21,000 gas, the cost of a plain payment, at 1 gwei.
pub const FEE_GWEI: u64 = 21_000;
/// Wei in a gwei.
pub const WEI_PER_GWEI: u128 = 1_000_000_000;
/// Bytes of a line at most, its end included.
pub const LINE_BYTES_MAX: usize = 1_024;

const COLUMNS: usize = 7;
/// Label of the key derivation.
const KEY_LABEL: &[u8] = b"proofyard/import/v1";

/// A CSV that is refused; lines count from 1.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The reader failed.
    #[error("[PY-I-001] line {line}: cannot be read: {source}; check the file")]
    Read {
        /// The line.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Another first line.
    #[error("[PY-I-002] line 1: unknown header; the columns must be {HEADER}")]
    Header,
    /// A line over `LINE_BYTES_MAX`.
    #[error("[PY-I-003] line {line}: longer than {LINE_BYTES_MAX} bytes; check that this is the right file")]
    LineTooLong {
        /// The line.
        line: u64,
    },
    /// Too few or too many fields.
    #[error("[PY-I-004] line {line}: {got} fields, {COLUMNS} expected; correct the row")]
    Fields {
        /// The line.
        line: u64,
        /// Number of fields.
        got: usize,
    },
    /// A field that does not read.
    #[error("[PY-I-005] line {line}, column {column}: expected {expected}; correct the field")]
    Field {
        /// The line.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A row that does not come after the one before it.
    #[error("[PY-I-006] line {line}: transaction {block_number}/{index} does not follow the row before; sort the rows")]
    Order {
        /// The line.
        line: u64,
        /// Block number of the row.
        block_number: u64,
        /// Transaction index of the row.
        index: u32,
    },
    /// More rows than a block holds.
    #[error("[PY-I-007] line {line}: more than {TRANSFERS_MAX} transfers; choose one block number or cut the file")]
    TooMany {
        /// The first line too many.
        line: u64,
    },
    /// No row at all, or none of the block asked for.
    #[error("[PY-I-008] end of file: no transaction{}; check file and block number", of_block(.block_number))]
    NoRows {
        /// The block asked for.
        block_number: Option<u64>,
    },
    /// All that is sent, fees included, is 2^64 gwei or more.
    #[error("[PY-I-009] line {line}: value_wei brings the funds of all senders over 64 bits of gwei; cut the file")]
    Funds {
        /// The line.
        line: u64,
    },
}

fn of_block(block_number: &Option<u64>) -> String {
    block_number.map(|number| format!(" of block {number}")).unwrap_or_default()
}

/// The key of an imported address.
pub fn address_key(address: &[u8; 20]) -> SecretKey {
    SecretKey::from_seed(&[KEY_LABEL, address].concat())
}

/// Reads a CSV and makes one block of its rows, of those of `block_number` only when it is given.
pub fn csv(reader: impl BufRead, block_number: Option<u64>) -> Result<Block, ImportError> {
    let payments = read_payments(reader, block_number)?;
    if payments.is_empty() {
        return Err(ImportError::NoRows { block_number });
    }

    let mut leaves: HashMap<[u8; 20], u32> = HashMap::new();
    let mut addresses = Vec::new();
    for payment in &payments {
        for address in [payment.from, payment.to] {
            leaves.entry(address).or_insert_with(|| {
                addresses.push(address);
                addresses.len() as u32 - 1
            });
        }
    }
    let secrets: Vec<SecretKey> = addresses.par_iter().map(address_key).collect();
    let mut accounts: Vec<Account> = secrets.par_iter().map(|secret| Account::opened(secret.public_key())).collect();

    let mut transfers = Vec::with_capacity(payments.len());
    let mut sent = vec![0u32; accounts.len()];
    for payment in &payments {
        let (from, to) = (leaves[&payment.from], leaves[&payment.to]);
        let nonce = sent[from as usize];
        sent[from as usize] += 1;
        // Cannot overflow: `read_payments` keeps the sum over all rows below 2^64.
        accounts[from as usize].balance += payment.amount + FEE_GWEI;
        let to_key = accounts[to as usize].key;
        transfers.push(Transfer { from, to, to_key, amount: payment.amount, fee: FEE_GWEI, nonce });
    }
    let genesis = StateTree::new(
        (0u32..).zip(accounts).zip(&sent).filter(|(_, sent)| **sent > 0).map(|(funded, _)| funded).collect(),
    );
    let pre_state = genesis.pre_state(0..addresses.len() as u32);
    let transfers = transfers.into_par_iter().map(|transfer| transfer.sign(&secrets[transfer.from as usize])).collect();
    Ok(Block { previous_root: genesis.root(), previous_data_hash: Fr::from(0u64), transfers, pre_state })
}

struct Payment {
    from: [u8; 20],
    to: [u8; 20],
    /// In gwei.
    amount: u64,
}

fn read_payments(mut reader: impl BufRead, block_number: Option<u64>) -> Result<Vec<Payment>, ImportError> {
    let mut buffer = Vec::with_capacity(LINE_BYTES_MAX + 1);
    if read_line(&mut reader, &mut buffer, 1)? != Some(HEADER.as_bytes()) {
        return Err(ImportError::Header);
    }
    let mut payments = Vec::new();
    let mut last = None;
    let mut funds = 0u64;
    for line in 2.. {
        let Some(text) = read_line(&mut reader, &mut buffer, line)? else { break };
        let row = parse_row(line, text)?;
        let position = (row.block_number, row.index);
        if last.is_some_and(|last| last >= position) {
            return Err(ImportError::Order { line, block_number: row.block_number, index: row.index });
        }
        last = Some(position);
        if block_number.is_some_and(|wanted| wanted != row.block_number) {
            continue;
        }
        if payments.len() == TRANSFERS_MAX {
            return Err(ImportError::TooMany { line });
        }
        let amount = u64::try_from(row.value_wei / WEI_PER_GWEI).ok();
        let needed = amount.and_then(|amount| amount.checked_add(FEE_GWEI));
        let (Some(amount), Some(total)) = (amount, needed.and_then(|needed| funds.checked_add(needed))) else {
            return Err(ImportError::Funds { line });
        };
        funds = total;
        payments.push(Payment { from: row.from, to: row.to, amount });
    }
    Ok(payments)
}

/// Reads one line without its end (LF or CR LF); None at the end of the file.
fn read_line<'a>(
    reader: &mut impl BufRead,
    buffer: &'a mut Vec<u8>,
    line: u64,
) -> Result<Option<&'a [u8]>, ImportError> {
    buffer.clear();
    let mut limited = reader.take(LINE_BYTES_MAX as u64 + 1);
    let length = limited.read_until(b'\n', buffer).map_err(|source| ImportError::Read { line, source })?;
    if length > LINE_BYTES_MAX {
        return Err(ImportError::LineTooLong { line });
    }
    let text = buffer.strip_suffix(b"\n").unwrap_or(buffer);
    Ok((length > 0).then(|| text.strip_suffix(b"\r").unwrap_or(text)))
}

struct Row {
    block_number: u64,
    index: u32,
    from: [u8; 20],
    to: [u8; 20],
    value_wei: u128,
}

fn parse_row(line: u64, text: &[u8]) -> Result<Row, ImportError> {
    let fields: Vec<&[u8]> = text.split(|byte| *byte == b',').collect();
    let [block_number, index, hash, nonce, from, to, value_wei] = fields[..] else {
        return Err(ImportError::Fields { line, got: fields.len() });
    };
    let block_number = number(line, "block_number", "a decimal number below 2^64", block_number)?;
    let index = number(line, "transaction_index", "a decimal number below 2^32", index)?;
    hex::<32>(line, "hash", "0x and 64 hexadecimal digits", hash)?;
    number::<u64>(line, "nonce", "a decimal number below 2^64", nonce)?;
    let from = hex(line, "from_address", "0x and 40 hexadecimal digits", from)?;
    let to = hex(line, "to_address", "0x and 40 hexadecimal digits", to)?;
    let value_wei = number(line, "value_wei", "a decimal number below 2^128", value_wei)?;
    Ok(Row { block_number, index, from, to, value_wei })
}

fn number<N: std::str::FromStr>(
    line: u64,
    column: &'static str,
    expected: &'static str,
    field: &[u8],
) -> Result<N, ImportError> {
    let digits = std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or(ImportError::Field { line, column, expected })
}

fn hex<const N: usize>(
    line: u64,
    column: &'static str,
    expected: &'static str,
    field: &[u8],
) -> Result<[u8; N], ImportError> {
    let digits: Option<Vec<u8>> = field
        .strip_prefix(b"0x")
        .filter(|digits| digits.len() == 2 * N)
        .and_then(|digits| digits.iter().map(|byte| (*byte as char).to_digit(16).map(|digit| digit as u8)).collect());
    let mut bytes = [0u8; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.ok_or(ImportError::Field { line, column, expected })?.chunks(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(bytes)
}
