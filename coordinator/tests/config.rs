//! The commented example shows every key with its default; wrong files are refused by the name of the key.

use std::{fs, path::Path};

use proofyard_coordinator::{SetupSource, StartError, config::Config};

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proofyard-coordinator.toml")
}

#[test]
fn the_example_is_the_default_and_shows_every_key() {
    assert_eq!(Config::load(&example()).expect("the example loads"), Config::default());
    let text = fs::read_to_string(example()).expect("readable");
    let all = toml::to_string(&Config::default()).expect("serialisable");
    for line in all.lines().filter(|line| line.contains(" = ")) {
        let key = line.split(" = ").next().expect("a key");
        assert!(text.lines().any(|shown| shown.starts_with(&format!("{key} = "))), "{key} is not shown");
    }
}

fn refused(change: &str, with: &str) -> String {
    let text = fs::read_to_string(example()).expect("readable");
    assert!(text.contains(change), "{change}");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("changed.toml");
    fs::write(&path, text.replace(change, with)).expect("writable");
    Config::load(&path).expect_err("refused").to_string()
}

#[test]
fn wrong_values_are_refused_by_key() {
    for (change, with, key) in [
        ("lease_ms = 1500", "lease_ms = 1199", "schedule.lease_ms"),
        ("hedge_after_percent = 75", "hedge_after_percent = 101", "schedule.hedge_after_percent"),
        ("hedge_median_percent = 150", "hedge_median_percent = 99", "schedule.hedge_median_percent"),
        ("job_timeout_ms = 600000", "job_timeout_ms = 1000", "schedule.job_timeout_ms"),
        ("block_deadline_ms = 3600000", "block_deadline_ms = 1000", "schedule.block_deadline_ms"),
        ("drain_ms = 9000", "drain_ms = 10000", "schedule.drain_ms"),
        ("blocks_max = 16", "blocks_max = 0", "schedule.blocks_max"),
        ("rows_log2 = 16", "rows_log2 = 3", "setup.rows_log2"),
        ("requests_burst = 60", "requests_burst = 0", "intake.requests_burst"),
        ("bodies_bytes_max = 268435456", "bodies_bytes_max = 33619967", "intake.bodies_bytes_max"),
        ("connections_max = 1024", "connections_max = 0", "intake.connections_max"),
        ("# unquoted = true", "unquoted = 1", "unquoted"),
        ("# explorer_url = \"https://", "explorer_url = \"javascript:", "intake.explorer_url"),
        ("# explorer_url = \"https://explorer.example\"", "explorer_url = \"https://\"", "intake.explorer_url"),
        ("farm = \"main\"", "farm = \"a b\"", "bus.farm"),
        ("replicas = 1", "replicas = 0", "bus.replicas"),
        ("password_file = \"\"", "password_file = \"password\"", "bus"),
        ("label = \"\"", "label = \"12\"", "setup.label"),
        ("beneficiary = \"0x00", "beneficiary = \"0x+0", "statement.beneficiary"),
        ("listen = ", "lissten = ", "lissten"),
        ("format = \"text\"", "format = \"xml\"", "format"),
    ] {
        let error = refused(change, with);
        assert!(error.contains(key), "{with}: {error}");
    }
}

#[test]
fn the_developers_setup_needs_to_be_allowed() {
    let label = proofyard_coordinator::proof_system::key::INSECURE_LABEL;
    for named in [None, Some(label)] {
        let refused = SetupSource::new("setup".into(), named, false);
        assert!(matches!(refused, Err(StartError::InsecureSetup { .. })));
        assert!(matches!(SetupSource::new("setup".into(), named, true), Ok(SetupSource::Insecure { .. })));
    }
    assert!(matches!(SetupSource::new("setup".into(), Some([7; 32]), false), Ok(SetupSource::Labelled { .. })));
}

#[test]
fn bare_blocks_are_taken_without_l1_and_refused_with_it_unless_told() {
    let mut intake = Config::default().intake;
    let taken = |intake: &proofyard_coordinator::endpoint::IntakeConfig| {
        [false, true].map(|has_l1| intake.limits(1 << 20, has_l1, None).unquoted)
    };
    assert_eq!(taken(&intake), [true, false]);
    intake.unquoted = Some(true);
    assert_eq!(taken(&intake), [true, true]);
    intake.unquoted = Some(false);
    assert_eq!(taken(&intake), [false, false]);
}

const L1: &str = "[l1]\nchain_id = 31337\n[[l1.endpoints]]\nurl = \"http://127.0.0.1:8545\"\n";
const SIGNER: &str = "[signer]\nkey_file = \"prover.key\"\n";

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("coordinator.toml");
    fs::write(&path, text).expect("writable");
    Config::load(&path).map_err(|error| error.to_string())
}

#[test]
fn with_l1_all_of_it_or_none() {
    let whole = format!("{L1}{SIGNER}[settlement]\nblock_ms = 2000\n[market]\nmargin_bps = 5\n");
    let config = load(&whole).expect("a configuration");
    assert!(config.l1.is_some() && config.signer.is_some());
    assert_eq!((config.settlement.block_ms, config.market.margin_bps), (2_000, 5));
    load(&format!("{L1}{SIGNER}")).expect("the other two have defaults");
    for (half, key) in [
        (L1.to_owned(), "signer"),
        (SIGNER.to_owned(), "signer"),
        ("[settlement]\nledger = \"elsewhere.sqlite\"\n".to_owned(), "settlement"),
        ("[market]\nmargin_bps = 5\n".to_owned(), "market"),
        (format!("[l1]\nchain_id = 31337\n{SIGNER}"), "l1"),
        (format!("{L1}{SIGNER}[settlement]\nblock_ms = 0\n"), "settlement.stale_ms"),
        (format!("{L1}{SIGNER}[settlement]\nstart_depth = 2\n"), "market.start_blocks"),
        (format!("{L1}{SIGNER}[market]\nsubmission_blocks = 2\n"), "market.submission_blocks"),
    ] {
        let error = load(&half).expect_err(&half);
        assert!(error.starts_with(&format!("[PY-C-003] {key} ")), "{half}: {error}");
    }
}
