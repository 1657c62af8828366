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

use std::time::Duration;
use std::{fs, panic};

use anyhow::{Context, Error, Result, bail, ensure};
use tests::repository_path;

use crate::effort::Effort;
use crate::load::{CONNECTIONS, Load};
use crate::machine::Machine;
use crate::rounds::compare;
use results::{Method, OrdersRound, Results, Row, Skipped};
use system::System;
use systems::{OURS_SQLITE, SYSTEMS};

/// How often each system is measured.
const ROUNDS: Effort<usize> = Effort { full: 5, quick: 1 };

/// Where results are kept, and where the last ones are if they are not.
const KEPT: &str = "bench/results";
const LATEST: &str = "target/bench/results";

/// A system, what was measured of it, and what it is to be asked for.
struct Contender {
    system: System,
    row: Row,
    reads: Option<Load>,
}

/// Measures all, and keeps the results if that is asked for.
pub fn run(is_recorded: bool) -> Result<()> {
    let machine = Machine::read();
    let mut skipped = Vec::new();
    let mut contenders = start_all(&mut skipped);
    measure(&mut contenders, &mut skipped);
    let results = Results {
        machine,
        method: Method {
            connections: CONNECTIONS,
            rounds: ROUNDS.now(),
            submit_ms: round::SUBMIT.now().as_millis(),
            read_ms: round::READ.now().as_millis(),
        },
        versions: versions::versions(),
        systems: contenders.into_iter().map(|it| it.row).collect(),
        skipped,
    };
    print!("{}", page::lines(&results));
    for target in results.targets() {
        compare(target.what, target.ratio, target.bound);
    }
    let is_ours = |row: &Row| row.name == OURS_SQLITE;
    ensure!(
        results.systems.iter().any(is_ours),
        "what is to be compared with all others was skipped"
    );
    keep(&results, is_recorded)
}

/// Starts what can be started.
fn start_all(skipped: &mut Vec<Skipped>) -> Vec<Contender> {
    let mut contenders = Vec::new();
    for (name, start) in SYSTEMS {
        match started(*start) {
            Ok(system) => contenders.push(Contender {
                row: Row::of(&system),
                system,
                reads: None,
            }),
            Err(error) => skip(name, &error, skipped),
        }
    }
    contenders
}

/// Says that a system is left out.
fn skip(name: &str, error: &Error, skipped: &mut Vec<Skipped>) {
    println!("  {name} is skipped: {error:#}");
    skipped.push(Skipped {
        name: name.to_owned(),
        why: format!("{error:#}"),
    });
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
fn measure(contenders: &mut Vec<Contender>, skipped: &mut Vec<Skipped>) {
    let mut each = |step: fn(&mut Contender) -> Result<()>| {
        contenders.retain_mut(|it| {
            let outcome = step(it);
            if let Err(error) = &outcome {
                skip(it.system.name, error, skipped);
            }
            outcome.is_ok()
        });
    };
    // The first of it compiles and connects, which is no part of the question.
    each(|it| it.orders(round::WARM_UP).map(drop));
    for _ in 0..ROUNDS.now() {
        each(|it| {
            let round = it.orders(round::SUBMIT.now())?;
            it.row.orders.extend(round);
            Ok(())
        });
    }
    each(|it| {
        let load = round::reads_of_open_orders(&it.system)?;
        round::reads(&it.system, &load, round::WARM_UP)?;
        it.reads = Some(load);
        Ok(())
    });
    for _ in 0..ROUNDS.now() {
        each(|it| {
            let load = it.reads.as_ref().context("it has nothing to be read")?;
            let round = round::reads(&it.system, load, round::READ.now())?;
            it.row.reads.push(round);
            Ok(())
        });
    }
}

impl Contender {
    /// A round of orders; none if it takes none.
    fn orders(&self, duration: Duration) -> Result<Option<OrdersRound>> {
        let takes = self.system.takes_orders();
        takes
            .then(|| round::orders(&self.system, duration))
            .transpose()
    }
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
