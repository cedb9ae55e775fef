//! A running coordinator, as its clients see it.

use std::time::{Duration, SystemTime};

use proofyard_coordinator_client::{Check, Client, FarmView, Timeouts};

use super::{
    clock,
    report::About,
    together::{Running, Seen},
};

/// Checks that need an answer.
const LATER: [&str; 4] = ["coordinator.release", "coordinator.ready", "coordinator.workers", "clock.coordinator"];

fn client(url: &str) -> Result<Client, String> {
    let timeouts = Timeouts { request: Duration::from_secs(5), ..Timeouts::default() };
    Client::new(url, timeouts).map_err(|error| error.to_string())
}

/// Looks at a coordinator.
pub async fn check(url: &str, about: &mut About<'_>, seen: &mut Seen) {
    let answers = match client(url) {
        Ok(client) => client.health().await.map(|health| (client, health)).map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let (client, health) = match answers {
        Ok(answers) => answers,
        Err(error) => {
            about.fail("coordinator", error, "start the coordinator, correct the address, or open the way to it");
            LATER.iter().for_each(|check| about.skip(check, "coordinator fails"));
            return;
        }
    };
    about.ok("coordinator", format!("{}, epoch {}, {} blocks in work", health.status, health.epoch, health.blocks));
    if health.insecure_setup {
        let remedy = "where money is at stake, start it with a ceremony's setup";
        about.warn("setup.label", "it proves with the developers' setup, which is INSECURE", remedy);
    }
    seen.running = Some(Running { url: url.to_owned(), key_digest: health.key_digest });
    match client.view().await {
        Ok(view) => {
            release(&view, about);
            workers(&view, about);
        }
        Err(error) => about.fail("coordinator.release", error.to_string(), "run the same release here and there"),
    }
    match client.ready().await {
        Ok(readiness) => readiness.checks.iter().for_each(|check| ready(check, about)),
        Err(error) => about.fail("coordinator.ready", error.to_string(), "run the same release here and there"),
    }
    let before = SystemTime::now();
    match client.clock().await {
        Ok(Some(there)) => {
            // Its answer has whole seconds: the middle of one is nearest.
            let here = before + before.elapsed().unwrap_or_default() / 2;
            let ahead = clock::ahead(there + Duration::from_millis(500), here);
            clock::judge("clock.coordinator", "the coordinator's clock", ahead, about);
        }
        Ok(None) => about.skip("clock.coordinator", "its answers have no date; is a proxy in between?"),
        Err(error) => about.fail("clock.coordinator", error.to_string(), "see whether the coordinator still runs"),
    }
}

fn release(view: &FarmView, about: &mut About<'_>) {
    let (here, there) = (env!("CARGO_PKG_VERSION"), &view.version);
    match here == there {
        true => about.ok("coordinator.release", format!("{there}, as this command")),
        false => about.warn(
            "coordinator.release",
            format!("it is release {there}, this command is {here}"),
            "run one release in the whole farm",
        ),
    }
}

fn workers(view: &FarmView, about: &mut About<'_>) {
    let live = view.workers.iter().filter(|worker| worker.live).count();
    // One that was draining has left, as it was told.
    let silent = view.workers.iter().filter(|worker| !worker.live && !worker.draining);
    let names: Vec<&str> = silent.map(|worker| worker.worker.as_str()).collect();
    match names.is_empty() {
        true => about.ok("coordinator.workers", format!("{live} live")),
        false => about.warn(
            "coordinator.workers",
            format!("{live} live; silent: {}", names.join(", ")),
            "look at their processes and logs: nobody told them to leave",
        ),
    }
}

/// One of the coordinator's own checks.
fn ready(check: &Check, about: &mut About<'_>) {
    let seen = format!("{}: {}", check.name, check.detail);
    if check.ok {
        about.ok("coordinator.ready", seen);
        return;
    }
    let remedy = match check.name.as_str() {
        "workers" => {
            "start workers with the same bus.url and bus.farm; `proofyard doctor --config worker.toml` where they run"
        }
        "intake" => "it is ending; wait for its successor, or start it again",
        "bus" => "`proofyard doctor --config` with its configuration looks at the NATS server",
        "ledger" => "look at its disk: room, errors, permissions",
        _ => "`proofyard doctor --config` with its configuration looks at L1: endpoints, contracts, account",
    };
    about.fail("coordinator.ready", seen, remedy);
}

/// A coordinator that a sidecar may ask.
pub async fn reachable(name: &str, url: &str, about: &mut About<'_>) {
    let answer = match client(url) {
        Ok(client) => client.farm().await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    match answer {
        Ok(farm) => {
            let prover = farm.prover.map_or_else(|| "no prover".to_owned(), |prover| prover.to_string());
            about.ok(
                "coordinators",
                format!("{name}: {prover}, {} workers, {} blocks free", farm.workers, farm.free_blocks),
            );
        }
        Err(error) => about.warn(
            "coordinators",
            format!("{name}: {error}"),
            "ask its operator; until it answers, others are asked, or the sidecar proves itself",
        ),
    }
}
