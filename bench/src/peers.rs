//! What do an order and a status cost here, and what with what one would choose instead?
//!
//! All systems run at once, each with a store of its own, and are measured in turn, several times:
//! the speed of a machine changes within minutes, so only ratios of what was measured in one round
//! are compared. The processor time is that of all processes of a system, its store's included, and
//! without the load's. What cannot be started here is skipped by name.
//!
//! `--record` keeps what was measured in `bench/results/`, with a plot, and writes the table of
//! `docs/performance.md` from it.

mod page;
mod plot;
mod postgres;
mod results;
mod round;
mod system;
mod systems;
mod versions;

use std::{fs, panic};

use anyhow::{Context, Result, bail};
use tests::repository_path;

use crate::effort::Effort;
use crate::machine::Machine;
use crate::rounds::compare;
use results::{Method, Results, Row, Skipped};
use system::System;
use systems::SYSTEMS;

/// How often each system is measured.
const ROUNDS: Effort<usize> = Effort { full: 5, quick: 1 };

/// Where results are kept, and where the last ones are if they are not.
const KEPT: &str = "bench/results";
const LATEST: &str = "target/bench/results";

/// Measures all, and keeps the results if that is asked for.
pub fn run(is_recorded: bool) -> Result<()> {
    let (mut systems, skipped) = start_all();
    let results = Results {
        machine: Machine::read(),
        method: Method {
            connections: crate::load::CONNECTIONS,
            rounds: ROUNDS.now(),
            submit_ms: round::SUBMIT.now().as_millis(),
            read_ms: round::READ.now().as_millis(),
        },
        versions: versions::versions(),
        systems: measure(&mut systems)?,
        skipped,
    };
    drop(systems);
    print!("{}", page::lines(&results));
    for target in results.targets() {
        compare(target.what, target.ratio, target.bound);
    }
    keep(&results, is_recorded)
}

/// Starts what can be started, and says what cannot.
fn start_all() -> (Vec<System>, Vec<Skipped>) {
    let (mut systems, mut skipped) = (Vec::new(), Vec::new());
    for (name, start) in SYSTEMS {
        match started(*start) {
            Ok(system) => systems.push(system),
            Err(error) => {
                println!("  {name:<28} skipped: {error:#}");
                skipped.push(Skipped {
                    name: (*name).to_owned(),
                    why: format!("{error:#}"),
                });
            }
        }
    }
    (systems, skipped)
}

/// Starts one; what the harness of the tests panics with is an error here.
fn started(start: fn() -> Result<System>) -> Result<System> {
    panic::catch_unwind(start).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        bail!("{}", message.unwrap_or("it panicked"))
    })
}

/// Orders in rounds, then reads in rounds: what is read is open, and stays so.
fn measure(systems: &mut [System]) -> Result<Vec<Row>> {
    let mut rows: Vec<_> = systems.iter().map(Row::of).collect();
    // The first of it compiles and connects, which is no part of the question.
    for system in systems.iter().filter(|system| system.takes_orders()) {
        round::orders(system, round::WARM_UP.now()).context(system.name)?;
    }
    for _ in 0..ROUNDS.now() {
        for (system, row) in systems.iter().zip(&mut rows) {
            if system.takes_orders() {
                let round = round::orders(system, round::SUBMIT.now());
                row.orders.push(round.context(system.name)?);
            }
        }
    }
    let loads: Vec<_> = systems
        .iter()
        .map(|system| round::reads_of_open_orders(system).context(system.name))
        .collect::<Result<_>>()?;
    for (system, load) in systems.iter().zip(&loads) {
        round::reads(system, load, round::WARM_UP.now()).context(system.name)?;
    }
    for _ in 0..ROUNDS.now() {
        for ((system, load), row) in systems.iter().zip(&loads).zip(&mut rows) {
            let round = round::reads(system, load, round::READ.now());
            row.reads.push(round.context(system.name)?);
        }
    }
    Ok(rows)
}

/// Writes the results and their plot, and the page if they are to stay.
fn keep(results: &Results, is_recorded: bool) -> Result<()> {
    let (directory, name) = if is_recorded {
        (KEPT, results.machine.file_name())
    } else {
        (LATEST, "peers".to_owned())
    };
    fs::create_dir_all(repository_path(directory))?;
    let json = serde_json::to_string_pretty(results)? + "\n";
    for (extension, text) in [("json", json), ("svg", plot::svg(results))] {
        let file = format!("{directory}/{name}.{extension}");
        fs::write(repository_path(&file), text)
            .with_context(|| format!("cannot write `{file}`"))?;
        println!("  {file}");
    }
    if is_recorded {
        page::write(results, &format!("{KEPT}/{name}"))?;
        println!("  {}", page::PAGE);
    }
    Ok(())
}
