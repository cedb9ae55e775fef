//! The binary: what it says when it cannot start.

use std::{fs, path::Path, process::Command};

fn run(config: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_proofyard-sidecar"))
        .arg("--config")
        .arg(config)
        .args(more)
        .output()
        .expect("it starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_missing_is_named_with_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let path = at("sidecar.toml");
    let (exit, said) = run(&path, &[]);
    assert!(exit == Some(5) && said.contains("[PY-S-001]"), "{said}");
    let config = |text: String| fs::write(&path, text).expect("written");
    let says = |code: &str, more: &[&str]| {
        let (exit, said) = run(&path, more);
        assert_eq!(exit, Some(5));
        assert!(said.contains(&format!("[{code}]")), "{code}: {said}");
    };
    config("persona = 1".to_owned());
    says("PY-S-002", &[]);
    config(String::new());
    says("PY-L-001", &[]);
    says("PY-L-001", &["--check"]);
    let l1 = "[[l1.endpoints]]\nurl = \"http://127.0.0.1:1\"\n";
    let files = format!(
        "deployment = {:?}\nvrf_key_file = {:?}\nstate = {:?}\n",
        at("deployment.toml"),
        at("vrf.key"),
        at("state.sqlite")
    );
    let signer = format!("[signer]\nkey_file = {:?}\n", at("key"));
    config(format!("{files}{signer}{l1}"));
    assert_eq!(run(&path, &["--check"]), (Some(0), String::new()), "what it names is not opened");
    says("PY-L-004", &[]);
    let zero = "\"0x0000000000000000000000000000000000000000\"";
    let names = [
        "sidecar",
        "escrow",
        "registry",
        "sequencers",
        "reward_pool",
        "commitments",
        "strategy",
        "deposit_token",
        "reward_token",
    ];
    let addresses: String = names.iter().map(|name| format!("{name} = {zero}\n")).collect();
    let deployment = format!("chain_id = 1\nfirst_block = 0\n{addresses}");
    fs::write(at("deployment.toml"), &deployment).expect("written");
    says("PY-L-061", &[]);
    fs::write(at("key"), "11".repeat(32)).expect("written");
    says("PY-S-010", &[]);
    fs::write(at("vrf.key"), "00".repeat(32)).expect("written");
    says("PY-S-010", &[]);
    fs::write(at("vrf.key"), "01".repeat(32)).expect("written");
    says("PY-C-010", &[]);
    says("PY-S-012", &["--insecure-setup"]);
}
