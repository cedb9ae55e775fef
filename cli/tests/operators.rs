//! What operators do with a running farm: look at it, and take a worker out while a block is proven.

mod common;
#[path = "../../bus/tests/common/mod.rs"]
mod nats;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use common::{Process, command, free_address, last_line, proofyard, setup_dir, text, until};
use serde_json::Value;

const TOKEN: &str = "a token of the operators";
/// One transfer each: enough rounds to take a worker out in between.
const TRANSFERS: &str = "32";

/// A farm of real processes on a real bus.
struct Farm {
    folder: tempfile::TempDir,
    url: String,
    _nats: nats::NatsServer,
    _coordinator: Process,
    workers: [Process; 2],
}

impl Farm {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = nats::NatsServer::start();
        let listen = free_address();
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            path
        };
        let token = write("token", TOKEN);
        let dir = setup_dir();
        let shared = format!("[bus]\nurl = {:?}\nfarm = \"operated\"\n[setup]\ndir = {:?}\n", server.url(), text(&dir));
        let intake = format!("listen = {listen:?}\n[intake]\noperator_token_file = {:?}\n", text(&token));
        let coordinator = write("coordinator.toml", &format!("{intake}{shared}rows_log2 = 12\n"));
        let coordinator = Process::start(&["coordinator", "--config", text(&coordinator), "--insecure-setup"]);
        let workers = ["left", "right"].map(|name| {
            let config = write(&format!("{name}.toml"), &format!("id = {name:?}\nthreads = 1\n{shared}"));
            Process::start(&["worker", "--config", text(&config)])
        });
        let url = format!("http://{listen}");
        Self { folder, url, _nats: server, _coordinator: coordinator, workers }
    }

    fn show(&self, command: &str) -> Option<Value> {
        self.ask_of(command, &[])
    }

    /// The JSON of a command that is asked of the coordinator; none while it fails.
    fn ask_of(&self, command: &str, more: &[&str]) -> Option<Value> {
        let arguments = [&[command, "--json", "--coordinator", &self.url][..], more].concat();
        let output = proofyard(&arguments);
        output.status.success().then(|| last_line(&output))
    }

    fn drain(&self, worker: &str, token: &Path, more: &[&str]) -> std::process::Output {
        let arguments = ["drain", worker, "--json", "--coordinator", &self.url, "--token-file", text(token)];
        proofyard(&[&arguments[..], more].concat())
    }
}

fn is_live(view: &Value, name: &str) -> Option<bool> {
    view["workers"].as_array()?.iter().find(|worker| worker["worker"] == name)?["live"].as_bool()
}

#[test]
fn a_worker_is_drained_while_a_block_is_proven() {
    let mut farm = Farm::start();
    until("two live workers", || farm.show("workers").filter(|view| view["live"] == 2));
    assert_eq!(farm.show("blocks").expect("blocks")["blocks"], Value::Array(Vec::new()));
    let block = farm.folder.path().join("block.bin");
    assert!(proofyard(&["block", "generate", "--transfers", TRANSFERS, "--out", text(&block)]).status.success());
    let id = farm.ask_of("submit", &[text(&block)]).expect("submitted")["id"].as_str().expect("an id").to_owned();
    until("a subtree is answered", || {
        let view = farm.show("blocks")?;
        let status = &view["blocks"][0]["status"];
        assert!(status["error"].is_null(), "{status}");
        (status["stage"] == "proving" && status["subtrees_done"].as_u64()? > 0).then_some(())
    });

    let wrong = farm.folder.path().join("wrong");
    fs::write(&wrong, "another token, as long").expect("written");
    let refused = farm.drain("left", &wrong, &[]);
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), reason.contains("PY-C-222")), (Some(3), true), "{reason}");
    let silent = command(&["drain", "left", "--coordinator", &farm.url]).output().expect("the command");
    let reason = String::from_utf8_lossy(&silent.stderr).into_owned();
    assert_eq!((silent.status.code(), reason.contains("PY-X-130")), (Some(2), true), "{reason}");

    let token = farm.folder.path().join("token");
    let drained = last_line(&farm.drain("left", &token, &["--wait", "60"]));
    assert_eq!((&drained["worker"], &drained["state"]), (&"left".into(), &"left".into()));
    let status = until("the end of the drained worker", || farm.workers[0].ended());
    assert!(status.success(), "{status}");
    let done = until("the block is proven", || {
        let status = farm.ask_of("status", &[&id])?;
        assert!(status["error"].is_null(), "{status}");
        (status["stage"] == "done").then_some(status)
    });
    assert_eq!(done["proof"]["transfers"], 32);
    let view = farm.show("workers").expect("workers");
    assert_eq!((is_live(&view, "left"), is_live(&view, "right")), (Some(false), Some(true)), "{view}");
    assert!(farm.workers[1].ended().is_none());

    // The token may come from the environment; what is drained already is nothing to do.
    let again = command(&["drain", "left", "--json", "--coordinator", &farm.url, "--wait", "5"])
        .env("PROOFYARD_OPERATOR_TOKEN", TOKEN)
        .output()
        .expect("the command");
    assert_eq!(last_line(&again)["state"], "gone");
    let nobody = farm.drain("nobody", &token, &[]);
    assert_eq!(nobody.status.code(), Some(5), "{}", String::from_utf8_lossy(&nobody.stderr));

    for (shown, words) in
        [("workers", ["left    left", "right", "live", "1 of 2"]), ("blocks", [&id[..16], "done", "32", "proven"])]
    {
        let output = proofyard(&[shown, "--coordinator", &farm.url]);
        let table = String::from_utf8(output.stdout).expect("text");
        assert!(words.iter().all(|word| table.contains(word)), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        println!("{table}");
    }
    // The variable names the coordinator too.
    let output = command(&["workers", "--json"]).env("PROOFYARD_COORDINATOR", &farm.url).output().expect("the command");
    assert_eq!(last_line(&output)["live"], 1);
}

#[test]
fn watching_shows_the_farm_again_and_again() {
    let farm = Farm::start();
    until("two live workers", || farm.show("workers").filter(|view| view["live"] == 2));
    for shown in ["workers", "blocks"] {
        let mut watch = command(&[shown, "--watch", "--json", "--coordinator", &farm.url])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
        let twice: Vec<Value> = lines
            .take(2)
            .map(|line| serde_json::from_str(&line.expect("a line")).expect("each line is JSON"))
            .collect();
        let _ = watch.kill();
        let _ = watch.wait();
        assert!(twice.len() == 2 && twice.iter().all(|view| view[shown].is_array()), "{twice:?}");
    }
}
