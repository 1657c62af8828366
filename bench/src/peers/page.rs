//! The table: on the terminal, and on the page that is read.

use std::fmt::Write as _;
use std::fs;

use ::tests::repository_path;
use anyhow::{Context, Result};

use super::results::{
    ACCEPTED, COMPLETED, Figure, READ_US, READS, Results, Row, WHOLE_US, WORK_US,
};
use super::systems::{BULLMQ, FLOOR, HELLO};
use crate::rounds::Target;

/// The page, and what its generated part begins and ends with.
pub const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- peers -->\n";
const END: &str = "<!-- /peers -->\n";

/// A column: its heading, and what a row has there.
type Column = (&'static str, fn(&Results, &Row) -> Option<String>);

const COLUMNS: &[Column] = &[
    ("accepted/s", |_, row| row.text(ACCEPTED)),
    ("completed/s", |_, row| row.text(COMPLETED)),
    ("µs an order", |_, row| row.text(WORK_US)),
    ("to the floor", |results, row| {
        ratio(results, row, FLOOR, WORK_US)
    }),
    ("to BullMQ", |results, row| {
        ratio(results, row, BULLMQ, WORK_US)
    }),
    ("µs with its reads", |_, row| row.text(WHOLE_US)),
    ("status reads/s", |_, row| row.text(READS)),
    ("µs a read", |_, row| row.text(READ_US)),
    ("to hello", |results, row| {
        ratio(results, row, HELLO, READ_US)
    }),
];

/// As lines of a terminal.
pub fn lines(results: &Results) -> String {
    let line = |name: &str, cells: Vec<String>| {
        let mut text = format!("  {name:<24}");
        for cell in cells {
            // OK because writing to a string cannot fail.
            write!(text, "{cell:>18}").expect("a string grows");
        }
        text + "\n"
    };
    let headings = COLUMNS.iter().map(|(heading, _)| (*heading).to_owned());
    let rows = results.systems.iter().map(|row| {
        let cells = COLUMNS.iter().map(|(_, cell)| cell(results, row));
        line(&row.name, cells.map(Option::unwrap_or_default).collect())
    });
    let rows: String = rows.collect();
    line("", headings.collect()) + &rows
}

/// Writes the page's part anew; `file` is where the results are, without an extension.
pub fn write(results: &Results, file: &str) -> Result<()> {
    let path = repository_path(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read `{PAGE}`"))?;
    let page = with_part(&page, &markdown(results, file))
        .with_context(|| format!("expected `{PAGE}` to have `{BEGIN}` and `{END}`"))?;
    fs::write(path, page).with_context(|| format!("cannot write `{PAGE}`"))
}

/// A page with its part replaced; none if it has no place for it.
fn with_part(page: &str, part: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{part}{END}{after}"))
}

/// The part of the page, as Markdown.
fn markdown(results: &Results, file: &str) -> String {
    let machine = &results.machine;
    let method = &results.method;
    let mut text = String::new();
    // OK because writing to a string cannot fail.
    let mut line = |args: std::fmt::Arguments| writeln!(text, "{args}").expect("a string grows");
    line(format_args!(
        "Measured on {}, on {} with {} cores and {}, Linux {}, at commit {}: medians of {} rounds, in each of which\n\
         every system took orders for {} ms over {} connections, and later reads for {} ms.\n",
        machine.date,
        machine.processor,
        machine.cores,
        machine.memory,
        machine.kernel,
        machine.commit,
        method.rounds,
        method.submit_ms,
        method.connections,
        method.read_ms,
    ));
    let headings: Vec<_> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
    line(format_args!(
        "| system | kept through a crash | {} |\n|---|---|{}",
        headings.join(" | "),
        "---:|".repeat(COLUMNS.len())
    ));
    for row in &results.systems {
        let cells = COLUMNS
            .iter()
            .map(|(_, cell)| cell(results, row).unwrap_or_default());
        let cells: Vec<_> = cells.collect();
        line(format_args!(
            "| {} | {} | {} |",
            row.name,
            row.keeps,
            cells.join(" | ")
        ));
    }
    for skipped in &results.skipped {
        line(format_args!(
            "\n{} was skipped: {}.",
            skipped.name, skipped.why
        ));
    }
    line(format_args!(
        "\n![The same as bars](../{file}.svg)\n\n| what is aimed at | is | target | |\n|---|---:|---:|---|"
    ));
    for outcome in results.targets() {
        let (is_met, target) = match outcome.bound {
            Target::AtLeast(bound) => (outcome.ratio >= bound, format!("≥ {bound}×")),
            Target::AtMost(bound) => (outcome.ratio <= bound, format!("≤ {bound}×")),
        };
        line(format_args!(
            "| {} | {:.2}× | {target} | {} |",
            outcome.what,
            outcome.ratio,
            if is_met { "met" } else { "missed" }
        ));
    }
    let versions: Vec<_> = results
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    line(format_args!(
        "\nVersions: {}. Every round: [{file}.json](../{file}.json).",
        versions.join(", ")
    ));
    text
}

fn ratio(results: &Results, row: &Row, to: &str, figure: Figure) -> Option<String> {
    let ratio = results.ratio(&row.name, to, figure)?;
    Some(format!("{ratio:.2}×"))
}

#[cfg(test)]
mod tests {
    use super::super::KEPT;
    use super::super::results::tests::sample;
    use super::*;

    #[test]
    fn the_part_is_replaced_and_the_rest_stays() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let expected = format!("a\n{BEGIN}new\n{END}b\n");
        assert_eq!(with_part(&page, "new\n").as_deref(), Some(&*expected));
        assert_eq!(with_part("a page without\n", "new\n"), None);
    }

    #[test]
    fn the_page_has_a_place_for_it() {
        let page = ::tests::read_repository_file(PAGE);
        assert!(with_part(&page, "").is_some());
    }

    #[test]
    fn the_page_shows_what_was_kept() {
        let page = ::tests::read_repository_file(PAGE);
        // None is named before the first run that is recorded.
        let Some((_, rest)) = page.split_once(&format!("](../{KEPT}/")) else {
            return;
        };
        let (name, _) = rest.split_once(".svg)").expect("the plot comes first");
        let file = format!("{KEPT}/{name}");
        let json = ::tests::read_repository_file(&format!("{file}.json"));
        let results = serde_json::from_str(&json).expect("the file holds results");
        assert_eq!(with_part(&page, &markdown(&results, &file)), Some(page));
    }

    #[test]
    fn a_table_has_a_row_for_each_system_and_says_what_is_missing() {
        let text = markdown(&sample(), "bench/results/sample");
        assert!(
            text.contains("| ours, SQLite | order and work | 10,000 |"),
            "{text}"
        );
        assert!(text.contains("| 200 | 5.00× | 0.67× | 300 |"), "{text}");
        assert!(text.contains("Restate was skipped: cannot run `node`."));
    }
}
