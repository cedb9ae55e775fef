//! Brings everything up: chain, contracts, accounts, bus, farms, sidecar.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use proofyard_contracts::bls::SecretKey;
use proofyard_coordinator_client::{Client, Timeouts};
use proofyard_embedded_farm::coordinator::{SetupSource, Setups};
use proofyard_rollup::block::Block;
use proofyard_settlement::{
    alloy::signers::local::PrivateKeySigner,
    sidecar_client::{SidecarClient, deploy},
    signer::Key,
};

use super::{
    cast::{OPERATOR, PROVERS, Party, SEQUENCER, TREASURY},
    processes::{Process, tool},
};
use crate::{
    failure::Failure,
    l1::{connect, deposit, plan, register, units, write, write_secret},
    screen::Screen,
};

/// Rows of a subtree, log2: two subtrees hold the transfers of a height.
pub const ROWS_LOG2: u32 = 14;
/// Subtrees of a height's block.
pub const SUBTREES: u32 = 2;
/// Seconds between two L1 blocks.
pub const BLOCK_SECONDS: u64 = 1;
/// Blocks on top of a proven height after which it is final.
pub const FINALITY: u64 = 3;
/// Deposit tokens that each prover has, and how many of them it puts into the escrow.
const FUNDS: [u64; 2] = [1_000, 500];
/// Wei for a second of the whole farm, by prover.
const PRICES: [&str; 2] = ["100000000000000", "150000000000000"];
/// How long something may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A prover's side.
pub struct Farm {
    /// Who it is.
    pub party: Party,
    /// Its coordinator.
    pub coordinator: Process,
    /// Its worker.
    pub worker: Process,
    /// To its coordinator's endpoint ...
    pub client: Client,
    /// ... at this address.
    pub url: String,
}

/// All of it. Fields end in this order: the bus and the chain last.
pub struct Stage {
    /// The sequencer's sidecar.
    pub sidecar: Process,
    /// Its endpoint, `http://HOST:PORT`.
    pub sidecar_url: String,
    /// The provers.
    pub farms: [Farm; 2],
    /// To the contracts.
    pub client: SidecarClient,
    /// The chain's endpoint.
    pub chain_url: String,
    nats: Process,
    chain: Process,
}

impl Stage {
    /// Brings everything up in a folder. `first` is the block that the rollup begins with.
    pub async fn set(folder: &Path, setup: &Path, first: &Block, screen: &Screen) -> Result<Self, Failure> {
        let (anvil, nats_server) = (tool("PROOFYARD_ANVIL", "anvil")?, tool("PROOFYARD_NATS_SERVER", "nats-server")?);
        let environment = |error: &dyn std::error::Error| Failure::Environment(error.to_string());
        let setups = Setups::new(SetupSource::Insecure { dir: setup.to_owned() }, ROWS_LOG2)
            .map_err(|error| environment(&error))?;
        let opened = setups
            .get(SUBTREES as usize, &|stage, done, total| screen.step(stage, done, total))
            .map_err(|error| environment(&error))?;

        let mut chain = anvil_at(&anvil, folder)?;
        let chain_url = listening(&mut chain, folder)?;
        let mut nats = nats_at(&nats_server, folder)?;
        let nats_url = nats_port(&mut nats, folder)?;
        screen.say(&format!("anvil ({BLOCK_SECONDS} s blocks) at {chain_url}, nats-server at {nats_url}"));

        let rpc = connect(&chain_url).await?;
        let mut plan = plan(first, &opened.verifying_key(), ROWS_LOG2);
        plan.slash_recipient = TREASURY.address;
        plan.deposit_funds = PROVERS.iter().chain([&SEQUENCER]).map(|party| (party.address, units(FUNDS[0]))).collect();
        let deployment = deploy(&rpc, &key(&OPERATOR)?, &plan).await?;
        write(&folder.join("deployment.toml"), &deployment)?;
        let client = SidecarClient::new(rpc, deployment);
        let vrf = SecretKey::from_seed(SEQUENCER.key.as_bytes());
        write_secret(&folder.join("vrf.key"), &vrf.to_bytes())?;
        let (sequencer, north, south) = (key(&SEQUENCER)?, key(&PROVERS[0])?, key(&PROVERS[1])?);
        tokio::try_join!(
            register(&client, &sequencer, &vrf),
            deposit(&client, &north, units(FUNDS[1])),
            deposit(&client, &south, units(FUNDS[1])),
        )?;
        screen.say(&format!(
            "contracts deployed, the sequencer's VRF key registered, {} deposit tokens of each prover in escrow",
            FUNDS[1]
        ));

        for party in PROVERS.iter().chain([&SEQUENCER]) {
            let mut bytes = [0; 32];
            hex::decode_to_slice(party.key, &mut bytes).map_err(|error| environment(&error))?;
            write_secret(&folder.join(format!("{}.key", party.name)), &bytes)?;
        }
        let program = std::env::current_exe().map_err(|error| environment(&error))?;
        let paths = Paths { folder, setup, program: &program, chain_url: &chain_url, nats_url: &nats_url };
        let farms = [paths.farm(0)?, paths.farm(1)?];
        let listen = free_port()?;
        paths.write("sidecar", &paths.sidecar(&listen, &free_port()?, &farms))?;
        let mut sidecar = paths.start("sidecar", "sidecar", true)?;
        let sidecar_url = format!("http://{listen}");
        let until = Instant::now() + PATIENCE;
        for farm in &farms {
            let ready = async || farm.client.ready().await.is_ok_and(|readiness| readiness.ready);
            wait_until(until, "a coordinator", ready).await?;
        }
        let http = reqwest::Client::new();
        wait_until(until, "the sidecar", async || {
            let Ok(answer) = http.get(format!("{sidecar_url}/healthz")).send().await else { return false };
            let health: serde_json::Value = answer.json().await.unwrap_or_default();
            health["l1_block"].is_u64()
        })
        .await?;
        sidecar.check()?;
        screen.say("two coordinators with a worker each, and the sequencer's sidecar, are up");
        Ok(Self { sidecar, sidecar_url, farms, client, chain_url, nats, chain })
    }

    /// Fails when a process has ended by itself. `gone`: whose coordinator was killed.
    pub fn check(&mut self, gone: &[usize], is_sidecar_gone: bool) -> Result<(), Failure> {
        self.chain.check()?;
        self.nats.check()?;
        if !is_sidecar_gone {
            self.sidecar.check()?;
        }
        for (index, farm) in self.farms.iter_mut().enumerate() {
            farm.worker.check()?;
            if !gone.contains(&index) {
                farm.coordinator.check()?;
            }
        }
        Ok(())
    }

    /// Ends all who send transactions.
    pub fn end_senders(&mut self) {
        let coordinators = self.farms.iter_mut().map(|farm| &mut farm.coordinator);
        Process::end(coordinators.chain([&mut self.sidecar]));
    }

    /// Ends all processes; those that talk to others before those others.
    pub fn end(mut self) {
        self.end_senders();
        Process::end(self.farms.iter_mut().map(|farm| &mut farm.worker));
        Process::end([&mut self.nats, &mut self.chain]);
    }
}

fn key(party: &Party) -> Result<Key, Failure> {
    let signer: Result<PrivateKeySigner, _> = party.key.parse();
    signer.map(Key::local).map_err(|error| Failure::Environment(error.to_string()))
}

/// An address that nobody listens on now.
fn free_port() -> Result<String, Failure> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.to_string()).map_err(|error| Failure::Environment(error.to_string()))
}

async fn wait_until(until: Instant, what: &str, mut done: impl AsyncFnMut() -> bool) -> Result<(), Failure> {
    while !done().await {
        if Instant::now() > until {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::Environment(format!(
                "[PY-X-112] {what} is not ready after {seconds} s; look at the logs in the folder that is kept"
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn anvil_at(program: &Path, folder: &Path) -> Result<Process, Failure> {
    let arguments = ["--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", "--block-time"].map(str::to_owned);
    let arguments = arguments.into_iter().chain([BLOCK_SECONDS.to_string()]).collect();
    Process::start("anvil", program, arguments, folder)
}

/// Where anvil listens, from what it printed.
fn listening(chain: &mut Process, folder: &Path) -> Result<String, Failure> {
    printed(chain, &folder.join("anvil.log"), |line| {
        line.split_once("Listening on ").map(|(_, address)| format!("http://{}", address.trim()))
    })
}

fn nats_at(program: &Path, folder: &Path) -> Result<Process, Failure> {
    let state = folder.join("nats").display().to_string();
    let arguments = ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", &state].map(str::to_owned).into();
    Process::start("nats-server", program, arguments, folder)
}

/// Where the NATS server listens, from what it printed.
fn nats_port(nats: &mut Process, folder: &Path) -> Result<String, Failure> {
    printed(nats, &folder.join("nats-server.log"), |line| {
        line.split_once("client connections on ").map(|(_, address)| format!("nats://{}", address.trim()))
    })
}

/// Waits for a line of a log.
fn printed(process: &mut Process, log: &Path, find: impl Fn(&str) -> Option<String>) -> Result<String, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let file = fs::File::open(log).map_err(|error| Failure::file(log, error))?;
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        if let Some(found) = lines.into_iter().find_map(|line| find(&line)) {
            return Ok(found);
        }
        process.check()?;
        if Instant::now() > until {
            return Err(Failure::Environment(format!("[PY-X-112] {} does not say where it listens", log.display())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What configurations are made of.
struct Paths<'a> {
    folder: &'a Path,
    setup: &'a Path,
    program: &'a Path,
    chain_url: &'a str,
    nats_url: &'a str,
}

impl Paths<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.file(&format!("{name}.toml"));
        fs::write(&path, text).map_err(|error| Failure::file(&path, error))
    }

    fn start(&self, command: &str, name: &str, insecure: bool) -> Result<Process, Failure> {
        let config = self.file(&format!("{name}.toml")).display().to_string();
        let mut arguments = vec![command.to_owned(), "--config".to_owned(), config];
        if insecure {
            arguments.push("--insecure-setup".to_owned());
        }
        Process::start(name, self.program, arguments, self.folder)
    }

    fn farm(&self, index: usize) -> Result<Farm, Failure> {
        let party = PROVERS[index];
        let (coordinator, worker) = (format!("{}-coordinator", party.name), format!("{}-worker", party.name));
        let listen = free_port()?;
        self.write(&coordinator, &self.coordinator(&party, &listen, &free_port()?, PRICES[index]))?;
        self.write(&worker, &self.worker(&party))?;
        let url = format!("http://{listen}");
        let client = Client::new(&url, Timeouts::default()).map_err(|error| Failure::Environment(error.to_string()))?;
        let worker = self.start("worker", &worker, false)?;
        let coordinator = self.start("coordinator", &coordinator, true)?;
        Ok(Farm { party, coordinator, worker, client, url })
    }

    fn quoted(&self, name: &str) -> String {
        // A JSON string is a TOML string too.
        serde_json::Value::from(self.file(name).display().to_string()).to_string()
    }

    fn setup(&self) -> String {
        serde_json::Value::from(self.setup.display().to_string()).to_string()
    }

    fn worker(&self, party: &Party) -> String {
        let (name, nats, setup) = (party.name, self.nats_url, self.setup());
        format!(
            "id = \"{name}-worker\"\nthreads = 2\n\n[bus]\nurl = \"{nats}\"\nfarm = \"{name}\"\n\n[setup]\ndir = {setup}\n"
        )
    }

    fn l1(&self) -> String {
        let url = self.chain_url;
        format!("poll_interval_ms = 200\nfinality_depth = {FINALITY}\n\n[[l1.endpoints]]\nurl = \"{url}\"\n")
    }

    fn coordinator(&self, party: &Party, listen: &str, operations: &str, price: &str) -> String {
        let name = party.name;
        let (nats, setup, l1) = (self.nats_url, self.setup(), self.l1());
        let chain_id = crate::chain::CHAIN_ID;
        let (key, ledger) = (self.quoted(&format!("{name}.key")), self.quoted(&format!("{name}-ledger.sqlite")));
        let deployment = self.quoted("deployment.toml");
        let block_ms = 1_000 * BLOCK_SECONDS;
        format!(
            r#"listen = "{listen}"

[operations]
listen = "{operations}"

[bus]
url = "{nats}"
farm = "{name}"

[setup]
dir = {setup}
rows_log2 = {ROWS_LOG2}

[l1]
chain_id = {chain_id}
{l1}
[signer]
key_file = {key}

[settlement]
deployment = {deployment}
ledger = {ledger}
block_ms = {block_ms}
stale_ms = 10000

[market]
prior_subtree_ms = 4000

[[market.tips]]
token = "0x0000000000000000000000000000000000000000"
price_per_farm_second = "{price}"
per_ether = "1000000000000000000"
per_deposit_unit = "1000000000000000"
"#
        )
    }

    fn sidecar(&self, listen: &str, operations: &str, farms: &[Farm]) -> String {
        let (setup, l1) = (self.setup(), self.l1());
        let (state, deployment) = (self.quoted("sidecar.sqlite"), self.quoted("deployment.toml"));
        let (vrf, key) = (self.quoted("vrf.key"), self.quoted(&format!("{}.key", SEQUENCER.name)));
        let block_ms = 1_000 * BLOCK_SECONDS;
        let coordinators: String = farms
            .iter()
            .map(|farm| {
                let Party { name, address, .. } = farm.party;
                let url = &farm.url;
                format!("[[coordinators]]\nname = \"{name}\"\nurl = \"{url}\"\nprovers = [\"{address:#x}\"]\n\n")
            })
            .collect();
        format!(
            r#"listen = "{listen}"
state = {state}
deployment = {deployment}
vrf_key_file = {vrf}
persona = "trusted-list"

[operations]
listen = "{operations}"

[block]
rows_log2 = {ROWS_LOG2}

[waiting]
block_ms = {block_ms}

[farm]
setup_dir = {setup}

{coordinators}[signer]
key_file = {key}

[l1]
{l1}"#
        )
    }
}
