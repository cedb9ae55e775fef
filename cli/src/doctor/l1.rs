//! L1: every endpoint by itself and beside the others, the deployment's contracts, the account and what stands behind it.

use std::{collections::BTreeSet, path::Path, time::SystemTime};

use proofyard_settlement::{
    chain::Block,
    config::L1Config,
    rpc::{Rpc, Survey},
    sidecar_client::{ClientError, Deployment, SidecarClient},
    signer::{Key, SignerConfig},
};

use super::{clock, files, money, report::About};

/// Gas of a height that a sidecar proves itself: proposal, reveal, commitment, proof.
const HEIGHT_GAS: u64 = 1_600_000;
/// Blocks by which a chain may call blocks final later than `finality_depth` says: Ethereum's epochs.
const FINALITY_MARGIN: u64 = 32;
/// What needs an endpoint that answers.
const NEED_ENDPOINT: [&str; 7] =
    ["l1.agreement", "l1.head", "clock.l1", "l1.finality", "l1.contracts", "l1.account", "l1.escrow"];

/// A process's section about L1 and what belongs to it.
pub struct OnL1<'a> {
    /// The section, with the chain that is meant.
    pub config: L1Config,
    /// The contracts, if their file can be read.
    pub deployment: Option<Deployment>,
    /// The key, if its files are there.
    pub signer: Option<&'a SignerConfig>,
    /// A head older than this is too old.
    pub stale_ms: u64,
    /// What the process does there.
    pub part: Part<'a>,
}

/// What a process does on L1.
pub enum Part<'a> {
    /// It makes quotes and submits proofs.
    Coordinator {
        /// Base-2 logarithm of the rows of its subtrees.
        rows_log2: u32,
        /// Gas of a submission.
        gas: u64,
    },
    /// It proposes blocks.
    Sidecar {
        /// Base-2 logarithm of the rows of its subtrees.
        rows_log2: u32,
        /// Its VRF key, if the file is there.
        vrf: Option<&'a Path>,
    },
}

/// Reads the deployment, which should be on this chain.
pub fn deployment(path: &Path, chain_id: Option<u64>, about: &mut About<'_>) -> Option<Deployment> {
    match Deployment::read(path) {
        Ok(found) if chain_id.is_some_and(|chain_id| chain_id != found.chain_id) => {
            let seen = format!(
                "{} is on chain {}, l1.chain_id is {}",
                path.display(),
                found.chain_id,
                chain_id.unwrap_or_default()
            );
            about.fail("l1.deployment", seen, "correct l1.chain_id, or name the deployment of this chain");
            None
        }
        Ok(found) => {
            about.ok(
                "l1.deployment",
                format!("{}: chain {}, from block {}", path.display(), found.chain_id, found.first_block),
            );
            Some(found)
        }
        Err(error) => {
            about.fail(
                "l1.deployment",
                error.to_string(),
                "name the file that `proofyard l1 deploy`, or whoever deployed, has written",
            );
            None
        }
    }
}

/// Looks at L1 as a process does.
pub async fn check(on_l1: OnL1<'_>, about: &mut About<'_>) {
    let OnL1 { config, deployment, signer, stale_ms, part } = on_l1;
    let key = signer.and_then(|signer| open_key(signer, about));
    if signer.is_none() {
        about.skip("signer", "files fails");
    }
    if !files::endpoints(about, &config) {
        about.skip("l1.endpoints", "files fails");
        NEED_ENDPOINT.iter().for_each(|check| about.skip(check, "l1.endpoints is not known"));
        return;
    }
    let rpc = match Rpc::connect(&config) {
        Ok(rpc) => rpc,
        Err(error) => {
            about.fail("l1.endpoints", error.to_string(), "correct the section [l1]");
            NEED_ENDPOINT.iter().for_each(|check| about.skip(check, "l1.endpoints fails"));
            return;
        }
    };
    let survey = rpc.survey().await;
    let now = SystemTime::now();
    let Some(head) = endpoints(&survey, config.max_lag_blocks, about) else {
        NEED_ENDPOINT.iter().for_each(|check| about.skip(check, "l1.endpoints fails"));
        return;
    };
    agreement(&survey, about);
    head_age(&head, now, stale_ms, about);
    finality(&survey, head.number, config.finality_depth, about);
    let Some(deployment) = deployment else {
        ["l1.contracts", "l1.account", "l1.escrow"].iter().for_each(|check| about.skip(check, "l1.deployment fails"));
        return;
    };
    let client = SidecarClient::new(rpc, deployment);
    if let Err(error) = client.check().await {
        about.fail(
            "l1.contracts",
            error.to_string(),
            "name the deployment of this chain, or an endpoint of the deployment's chain",
        );
        ["l1.account", "l1.escrow"].iter().for_each(|check| about.skip(check, "l1.contracts fails"));
        return;
    }
    let (rows_log2, gas) = match part {
        Part::Coordinator { rows_log2, gas } => (rows_log2, gas),
        Part::Sidecar { rows_log2, .. } => (rows_log2, HEIGHT_GAS),
    };
    if let Err(error) = contracts(&client, rows_log2, about).await {
        about.fail("l1.contracts", error.to_string(), "name the deployment of this chain");
    }
    let Some(key) = key else {
        ["l1.account", "l1.escrow"]
            .iter()
            .for_each(|check| about.skip(check, "there is no key: signer or files fails"));
        return;
    };
    if let Err(error) = account(&client, &key, gas, &head, about).await {
        about.fail("l1.account", error.to_string(), "look at the endpoints");
    }
    let more = match part {
        Part::Coordinator { .. } => escrow(&client, &key, about).await,
        Part::Sidecar { vrf: Some(vrf), .. } => sequencer(&client, &key, vrf, &head, about).await,
        Part::Sidecar { vrf: None, .. } => {
            about.skip("l1.sequencer", "files fails");
            Ok(())
        }
    };
    if let Err(error) = more {
        about.fail("l1.account", error.to_string(), "look at the endpoints and at the deployment");
    }
}

fn open_key(signer: &SignerConfig, about: &mut About<'_>) -> Option<Key> {
    match signer.open() {
        Ok(key) => {
            about.ok("signer", format!("signs as {}", key.address()));
            Some(key)
        }
        Err(error) => {
            let remedy = "give [signer] one of key_file, keystore with password_file, and remote with address, each as documented";
            about.fail("signer", error.to_string(), remedy);
            None
        }
    }
}

/// Each endpoint; the highest head of those that are right.
fn endpoints(survey: &Survey, max_lag: u64, about: &mut About<'_>) -> Option<Block> {
    let highest = survey.endpoints.iter().filter_map(|heard| heard.head.as_ref().ok()).max_by_key(|head| head.number);
    for heard in &survey.endpoints {
        let (name, millis) = (&heard.endpoint, heard.waited.as_millis());
        match &heard.head {
            Ok(head) if highest.is_some_and(|highest| highest.number >= head.number.saturating_add(max_lag)) => about
                .warn(
                    "l1.endpoints",
                    format!("{name}: its head {} is behind the others'", head.number),
                    "wait until its node is in sync, or name another",
                ),
            Ok(head) => about.ok("l1.endpoints", format!("{name}: block {}, in {millis} ms", head.number)),
            Err(error) => {
                let (seen, remedy) =
                    (error.to_string(), "correct its URL or l1.chain_id, start its node, or name another endpoint");
                // The others stand in for one that does not answer; one of another chain is a mistake in any case.
                let is_mistake = seen.contains("PY-L-020");
                match highest.is_some() && !is_mistake {
                    true => about.warn("l1.endpoints", seen, remedy),
                    false => about.fail("l1.endpoints", seen, remedy),
                }
            }
        }
    }
    highest.cloned()
}

fn agreement(survey: &Survey, about: &mut About<'_>) {
    let answering = survey.endpoints.iter().filter(|heard| heard.head.is_ok()).count();
    let hashes: BTreeSet<_> = survey.endpoints.iter().filter_map(|heard| heard.common).collect();
    let block = survey.common.unwrap_or_default();
    if answering < 2 {
        about.warn(
            "l1.agreement",
            "one endpoint answers: nobody would contradict it",
            "name two or three endpoints of several operators",
        );
    } else if hashes.len() > 1 {
        let seen = format!("the endpoints have {} different blocks {block}", hashes.len());
        about.fail(
            "l1.agreement",
            seen,
            "ask again; if they still differ, one is on a fork or lies: a third endpoint decides",
        );
    } else {
        about.ok("l1.agreement", format!("{answering} endpoints have the same block {block}"));
    }
}

fn head_age(head: &Block, now: SystemTime, stale_ms: u64, about: &mut About<'_>) {
    let ahead = clock::ahead(clock::unix(head.timestamp), now);
    // Blocks are never of the future, but may be as old as the chain is slow: of a clock that is behind, only a head ahead of it tells.
    clock::judge("clock.l1", "L1's newest block", ahead.max(0.0), about);
    let age = (-ahead).max(0.0);
    let seen = format!("block {} is {age:.0} s old", head.number);
    match age * 1_000.0 > stale_ms as f64 {
        true => about.warn(
            "l1.head",
            seen,
            "no quotes are given on so old a head: see whether the nodes are in sync, or whether this machine's clock is ahead",
        ),
        false => about.ok("l1.head", seen),
    }
}

fn finality(survey: &Survey, head: u64, depth: u64, about: &mut About<'_>) {
    let Some(finalized) = survey.finalized else {
        about.ok("l1.finality", format!("the node does not say; blocks {depth} deep are taken as final"));
        return;
    };
    let behind = head.saturating_sub(finalized);
    let seen = format!("the chain's final block {finalized} is {behind} deep; blocks {depth} deep are taken as final");
    match behind > depth.saturating_add(FINALITY_MARGIN) {
        true => about.warn(
            "l1.finality",
            seen,
            "raise l1.finality_depth, unless the chain is known to be slow for now: what is taken as final too early may be undone",
        ),
        false => about.ok("l1.finality", seen),
    }
}

async fn contracts(client: &SidecarClient, rows_log2: u32, about: &mut About<'_>) -> Result<(), ClientError> {
    let version = client.current_version().await?;
    let mut taken = Vec::new();
    for class in client.deployment().classes.iter().filter(|class| class.rows_log2 == rows_log2) {
        let subtrees = class.subtrees_per_group;
        if !client.verifier_of(version, rows_log2, subtrees).await?.is_zero() {
            taken.push(subtrees.to_string());
        }
    }
    let seen = format!("all contracts have code; version {version} takes 2^{rows_log2} rows");
    match taken.is_empty() {
        true => {
            let seen = format!("version {version} has no verifier for 2^{rows_log2} rows");
            about.fail(
                "l1.contracts",
                seen,
                "set rows_log2 to a class of the deployment file, or have its verifier registered",
            );
        }
        false => about.ok("l1.contracts", format!("{seen} and groups of {} subtrees", taken.join(", "))),
    }
    Ok(())
}

async fn account(
    client: &SidecarClient,
    key: &Key,
    gas: u64,
    head: &Block,
    about: &mut About<'_>,
) -> Result<(), ClientError> {
    let tip = client.rpc().suggested_priority_fee().await?;
    let balance = client.rpc().balance(key.address()).await?;
    // Room for the base fee to double, as quotes reckon.
    let price = head.base_fee_per_gas.saturating_mul(2).saturating_add(tip);
    money::gas(key.address(), balance, gas, price, about);
    Ok(())
}

async fn escrow(client: &SidecarClient, key: &Key, about: &mut About<'_>) -> Result<(), ClientError> {
    let version = client.version_of(client.current_version().await?).await?;
    let available = client.escrow_available(version.depositToken, key.address()).await?;
    money::escrow(key.address(), available, version.minDeposit, about);
    Ok(())
}

async fn sequencer(
    client: &SidecarClient,
    key: &Key,
    vrf: &Path,
    head: &Block,
    about: &mut About<'_>,
) -> Result<(), ClientError> {
    let vrf = match proofyard_sidecar::vrf_key(vrf) {
        Ok(vrf) => vrf,
        Err(error) => {
            about.fail("l1.sequencer", error.to_string(), "name the file that `proofyard l1 register` has made");
            return Ok(());
        }
    };
    let registered = client.key_of(key.address()).await?;
    let register = "register it: proofyard l1 register --key-file FILE --vrf-key-file FILE";
    if registered.publicKey != vrf.public_key() {
        about.fail("l1.sequencer", format!("the VRF key is not registered for {}", key.address()), register);
    } else if head.number < registered.activeFrom {
        let seen = format!("the VRF key is active from block {} on", registered.activeFrom);
        about.warn("l1.sequencer", seen, "wait: proposals are refused until then");
    } else if head.number >= registered.activeUntil {
        about.fail("l1.sequencer", format!("the VRF key was active until block {}", registered.activeUntil), register);
    } else {
        about.ok("l1.sequencer", format!("the VRF key of {} is registered and active", key.address()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proofyard_settlement::{
        alloy::primitives::{B256, Bloom},
        rpc::{Heard, RpcError},
    };

    use super::*;
    use crate::doctor::report::{Report, State};

    fn block(number: u64) -> Block {
        Block {
            number,
            hash: B256::with_last_byte(number as u8),
            parent_hash: B256::ZERO,
            timestamp: 1_000,
            base_fee_per_gas: 1,
            gas_limit: 1,
            logs_bloom: Bloom::ZERO,
            transactions: Vec::new(),
        }
    }

    fn heard(head: Result<Block, RpcError>, common: Option<u8>) -> Heard {
        let common = common.map(B256::with_last_byte);
        Heard { endpoint: "endpoint".into(), head, waited: Duration::ZERO, common }
    }

    fn survey(endpoints: Vec<Heard>) -> Survey {
        Survey { endpoints, common: Some(9), finalized: None }
    }

    fn counts(look: impl FnOnce(&mut About<'_>)) -> [usize; 3] {
        let mut report = Report::default();
        look(&mut report.about("a"));
        [State::Ok, State::Warn, State::Fail].map(|state| report.count(state))
    }

    fn failed(reasons: &str) -> Result<Block, RpcError> {
        Err(RpcError::NoEndpoint { reasons: reasons.to_owned() })
    }

    #[test]
    fn a_dead_endpoint_beside_others_is_a_warning_and_another_chain_a_failure() {
        let look = |endpoints: Vec<Heard>| counts(|about| drop(super::endpoints(&survey(endpoints), 3, about)));
        assert_eq!(look(vec![heard(Ok(block(9)), None), heard(failed("silent"), None)]), [1, 1, 0]);
        assert_eq!(look(vec![heard(failed("silent"), None)]), [0, 0, 1]);
        assert_eq!(look(vec![heard(Ok(block(9)), None), heard(failed("[PY-L-020] other"), None)]), [1, 0, 1]);
        assert_eq!(look(vec![heard(Ok(block(9)), None), heard(Ok(block(6)), None)]), [1, 1, 0], "late");
    }

    #[test]
    fn endpoints_that_have_other_blocks_disagree() {
        let look = |hashes: &[u8]| {
            let endpoints = hashes.iter().map(|hash| heard(Ok(block(9)), Some(*hash))).collect();
            counts(|about| agreement(&survey(endpoints), about))
        };
        assert_eq!([look(&[1]), look(&[1, 1]), look(&[1, 1, 2])], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]);
    }

    #[test]
    fn a_head_of_the_future_is_the_clock_and_an_old_one_the_node() {
        let look = |now: u64| counts(|about| head_age(&block(9), clock::unix(now), 60_000, about));
        assert_eq!(look(1_010), [2, 0, 0]);
        assert_eq!(look(960), [1, 0, 1], "40 s ahead of this clock");
        assert_eq!(look(1_061), [1, 1, 0], "61 s old");
    }

    #[test]
    fn a_chain_that_is_final_much_later_is_warned_about() {
        let look = |finalized| counts(|about| finality(&Survey { finalized, ..survey(Vec::new()) }, 200, 64, about));
        assert_eq!([look(None), look(Some(104)), look(Some(103))], [[1, 0, 0], [1, 0, 0], [0, 1, 0]]);
    }
}
