//! The whole story with real processes: nats-server, anvil, two coordinators, two workers, a sidecar.

mod common;

use common::{last_line, proofyard, text};
use serde_json::Value;

fn amount(party: &Value, coin: &str, moment: &str) -> u128 {
    party["balances"][coin][moment].as_str().and_then(|text| text.parse().ok()).expect("an amount")
}

#[test]
fn three_heights_are_played_and_every_difference_is_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let logs = folder.path().join("demo");
    let setup = common::setup_dir();
    let result = last_line(&proofyard(&["demo", "--full", "--json", "--keep", text(&logs), "--dir", text(&setup)]));

    let ends: Vec<_> = result["heights"].as_array().expect("heights").iter().map(|height| &height["end"]).collect();
    assert_eq!(ends, ["proven", "slashed", "rescued by self-proving"]);
    let heights = result["heights"].as_array().expect("heights");
    assert_eq!(heights[1]["prover"], heights[0]["prover"], "the cheaper one");
    assert_ne!(heights[2]["prover"], heights[1]["prover"], "one that failed is not asked");
    assert_eq!(heights[2]["block"], heights[1]["block"], "the block that was slashed is tried again");
    assert_eq!(result["unexplained"], Value::Array(Vec::new()));

    let rungs: Vec<(u64, &str)> = (result["ladder"].as_array().expect("a ladder").iter())
        .filter_map(|rung| Some((rung["height"].as_u64()?, rung["rung"].as_str()?)))
        .collect();
    for height in 1..=3 {
        for rung in ["bidding", "mempool", "proposed", "revealed", "committed", "proving"] {
            assert!(rungs.contains(&(height, rung)), "{height} {rung}: {rungs:?}");
        }
    }
    for rung in [(1, "finalized"), (2, "slashed"), (3, "rescuing"), (3, "finalized")] {
        assert!(rungs.contains(&rung), "{rung:?}: {rungs:?}");
    }

    let unit = 10u128.pow(18);
    let party = |name: &str| {
        let parties = result["parties"].as_array().expect("parties");
        parties.iter().find(|party| party["name"] == name).expect("it takes part").clone()
    };
    let lost = |name: &str| {
        let party = party(name);
        amount(&party, "PYD", "before").saturating_sub(amount(&party, "PYD", "after")) / unit
    };
    let failing = heights[1]["prover"].as_str().expect("a name");
    let hanging = heights[2]["prover"].as_str().expect("a name");
    assert_eq!((lost(failing), lost(hanging)), (100, 25), "slashed, and the penalty of a rescue");
    assert_eq!(amount(&party("treasury"), "PYD", "after"), 100 * unit);
    let coins = ["PYD", "PYR"];
    for coin in coins {
        let sum = |moment| -> u128 {
            let parties = result["parties"].as_array().expect("parties");
            parties.iter().map(|party| amount(party, coin, moment)).sum()
        };
        assert_eq!(sum("before"), sum("after"), "{coin} neither appear nor vanish");
    }
}
