//! The configuration in docs/settlement.md is the one that this crate takes.

use proofyard_settlement::config::{EndpointConfig, L1Config};
use proofyard_settlement::signer::SignerConfig;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Documented {
    l1: L1Config,
    signer: SignerConfig,
}

#[test]
fn the_documented_configuration_is_valid_and_shows_the_defaults() {
    let page = include_str!("../../../docs/settlement.md");
    let (_, rest) = page.split_once("```toml\n").expect("a TOML block");
    let (text, _) = rest.split_once("```").expect("its end");
    let documented: Documented = toml::from_str(text).expect("a configuration");
    assert_eq!(documented.l1.validate(), Ok(()));
    let endpoints = vec![EndpointConfig::url("http://127.0.0.1:8545")];
    assert_eq!(documented.l1, L1Config { endpoints, ..L1Config::default() });
    assert!(documented.signer.key_file.is_some());
}
