//! `cargo xtask prove`: the long form of the proofs of which `check` runs a bounded part.
//!
//! The tests themselves do the work and hand in a row for each scenario; what is here runs them
//! and makes the table. It fails if an order was lost or has two outcomes, and also if too little
//! was done to say so.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::wasi::Wasi;
use crate::workspace::{self, PARTS};
use crate::{build, process, setup};

/// What makes the proofs long; see `ARCHITECTURE.md`.
const LONG: (&str, &str) = ("ORDERS_PROVE", "long");

/// Where the rows are handed in, one JSON text a line.
const REPORT: &str = "target/prove.jsonl";

/// How many accepted orders, and how many kills, it takes to call this a proof.
const ACCEPTED_MIN: usize = 20_000;
const KILLS_MIN: usize = 100;

/// What a scenario found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    scenario: String,
    kills: usize,
    accepted: usize,
    lost: usize,
    duplicated: usize,
    recovery_ms: RecoveryMs,
}

/// How long open orders waited after a restart; none if none was open.
#[derive(Deserialize)]
struct RecoveryMs {
    p50: Option<u64>,
    max: Option<u64>,
}

/// Builds, proves, and prints the table.
pub(crate) fn run() -> Result<()> {
    setup::require_redis()?;
    build::run(Wasi::default())?;
    let report = workspace::root().join(REPORT);
    match fs::remove_file(&report) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove `{REPORT}`"));
        }
        _ => {}
    }
    // Both are run whatever the first finds, as each says something of its own.
    let protocol = prove("proof", &["--nocapture"]);
    // One after the other, so that recovery is timed with no other test's load on it.
    let killed = prove("kill", &["--test-threads=1"]);
    let rows = match fs::read_to_string(&report) {
        Ok(text) => parse(&text)?,
        Err(_) => Vec::new(),
    };
    print!("\n{}", table(&rows));
    protocol?;
    killed?;
    judge(&rows)
}

/// Runs the long form of a test target.
fn prove(target: &str, arguments: &[&str]) -> Result<()> {
    let mut cargo = process::cargo(&["test", "--release"]);
    let [_, part] = PARTS;
    cargo.args(part).args(["--test", target, "--"]);
    cargo.args(arguments).env(LONG.0, LONG.1);
    process::run(cargo.env("PROOF_REPORT", workspace::root().join(REPORT)))
}

fn parse(report: &str) -> Result<Vec<Row>> {
    let rows = report.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>()
        .with_context(|| format!("cannot parse `{REPORT}`"))
}

/// The table in words, with its totals last.
fn table(rows: &[Row]) -> String {
    let heads = [
        "scenario",
        "SIGKILLs",
        "accepted",
        "lost",
        "duplicated",
        "recovery p50",
        "max",
    ]
    .map(str::to_owned);
    let total = [
        "total".to_owned(),
        sum(rows, |row| row.kills).to_string(),
        sum(rows, |row| row.accepted).to_string(),
        sum(rows, |row| row.lost).to_string(),
        sum(rows, |row| row.duplicated).to_string(),
        String::new(),
        seconds(rows.iter().filter_map(|row| row.recovery_ms.max).max()),
    ];
    let lines: Vec<_> = [heads]
        .into_iter()
        .chain(rows.iter().map(cells))
        .chain([total])
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<_> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
    let mut table = String::new();
    for line in &lines {
        for (index, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // The first column is words, the others are numbers.
            let padding = " ".repeat(width - cell.chars().count());
            match index {
                0 => table.extend([cell, &*padding]),
                _ => table.extend(["  ", &padding, cell]),
            }
        }
        table.push('\n');
    }
    table
}

fn cells(row: &Row) -> [String; 7] {
    [
        row.scenario.clone(),
        row.kills.to_string(),
        row.accepted.to_string(),
        row.lost.to_string(),
        row.duplicated.to_string(),
        seconds(row.recovery_ms.p50),
        seconds(row.recovery_ms.max),
    ]
}

fn seconds(ms: Option<u64>) -> String {
    ms.map_or_else(
        || "-".to_owned(),
        |ms| format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    )
}

fn sum(rows: &[Row], of: impl Fn(&Row) -> usize) -> usize {
    rows.iter().map(of).sum()
}

/// Whether the rows prove what they should.
fn judge(rows: &[Row]) -> Result<()> {
    let lost = sum(rows, |row| row.lost);
    let duplicated = sum(rows, |row| row.duplicated);
    if lost + duplicated > 0 {
        bail!("{lost} orders were lost and {duplicated} have two outcomes");
    }
    let accepted = sum(rows, |row| row.accepted);
    let kills = sum(rows, |row| row.kills);
    if accepted < ACCEPTED_MIN || kills < KILLS_MIN {
        bail!(
            "expected at least {ACCEPTED_MIN} accepted orders and {KILLS_MIN} kills, found {accepted} and {kills}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kills: usize, accepted: usize, lost: usize, duplicated: usize) -> String {
        format!(
            r#"{{"scenario":"load","kills":{kills},"accepted":{accepted},"lost":{lost},"duplicated":{duplicated},"recoveryMs":{{"p50":250,"max":null}}}}"#
        )
    }

    #[test]
    fn a_lost_a_duplicated_and_a_missing_order_each_fail() {
        let judged = |report: &str| judge(&parse(report).expect("rows")).is_ok();
        assert!(judged(
            &[row(60, 15_000, 0, 0), row(40, 5_000, 0, 0)].join("\n")
        ));
        assert!(!judged(&row(100, 20_000, 1, 0)));
        assert!(!judged(&row(100, 20_000, 0, 1)));
        assert!(!judged(&row(99, 20_000, 0, 0)));
        assert!(!judged(&row(100, 19_999, 0, 0)));
        assert!(!judged(""));
    }

    #[test]
    fn the_table_has_a_line_for_each_scenario_and_one_for_all() {
        let rows = parse(&row(100, 20_000, 0, 0)).expect("a row");
        let table = table(&rows);
        let lines: Vec<Vec<_>> = table
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[1],
            ["load", "100", "20000", "0", "0", "0.2", "s", "-"]
        );
        assert_eq!(lines[2], ["total", "100", "20000", "0", "0", "-"]);
    }
}
