//! `proofyard block ...`.

use std::{fs::File, io::BufReader, path::Path};

use proofyard_proof_system::codec::scalar_bytes;
use proofyard_rollup::{
    block::{BLOCK_BYTES_MAX, Block},
    executor, generate, import,
};
use serde_json::{Value, json};

use crate::{args::Block as Command, failure::Failure, prove::write_atomically, screen::report};

/// Reads a block file: its bytes and the decoded block.
pub fn read_block(path: &Path) -> Result<(Vec<u8>, Block), Failure> {
    let length = std::fs::metadata(path).map_err(|error| Failure::file(path, error))?.len();
    if length > BLOCK_BYTES_MAX as u64 {
        return Err(Failure::Refused(format!("{}: a block file has at most {BLOCK_BYTES_MAX} bytes", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    let block = Block::decode(&bytes).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
    Ok((bytes, block))
}

/// `proofyard block generate`, `import` and `show`.
pub fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Generate { transfers, seed, out } => {
            let block =
                generate::block(*transfers as usize, *seed).map_err(|error| Failure::Usage(error.to_string()))?;
            write_atomically(out, &block.encode())?;
            show(&block, json)
        }
        Command::Import { file, block_number, out } => {
            let reader = BufReader::new(File::open(file).map_err(|error| Failure::file(file, error))?);
            let block = import::csv(reader, *block_number)
                .map_err(|error| Failure::Refused(format!("{}: {error}", file.display())))?;
            write_atomically(out, &block.encode())?;
            show(&block, json)
        }
        Command::Show { file } => show(&read_block(file)?.1, json),
    }
}

fn show(block: &Block, json: bool) -> Result<(), Failure> {
    let executed = executor::execute(block).map_err(|error| Failure::Refused(error.to_string()))?;
    let value = json!({
        "id": hex::encode(block.id()),
        "bytes": block.encode().len(),
        "transfers": block.transfers.len(),
        "accounts": block.pre_state.leaves.len(),
        "start_root": hex::encode(scalar_bytes(&executed.start.root)),
        "end_root": hex::encode(scalar_bytes(&executed.end.root)),
        "data_hash": hex::encode(scalar_bytes(&executed.end.data_hash)),
        "fees": executed.fees,
    });
    if let Value::Object(result) = &value {
        report(json, result);
    }
    Ok(())
}
