//! The command line.

mod operators;

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand};

pub use operators::{Completions, CoordinatorUrl, Doctor, Drain, Look, ManPages};

/// Proves rollup blocks on a farm of workers and checks the root proof as Ethereum would.
///
/// Exit codes: 0 done and verified, 2 usage, 3 the block or the operator was refused, 4 no valid proof, 5 files or network, 6 a check of
/// `doctor` fails or a drained worker still runs.
#[derive(Debug, Parser)]
#[command(name = "proofyard", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// Print one JSON object with the result as the last line of standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log filter, such as `info` or `proofyard_coordinator=debug`; logs go to standard error.
    #[arg(long, global = true, value_name = "FILTER", default_value = "warn")]
    pub log: String,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prove 64 generated transfers in this process and check the proof as Ethereum would; with --full, play the whole story.
    Demo(Demo),
    /// Make, import and show block files.
    #[command(subcommand)]
    Block(Block),
    /// Prove a block file.
    Prove(Prove),
    /// Measure a farm on this machine: throughput, latency, scaling, memory, energy and cost.
    Bench(Bench),
    /// Hand a block file to a running coordinator.
    Submit(Submit),
    /// Ask a running coordinator about a block.
    Status(Status),
    /// Show a farm's workers: state, device, jobs, processor, memory.
    Workers(Look),
    /// Show a farm's blocks: where each stands, its window's slack, what is promised for it.
    Blocks(Look),
    /// Tell a worker to take no more jobs, to end or hand back those it has, and to leave; done already: nothing happens.
    Drain(Drain),
    /// Check configurations, and all that they name, and running coordinators, and say what to do.
    Doctor(Doctor),
    /// Check a root proof against a block file.
    Verify(Verify),
    /// Make the SRS and keys that proving needs (demo and prove make what is missing).
    Setup(Setup),
    /// Deploy the contracts on a development chain, register a sequencer, back a prover's quotes, show accounts.
    #[command(subcommand)]
    L1(L1),
    /// Serve a farm as a worker process, as proofyard-worker does.
    Worker {
        /// The worker's configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Run a coordinator, as proofyard-coordinator does.
    Coordinator(Process),
    /// Run a sequencer's sidecar, as proofyard-sidecar does.
    Sidecar(Process),
    /// Print a script that completes this command line in a shell.
    Completions(Completions),
    /// Print or write manual pages.
    Man(ManPages),
}

/// A long-running process.
#[derive(Debug, Args)]
pub struct Process {
    /// Its configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Accept the developers' setup, for whose key anyone can forge proofs.
    #[arg(long)]
    pub insecure_setup: bool,
}

/// Where SRS and keys are.
#[derive(Debug, Args, Clone)]
pub struct SetupFolder {
    /// Folder of SRS and keys [default: proofyard in the user's cache folder].
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// What a proof is bound to on L1.
#[derive(Debug, Args, Clone)]
pub struct Chain {
    /// EIP-155 chain id of the verifier contract.
    #[arg(long, default_value_t = crate::chain::CHAIN_ID)]
    pub chain_id: u64,
    /// Address of the verifier contract [default: where `--evm` and the demo deploy it].
    #[arg(long, value_name = "ADDRESS")]
    pub contract: Option<Address>,
    /// Who earns the submission reward; the zero address: whoever submits.
    #[arg(long, value_name = "ADDRESS", default_value = "0x0000000000000000000000000000000000000000")]
    pub beneficiary: Address,
}

/// A 20-byte Ethereum address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub [u8; 20]);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut address = [0; 20];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut address)
            .map_err(|error| format!("an address has 40 hexadecimal digits: {error}"))?;
        Ok(Self(address))
    }
}

/// Where jobs travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// Channels of this process.
    InProcess,
    /// A NATS server.
    Nats(String),
}

impl FromStr for Bus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "in-process" => Ok(Self::InProcess),
            url if url.starts_with("nats://") || url.starts_with("tls://") => Ok(Self::Nats(url.to_owned())),
            _ => Err("expected in-process or nats://HOST:PORT".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Worker threads of the farm.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// Seed of the generated transfers.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The whole story on a chain of this machine: real processes of nats-server, anvil, two prover farms and a sequencer's sidecar
    /// play three heights, one proven, one slashed, one rescued.
    #[arg(long, conflicts_with = "workers")]
    pub full: bool,
    /// With --full: keep configurations and logs in this new folder.
    #[arg(long, value_name = "FOLDER", requires = "full")]
    pub keep: Option<PathBuf>,
    #[command(flatten)]
    pub folder: SetupFolder,
}

#[derive(Debug, Subcommand)]
pub enum L1 {
    /// Deploy all contracts on a development chain and write their addresses down.
    ///
    /// The tokens of deposits and rewards are made for the purpose and can be minted by anyone; the account becomes the registry's owner.
    Deploy {
        #[command(flatten)]
        account: Account,
        /// A block file that the rollup can begin with: its previous state is the genesis.
        #[arg(long, value_name = "FILE")]
        first_block: PathBuf,
        /// Rows of a subtree, log2, of the size class that is taken.
        #[arg(long, value_name = "LOG2", default_value_t = 16, value_parser = clap::value_parser!(u32).range(12..=20))]
        rows_log2: u32,
        /// Account that gets 10,000 of the deposit token; may be given several times.
        #[arg(long, value_name = "ADDRESS")]
        fund: Vec<Address>,
        /// The deployment file to write.
        #[arg(long, value_name = "FILE", default_value = "deployment.toml")]
        out: PathBuf,
        #[command(flatten)]
        folder: SetupFolder,
    },
    /// Register the account as a sequencer with its VRF key; done already: nothing happens.
    Register {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        deployment: DeploymentFile,
        /// The VRF key, 64 hexadecimal digits; made when the file does not exist.
        #[arg(long, value_name = "FILE")]
        vrf_key_file: PathBuf,
    },
    /// Put deposit tokens of the account into the escrow, to back its quotes as a prover.
    Deposit {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        deployment: DeploymentFile,
        /// How many, such as 100 or 2.5.
        amount: String,
    },
    /// Announce that deposit tokens of the account leave the escrow; they back no more quotes, and `collect` pays them out later.
    Withdraw {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        deployment: DeploymentFile,
        /// How many, such as 100 or 2.5.
        amount: String,
    },
    /// Pay out what is credited to the account: rewards, deposits that came back, and a withdrawal from the escrow that is due.
    Collect {
        #[command(flatten)]
        account: Account,
        #[command(flatten)]
        deployment: DeploymentFile,
    },
    /// Show the rollup's head, and what accounts have.
    Show {
        /// JSON-RPC endpoint of the chain.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
        rpc: String,
        #[command(flatten)]
        deployment: DeploymentFile,
        /// The accounts.
        accounts: Vec<Address>,
    },
}

/// Who sends, and where to.
#[derive(Debug, Args)]
pub struct Account {
    /// JSON-RPC endpoint of the chain.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    pub rpc: String,
    /// File with the account's private key, 64 hexadecimal digits.
    #[arg(long, value_name = "FILE", required_unless_present = "keystore")]
    pub key_file: Option<PathBuf>,
    /// The account's encrypted key (Web3 Secret Storage).
    #[arg(long, value_name = "FILE", requires = "password_file", conflicts_with = "key_file")]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password in its first line.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Where the contracts are.
#[derive(Debug, Args)]
pub struct DeploymentFile {
    /// The deployment file.
    #[arg(long = "deployment", value_name = "FILE", default_value = "deployment.toml")]
    pub path: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Block {
    /// Generate a block of signed transfers, deterministic in its seed.
    Generate {
        /// Number of transfers.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
        transfers: u32,
        /// Seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The block file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Import transactions of real blocks from CSV.
    Import {
        /// CSV with the columns block_number, transaction_index, hash, nonce, from_address, to_address, value_wei.
        file: PathBuf,
        /// Only this block.
        #[arg(long)]
        block_number: Option<u64>,
        /// The block file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a block file holds.
    Show {
        /// The block file.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Prove {
    /// The block file.
    pub file: PathBuf,
    /// The proof file to write.
    #[arg(long, value_name = "PROOF")]
    pub out: PathBuf,
    /// Subtrees the block is broken into: a power of two up to 256 [default: the fewest with at most 2^16 rows each].
    #[arg(long)]
    pub subtrees: Option<u32>,
    /// Rows per subtree, log2, 12 to 20 [default: the fewest that hold the transfers].
    #[arg(long, value_name = "LOG2", value_parser = clap::value_parser!(u32).range(12..=20))]
    pub rows_log2: Option<u32>,
    /// Workers: threads in-process, processes over NATS (0: use the workers that are there).
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub workers: u16,
    /// in-process, or nats://HOST:PORT.
    #[arg(long, default_value = "in-process")]
    pub bus: Bus,
    /// Farm name on the NATS server; workers that are to be used must carry the same.
    #[arg(long, default_value = "proofyard")]
    pub farm: String,
    #[command(flatten)]
    pub chain: Chain,
    #[command(flatten)]
    pub folder: SetupFolder,
}

/// Blocks are proven one after the other, for each number of workers; see docs/benchmarks.md.
#[derive(Debug, Args)]
pub struct Bench {
    /// Small blocks and few of them: under a minute. Other options still count.
    #[arg(long)]
    pub quick: bool,
    /// Transfers of each generated block [default: 64].
    #[arg(long, conflicts_with = "block", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub transfers: Option<u32>,
    /// Seed of the first generated block; each next block has the next seed.
    #[arg(long, conflicts_with = "block", default_value_t = 1)]
    pub seed: u64,
    /// Prove this block file again and again instead of generated blocks.
    #[arg(long, value_name = "FILE")]
    pub block: Option<PathBuf>,
    /// Subtrees a block is broken into: a power of two up to 256 [default: the fewest with at most 2^16 rows each].
    #[arg(long)]
    pub subtrees: Option<u32>,
    /// Rows per subtree, log2, 12 to 20 [default: the fewest that hold the transfers].
    #[arg(long, value_name = "LOG2", value_parser = clap::value_parser!(u32).range(12..=20))]
    pub rows_log2: Option<u32>,
    /// Blocks measured with each number of workers.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub blocks: Option<u32>,
    /// Begin blocks for so long with each number of workers [default: 60, and at least 3 blocks].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub seconds: Option<u64>,
    /// Blocks proven first with each number of workers and not counted.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub warmup: u32,
    /// Numbers of workers, such as 1,2,4; over NATS 0 uses the workers that are there [default: 1, 2, 4 as far as there are cores].
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(0..=64))]
    pub workers: Vec<u16>,
    /// Threads of each worker [default: the cores shared out among the largest number of workers].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: Option<u16>,
    /// in-process, or nats://HOST:PORT: worker processes.
    #[arg(long, default_value = "in-process")]
    pub bus: Bus,
    /// Farm name on the NATS server.
    #[arg(long, default_value = "proofyard-bench")]
    pub farm: String,
    /// Power of the machine, for joules a proof [default: the processor's own counters, where they can be read].
    #[arg(long, value_name = "W", value_parser = positive)]
    pub watts: Option<f64>,
    /// Price of the machine, for dollars a proof.
    #[arg(long, value_name = "D", value_parser = positive)]
    pub dollars_per_hour: Option<f64>,
    /// Price of electricity, for dollars a proof; needs the power.
    #[arg(long, value_name = "D", value_parser = positive)]
    pub dollars_per_kwh: Option<f64>,
    /// Write bench.json, bench.csv and plots (SVG) to this folder.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print every figure beside that of an older bench.json.
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    #[command(flatten)]
    pub folder: SetupFolder,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("it must be a positive number".to_owned()) }
}

#[derive(Debug, Args)]
pub struct Submit {
    /// The block file.
    pub file: PathBuf,
    #[command(flatten)]
    pub coordinator: CoordinatorUrl,
}

#[derive(Debug, Args)]
pub struct Status {
    /// The block's id.
    pub id: String,
    #[command(flatten)]
    pub coordinator: CoordinatorUrl,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The proof file.
    pub proof: PathBuf,
    /// The block file it is to prove.
    #[arg(long, value_name = "FILE")]
    pub block: PathBuf,
    /// Also run the verifier contract's bytecode.
    #[arg(long)]
    pub evm: bool,
    /// Rows per subtree, log2 [default: the size class that `prove` chooses].
    #[arg(long, value_name = "LOG2", value_parser = clap::value_parser!(u32).range(12..=20))]
    pub rows_log2: Option<u32>,
    #[command(flatten)]
    pub chain: Chain,
    #[command(flatten)]
    pub folder: SetupFolder,
}

#[derive(Debug, Args)]
pub struct Setup {
    /// The developers' setup, whose secrets anyone can compute. Required: there is no other yet.
    #[arg(long, required = true)]
    pub insecure: bool,
    /// Rows per subtree, log2.
    #[arg(long, value_name = "LOG2", default_value_t = 16, value_parser = clap::value_parser!(u32).range(12..=20))]
    pub rows_log2: u32,
    /// Subtrees per group: a power of two up to 256.
    #[arg(long, default_value_t = 4)]
    pub subtrees: u32,
    #[command(flatten)]
    pub folder: SetupFolder,
}
