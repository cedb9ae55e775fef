//! The market against coordinators that misbehave, on real contracts: nothing of what they answer is taken for more than it is.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::chain::{Chain, PATIENCE, ROWS_LOG2, key, unit, verifying_key};
use crate::coordinators::{CANCELLED, Conduct, Coordinator};
use proofyard_embedded_farm::coordinator::rollup::generate;
use proofyard_settlement::{
    alloy::primitives::U256,
    sidecar_client::{DeployPlan, calls},
    signer::Key,
};
use proofyard_sidecar::{
    Sidecar,
    blocks::{self, Worked},
    config::{Config, CoordinatorConfig, DepositConfig},
    core::{
        Report,
        bid::{self, Bid, Request},
        policy::{Bidder, Persona, Policy},
        types::{Address, Bytes},
    },
    l1::{address, bytes},
    market::{Handover, Market},
    run,
    store::Prepared,
};
use serde_json::Value;

/// Keys of the provers: one with a deposit in the escrow, one without, and a stranger's.
const PROVER: [u8; 32] = [0x61; 32];
const POOR: [u8; 32] = [0x62; 32];
const STRANGER: [u8; 32] = [0x63; 32];
const PRICE: u64 = 1_000;

fn local(secret: [u8; 32]) -> Key {
    Key::local(key(secret))
}

/// Contracts, and a prover whose deposit is in the escrow.
async fn deployed(mut plan: DeployPlan) -> Chain {
    let (prover, sequencer) = (key(PROVER).address(), key(crate::chain::SEQUENCER).address());
    plan.deposit_funds = [prover, sequencer].map(|account| (account, unit() * U256::from(500))).into();
    let chain = Chain::start(plan).await;
    chain.fund(prover).await;
    let (token, escrow) = (chain.deployment.deposit_token, chain.deployment.escrow);
    chain.anvil.send(prover, token, calls::approve(escrow, U256::MAX)).await;
    chain.anvil.send(prover, escrow, calls::escrow_deposit(token, unit() * U256::from(500))).await;
    chain
}

async fn coordinator(chain: &Chain, conduct: Conduct, secret: [u8; 32]) -> Coordinator {
    crate::coordinators::start(conduct, local(secret), local(STRANGER), chain.deployment.domain(), PRICE).await
}

fn market(chain: &Chain, coordinators: &[(&str, &Coordinator)], wait: Duration) -> Market {
    let configs: Vec<CoordinatorConfig> = coordinators
        .iter()
        .map(|(name, coordinator)| CoordinatorConfig {
            name: (*name).to_owned(),
            url: coordinator.url.clone(),
            provers: Vec::new(),
            deposit: DepositConfig::Prover,
        })
        .collect();
    Market::new(&configs, chain.client.clone(), &local(crate::chain::SEQUENCER), wait, 1_000).expect("addresses")
}

fn request(chain: &Chain) -> Request {
    Request {
        height: 1,
        block_commitment: Bytes([5; 32]),
        group: 0,
        groups: 1,
        transfers: 2,
        subtrees: 2,
        rows_log2: ROWS_LOG2,
        tip_token: Address::ZERO,
        price_max: 5_000,
        deposit_token: bytes(chain.deployment.deposit_token),
        deposit: 100_000_000_000_000_000_000,
        commit_by: 1_010,
        commit_from: 1_000,
        prove_by: 1_050,
    }
}

fn bidder(provers: Vec<Address>) -> Bidder {
    Bidder { name: "b".to_owned(), provers, own_deposit: false }
}

/// What becomes of one coordinator's answer: a bid, or the word by which it is refused.
async fn outcome(chain: &Chain, conduct: Conduct, secret: [u8; 32], provers: Vec<Address>) -> Result<Bid, String> {
    let coordinator = coordinator(chain, conduct, secret).await;
    let market = market(chain, &[("b", &coordinator)], Duration::from_secs(2));
    let policy = Policy { persona: Persona::OpenAuction, sequencer: bytes(chain.sequencer), ..Policy::default() };
    let started = Instant::now();
    let request = request(chain);
    let answer = market.ask("b", &request).await;
    assert!(started.elapsed() < Duration::from_secs(60), "{conduct:?}: waited for too long");
    bid::check(&policy, &bidder(provers), &request, *answer?).map_err(|fault| fault.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_quote_that_is_asked_for_signed_and_backed_becomes_a_bid() {
    let chain = &deployed(DeployPlan::default()).await;
    let cancel = calls::cancel_nonce(U256::from(CANCELLED));
    chain.anvil.send(key(PROVER).address(), chain.deployment.escrow, cancel).await;

    let prover = bytes(key(PROVER).address());
    let bid = outcome(chain, Conduct::Honest, PROVER, vec![prover]).await.expect("an honest bid");
    assert_eq!((bid.quote.price, bid.quote.prover, bid.brings_deposit), (u128::from(PRICE), prover, true));

    let cases = [
        (Conduct::Hangs, PROVER, "no answer in time"),
        (Conduct::Drips, PROVER, "no answer in time"),
        (Conduct::Oversized, PROVER, "more than"),
        (Conduct::NotJson, PROVER, "expected"),
        (Conduct::Breaks, PROVER, "500"),
        (Conduct::Redirects, PROVER, "307"),
        (Conduct::Declines, PROVER, "PY-Q-007"),
        (Conduct::DeclinesSilently, PROVER, "204 without"),
        (Conduct::WrongKey, PROVER, "PY-S-201"),
        (Conduct::OtherHeight, PROVER, "PY-S-202"),
        (Conduct::OtherBlock, PROVER, "PY-S-202"),
        (Conduct::OtherToken, PROVER, "PY-S-202"),
        (Conduct::ShortDeposit, PROVER, "PY-S-202"),
        (Conduct::Dear, PROVER, "PY-S-203"),
        (Conduct::Honest, POOR, "PY-S-204"),
        (Conduct::Expires, PROVER, "PY-S-205"),
        (Conduct::UsedNonce, PROVER, "nonce is used"),
    ];
    // All at once, as they are asked.
    let outcomes = cases.map(|(conduct, secret, word)| async move {
        let refusal = outcome(chain, conduct, secret, Vec::new()).await.expect_err(word);
        assert!(refusal.contains(word), "{conduct:?}: {refusal}");
    });
    futures::future::join_all(outcomes).await;
    let stranger = outcome(chain, Conduct::Honest, PROVER, vec![Bytes([9; 20])]).await.expect_err("not named");
    assert!(stranger.contains("PY-S-206"), "{stranger}");

    // Requests are signed by the sequencer and say how long an answer is of use.
    let coordinator = coordinator(chain, Conduct::Honest, PROVER).await;
    let market = market(chain, &[("b", &coordinator)], Duration::from_millis(1_234));
    market.ask("b", &request(chain)).await.expect("an offer");
    let asked = coordinator.asked.lock().expect("no panic").clone();
    let sequencer = bytes(chain.sequencer).to_string();
    let auth = asked[0]["proofyard-auth"].to_str().expect("text").to_lowercase();
    assert!(auth.starts_with(&sequencer), "{auth}");
    assert_eq!(asked[0]["x-timeout-ms"], "1234");
}

fn handover() -> (Handover, Worked) {
    let file = generate::block(2, 7).expect("a block").encode();
    let classes = blocks::Classes { rows_log2: ROWS_LOG2, groups: 1, subtrees_per_group: vec![1, 2] };
    let worked = blocks::read(&file, &classes).expect("it executes");
    let prepared = Prepared { salt: Bytes([4; 32]), commitment: Bytes([5; 32]), data_uri: String::new() };
    (Handover { file, worked: worked.clone(), prepared }, worked)
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_reports_and_proofs_are_taken_for_what_they_are() {
    let chain = &deployed(DeployPlan::default()).await;
    let bid = outcome(chain, Conduct::Honest, PROVER, Vec::new()).await.expect("an honest bid");
    let prover = bytes(key(PROVER).address());
    let given = |conduct: Conduct| {
        let bid = bid.clone();
        async move {
            let coordinator = coordinator(chain, conduct, PROVER).await;
            let market = market(chain, &[("b", &coordinator)], Duration::from_secs(2));
            let receipt = market.hand_over("b", handover().0, Some(&bid), false).await;
            let report = market.inquire("b", &handover().0, 10).await;
            (receipt, report, market.proofs("b", &handover().0, 0, Some(prover)).await)
        }
    };
    let (receipt, report, proofs) = given(Conduct::Honest).await;
    assert_eq!(receipt, Ok(Some(prover)));
    assert!(matches!(report, Report::Failed { .. }), "{report:?}");
    assert!(proofs.expect_err("too short").contains("1727"));
    let (receipt, ..) = given(Conduct::WrongKey).await;
    assert_eq!(receipt, Ok(Some(bytes(key(STRANGER).address()))), "who signed is said, and then refused");
    let (receipt, ..) = given(Conduct::OtherBlock).await;
    assert!(receipt.expect_err("another block's").contains("another block"));
    for conduct in [Conduct::Oversized, Conduct::NotJson, Conduct::Breaks, Conduct::Redirects] {
        let (receipt, report, proofs) = given(conduct).await;
        assert!(receipt.is_err() && proofs.is_err(), "{conduct:?}");
        assert_eq!(report, Report::Silent, "{conduct:?}");
    }
    // One that was never given the block has nothing to say for itself.
    let idle = coordinator(chain, Conduct::Honest, PROVER).await;
    let market = market(chain, &[("b", &idle)], Duration::from_secs(2));
    let Report::Failed { reason } = market.inquire("b", &handover().0, 10).await else { panic!("it holds nothing") };
    assert!(reason.contains("does not know"), "{reason}");
    assert!(market.ask("nobody", &request(chain)).await.is_err());
}

/// The rungs of a block until one of them is there.
async fn climbed(url: &str, id: &str, until_rung: &str) -> Vec<Value> {
    let until = Instant::now() + PATIENCE;
    let mut events = reqwest::get(format!("{url}/v1/blocks/{id}/events")).await.expect("a stream");
    let (mut text, mut steps) = (String::new(), Vec::new());
    loop {
        assert!(Instant::now() < until, "{steps:?}");
        let chunk = tokio::time::timeout(PATIENCE, events.chunk()).await.expect("in time").expect("a stream");
        let ended = chunk.is_none();
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap_or_default()));
        steps = text
            .split("\n\n")
            .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .collect();
        if ended || steps.iter().any(|step| step["rung"] == until_rung) {
            return steps;
        }
    }
}

/// An auction on real contracts: liars are refused, the honest prover's quote is drawn from its escrow, it takes the block and gives
/// up, and the sidecar proves the block itself and takes the rescuer's price.
#[tokio::test(flavor = "multi_thread")]
async fn an_auction_of_liars_and_a_prover_that_gives_up_is_rescued_by_the_sidecar() {
    let file = generate::block(2, 7).expect("a block").encode();
    let (_, worked) = handover();
    let chain = &deployed(DeployPlan {
        keys: vec![verifying_key(&[1, 2])],
        genesis: [worked.start[0], worked.start[1]].map(|word| U256::from_be_bytes(word.0)),
        // The rescuer's blocks begin early and last long.
        phases: [4, 2, 6, 590, 10],
        rescue_blocks: 580,
        withdrawal_delay: 1_000,
        ..DeployPlan::default()
    })
    .await;
    let mut text = chain.configuration();
    let conducts = [Conduct::Hangs, Conduct::WrongKey, Conduct::Dear, Conduct::Oversized, Conduct::Honest];
    let mut servers = Vec::new();
    for (index, conduct) in conducts.into_iter().enumerate() {
        let coordinator = coordinator(chain, conduct, PROVER).await;
        text.push_str(&format!("[[coordinators]]\nname = \"c{index}\"\nurl = {:?}\n", coordinator.url));
        servers.push(coordinator);
    }
    fs::write(chain.at("sidecar.toml"), format!("persona = \"open-auction\"\n{text}")).expect("written");
    let config = Config::load(&chain.at("sidecar.toml")).expect("a configuration");

    let sidecar = Sidecar::start(&config, true).await.expect("it starts");
    let url = format!("http://{}", sidecar.address());
    let http = reqwest::Client::new();
    let taken = http.post(format!("{url}/v1/blocks")).body(file).send().await.expect("an answer");
    assert_eq!(taken.status(), 202);
    let id = worked.plan.id.to_string()[2..].to_owned();
    let steps = climbed(&url, &id, "finalized").await;
    let of = |rung: &str| steps.iter().find(|step| step["rung"] == rung).unwrap_or_else(|| panic!("{rung}: {steps:?}"));
    let prover = bytes(key(PROVER).address());
    assert_eq!(of("committed")["provers"][0], prover.to_string());
    // Those that made no bid are asked for the bare block, and take none.
    of("rescuing");
    let mut rescuers = steps.iter().filter(|step| step["rung"] == "rescuing").map(|step| step["by"].clone());
    assert_eq!(rescuers.next_back().expect("a rescuer"), "self", "{steps:?}");
    of("bidding");
    of("verified");
    assert!(servers.iter().all(|server| server.asked.lock().expect("no panic").len() == 1), "each is asked once");
    // A quarter of the deposit is the rescuer's, the rest went back to the prover's credit.
    let commitment = chain.client.commitment_of(1, 0, 0).await.expect("an answer");
    assert_eq!((commitment.prover, commitment.price), (address(prover), U256::from(PRICE)));
    let until = Instant::now() + PATIENCE;
    while chain.client.balance(chain.deployment.deposit_token, chain.sequencer).await.expect("an answer")
        != unit() * U256::from(525)
    {
        assert!(Instant::now() < until, "the rescuer's part is not drawn");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    sidecar.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_runs_until_it_is_told_to_stop_and_one_on_another_deployment_does_not_start() {
    let chain = Chain::start(DeployPlan { keys: vec![verifying_key(&[1, 2])], ..DeployPlan::default() }).await;
    let path = chain.at("sidecar.toml");
    fs::write(&path, chain.configuration()).expect("written");
    let config = Config::load(&path).expect("a configuration");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = {
        let config = config.clone();
        tokio::spawn(async move {
            run(&config, true, async {
                // An error is as good.
                let _ = stopped.await;
            })
            .await
        })
    };
    let until = Instant::now() + PATIENCE;
    while !chain.at("sidecar.sqlite").exists() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.send(()).expect("it runs");
    tokio::time::timeout(PATIENCE, running).await.expect("in time").expect("no panic").expect("it stops well");

    // Bidders that would be given up at once.
    let mut hasty = config.clone();
    hasty.persona = proofyard_sidecar::config::PersonaConfig::OpenAuction;
    hasty.proving.self_prove_blocks = 41;
    hasty.coordinators = vec![CoordinatorConfig {
        name: "north".to_owned(),
        url: "http://127.0.0.1:1".to_owned(),
        provers: Vec::new(),
        deposit: DepositConfig::Prover,
    }];
    let refusal = Sidecar::start(&hasty, true).await.map(|_| ()).expect_err("no time for them").to_string();
    assert!(refusal.contains("PY-S-013") && refusal.contains("44"), "{refusal}");
    // A setup that is not there is found before a deposit depends on it.
    let mut nowhere = config.clone();
    nowhere.farm.setup_dir = "/dev/null/none".into();
    assert!(Sidecar::start(&nowhere, true).await.is_err());
    // Addresses without contracts.
    let mut deployment = chain.deployment.clone();
    deployment.sidecar = key(STRANGER).address();
    fs::write(chain.at("deployment.toml"), deployment.to_toml().expect("TOML")).expect("written");
    let elsewhere = Config { state: chain.at("other.sqlite"), ..config };
    let refusal = Sidecar::start(&elsewhere, true).await.map(|_| ()).expect_err("no contract").to_string();
    assert!(refusal.contains("PY-L-082"), "{refusal}");
}
