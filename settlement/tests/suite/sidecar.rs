//! The real contracts on a real anvil through this crate alone: deployed, a height played, its events followed.

use std::path::Path;
use std::sync::Arc;

use crate::journal::MemoryJournal;
use crate::node::{ALICE, Anvil, GWEI, alice, config};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use proofyard_settlement::alloy;
use proofyard_settlement::chain::Call;
use proofyard_settlement::config::L1Config;
use proofyard_settlement::contracts::bindings::IProverEscrow::Quote;
use proofyard_settlement::contracts::bindings::IProvingSidecar::{Header, IProvingSidecarEvents as Event, Phase};
use proofyard_settlement::contracts::bindings::{IVersionRegistry, vrf_message};
use proofyard_settlement::contracts::bls::SecretKey;
use proofyard_settlement::contracts::{KEY_WORDS, address::DEFAULT_ADDRESS};
use proofyard_settlement::rpc::Rpc;
use proofyard_settlement::sidecar_client::events::{self, L1Event};
use proofyard_settlement::sidecar_client::{
    ClientError, DeployPlan, Deployment, ErrandError, SidecarClient, VerifyingKey, calls, deploy, reasons,
};
use proofyard_settlement::signer::Key;
use proofyard_settlement::transactions::{Intent, IntentId, Manager, State};
use proofyard_settlement::watcher::{Change, Watcher};
use serde_json::{Value, json};

/// Takes any proof of blocks with 2^12 rows a subtree.
const GULLIBLE: Address = Address::repeat_byte(0x67);
const GULLIBLE_CODE: &str = "0x6110005f5260205ff3";
const UNIT: u128 = 1_000_000_000_000_000_000;

/// A key of the real verifier, from the contract tests.
fn verifying_key() -> VerifyingKey {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures/one_subtree.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON");
    let bytes: Bytes = fixture["key"].as_str().expect("a key").parse().expect("hexadecimal");
    let mut words = [[0; 32]; KEY_WORDS];
    words.iter_mut().zip(bytes.chunks_exact(32)).for_each(|(word, chunk)| word.copy_from_slice(chunk));
    let rows_log2 = U256::from_be_bytes(words[1]).to::<u64>().ilog2();
    VerifyingKey { rows_log2, words, subtrees_per_group: vec![1, 2, 4] }
}

struct Stage {
    anvil: Anvil,
    config: L1Config,
    client: SidecarClient,
}

/// All contracts, on a chain that mines when told afterwards.
async fn stage(plan: DeployPlan) -> Stage {
    let anvil = Anvil::start_with(&[]).await;
    anvil.rpc("anvil_setCode", json!([GULLIBLE, GULLIBLE_CODE])).await;
    let config = config(&[&anvil.url]);
    let rpc = Rpc::connect(&config).expect("a configuration");
    let deployment = deploy(&rpc, &Key::local(alice()), &plan).await.expect("a deployment");
    let class = IVersionRegistry::Class { rowsLog2: 12, subtreesPerGroup: 1, verifier: GULLIBLE };
    let add = Bytes::from(IVersionRegistry::addClassCall { version: 1, class }.abi_encode());
    anvil.rpc("eth_sendTransaction", json!([{"from": ALICE, "to": deployment.registry, "data": add}])).await;
    anvil.rpc("evm_setAutomine", json!([false])).await;
    Stage { anvil, config, client: SidecarClient::new(rpc, deployment) }
}

/// A party with a funded account.
struct Party {
    key: Key,
    manager: Manager,
    intents: u32,
}

impl Party {
    async fn new(stage: &Stage, seed: u8) -> Self {
        let key = Key::local(PrivateKeySigner::from_slice(&[seed; 32]).expect("a key"));
        let wealth = U256::from(1_000) * U256::from(UNIT);
        stage.anvil.rpc("anvil_setBalance", json!([key.address(), wealth])).await;
        let journal = Arc::<MemoryJournal>::default();
        let manager = Manager::open(stage.client.rpc().clone(), key.transactions(), journal, &stage.config)
            .await
            .expect("a manager");
        Self { key, manager, intents: 0 }
    }

    /// Sends and mines.
    async fn does(&mut self, stage: &Stage, to: Address, data: Bytes, value: U256) -> State {
        let id = IntentId::new(format!("intent/{}", self.intents)).expect("an id");
        self.intents += 1;
        self.manager.submit(Intent { value, ..Intent::new(id.clone(), to, data) }).await.expect("accepted");
        self.manager.tick().await.expect("a tick");
        stage.anvil.mine(1).await;
        self.manager.tick().await.expect("a tick");
        self.manager.record(&id).await.expect("a record").state
    }

    async fn succeeds(&mut self, stage: &Stage, to: Address, data: Bytes) {
        let state = self.does(stage, to, data.clone(), U256::ZERO).await;
        if !matches!(state, State::Included { reverted: None, .. }) {
            let call = Call { from: Some(self.key.address()), to: Some(to), data, value: U256::ZERO };
            let refusal = stage.client.rpc().estimate_in_block(&call, stage.anvil.head().await).await;
            let reason = refusal.map_err(|error| reasons::explain(&error.revert_data().unwrap_or_default()));
            panic!("intent {}: {state:?}: {reason:?}", self.intents - 1);
        }
    }
}

impl Stage {
    async fn mine_to(&self, block: u64) {
        self.anvil.mine(block.saturating_sub(self.anvil.head().await)).await;
    }
}

fn plan(prover: Address) -> DeployPlan {
    DeployPlan {
        keys: vec![verifying_key()],
        genesis: [U256::from(7), U256::from(11)],
        deposit_funds: vec![(prover, U256::from(500) * U256::from(UNIT))],
        ..DeployPlan::default()
    }
}

#[tokio::test]
async fn the_whole_suite_is_deployed_and_written_down() {
    let stage = stage(plan(ALICE)).await;
    let deployment = stage.client.deployment();
    stage.client.check().await.expect("contracts everywhere");
    assert_eq!(deployment.classes[0].verifier, Address::from(DEFAULT_ADDRESS), "the first of a fresh chain");
    let class = &deployment.classes[1];
    let verifier = stage.client.verifier_of(1, class.rows_log2, class.subtrees_per_group).await.expect("an answer");
    assert_eq!(Some(verifier), deployment.verifier(class.rows_log2, class.subtrees_per_group));
    let version = stage.client.version_of(stage.client.current_version().await.expect("1")).await.expect("a version");
    assert_eq!((version.provingBlocks, version.commitmentPhase), (40, deployment.commitments));
    assert_eq!(stage.client.rewards().await.expect("an answer").0, U256::from(10) * U256::from(UNIT));
    let held = stage.client.balance(deployment.reward_token, deployment.reward_pool).await.expect("an answer");
    assert_eq!(held, U256::from(10_000) * U256::from(UNIT));
    let text = deployment.to_toml().expect("TOML");
    let path = std::env::temp_dir().join(format!("deployment-{}.toml", std::process::id()));
    std::fs::write(&path, text).expect("written");
    assert_eq!(Deployment::read(&path).as_ref(), Ok(deployment));
    std::fs::remove_file(path).expect("removed");
    let nowhere = SidecarClient::new(
        stage.client.rpc().clone(),
        Deployment { escrow: Address::repeat_byte(9), ..deployment.clone() },
    );
    assert!(matches!(nowhere.check().await, Err(ClientError::NoContract { role: "escrow", .. })));
    assert!(matches!(nowhere.is_nonce_used(ALICE, U256::ZERO).await, Err(ClientError::BadAnswer { .. })));
}

#[tokio::test]
async fn a_deployment_without_money_says_so() {
    let anvil = Anvil::start_with(&[]).await;
    let rpc = Rpc::connect(&config(&[&anvil.url])).expect("a configuration");
    let error =
        deploy(&rpc, &Key::local(PrivateKeySigner::random()), &DeployPlan::default()).await.expect_err("no ether");
    assert!(matches!(error, ErrandError::Failed { .. }), "{error}");
}

#[tokio::test]
async fn a_height_is_played_from_the_proposal_to_the_reward() {
    let prover_key = PrivateKeySigner::from_slice(&[2; 32]).expect("a key");
    let stage = stage(plan(prover_key.address())).await;
    let client = &stage.client;
    let d = client.deployment().clone();
    let (mut sequencer, mut prover) = (Party::new(&stage, 1).await, Party::new(&stage, 2).await);
    let (sequencer_address, prover_address) = (sequencer.key.address(), prover.key.address());
    let mut watcher = Watcher::new(client.rpc().clone(), &stage.config, events::watched(&d));

    // The prover's deposit and the sequencer's key.
    let deposit = U256::from(100) * U256::from(UNIT);
    prover.succeeds(&stage, d.deposit_token, calls::approve(d.escrow, deposit)).await;
    prover.succeeds(&stage, d.escrow, calls::escrow_deposit(d.deposit_token, deposit)).await;
    assert_eq!(client.escrow_available(d.deposit_token, prover_address).await.expect("an answer"), deposit);
    let vrf = SecretKey::from_seed(b"sequencer");
    let possession = vrf.possession(d.chain_id, d.sequencers, sequencer_address);
    sequencer.succeeds(&stage, d.sequencers, calls::register(vrf.public_key(), possession)).await;
    stage.anvil.mine(2).await;
    assert_eq!(client.key_of(sequencer_address).await.expect("an answer").publicKey, vrf.public_key());

    // Proposal.
    let next = client.next().await.expect("an answer");
    assert_eq!((next.open, next.height, next.start), (true, 1, [U256::from(7), U256::from(11), U256::ZERO]));
    let header = Header {
        start: next.start,
        ends: vec![[U256::from(21), U256::from(22), U256::from(23)]],
        rowsLog2: 12,
        subtrees: 1,
        dataVersion: 0,
        dataCommitment: keccak256("data"),
        dataUri: "http://127.0.0.1/block".to_owned(),
    };
    let salt = B256::repeat_byte(0x5a);
    let block_commitment =
        client.block_commitment_of(1, sequencer_address, header.clone(), salt).await.expect("an answer");
    let tip = U256::from(GWEI);
    let output = vrf.vrf(&vrf_message(d.chain_id, d.sidecar, 1, next.randomness));
    let propose = calls::propose(1, block_commitment, Address::ZERO, tip, 5_000, output);
    let state = sequencer.does(&stage, d.sidecar, propose, tip).await;
    assert!(matches!(state, State::Included { reverted: None, .. }), "{state:?}");
    let proposal = client.proposal_of(1, 0).await.expect("an answer");
    assert_eq!((proposal.sequencer, proposal.tip, proposal.revealed), (sequencer_address, tip, false));

    // Reveal in the first block of its phase: the preflight looks at the block to come.
    let schedule = client.schedule(1).await.expect("an answer");
    stage.mine_to(schedule[1] - 1).await;
    sequencer.succeeds(&stage, d.sidecar, calls::reveal(1, header.clone(), salt)).await;

    // A quote, refused with another's signature and by its terms, then drawn.
    stage.mine_to(schedule[2]).await;
    let quote = Quote {
        prover: prover_address,
        sequencer: sequencer_address,
        height: U256::from(1),
        blockCommitment: block_commitment,
        group: 0,
        tipToken: Address::ZERO,
        price: tip,
        depositToken: d.deposit_token,
        deposit,
        nonce: U256::from(77),
        expiry: schedule[3],
    };
    let forged = sequencer.key.sign_quote(&quote, &d.domain()).await.expect("a signature").as_bytes();
    let signed =
        Bytes::from(prover.key.sign_quote(&quote, &d.domain()).await.expect("a signature").as_bytes().to_vec());
    assert!(client.is_signed(&quote, &signed).await.expect("an answer"));
    let forged = Bytes::from(forged.to_vec());
    assert!(!client.is_signed(&quote, &forged).await.expect("an answer"));
    let refused =
        sequencer.does(&stage, d.commitments, calls::commit_quote(1, 0, 0, quote.clone(), forged), U256::ZERO);
    assert_eq!(refused.await, State::Queued, "the preflight refuses it, nothing is sent");
    sequencer.manager.withdraw(&IntentId::new("intent/3").expect("an id")).await.expect("known");
    sequencer.succeeds(&stage, d.commitments, calls::commit_quote(1, 0, 0, quote, signed)).await;
    assert_eq!(client.commitment_of(1, 0, 0).await.expect("an answer").prover, prover_address);
    assert!(client.is_nonce_used(prover_address, U256::from(77)).await.expect("an answer"));

    // The proof; a second one is obsolete.
    stage.mine_to(schedule[3]).await;
    assert_eq!(client.height_of(1).await.expect("an answer").phase, Phase::Proving);
    // Of the right length and number of subtrees; the verifier believes the rest.
    let mut proof = vec![0; 1728];
    proof[31] = 1;
    let proof = calls::submit_proof(1, header, 0, prover_address, proof.into(), &[B256::repeat_byte(1)]);
    prover.succeeds(&stage, d.sidecar, proof.clone()).await;
    assert!(client.is_proven(1, 0).await.expect("an answer"));
    let id = IntentId::new("again").expect("an id");
    let again =
        Intent { obsolete_when: Some(calls::when_proven(&d, 1, 0)), ..Intent::new(id.clone(), d.sidecar, proof) };
    prover.manager.submit(again).await.expect("accepted");
    prover.manager.tick().await.expect("a tick");
    let record = prover.manager.record(&id).await.expect("a record");
    assert_eq!((record.attempts.len(), record.obsolete_since.is_some()), (0, true), "what is proven is not submitted");

    // Reward.
    sequencer.succeeds(&stage, d.sidecar, calls::settle(1)).await;
    assert_eq!(client.height_of(1).await.expect("an answer").phase, Phase::Proven);
    assert_eq!(client.proven_head().await.expect("an answer").0, 1);
    let earned = client.withdrawable(d.reward_token, prover_address).await.expect("an answer");
    assert_eq!(earned, U256::from(6) * U256::from(UNIT), "half of the block reward and the submission's");
    assert_eq!(client.withdrawable(Address::ZERO, prover_address).await.expect("an answer"), tip);
    prover.succeeds(&stage, d.sidecar, calls::withdraw(d.reward_token)).await;
    assert_eq!(client.balance(d.reward_token, prover_address).await.expect("an answer"), earned);

    // What the watcher saw of it.
    let mut changes = Vec::new();
    watcher.poll(&mut changes).await.expect("a poll");
    let mut names = Vec::new();
    for change in changes {
        let logs = match change {
            Change::Applied { logs, .. } | Change::History { logs, .. } => logs,
            other => panic!("{other:?}"),
        };
        for log in logs {
            names.push(match events::decode(&d, &log).expect("a known event").expect("of ours") {
                L1Event::Sidecar(event) => match *event {
                    Event::HeightOpened(_) => "opened",
                    Event::Proposed(_) => "proposed",
                    Event::Revealed(_) => "revealed",
                    Event::Committed(_) => "committed",
                    Event::GroupProven(_) => "group proven",
                    Event::HeightProven(_) => "height proven",
                    Event::Credited(_) => "credited",
                    Event::Withdrawn(_) => "withdrawn",
                    other => panic!("{other:?}"),
                },
                L1Event::Escrow(_) => "escrow",
                L1Event::Sequencers(_) => "sequencers",
            });
        }
    }
    names.dedup();
    let wanted = ["escrow", "sequencers", "opened", "proposed", "revealed", "escrow", "committed"];
    assert_eq!(names[..7], wanted, "{names:?}");
    let place = |name| names.iter().position(|other| *other == name).expect("it happened");
    assert!(place("group proven") < place("height proven") && place("credited") < place("withdrawn"));
}
