//! Dashboards of Grafana, made from short descriptions: `dashboards/NAME.toml` becomes `dashboards/NAME.json`.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;
/// Rows of the grid that a panel takes.
const HEIGHT: u32 = 8;

/// A description.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// Names the dashboard to Grafana, for ever.
    uid: String,
    title: String,
    /// What it is for.
    description: String,
    rows: Vec<Row>,
}

/// A row of panels that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    title: String,
    panels: Vec<Panel>,
}

/// How a panel shows its series.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Show {
    /// Lines over time.
    #[default]
    TimeSeries,
    /// The newest value.
    Stat,
    /// The newest values, a row for each series.
    Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Panel {
    title: String,
    /// What a reader must know.
    #[serde(default)]
    description: String,
    /// Grafana's name of the unit, as `s`, `bytes`, `percentunit`.
    #[serde(default)]
    unit: String,
    #[serde(default)]
    show: Show,
    /// Drawn on top of each other.
    #[serde(default)]
    stacked: bool,
    /// From these values on it is amber and red; below them when the first is the larger one.
    #[serde(default)]
    alarming: Vec<f64>,
    queries: Vec<Query>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    expr: String,
    #[serde(default)]
    legend: String,
}

/// A dashboard with its files.
pub struct Dashboard {
    name: String,
    description: Description,
    is_stale: bool,
}

impl Dashboard {
    /// Every expression, with its place.
    pub fn expressions(&self) -> impl Iterator<Item = (String, &str)> {
        let panels = self.description.rows.iter().flat_map(|row| &row.panels);
        panels.flat_map(move |panel| {
            let place = format!("dashboards/{}.toml, {:?}", self.name, panel.title);
            panel.queries.iter().map(move |query| (place.clone(), query.expr.as_str()))
        })
    }

    /// What there is to say when the JSON is not that of the description.
    pub fn stale(&self) -> Option<String> {
        let name = &self.name;
        let text = || format!("dashboards/{name}.json is not made from {name}.toml: `cargo xtask monitoring --write`");
        self.is_stale.then(text)
    }
}

/// Reads all descriptions and compares, or writes, what is made from them.
pub fn read(folder: &Path, write: bool) -> Result<Vec<Dashboard>> {
    let mut dashboards = Vec::new();
    for entry in fs::read_dir(folder).context("listing deploy/monitoring/dashboards")? {
        let path = entry.context("listing deploy/monitoring/dashboards")?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("reading dashboards/{name}.toml"))?;
        let description: Description = toml::from_str(&text).with_context(|| format!("dashboards/{name}.toml"))?;
        let made = path.with_extension("json");
        let json = format!("{:#}\n", grafana(&description));
        if write {
            fs::write(&made, &json).with_context(|| format!("writing dashboards/{name}.json"))?;
        }
        let is_stale = fs::read_to_string(&made).ok() != Some(json);
        dashboards.push(Dashboard { name, description, is_stale });
    }
    ensure!(!dashboards.is_empty(), "deploy/monitoring/dashboards holds no description");
    dashboards.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(dashboards)
}

/// All panels' expressions as a file of rules, for promtool to parse.
pub fn as_rules(dashboards: &[Dashboard]) -> String {
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    for (number, (_, expression)) in dashboards.iter().flat_map(Dashboard::expressions).enumerate() {
        let quoted = Value::from(expression);
        let _ = writeln!(rules, "      - record: panel:{number}\n        expr: {quoted}");
    }
    rules
}

/// The dashboard as Grafana imports it.
fn grafana(description: &Description) -> Value {
    let mut panels = Vec::new();
    let mut y = 0;
    for row in &description.rows {
        let id = panels.len() + 1;
        let place = json!({"h": 1, "w": COLUMNS, "x": 0, "y": y});
        panels.push(
            json!({"id": id, "type": "row", "title": row.title, "gridPos": place, "collapsed": false, "panels": []}),
        );
        y += 1;
        // As many beside each other as fit without getting too narrow.
        let across = u32::try_from(row.panels.len()).unwrap_or(1).clamp(1, 4);
        for (number, panel) in (0..).zip(&row.panels) {
            let width = COLUMNS / across;
            let place = json!({
                "h": HEIGHT, "w": width, "x": width * (number % across), "y": y + HEIGHT * (number / across),
            });
            panels.push(panel_of(panel, panels.len() + 1, &place));
        }
        y += HEIGHT * u32::try_from(row.panels.len()).unwrap_or(0).div_ceil(across);
    }
    let datasource = json!({
        "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {},
        "hide": 0, "refresh": 1, "multi": false, "includeAll": false, "options": [], "regex": "",
    });
    json!({
        "uid": description.uid,
        "title": description.title,
        "description": description.description,
        "tags": ["proofyard"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [datasource]},
        "annotations": {"list": []},
        "links": [],
        "panels": panels,
    })
}

fn panel_of(panel: &Panel, id: usize, place: &Value) -> Value {
    let datasource = json!({"type": "prometheus", "uid": "${datasource}"});
    let is_table = matches!(panel.show, Show::Table);
    let targets: Vec<Value> = ('A'..)
        .zip(&panel.queries)
        .map(|(letter, query)| {
            json!({
                "refId": letter.to_string(),
                "datasource": datasource,
                "expr": query.expr,
                "legendFormat": if query.legend.is_empty() { "__auto" } else { &query.legend },
                "range": !is_table,
                "instant": is_table,
                "format": if is_table { "table" } else { "time_series" },
            })
        })
        .collect();
    let custom = match panel.show {
        Show::TimeSeries => json!({
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": if panel.stacked { 30 } else { 5 },
            "showPoints": "never",
            "stacking": {"mode": if panel.stacked { "normal" } else { "none" }, "group": "A"},
        }),
        Show::Stat | Show::Table => json!({}),
    };
    let options = match panel.show {
        Show::TimeSeries => {
            json!({"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}})
        }
        Show::Stat => json!({
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "colorMode": "value", "graphMode": "area", "textMode": "auto",
        }),
        Show::Table => json!({"showHeader": true}),
    };
    json!({
        "id": id,
        "type": match panel.show {
            Show::TimeSeries => "timeseries",
            Show::Stat => "stat",
            Show::Table => "table",
        },
        "title": panel.title,
        "description": panel.description,
        "datasource": datasource,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": custom, "thresholds": thresholds(&panel.alarming)},
            "overrides": [],
        },
        "options": options,
    })
}

/// Green, then amber, then red: upwards, or downwards when the first value is the larger one.
fn thresholds(alarming: &[f64]) -> Value {
    let steps = match *alarming {
        [amber, red] if amber > red => json!([
            {"color": "red", "value": null},
            {"color": "orange", "value": red},
            {"color": "green", "value": amber},
        ]),
        [amber, red] => json!([
            {"color": "green", "value": null},
            {"color": "orange", "value": amber},
            {"color": "red", "value": red},
        ]),
        [red] => json!([{"color": "green", "value": null}, {"color": "red", "value": red}]),
        _ => json!([{"color": "green", "value": null}]),
    };
    json!({"mode": "absolute", "steps": steps})
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
uid = \"one\"
title = \"One\"
description = \"Shows one\"
[[rows]]
title = \"First\"
[[rows.panels]]
title = \"Load\"
alarming = [3, 1]
queries = [{ expr = \"sum(a)\", legend = \"all\" }, { expr = \"b{c=\\\"d\\\"}\" }]
[[rows.panels]]
title = \"Now\"
show = \"stat\"
queries = [{ expr = \"a\" }]
";

    #[test]
    fn a_description_becomes_panels_side_by_side() {
        let made = grafana(&toml::from_str(TEXT).expect("a description"));
        let panels = made["panels"].as_array().expect("panels");
        assert_eq!(panels.len(), 3, "a row and two panels");
        assert_eq!((&panels[1]["gridPos"]["x"], &panels[2]["gridPos"]["x"]), (&json!(0), &json!(12)));
        assert_eq!(panels[1]["targets"][1]["expr"], "b{c=\"d\"}");
        assert_eq!(panels[1]["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"], "red", "less is worse");
        assert_eq!(panels[2]["type"], "stat");
        let ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids, [Some(1), Some(2), Some(3)]);
        assert!(toml::from_str::<Description>(&TEXT.replace("legend", "legnd")).is_err(), "a slip is refused");
    }

    #[test]
    fn what_is_not_made_from_its_description_is_stale() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("one.toml"), TEXT).expect("written");
        let stale = |write| read(folder.path(), write).expect("read")[0].stale();
        assert!(stale(false).is_some(), "missing");
        assert!(stale(true).is_none());
        assert!(stale(false).is_none());
        let dashboards = read(folder.path(), false).expect("read");
        assert!(as_rules(&dashboards).contains("expr: \"b{c=\\\"d\\\"}\""), "{}", as_rules(&dashboards));
        fs::write(folder.path().join("one.json"), "{}").expect("written");
        assert!(stale(false).is_some(), "changed by hand");
    }
}
