//! Whether a block is what its quote and header say, before anything is signed for it.

use alloy_primitives::{Address, B256, U256};
use proofyard_coordinator_client::{BlockSubmission, Header, Quote, Receipt};
use proofyard_proof_system::codec::scalar_bytes;
use proofyard_rollup::{baton::Baton, block::Block, block_error::BlockError, executor};
use proofyard_settlement::contracts::bindings::{IProverEscrow, IProvingSidecar, block_commitment};
use sha2::{Digest, Sha256};

use crate::endpoint::{Refusal, Why};

/// The quote as the contracts' bindings have it.
pub(super) fn bound_quote(quote: &Quote) -> IProverEscrow::Quote {
    IProverEscrow::Quote {
        prover: quote.prover,
        sequencer: quote.sequencer,
        height: U256::from(quote.height),
        blockCommitment: quote.block_commitment,
        group: quote.group,
        tipToken: quote.tip_token,
        price: quote.price,
        depositToken: quote.deposit_token,
        deposit: quote.deposit,
        nonce: quote.nonce,
        expiry: quote.expiry,
    }
}

/// The receipt as the signer has it.
pub(super) fn bound_receipt(receipt: &Receipt) -> IProverEscrow::Receipt {
    IProverEscrow::Receipt {
        blockCommitment: receipt.block_commitment,
        blockId: receipt.block_id,
        nonce: receipt.nonce,
        acceptedAt: receipt.accepted_at,
    }
}

/// The header as the contracts' bindings have it.
pub(super) fn bound_header(header: &Header) -> IProvingSidecar::Header {
    let Header { start, ends, rows_log2, subtrees, data_version, data_commitment, data_uri } = header.clone();
    IProvingSidecar::Header {
        start,
        ends,
        rowsLog2: rows_log2,
        subtrees,
        dataVersion: data_version,
        dataCommitment: data_commitment,
        dataUri: data_uri,
    }
}

/// The id of a block file.
pub(super) fn block_id(file: &[u8]) -> B256 {
    B256::from_slice(&Sha256::digest(file))
}

fn wrong(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(Why::Wrong, code, message)
}

/// Checks header, salt and file against the quote, and executes the block: its batons must be the header's. Heavy: for the blocking
/// pool. `capacity`: transfers that fit a subtree.
pub(super) fn check(
    submission: &BlockSubmission,
    chain_id: u64,
    sidecar: Address,
    rows_log2: u32,
    capacity: usize,
) -> Result<(), Refusal> {
    let BlockSubmission { quote, header, salt, block } = submission;
    let quote = &quote.quote;
    let bound = bound_header(header);
    let commitment = block_commitment(chain_id, sidecar, quote.height, quote.sequencer, &bound, *salt);
    if commitment != quote.block_commitment {
        let message =
            format!("header and salt give the commitment {commitment}, the quote names {}", quote.block_commitment);
        return Err(wrong("PY-C-320", format!("{message}; send the header and salt that were committed to")));
    }
    let id = block_id(block);
    if header.data_commitment != id {
        let message = format!("the file's SHA-256 is {id}, the header names {}", header.data_commitment);
        return Err(wrong("PY-C-321", format!("{message}; send the file that was committed to")));
    }
    if header.rows_log2 != rows_log2 {
        let message = format!("the header says 2^{} rows a subtree, this farm proves 2^{rows_log2}", header.rows_log2);
        return Err(wrong("PY-C-322", format!("{message}; cut the block for this farm")));
    }
    let refused = |error: BlockError| {
        let text = error.to_string();
        let (code, message) = match text.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((code, message)) => (code.to_owned(), message.to_owned()),
            None => ("PY-C-120".to_owned(), text),
        };
        let mut refusal = wrong(&code, message);
        refusal.error.transaction = error.transaction().and_then(|index| u32::try_from(index).ok());
        refusal
    };
    let decoded = Block::decode(block).map_err(|error| refused(BlockError::Encoding(error)))?;
    let executed = executor::execute(&decoded).map_err(refused)?;
    let runs = executed
        .split(header.subtrees as usize, capacity)
        .map_err(|error| wrong("PY-C-323", format!("the block cannot be cut as its header says: {error}")))?;
    let words = |baton: Baton| baton.to_array().map(|scalar| U256::from_be_bytes(scalar_bytes(&scalar)));
    let per_group = runs.len() / header.ends.len().max(1);
    let ends = runs.chunks(per_group.max(1)).filter_map(|group| group.last().map(|run| words(run.end())));
    if words(executed.start) != header.start || !ends.eq(header.ends.iter().copied()) {
        let message = "the block leads to other batons than its header says; commit to what the block does";
        return Err(wrong("PY-C-324", message));
    }
    Ok(())
}
