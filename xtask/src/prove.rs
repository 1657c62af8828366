//! `cargo xtask prove`: the long form of the proofs of which `check` runs a bounded part.
//!
//! The tests themselves do the work and hand in a row for each scenario; what is here runs them
//! and makes the table. It fails if anything went wrong, and also if too little was done to say so.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::wasi::Wasi;
use crate::workspace::{self, PARTS};
use crate::{build, process, setup};

/// What makes the proofs long; see `ARCHITECTURE.md`.
const LONG: (&str, &str) = ("ORDERS_PROVE", "long");

/// Where the rows are handed in, one JSON text a line.
const REPORT: &str = "target/prove.jsonl";

/// How many accepted orders, kills and pauses it takes to call this a proof.
const ACCEPTED_MIN: usize = 20_000;
const KILLS_MIN: usize = 100;
const PAUSES_MIN: usize = 100;

/// What the protocol's proof prints before each fault that it put into the protocol and found.
const MUTANT: &str = "caught: ";

/// What a scenario found.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    scenario: String,
    kills: usize,
    pauses: usize,
    accepted: usize,
    lost: usize,
    duplicated: usize,
    refused: usize,
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
    let mut mutants = Vec::new();
    let protocol = process::run_noting(&mut proof("proof", &["--nocapture"]), |line| {
        mutants.extend(line.strip_prefix(MUTANT).map(str::to_owned));
    });
    // One after the other, so that recovery is timed with no other test's load on it.
    let killed = process::run(&mut proof("kill", &["--test-threads=1"]));
    let rows = match fs::read_to_string(&report) {
        Ok(text) => parse(&text)?,
        Err(_) => Vec::new(),
    };
    print!("\n{}", list(&mutants));
    print!("\n{}", table(&rows));
    protocol?;
    killed?;
    judge(&rows)
}

/// The long form of a test target.
fn proof(target: &str, arguments: &[&str]) -> Command {
    let mut cargo = process::cargo(&["test", "--release"]);
    let [_, part] = PARTS;
    cargo.args(part).args(["--test", target, "--"]);
    cargo.args(arguments).env(LONG.0, LONG.1);
    cargo.env("PROOF_REPORT", workspace::root().join(REPORT));
    cargo
}

/// The faults that the protocol's proof found when they were put into the protocol.
fn list(mutants: &[String]) -> String {
    let mut list = format!(
        "faults put into the protocol and found: {}\n",
        mutants.len()
    );
    for mutant in mutants {
        list.extend(["  ", mutant, "\n"]);
    }
    list
}

fn parse(report: &str) -> Result<Vec<Row>> {
    let rows = report.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>()
        .with_context(|| format!("cannot parse `{REPORT}`"))
}

/// A number that a scenario found.
type Count = fn(&Row) -> usize;

/// What the table tells of each scenario beside its name: in order, its heads and the numbers.
const COUNTS: [(&str, Count); 6] = [
    ("kills", |row| row.kills),
    ("pauses", |row| row.pauses),
    ("accepted", |row| row.accepted),
    ("lost", |row| row.lost),
    ("duplicated", |row| row.duplicated),
    ("wrongly refused", |row| row.refused),
];

/// The table in words, with its totals last.
fn table(rows: &[Row]) -> String {
    let line = |name: &str, counts: Vec<String>, recovery: [String; 2]| {
        [vec![name.to_owned()], counts, recovery.into()].concat()
    };
    let heads = line(
        "scenario",
        COUNTS.iter().map(|(head, _)| (*head).to_owned()).collect(),
        ["recovery p50", "max"].map(str::to_owned),
    );
    let of_row = |row: &Row| {
        line(
            &row.scenario,
            COUNTS.iter().map(|(_, of)| of(row).to_string()).collect(),
            [row.recovery_ms.p50, row.recovery_ms.max].map(seconds),
        )
    };
    let total = line(
        "total",
        COUNTS
            .iter()
            .map(|(_, of)| sum(rows, of).to_string())
            .collect(),
        [
            String::new(),
            seconds(rows.iter().filter_map(|row| row.recovery_ms.max).max()),
        ],
    );
    let lines: Vec<_> = [heads]
        .into_iter()
        .chain(rows.iter().map(of_row))
        .chain([total])
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<_> = (0..lines[0].len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
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
    let [kills, pauses, accepted, lost, duplicated, refused] = COUNTS.map(|(_, of)| sum(rows, of));
    if lost + duplicated + refused > 0 {
        bail!(
            "{lost} orders were lost, {duplicated} have two outcomes, and {refused} requests were wrongly refused"
        );
    }
    if accepted < ACCEPTED_MIN || kills < KILLS_MIN || pauses < PAUSES_MIN {
        bail!(
            "expected at least {ACCEPTED_MIN} accepted orders, {KILLS_MIN} kills and {PAUSES_MIN} pauses, found {accepted}, {kills} and {pauses}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of a scenario that proves enough, but for what is changed in it.
    fn row(changed: &str, value: usize) -> String {
        let count = |name: &str, enough: usize| if name == changed { value } else { enough };
        serde_json::json!({
            "scenario": "load",
            "kills": count("kills", 100),
            "pauses": count("pauses", 100),
            "accepted": count("accepted", 20_000),
            "lost": count("lost", 0),
            "duplicated": count("duplicated", 0),
            "refused": count("refused", 0),
            "recoveryMs": {"p50": 250, "max": null},
        })
        .to_string()
    }

    #[test]
    fn whatever_went_wrong_and_too_little_done_each_fail() {
        let judged = |report: &str| judge(&parse(report).expect("rows")).is_ok();
        assert!(judged(&row("", 0)));
        let halves = [("kills", 50), ("pauses", 99), ("accepted", 19_000)];
        for (name, _) in halves {
            assert!(!judged(&row(name, 1)), "{name}");
        }
        assert!(judged(
            &halves.map(|(name, value)| row(name, value)).join("\n")
        ));
        for name in ["lost", "duplicated", "refused"] {
            assert!(!judged(&row(name, 1)), "{name}");
        }
        assert!(!judged(""));
    }

    #[test]
    fn the_readme_says_what_it_takes() {
        let readme = include_str!("../../README.md").replace('\n', " ");
        let thousands = format!("{},{:03}", ACCEPTED_MIN / 1000, ACCEPTED_MIN % 1000);
        let said = format!(
            "fewer than {thousands} orders accepted, {KILLS_MIN} hosts killed, {PAUSES_MIN} stopped"
        );
        assert!(readme.contains(&said), "expected `{said}` in README.md");
    }

    #[test]
    fn the_table_has_a_line_for_each_scenario_and_one_for_all() {
        let rows = parse(&row("", 0)).expect("a row");
        let table = table(&rows);
        let lines: Vec<Vec<_>> = table
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[1],
            [
                "load", "100", "100", "20000", "0", "0", "0", "0.2", "s", "-"
            ]
        );
        assert_eq!(
            lines[2],
            ["total", "100", "100", "20000", "0", "0", "0", "-"]
        );
    }
}
