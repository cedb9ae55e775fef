//! What is signed off chain (docs/sidecar.md, section 5): quotes and receipts by EIP-712, messages by EIP-191.

use alloy::primitives::{Address, B256, Signature, eip191_hash_message};
use proofyard_contracts::bindings;
use proofyard_contracts::bindings::IProverEscrow::{Quote, Receipt};
use serde_json::{Value, json};
use thiserror::Error;

/// No signature, or not in the one form that contracts take.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("[PY-L-063] a signature is r, s, v: 65 bytes with v 27 or 28 and s in the lower half")]
pub struct BadSignature;

/// What quotes and receipts are for: one escrow on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// EIP-155 id.
    pub chain_id: u64,
    /// The escrow.
    pub escrow: Address,
}

impl Domain {
    /// What the prover's key signs.
    pub fn quote_digest(&self, quote: &Quote) -> B256 {
        bindings::quote_digest(self.chain_id, self.escrow, quote)
    }

    /// What the coordinator's key signs.
    pub fn receipt_digest(&self, receipt: &Receipt) -> B256 {
        bindings::receipt_digest(self.chain_id, self.escrow, receipt)
    }

    /// Who signed a quote.
    pub fn recover_quote(&self, quote: &Quote, signature: &[u8]) -> Result<Address, BadSignature> {
        recover_digest(&self.quote_digest(quote), &parse(signature)?)
    }

    /// Who signed a receipt.
    pub fn recover_receipt(&self, receipt: &Receipt, signature: &[u8]) -> Result<Address, BadSignature> {
        recover_digest(&self.receipt_digest(receipt), &parse(signature)?)
    }
}

/// Who signed a message (EIP-191).
pub fn recover_message(message: &[u8], signature: &[u8]) -> Result<Address, BadSignature> {
    recover_digest(&eip191_hash_message(message), &parse(signature)?)
}

pub(super) fn recover_digest(digest: &B256, signature: &Signature) -> Result<Address, BadSignature> {
    if signature.normalize_s().is_some() {
        return Err(BadSignature);
    }
    signature.recover_address_from_prehash(digest).map_err(|_| BadSignature)
}

/// One signature has one encoding here, as in the contracts.
pub(super) fn parse(signature: &[u8]) -> Result<Signature, BadSignature> {
    match signature {
        [.., 27 | 28] if signature.len() == 65 => Signature::try_from(signature).map_err(|_| BadSignature),
        _ => Err(BadSignature),
    }
}

/// A quote as `eth_signTypedData` takes it.
pub(super) fn quote_json(quote: &Quote, domain: &Domain) -> Value {
    let fields = [
        ("prover", "address"),
        ("sequencer", "address"),
        ("height", "uint256"),
        ("blockCommitment", "bytes32"),
        ("group", "uint32"),
        ("tipToken", "address"),
        ("price", "uint256"),
        ("depositToken", "address"),
        ("deposit", "uint256"),
        ("nonce", "uint256"),
        ("expiry", "uint64"),
    ];
    let message = json!({
        "prover": quote.prover,
        "sequencer": quote.sequencer,
        "height": quote.height.to_string(),
        "blockCommitment": quote.blockCommitment,
        "group": quote.group,
        "tipToken": quote.tipToken,
        "price": quote.price.to_string(),
        "depositToken": quote.depositToken,
        "deposit": quote.deposit.to_string(),
        "nonce": quote.nonce.to_string(),
        "expiry": quote.expiry,
    });
    typed_json("Quote", &fields, message, domain)
}

/// A receipt as `eth_signTypedData` takes it.
pub(super) fn receipt_json(receipt: &Receipt, domain: &Domain) -> Value {
    let fields =
        [("blockCommitment", "bytes32"), ("blockId", "bytes32"), ("nonce", "uint256"), ("acceptedAt", "uint64")];
    let message = json!({
        "blockCommitment": receipt.blockCommitment,
        "blockId": receipt.blockId,
        "nonce": receipt.nonce.to_string(),
        "acceptedAt": receipt.acceptedAt,
    });
    typed_json("Receipt", &fields, message, domain)
}

fn typed_json(primary: &str, fields: &[(&str, &str)], message: Value, domain: &Domain) -> Value {
    let list = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect::<Vec<_>>()
    };
    let of_domain =
        [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")];
    json!({
        "types": {"EIP712Domain": list(&of_domain), primary: list(fields)},
        "primaryType": primary,
        "domain": {
            "name": "Proofyard",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.escrow,
        },
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use alloy::signers::SignerSync;
    use alloy::signers::local::PrivateKeySigner;
    use alloy::sol_types::SolStruct;

    use super::*;

    fn quote() -> Quote {
        Quote {
            prover: Address::repeat_byte(1),
            sequencer: Address::repeat_byte(2),
            height: U256::from(3),
            blockCommitment: B256::repeat_byte(4),
            group: 5,
            tipToken: Address::ZERO,
            price: U256::from(6),
            depositToken: Address::repeat_byte(7),
            deposit: U256::from(8),
            nonce: U256::from(9),
            expiry: 10,
        }
    }

    #[test]
    fn the_types_are_those_of_the_contracts() {
        let quote_type = "Quote(address prover,address sequencer,uint256 height,bytes32 blockCommitment,uint32 group,address tipToken,uint256 price,address depositToken,uint256 deposit,uint256 nonce,uint64 expiry)";
        assert_eq!(Quote::eip712_encode_type(), quote_type);
        let receipt_type = "Receipt(bytes32 blockCommitment,bytes32 blockId,uint256 nonce,uint64 acceptedAt)";
        assert_eq!(Receipt::eip712_encode_type(), receipt_type);
        // The field lists for remote signers are written by hand: they must give the same types.
        let domain = Domain { chain_id: 1, escrow: Address::ZERO };
        let receipt = Receipt { blockCommitment: B256::ZERO, blockId: B256::ZERO, nonce: U256::ZERO, acceptedAt: 1 };
        for (json, name, wanted) in [
            (quote_json(&quote(), &domain), "Quote", quote_type),
            (receipt_json(&receipt, &domain), "Receipt", receipt_type),
        ] {
            let fields = json["types"][name].as_array().expect("fields");
            let text = |field: &Value, key: &str| field[key].as_str().expect("text").to_owned();
            let list: Vec<_> = fields.iter().map(|field| text(field, "type") + " " + &text(field, "name")).collect();
            assert_eq!(format!("{name}({})", list.join(",")), wanted);
        }
    }

    #[test]
    fn a_signature_is_for_one_quote_one_chain_and_one_escrow() {
        let key = PrivateKeySigner::random();
        let here = Domain { chain_id: 1, escrow: Address::repeat_byte(9) };
        let signature = key.sign_hash_sync(&here.quote_digest(&quote())).expect("a signature").as_bytes();
        assert_eq!(here.recover_quote(&quote(), &signature), Ok(key.address()));
        let other_price = Quote { price: U256::from(7), ..quote() };
        for (quote, domain) in [
            (other_price, here),
            (quote(), Domain { chain_id: 2, ..here }),
            (quote(), Domain { escrow: Address::repeat_byte(8), ..here }),
        ] {
            assert_ne!(domain.recover_quote(&quote, &signature), Ok(key.address()));
        }
    }

    #[test]
    fn a_signature_has_one_form() {
        let key = PrivateKeySigner::random();
        let signature = key.sign_message_sync(b"text").expect("a signature");
        let bytes = signature.as_bytes();
        assert_eq!(recover_message(b"text", &bytes), Ok(key.address()));
        assert_ne!(recover_message(b"other", &bytes), Ok(key.address()));
        // The same signature with the other s.
        let order = U256::from_be_bytes(hex_order());
        let twin = Signature::new(signature.r(), order - signature.s(), !signature.v());
        assert_eq!(recover_message(b"text", &twin.as_bytes()), Err(BadSignature));
        let mut low_v = bytes;
        low_v[64] -= 27;
        for bad in [&low_v[..], &bytes[..64], &[], &[27; 66]] {
            assert_eq!(recover_message(b"text", bad), Err(BadSignature));
        }
    }

    /// The order of secp256k1.
    fn hex_order() -> [u8; 32] {
        let mut order = [0; 32];
        let text = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        hex::decode_to_slice(text, &mut order).expect("hex");
        order
    }
}
