//! The commented example shows every key with its default; wrong files are refused by the name of the key.

use std::{fs, path::Path};

use proofyard_settlement::{config::EndpointConfig, signer::SignerConfig};
use proofyard_sidecar::{
    config::Config,
    core::{
        policy::{Persona, Policy},
        types::{Address, Bytes},
    },
};

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofyard-sidecar.toml")
}

#[test]
fn the_example_is_the_default() {
    let mut default = Config::default();
    // What has no default.
    default.l1.endpoints = vec![EndpointConfig::url("http://127.0.0.1:8545")];
    default.signer = SignerConfig { key_file: Some("sequencer.key".into()), ..SignerConfig::default() };
    assert_eq!(Config::load(&example()).expect("the example loads"), default);
}

#[test]
fn the_defaults_are_those_of_the_policy() {
    let policy = Config::default().policy(Address::ZERO);
    assert_eq!(policy, Policy::default());
}

/// The example without one of its keys is another configuration than without any: so each key that is shown is a key, and every key
/// that has a value is shown.
#[test]
fn the_example_shows_every_key() {
    let text = fs::read_to_string(example()).expect("readable");
    let debug = format!("{:?}", Config::default());
    for field in debug.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_' || char == ':')) {
        // `name:` in the debug text of a struct is a field.
        let Some(field) = field.strip_suffix(':') else { continue };
        let shown = text.lines().any(|line| {
            let line = line.trim_start_matches("# ");
            line.starts_with(&format!("{field} = "))
                || [format!("[{field}]"), format!("[[{field}]]"), format!("[l1.{field}]"), format!("[[l1.{field}]]")]
                    .contains(&line.to_owned())
        });
        assert!(shown || field == "chain_id", "{field} is not shown");
    }
}

fn with(change: &str, with: &str) -> Result<Config, String> {
    let text = fs::read_to_string(example()).expect("readable");
    assert!(text.contains(change), "{change}");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("changed.toml");
    fs::write(&path, text.replacen(change, with, 1)).expect("writable");
    Config::load(&path).map_err(|error| error.to_string())
}

#[test]
fn wrong_values_are_refused_by_key() {
    for (change, to, key) in [
        ("listen = ", "lissten = ", "lissten"),
        ("block_bytes_max = 16777216", "block_bytes_max = 100", "block_bytes_max"),
        ("blocks_max = 64", "blocks_max = 0", "blocks_max"),
        ("persona = \"self-prove\"", "persona = \"nobody\"", "persona"),
        ("persona = \"self-prove\"", "persona = \"open-auction\"", "coordinators"),
        ("rows_log2 = 16", "rows_log2 = 3", "block.rows_log2"),
        ("groups = 1", "groups = 3", "block.groups"),
        ("token = \"0x00", "token = \"0x0+", "token"),
        ("price_max = \"10000000000000000\"", "price_max = \"1e16\"", "price_max"),
        ("price_max = \"10000000000000000\"", "price_max = \"79228162514264337593543950337\"", "tip.price_max"),
        ("reward_share_bps = 5000", "reward_share_bps = 10001", "tip.reward_share_bps"),
        ("deadline_ms = 2000", "deadline_ms = 0", "bids.deadline_ms"),
        ("self_prove_transfers = 8", "self_prove_transfers = 0", "proving.self_prove_transfers"),
        ("submit_blocks = 3", "submit_blocks = 0", "proving.submit_blocks"),
        ("silent_blocks = 6", "silent_blocks = 1", "proving.silent_blocks"),
        ("missing_blocks = 2", "missing_blocks = 0", "waiting.missing_blocks"),
        ("attempts_max = 8", "attempts_max = 0", "waiting.attempts_max"),
        ("workers = 1", "workers = 0", "farm.workers"),
        ("label = \"\"", "label = \"12\"", "farm.label"),
        ("window_blocks = 256", "window_blocks = 2", "watcher.window_blocks"),
        ("poll_interval_ms = 1000", "poll_ms = 1000", "poll_ms"),
        ("public_url = \"\"", "public_url = \"localhost:1\"", "public_url"),
    ] {
        let error = with(change, to).expect_err(to);
        assert!(error.contains(key) && error.contains("[PY-"), "{to}: {error}");
    }
}

#[test]
fn coordinators_fit_the_persona() {
    let persona = "persona = \"self-prove\"";
    let coordinators = |text: &str| with("\n[signer]\n", &format!("\n{text}\n[signer]\n"));
    let north = "[[coordinators]]\nname = \"north\"\nurl = \"http://127.0.0.1:1\"";
    assert!(coordinators(north).is_ok());
    assert!(coordinators(&format!("{north}\n{north}")).expect_err("twice").contains("coordinators.name"));
    assert!(coordinators(&north.replace("http", "ftp")).expect_err("no HTTP").contains("coordinators.url"));
    // With /v1/blocks/{id}/file behind it, a header takes 176 bytes.
    let of_length =
        |length: usize| with("public_url = \"\"", &format!("public_url = \"http://{}\"", "a".repeat(length - 7)));
    assert!(of_length(177).expect_err("no room for the id").contains("public_url"));
    assert!(of_length(176).is_ok());
    let both = |coordinator: &str, wanted: &str| {
        let text = fs::read_to_string(example()).expect("readable").replacen(persona, wanted, 1);
        let text = text.replacen("\n[signer]\n", &format!("\n{coordinator}\n[signer]\n"), 1);
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("changed.toml");
        fs::write(&path, text).expect("writable");
        Config::load(&path).map_err(|error| error.to_string())
    };
    let trusted = "persona = \"trusted-list\"";
    assert!(both(north, trusted).expect_err("any prover").contains("coordinators.provers"));
    let named = format!("{north}\nprovers = [\"0x{}\"]", "11".repeat(20));
    let config = both(&named, trusted).expect("a named prover");
    let policy = config.policy(Bytes([2; 20]));
    assert_eq!((policy.persona, policy.bidders[0].provers[0]), (Persona::TrustedList, Bytes([0x11; 20])));
    let own = format!("{named}\ndeposit = \"own\"");
    assert!(both(&own, trusted).expect_err("own deposit").contains("coordinators.deposit"));
    let policy = both(&own, "persona = \"open-auction\"").expect("allowed there").policy(Bytes([2; 20]));
    assert!(policy.bidders[0].own_deposit);
}
