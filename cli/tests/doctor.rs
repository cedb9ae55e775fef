//! `proofyard doctor` on a set-up that works and on ones that are broken, each in one way: the fault is named by its check and by no
//! other. All servers are real.

mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use common::{Anvil, Process, command, free_address, proofyard, text, until};
use nats::NatsServer;
use serde_json::Value;

/// Published keys of anvil's first three accounts, and the addresses of the second and third.
const OPERATOR: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const PROVER: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const SEQUENCER: &str = "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
const ADDRESSES: [&str; 2] =
    ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"];

/// Everything that a coordinator on L1, a worker and a sidecar need.
struct Place {
    folder: tempfile::TempDir,
    nats: NatsServer,
    anvil: Anvil,
    coordinator_url: String,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("a folder"),
            nats: NatsServer::start(),
            anvil: Anvil::start_with(&["--block-time", "1"]),
            coordinator_url: format!("http://{}", free_address()),
        };
        place.secret("operator.key", OPERATOR);
        place.secret("prover.key", PROVER);
        place.secret("sequencer.key", SEQUENCER);
        place.secret("token", "a token of the operators");
        let (block, setup) = (place.path("block.bin"), place.path("setup"));
        run(&["block", "generate", "--transfers", "1", "--out", text(&block)]);
        run(&["setup", "--insecure", "--rows-log2", "12", "--subtrees", "1", "--dir", text(&setup)]);
        let mut deploy =
            vec!["l1", "deploy", "--rows-log2", "12", "--first-block", text(&block), "--dir", text(&setup)];
        ADDRESSES.iter().for_each(|address| deploy.extend(["--fund", address]));
        let (deployment, operator) = (place.path("deployment.toml"), place.path("operator.key"));
        let rpc = ["--rpc", place.anvil.url(), "--key-file"];
        run(&[&deploy[..], &rpc, &[text(&operator), "--out", text(&deployment)]].concat());
        let (prover, sequencer, vrf) = (place.path("prover.key"), place.path("sequencer.key"), place.path("vrf.key"));
        let at = ["--deployment", text(&deployment)];
        run(&[&["l1", "deposit"], &rpc[..], &[text(&prover)], &at, &["500"]].concat());
        run(&[&["l1", "register"], &rpc[..], &[text(&sequencer)], &at, &["--vrf-key-file", text(&vrf)]].concat());
        place.write("coordinator.toml", &place.coordinator());
        place.write("worker.toml", &place.worker());
        place.write("sidecar.toml", &place.sidecar());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn quoted(&self, name: &str) -> String {
        format!("{:?}", text(&self.path(name)))
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.path(name), content).expect("written");
        self.path(name)
    }

    fn secret(&self, name: &str, content: &str) {
        let path = self.write(name, content);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }

    fn l1(&self) -> String {
        let endpoint = format!("[[l1.endpoints]]\nurl = {:?}\n", self.anvil.url());
        format!("[l1]\npoll_interval_ms = 200\n{endpoint}{endpoint}")
    }

    fn coordinator(&self) -> String {
        format!(
            "listen = {:?}\n[intake]\noperator_token_file = {}\n[bus]\nurl = {:?}\nfarm = \"ward\"\n\
             [setup]\ndir = {}\nrows_log2 = 12\n{}[signer]\nkey_file = {}\n\
             [settlement]\ndeployment = {}\nledger = {}\nblock_ms = 1000\n",
            self.coordinator_url.trim_start_matches("http://"),
            self.quoted("token"),
            self.nats.url(),
            self.quoted("setup"),
            self.l1(),
            self.quoted("prover.key"),
            self.quoted("deployment.toml"),
            self.quoted("ledger.sqlite"),
        )
    }

    fn worker(&self) -> String {
        format!(
            "id = \"patient\"\nthreads = 1\n[device]\nkind = \"cpu\"\n[bus]\nurl = {:?}\nfarm = \"ward\"\n[setup]\ndir = {}\n",
            self.nats.url(),
            self.quoted("setup"),
        )
    }

    fn sidecar(&self) -> String {
        format!(
            "listen = {:?}\nstate = {}\ndeployment = {}\nvrf_key_file = {}\npersona = \"self-prove\"\n[block]\nrows_log2 = 12\n\
             [farm]\nsetup_dir = {}\n[waiting]\nblock_ms = 1000\n[signer]\nkey_file = {}\n{}",
            free_address(),
            self.quoted("sidecar.sqlite"),
            self.quoted("deployment.toml"),
            self.quoted("vrf.key"),
            self.quoted("setup"),
            self.quoted("sequencer.key"),
            self.l1(),
        )
    }

    /// What the doctor says of these files, and of a running coordinator.
    fn doctor(&self, files: &[&str], url: Option<&str>) -> Verdict {
        let paths: Vec<_> = files.iter().map(|name| self.path(name)).collect();
        let mut arguments = vec!["doctor", "--json", "--log", "off"];
        paths.iter().for_each(|path| arguments.extend(["--config", text(path)]));
        arguments.extend(url.iter().flat_map(|url| ["--coordinator", url]));
        let output = command(&arguments).output().expect("the command starts");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = printed.lines().last().and_then(|line| serde_json::from_str(line).ok());
        let report = report.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr)));
        Verdict { code: output.status.code(), report }
    }

    /// Breaks a configuration by putting other words into it, and asks the doctor about it.
    fn broken(&self, name: &str, from: &str, to: &str) -> Verdict {
        let path = self.path(name);
        let sound = fs::read_to_string(&path).expect("a configuration");
        assert!(sound.contains(from), "{from} is in {sound}");
        fs::write(&path, sound.replace(from, to)).expect("written");
        let verdict = self.doctor(&[name], None);
        fs::write(&path, sound).expect("written");
        verdict
    }
}

struct Verdict {
    code: Option<i32>,
    report: Value,
}

impl Verdict {
    fn findings(&self, state: &str) -> Vec<&Value> {
        let checks = self.report["checks"].as_array().expect("checks");
        checks.iter().filter(|check| check["state"] == state).collect()
    }

    fn is_healthy(&self) -> bool {
        self.code == Some(0) && self.findings("fail").is_empty() && self.report["ok"] == true
    }

    /// Something is found by this check, `times` times, and by no other; what is seen and what is to be done say these words.
    fn names(&self, check: &str, times: usize, seen: &str, remedy: &str) {
        let failing = self.findings("fail");
        assert_eq!(failing.len(), times, "{:#}", self.report);
        for finding in failing {
            assert_eq!(finding["check"], check, "{:#}", self.report);
            assert!(finding["seen"].as_str().is_some_and(|text| text.contains(seen)), "{finding:#}");
            assert!(finding["remedy"].as_str().is_some_and(|text| text.contains(remedy)), "{finding:#}");
        }
        assert_eq!((self.code, &self.report["ok"]), (Some(6), &Value::Bool(false)));
    }

    /// What a check saw where nothing is wrong.
    fn saw(&self, check: &str, words: &str) {
        let of_check = |finding: &&&Value| finding["check"] == check;
        let fine = self.findings("ok");
        let found = fine
            .iter()
            .filter(of_check)
            .any(|finding| finding["seen"].as_str().is_some_and(|seen| seen.contains(words)));
        assert!(found, "{check}: {words}: {:#}", self.report);
    }
}

fn run(arguments: &[&str]) {
    let output = proofyard(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Turns one bit of a file's byte around.
fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(path).expect("a file");
    let place = at(bytes.len());
    bytes[place] ^= 1;
    fs::write(path, bytes).expect("written");
}

/// The only file below a folder whose name ends so.
fn file_below(folder: &Path, end: &str) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_running_farm_is_healthy() {
    let place = Place::new();
    let config = |name: &str| text(&place.path(name)).to_owned();
    let coordinator = Process::start(&["coordinator", "--config", &config("coordinator.toml"), "--insecure-setup"]);
    let worker = Process::start(&["worker", "--config", &config("worker.toml")]);
    let sidecar = Process::start(&["sidecar", "--config", &config("sidecar.toml"), "--insecure-setup"]);
    let files = ["coordinator.toml", "worker.toml", "sidecar.toml"];
    let url = place.coordinator_url.as_str();
    // Until all have started.
    let mut last = String::new();
    let verdict = until("a healthy farm", || {
        let verdict = place.doctor(&files, Some(url));
        let now = format!("{:#}", Value::from(verdict.findings("fail").into_iter().cloned().collect::<Vec<_>>()));
        if now != last {
            eprintln!("{now}");
            last = now;
        }
        let running = verdict
            .findings("ok")
            .iter()
            .filter(|finding| finding["check"] == "ledger")
            .all(|finding| finding["seen"].as_str().is_some_and(|seen| seen.contains("in use")));
        (verdict.is_healthy() && running).then_some(verdict)
    });
    for (check, words) in [
        ("config", "a coordinator's, by its keys"),
        ("config", "a worker's, by its keys"),
        ("config", "a sidecar's, by its keys"),
        ("files", "signer.key_file"),
        ("files", "mode 600"),
        ("setup", "2^12 rows, 1 subtrees"),
        ("nats.release", "2.15.1"),
        ("nats.streams", "proofyard-ward-jobs"),
        ("nats.round-trip", "ms"),
        ("ledger", "in use by a running coordinator"),
        ("ledger", "in use by a running sidecar"),
        ("device", "cpu"),
        ("device.answers", "come out right"),
        ("memory", "2^12 rows"),
        ("signer", ADDRESSES[0]),
        ("l1.agreement", "2 endpoints have the same block"),
        ("l1.contracts", "takes 2^12 rows"),
        ("l1.escrow", "500 deposit tokens"),
        ("clock.l1", "0 s"),
        ("clock.coordinator", "the coordinator's clock"),
        ("coordinator.ready", "workers: 1 live"),
        ("coordinator.release", env!("CARGO_PKG_VERSION")),
        ("together.farm", "farm ward"),
        ("together.key", url),
    ] {
        verdict.saw(check, words);
    }
    // People get the same.
    let output = proofyard(&["doctor", "--config", &config("worker.toml"), "--coordinator", url]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("worker.toml (worker)") && shown.contains("0 failing"), "{shown}");
    assert!(shown.lines().skip(1).all(|line| line.starts_with('/') || line.chars().count() <= 100), "{shown}");
    println!("{shown}");

    // The worker is gone: the coordinator's own check says so.
    worker.end();
    let verdict = until("the worker is missed", || {
        let verdict = place.doctor(&[], Some(url));
        (!verdict.is_healthy()).then_some(verdict)
    });
    verdict.names("coordinator.ready", 1, "workers: 0 live", "start workers");
    sidecar.end();
    coordinator.end();
    place.doctor(&[], Some(url)).names("coordinator", 1, "PY-H-002", "start the coordinator");
    // Nobody has the ledgers any more: now they are read.
    let verdict = place.doctor(&files, None);
    assert!(verdict.is_healthy(), "{:#}", verdict.report);
    verdict.saw("ledger", "ledger.sqlite: sound");
    verdict.saw("ledger", "sidecar.sqlite: sound");
    for ledger in ["ledger.sqlite", "sidecar.sqlite"] {
        let path = place.path(ledger);
        let sound = fs::read(&path).expect("a ledger");
        let mut damaged = sound.clone();
        damaged[4_096..6_144].fill(0xa5);
        fs::write(&path, damaged).expect("written");
        place.doctor(&files, None).names("ledger", 1, "damaged", "backup");
        fs::write(&path, sound).expect("written");
    }
    assert!(place.doctor(&files, None).is_healthy());
}

#[test]
fn every_fault_is_named_by_its_check_alone() {
    let mut place = Place::new();
    let files = ["coordinator.toml", "worker.toml", "sidecar.toml"];
    let verdict = place.doctor(&files, None);
    assert!(verdict.is_healthy(), "{:#}", verdict.report);

    // Configurations.
    place.broken("worker.toml", "threads", "thraeds").names("config", 1, "PY-W-002", "worker/proofyard-worker.toml");
    place.broken("coordinator.toml", "rows_log2 = 12", "rows_log2 = 7").names(
        "config",
        1,
        "PY-C-003",
        "proofyard-coordinator.toml",
    );
    place.broken("sidecar.toml", "self-prove", "self").names("config", 1, "PY-S-002", "proofyard-sidecar.toml");

    // Files.
    for (config, file) in
        [("coordinator.toml", "prover.key"), ("coordinator.toml", "token"), ("sidecar.toml", "vrf.key")]
    {
        let path = place.path(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("its mode");
        place.doctor(&[config], None).names("files", 1, "mode 644", "chmod 600");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    place.broken("coordinator.toml", "prover.key", "nowhere.key").names("files", 1, "nowhere.key", "signer.key_file");
    place.broken("coordinator.toml", "prover.key", "deployment.toml").findings("fail").iter().for_each(|finding| {
        assert!(finding["check"] == "signer" || finding["check"] == "files", "{finding:#}");
    });
    place.broken("coordinator.toml", "deployment.toml", "nowhere.toml").names(
        "l1.deployment",
        1,
        "PY-L-004",
        "l1 deploy",
    );
    place.broken("coordinator.toml", "ledger.sqlite", "nowhere/ledger.sqlite").names(
        "disk",
        1,
        "nowhere",
        "make the folder",
    );

    // SRS and keys.
    let setup = place.path("setup");
    for end in ["row-000.pyrow", ".pysrs", ".pykey"] {
        let path = file_below(&setup, end);
        let sound = fs::read(&path).expect("a file");
        flip(&path, |length| length - 33);
        place.doctor(&["worker.toml"], None).names("setup", 1, "PY-S-003", "delete that file");
        fs::write(&path, sound).expect("written");
    }
    place.broken("worker.toml", "/setup", "/nowhere").names("setup", 1, "no keys", "proofyard setup --insecure");
    let label = format!("rows_log2 = 12\nlabel = \"{}\"", "ab".repeat(32));
    place.broken("coordinator.toml", "rows_log2 = 12", &label).names("setup", 1, "no keys", "the ceremony's SRS file");

    // The device: one that no machine has.
    let cuda = "kind = \"cuda\"\nordinal = 4096";
    place.broken("worker.toml", "kind = \"cpu\"", cuda).names("device", 1, "[PY-C-00", "kind = \"cpu\"");

    // The bus.
    let locked = NatsServer::start_with(&["-js", "--user", "farm", "--pass", "secret"]);
    let url = place.nats.url();
    place.broken("worker.toml", &url, &locked.url()).names("nats.credentials", 1, "PY-B-002", "user and password");
    let with = |password: &str| locked.url().replace("nats://", &format!("nats://farm:{password}@"));
    let verdict = place.broken("worker.toml", &url, &with("wrong"));
    verdict.names("nats.credentials", 1, "PY-B-002", "user and password");
    assert!(!verdict.report.to_string().contains("wrong"), "passwords are not shown");
    assert!(place.broken("worker.toml", &url, &with("secret")).is_healthy());
    let bare = NatsServer::start_with(&[]);
    place.broken("worker.toml", &url, &bare.url()).names("nats.jetstream", 1, "no JetStream", "-js");
    let small = NatsServer::start_with(&["-js", "-c", text(&place.write("small.conf", "max_payload: 64KB\n"))]);
    place.broken("worker.toml", &url, &small.url()).names("nats.limits", 1, "65536", "max_payload");

    // L1.
    let chain = place.anvil.url().to_owned();
    let verdict = place.broken("coordinator.toml", &chain, "http://127.0.0.1:1");
    verdict.names("l1.endpoints", 2, "PY-L-010", "start its node");
    let other = Anvil::start_with(&["--chain-id", "99"]);
    let second =
        |config: &str| config.rsplit_once(&chain).map(|(before, after)| format!("{before}{}{after}", other.url()));
    let mixed = second(&place.coordinator()).expect("two endpoints");
    place.write("mixed-coordinator.toml", &mixed);
    place.doctor(&["mixed-coordinator.toml"], None).names("l1.endpoints", 1, "PY-L-020", "l1.chain_id");
    let empty = Anvil::start_with(&["--block-time", "1"]);
    place.broken("coordinator.toml", &chain, empty.url()).names(
        "l1.contracts",
        1,
        "PY-L-082",
        "deployment of this chain",
    );
    let deployment = fs::read_to_string(place.path("deployment.toml")).expect("the deployment");
    place.write("other.toml", &deployment.replace("chain_id = 31337", "chain_id = 1"));
    place.broken("coordinator.toml", "deployment.toml", "other.toml").names(
        "l1.deployment",
        1,
        "is on chain 1, l1.chain_id is 31337",
        "l1.chain_id",
    );
    // The sequencer's account has no deposit in the escrow, and no VRF key but its own.
    place.broken("coordinator.toml", "prover.key", "sequencer.key").names(
        "l1.escrow",
        1,
        "has 0 deposit tokens",
        "l1 deposit",
    );
    place.broken("sidecar.toml", "sequencer.key", "prover.key").names(
        "l1.sequencer",
        1,
        "not registered",
        "l1 register",
    );
    place.anvil.call(&["anvil_setBalance", ADDRESSES[0], "0x0"]);
    place.doctor(&["coordinator.toml"], None).names("l1.account", 1, "has 0 ETH", "send ETH");
    place.anvil.call(&["anvil_setBalance", ADDRESSES[0], "0x56bc75e2d63100000"]);
    // Blocks of the future: this machine's clock is behind.
    place.anvil.call(&["evm_increaseTime", "3600"]);
    place.anvil.mine(1);
    let verdict = place.doctor(&["coordinator.toml", "worker.toml"], None);
    verdict.names("clock.l1", 1, "s ahead of this machine's clock", "NTP");

    place.nats.stop();
    let verdict = place.doctor(&["worker.toml"], None);
    verdict.names("nats.connect", 1, "PY-B-001", "nats-server -js");
    assert!(verdict.findings("skip").iter().any(|finding| finding["check"] == "nats.streams"));
}

#[test]
fn something_to_look_at_must_be_named() {
    let nothing = proofyard(&["doctor"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", String::from_utf8_lossy(&nothing.stderr));
    let output = proofyard(&["doctor", "--json", "--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(6));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["failures"], &report["checks"][0]["check"]), (&1.into(), &"config".into()));
    // An address that is none is found as any other fault.
    let output = command(&["doctor", "--json"]).env("PROOFYARD_COORDINATOR", "nowhere").output().expect("the command");
    assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
}
