//! Blocks as lines.

use proofyard_coordinator_client::{BlockView, FarmView, MarketView};
use proofyard_settlement::alloy::primitives::U256;
use serde_json::Value;

use super::columns;
use crate::l1::shown_units;

/// Digits of a block's id that are shown.
const ID_DIGITS: usize = 16;

/// The farm's blocks for people.
pub fn text(view: &FarmView) -> String {
    let headers =
        ["BLOCK", "STAGE", "RUNG", ">ROUND", ">SUBTREES", ">SECONDS", ">HEIGHT", ">SLACK", ">TRANSFERS", "ERROR"];
    let mut text = match view.blocks.is_empty() {
        true => "no block has been handed in".to_owned(),
        false => columns(&headers, view.blocks.iter().map(row).collect()),
    };
    let lately = &view.throughput;
    text += &format!(
        "\nin the last {:.0} s: {} blocks, {} transfers proven; {} in work, {} more would be taken",
        lately.seconds, lately.blocks, lately.transfers, view.status.blocks, view.status.free_blocks
    );
    if let Some(market) = &view.market {
        text += &promises(market);
    }
    if view.status.draining {
        text += "\nthe coordinator is draining: it takes no more blocks";
    }
    text
}

fn promises(market: &MarketView) -> String {
    let MarketView { quotes_open, groups_committed, deposits_at_risk, .. } = market;
    let at_risk = match *deposits_at_risk {
        U256::ZERO => "no deposit at risk".to_owned(),
        amount => format!("deposits of {} units at risk", shown_units(amount)),
    };
    format!("\n{quotes_open} quotes open, {groups_committed} groups committed, {at_risk}")
}

fn row(block: &BlockView) -> Vec<String> {
    let status = &block.status;
    let missing = || "-".to_owned();
    let done = match status.stage.is_final() {
        true => status.subtrees.to_string(),
        false => format!("{}/{}", status.subtrees_done, status.subtrees),
    };
    let slack = block.promises.iter().filter_map(|promise| promise.slack_seconds).reduce(f64::min);
    let height = block.promises.iter().map(|promise| promise.height).max();
    vec![
        status.id.chars().take(ID_DIGITS).collect(),
        word(serde_json::to_value(status.stage)),
        word(serde_json::to_value(status.ladder.rung)),
        if status.round == 0 { missing() } else { status.round.to_string() },
        done,
        format!("{:.1}", status.seconds),
        height.map_or_else(missing, |height| height.to_string()),
        slack.or(status.ladder.slack_seconds).map_or_else(missing, |slack| format!("{slack:.0} s")),
        status.proof.as_ref().map_or_else(missing, |proof| proof.transfers.to_string()),
        status.error.as_ref().or(status.ladder.reason.as_ref()).map_or_else(missing, |error| error.code.clone()),
    ]
}

/// A state by its name in messages.
fn word(value: Result<Value, serde_json::Error>) -> String {
    value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proofyard_coordinator_client::{BlockStatus, ErrorBody, PromiseView, Rung};

    use super::*;

    #[test]
    fn the_least_slack_and_the_error_of_a_block_are_shown() {
        let mut status = BlockStatus::new("ab".repeat(32), 12);
        (status.round, status.subtrees, status.subtrees_done, status.seconds) = (3, 16, 7, 1.26);
        let mut block =
            BlockView { status, begun_ms: None, groups: Vec::new(), workers: Vec::new(), promises: Vec::new() };
        assert_eq!(
            row(&block)[1..],
            ["executing", "executing", "3", "7/16", "1.3", "-", "-", "-", "-"].map(String::from)
        );
        let promise = |group, slack_seconds| PromiseView {
            alarm: None,
            window_seconds: None,
            group,
            height: 9,
            state: "committed".into(),
            prove_by: 100,
            slack_seconds,
            worst_slack_seconds: None,
            deposit: U256::from(5),
            transaction: None,
        };
        block.promises = vec![promise(0, Some(40.0)), promise(1, Some(-2.4)), promise(2, None)];
        let error = ErrorBody { code: "PY-C-111".into(), message: "no".into(), transaction: None };
        block.status.ladder.fall(Rung::Slashed, error);
        let shown = row(&block);
        assert_eq!((shown[0].len(), shown[2].as_str()), (ID_DIGITS, "slashed"));
        assert_eq!(shown[6..], ["9", "-2 s", "-", "PY-C-111"].map(String::from));
    }
}
