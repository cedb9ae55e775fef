//! A remote signer over HTTP: what it signs is checked.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::MemoryJournal;
use crate::node::{ALICE, Anvil, COUNTER, alice, config, number};
use crate::proxy::{Action, Proxy};
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use proofyard_settlement::alloy;
use proofyard_settlement::config::Secret;
use proofyard_settlement::contracts::bindings::IProverEscrow::{Quote, Receipt};
use proofyard_settlement::rpc::Rpc;
use proofyard_settlement::signer::typed::{self, Domain};
use proofyard_settlement::signer::{Key, RemoteSigner};
use proofyard_settlement::transactions::{Intent, IntentId, Manager, State};
use serde_json::{Value, json};

/// A remote signer with this key that changes what it is asked to sign.
async fn signer(key: PrivateKeySigner, change: fn(&mut TxEip1559)) -> Proxy {
    let proxy = Proxy::start("http://127.0.0.1:9").await;
    proxy.rule(move |method, params| {
        let signature = match method {
            "eth_signTransaction" => return Action::Say(json!(sign_transaction(&key, &params[0], change))),
            "eth_sign" => {
                let text: Bytes = serde_json::from_value(params[1].clone()).expect("bytes");
                key.sign_message_sync(&text)
            }
            "eth_signTypedData" => key.sign_hash_sync(&digest(&params[1])),
            other => panic!("{other}"),
        };
        Action::Say(json!(Bytes::from(signature.expect("a signature").as_bytes().to_vec())))
    });
    proxy
}

fn sign_transaction(key: &PrivateKeySigner, asked: &Value, change: fn(&mut TxEip1559)) -> Bytes {
    let mut transaction = TxEip1559 {
        chain_id: number(&asked["chainId"]),
        nonce: number(&asked["nonce"]),
        gas_limit: number(&asked["gas"]),
        max_fee_per_gas: number(&asked["maxFeePerGas"]).into(),
        max_priority_fee_per_gas: number(&asked["maxPriorityFeePerGas"]).into(),
        to: TxKind::Call(serde_json::from_value(asked["to"].clone()).expect("an address")),
        value: serde_json::from_value(asked["value"].clone()).expect("a quantity"),
        access_list: Default::default(),
        input: serde_json::from_value(asked["data"].clone()).expect("bytes"),
    };
    change(&mut transaction);
    let signature = key.sign_transaction_sync(&mut transaction).expect("a signature");
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into()
}

/// EIP-712 from the JSON alone, by hand: all fields of these messages are single words.
fn digest(typed: &Value) -> B256 {
    use alloy::primitives::keccak256;
    let word = |kind: &str, value: &Value| -> Vec<u8> {
        match (kind, value) {
            ("string", Value::String(text)) => keccak256(text).to_vec(),
            ("bytes32" | "address", Value::String(text)) => {
                let bytes: Bytes = text.parse().expect("hexadecimal");
                [vec![0; 32 - bytes.len()], bytes.to_vec()].concat()
            }
            (_, Value::String(text)) => U256::from_str_radix(text, 10).expect("decimal").to_be_bytes::<32>().to_vec(),
            (_, number) => U256::from(number.as_u64().expect("a number")).to_be_bytes::<32>().to_vec(),
        }
    };
    let hash = |name: &str, message: &Value| {
        let fields = typed["types"][name].as_array().expect("fields");
        let text = |field: &Value, key: &str| field[key].as_str().expect("text").to_owned();
        let list: Vec<_> = fields.iter().map(|field| text(field, "type") + " " + &text(field, "name")).collect();
        let mut encoded = keccak256(format!("{name}({})", list.join(","))).to_vec();
        for field in fields {
            encoded.extend(word(&text(field, "type"), &message[text(field, "name")]));
        }
        keccak256(encoded)
    };
    let domain = hash("EIP712Domain", &typed["domain"]);
    let message = hash(typed["primaryType"].as_str().expect("a type"), &typed["message"]);
    keccak256([&[0x19, 0x01], &domain[..], &message[..]].concat())
}

fn remote(proxy: &Proxy, address: Address) -> Key {
    let signer = RemoteSigner::new(&Secret::from(proxy.url.clone()), address, Duration::from_secs(2));
    Key::remote(signer.expect("an address"))
}

fn quote() -> Quote {
    Quote {
        prover: ALICE,
        sequencer: Address::repeat_byte(2),
        height: U256::from(3),
        blockCommitment: B256::repeat_byte(4),
        group: 5,
        tipToken: Address::ZERO,
        price: U256::MAX,
        depositToken: Address::repeat_byte(7),
        deposit: U256::from(8),
        nonce: U256::from(9),
        expiry: u64::MAX >> 12,
    }
}

#[tokio::test]
async fn a_remote_signer_signs_quotes_receipts_and_messages_as_a_local_one_does() {
    let proxy = signer(alice(), |_| {}).await;
    let domain = Domain { chain_id: 31337, escrow: COUNTER };
    let receipt = Receipt {
        blockCommitment: B256::repeat_byte(1),
        blockId: B256::repeat_byte(2),
        nonce: U256::MAX,
        acceptedAt: 7,
    };
    for key in [remote(&proxy, ALICE), Key::local(alice()), Key::other(alice())] {
        let signature = key.sign_quote(&quote(), &domain).await.expect("a signature");
        assert_eq!(domain.recover_quote(&quote(), &signature.as_bytes()), Ok(ALICE));
        let signature = key.sign_receipt(&receipt, &domain).await.expect("a signature");
        assert_eq!(domain.recover_receipt(&receipt, &signature.as_bytes()), Ok(ALICE));
        let signature = key.sign_message(b"proofyard request v1").await.expect("a signature");
        assert_eq!(typed::recover_message(b"proofyard request v1", &signature.as_bytes()), Ok(ALICE));
    }
}

#[tokio::test]
async fn a_remote_signer_with_another_key_or_that_is_gone_is_noticed() {
    let domain = Domain { chain_id: 31337, escrow: COUNTER };
    let proxy = signer(PrivateKeySigner::random(), |_| {}).await;
    let error = remote(&proxy, ALICE).sign_quote(&quote(), &domain).await.expect_err("another key");
    assert!(error.to_string().contains("PY-L-062"), "{error}");
    proxy.rule(|_, _| Action::Cut);
    let error = remote(&proxy, ALICE).sign_quote(&quote(), &domain).await.expect_err("no answer");
    assert!(error.to_string().contains("PY-L-060"), "{error}");
}

#[tokio::test]
async fn transactions_are_signed_remotely_and_a_changed_one_is_refused() {
    let anvil = Anvil::start().await;
    let config = config(&[&anvil.url]);
    let id = IntentId::new("a").expect("an id");
    let honest = signer(alice(), |_| {}).await;
    let thief = signer(alice(), |transaction| transaction.to = TxKind::Call(Address::repeat_byte(0xbd))).await;
    for (proxy, state) in [(&thief, State::Queued), (&honest, State::InFlight)] {
        let rpc = Rpc::connect(&config).expect("a configuration");
        let journal = Arc::<MemoryJournal>::default();
        let manager =
            Manager::open(rpc, remote(proxy, ALICE).transactions(), journal, &config).await.expect("a manager");
        manager.submit(Intent::new(id.clone(), COUNTER, vec![1])).await.expect("accepted");
        manager.tick().await.expect("a tick");
        assert_eq!(manager.record(&id).await.expect("a record").state, state);
    }
    anvil.mine(1).await;
    assert_eq!(anvil.slot(COUNTER).await, 1);
}
