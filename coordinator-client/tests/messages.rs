//! The messages in JSON: written as documented, read strictly, capped.

use alloy_primitives::{Address, B256, U256};
use proofyard_coordinator_client::{
    BlockStatus, BlockSubmission, ErrorBody, Header, Ladder, Quote, QuoteRequest, Receipt, Rung, SignedQuote,
    SignedReceipt, Stage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn request() -> QuoteRequest {
    QuoteRequest {
        chain_id: 31_337,
        sidecar: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        sequencer: Address::repeat_byte(3),
        height: 4,
        block_commitment: B256::repeat_byte(5),
        group: 1,
        groups: 2,
        transfers: 8,
        subtrees: 4,
        rows_log2: 16,
        tip_token: Address::ZERO,
        price_max: U256::MAX,
        deposit_token: Address::repeat_byte(6),
        deposit: U256::from(255),
        commit_by: 10,
        prove_by: 50,
    }
}

fn quote() -> SignedQuote {
    let quote = Quote {
        prover: Address::repeat_byte(9),
        sequencer: Address::repeat_byte(3),
        height: 4,
        block_commitment: B256::repeat_byte(5),
        group: 1,
        tip_token: Address::ZERO,
        price: U256::from(7),
        deposit_token: Address::repeat_byte(6),
        deposit: U256::from(255),
        nonce: U256::ZERO,
        expiry: 10,
    };
    SignedQuote { quote, signature: vec![0xab; 65].into() }
}

fn submission() -> BlockSubmission {
    let baton = [U256::from(1), U256::from(2), U256::ZERO];
    let header = Header {
        start: baton,
        ends: vec![baton, baton],
        rows_log2: 16,
        subtrees: 4,
        data_version: 0,
        data_commitment: B256::repeat_byte(8),
        data_uri: "https://example.org/block".to_owned(),
    };
    BlockSubmission { quote: quote(), header, salt: B256::repeat_byte(4), block: vec![1, 2, 3, 4].into() }
}

fn changed(mut json: Value, path: &str, to: Value) -> Vec<u8> {
    *json.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = to;
    serde_json::to_vec(&json).expect("JSON")
}

#[test]
fn messages_are_written_as_documented_and_read_back() {
    let json = serde_json::to_value(request()).expect("JSON");
    assert_eq!(json["sidecar"], json!(format!("0x{}", "01".repeat(20))));
    assert_eq!(json["price_max"], json!(format!("0x{}", "f".repeat(64))));
    assert_eq!((&json["deposit"], &json["height"]), (&json!("0xff"), &json!(4)));
    assert_eq!(serde_json::from_value::<QuoteRequest>(json).expect("readable"), request());

    let json = serde_json::to_value(submission()).expect("JSON");
    assert_eq!((&json["block"], &json["quote"]["quote"]["nonce"]), (&json!("AQIDBA=="), &json!("0x0")));
    assert_eq!(json["header"]["ends"][1], json!(["0x1", "0x2", "0x0"]));
    assert_eq!(serde_json::from_value::<BlockSubmission>(json).expect("readable"), submission());

    let hash = B256::repeat_byte(1);
    let receipt = Receipt { block_commitment: hash, block_id: hash, nonce: U256::from(16), accepted_at: 7 };
    let receipt = SignedReceipt { receipt, signature: vec![1; 65].into() };
    let json = serde_json::to_value(&receipt).expect("JSON");
    assert_eq!(json["receipt"]["nonce"], json!("0x10"));
    assert_eq!(serde_json::from_value::<SignedReceipt>(json).expect("readable"), receipt);
}

#[test]
fn a_status_shows_its_ladder_and_takes_fields_of_later_releases() {
    let mut status = BlockStatus::new("00".repeat(32), 16);
    assert!(!status.is_final());
    let json = serde_json::to_value(&status).expect("JSON");
    assert_eq!(json["ladder"], json!({"rung": "executing", "subtrees_done": 0, "subtrees": 0}));
    assert_eq!(json.get("block_commitment"), None);
    status.block_commitment = Some(B256::repeat_byte(7));
    status.stage = Stage::Done;
    assert!(!status.is_final(), "a block on L1 is not done when its proof is");
    let reason = ErrorBody { code: "PY-L-001".to_owned(), message: "too late".to_owned(), transaction: None };
    status.ladder.fall(Rung::Slashed, reason);
    assert!(status.is_final());
    let mut json = serde_json::to_value(&status).expect("JSON");
    assert_eq!(json["block_commitment"], json!(format!("0x{}", "07".repeat(32))));
    assert_eq!((&json["ladder"]["rung"], &json["ladder"]["reason"]["code"]), (&json!("slashed"), &json!("PY-L-001")));
    json["later"] = json!(1);
    assert_eq!(serde_json::from_value::<BlockStatus>(json).expect("readable"), status);
}

#[test]
fn the_ladder_is_climbed_upwards() {
    let mut ladder = Ladder::new();
    ladder.climb(Rung::Proving);
    ladder.climb(Rung::Committed);
    assert_eq!(ladder.rung, Rung::Proving);
    let finals = [Rung::Finalized, Rung::Slashed, Rung::Reorged, Rung::Declined];
    assert!(finals.iter().all(|rung| rung.is_final()));
    assert!(!Rung::Verified.is_final());
}

#[test]
fn other_forms_of_a_request_are_refused() {
    let good = serde_json::to_value(request()).expect("JSON");
    for (path, wrong) in [
        ("/sidecar", json!("01".repeat(20))),
        ("/sidecar", json!(format!("0x{}", "01".repeat(21)))),
        ("/sidecar", json!(format!("0x{}", "zz".repeat(20)))),
        ("/sidecar", json!([1, 2])),
        ("/block_commitment", json!(format!("0x0x{}", "01".repeat(31)))),
        ("/price_max", json!(7)),
        ("/price_max", json!("7")),
        ("/price_max", json!("0x")),
        ("/price_max", json!(format!("0x1{}", "0".repeat(64)))),
        ("/price_max", json!("0x-1")),
        ("/price_max", json!("0x1_0")),
        ("/height", json!(-1)),
        ("/height", json!("0x4")),
        ("/group", json!(4_294_967_296_u64)),
        ("/chain_id", json!(1.5)),
        ("/escrow", json!(null)),
    ] {
        let bytes = changed(good.clone(), path, wrong.clone());
        assert!(serde_json::from_slice::<QuoteRequest>(&bytes).is_err(), "{path} {wrong}");
    }
    let mut unknown = good.clone();
    unknown["callback"] = json!("http://example.org");
    assert!(serde_json::from_value::<QuoteRequest>(unknown).is_err());
    let twice = serde_json::to_string(&good).expect("JSON").replacen('{', "{\"group\":0,", 1);
    assert!(serde_json::from_str::<QuoteRequest>(&twice).is_err());
}

#[test]
fn strings_and_lists_are_capped() {
    let good = serde_json::to_value(submission()).expect("JSON");
    let read = |path: &str, to: Value| serde_json::from_slice::<BlockSubmission>(&changed(good.clone(), path, to));
    let baton = json!(["0x1", "0x2", "0x0"]);
    for (path, longest, too_long) in [
        ("/header/ends", json!(vec![baton.clone(); 16]), json!(vec![baton.clone(); 17])),
        ("/header/data_uri", json!("a".repeat(1_024)), json!("a".repeat(1_025))),
        ("/quote/signature", json!(format!("0x{}", "00".repeat(1_024))), json!(format!("0x{}", "00".repeat(1_025)))),
        ("/header/start", json!(["0x1", "0x2", "0x0"]), json!(["0x1", "0x2", "0x0", "0x0"])),
    ] {
        assert!(read(path, longest).is_ok(), "{path}");
        assert!(read(path, too_long).is_err(), "{path}");
    }
    for (path, wrong) in [
        ("/header/ends", json!([])),
        ("/header/start", json!(["0x1", "0x2"])),
        ("/header/data_uri", json!("a b")),
        ("/header/data_uri", json!("ä")),
        ("/quote/signature", json!("0x")),
        ("/quote/signature", json!("0x0")),
        ("/block", json!("AQIDBA")),
        ("/block", json!("AQID BA==")),
        ("/block", json!([1, 2])),
        ("/header/later", json!(1)),
    ] {
        if path == "/header/later" {
            let mut unknown = good.clone();
            unknown["header"]["later"] = wrong;
            assert!(serde_json::from_value::<BlockSubmission>(unknown).is_err());
        } else {
            assert!(read(path, wrong.clone()).is_err(), "{path} {wrong}");
        }
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(serde_json::from_str::<BlockSubmission>(&deep).is_err());
}

#[test]
fn a_request_that_cannot_be_meant_is_refused_by_field() {
    assert_eq!(request().check(), Ok(()));
    let field = |change: fn(&mut QuoteRequest)| {
        let mut changed = request();
        change(&mut changed);
        changed.check().expect_err("refused").field
    };
    assert_eq!(field(|request| request.groups = 0), "groups");
    assert_eq!(field(|request| request.groups = 17), "groups");
    assert_eq!(field(|request| request.group = 2), "group");
    assert_eq!(field(|request| request.subtrees = 0), "subtrees");
    assert_eq!(field(|request| request.subtrees = 3), "subtrees");
    assert_eq!(field(|request| request.subtrees = 512), "subtrees");
    assert_eq!(field(|request| request.rows_log2 = 29), "rows_log2");
    assert_eq!(field(|request| request.transfers = 0), "transfers");
    assert_eq!(field(|request| request.height = 0), "height");
    assert_eq!(field(|request| request.prove_by = 10), "prove_by");
    assert_eq!(submission().check(), Ok(()));
    let field = |change: fn(&mut BlockSubmission)| {
        let mut changed = submission();
        change(&mut changed);
        changed.check().expect_err("refused").field
    };
    assert_eq!(field(|block| block.header.data_version = 1), "header.data_version");
    assert_eq!(field(|block| block.quote.quote.group = 2), "quote.quote.group");
    assert_eq!(field(|block| block.header.subtrees = 3), "header.subtrees");
    assert_eq!(field(|block| block.header.rows_log2 = 0), "header.rows_log2");
    assert_eq!(field(|block| block.block = Vec::new().into()), "block");
}

proptest! {
    #[test]
    fn random_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(serde_json::from_slice::<QuoteRequest>(&bytes).is_err());
        prop_assert!(serde_json::from_slice::<BlockSubmission>(&bytes).is_err());
    }

    #[test]
    fn a_message_with_one_byte_changed_is_refused_or_reads_as_what_it_then_says(at in any::<usize>(), to in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&submission()).expect("JSON");
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(read) = serde_json::from_slice::<BlockSubmission>(&bytes) {
            let again = serde_json::from_slice::<BlockSubmission>(&serde_json::to_vec(&read).expect("JSON"));
            prop_assert_eq!(again.expect("readable"), read);
        }
    }
}
