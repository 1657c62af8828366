//! Benchmarks: each answers a question, by a ratio to a baseline that is measured in the same run.
//!
//! `cargo xtask bench [NAME]` builds and installs what they need and runs them. Absolute numbers
//! are those of one machine on one day, which the head of the output names; the ratios are what
//! the targets speak of. Hosts and baselines are processes on the loopback address, and the load
//! comes from here ([`load`]), so all of them share the machine's cores.

mod baseline;
mod load;
mod machine;
mod orders;
mod rounds;
mod seed;

mod computing;
mod hostile;
mod kill;
mod memory;
mod reads;
mod replicas;
mod submits;
mod sweep;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

/// A benchmark: its name, its question, and the function that prints the answer.
type Benchmark = (&'static str, &'static str, fn() -> Result<()>);

const BENCHMARKS: &[Benchmark] = &[
    (
        "submits",
        "how many orders a second are accepted, each durable before its 202",
        submits::run,
    ),
    (
        "reads",
        "how many statuses a second are read, and how long the slowest take",
        reads::run,
    ),
    (
        "computing",
        "how much longer requests take while orders compute on every core",
        computing::run,
    ),
    (
        "sweep",
        "how much more a sweep over 100 open orders costs with 1,000,000 retained ones than with 10,000, and how long requests take meanwhile",
        sweep::run,
    ),
    (
        "memory",
        "how much memory a host has resident, idle and with 1,000 open orders",
        memory::run,
    ),
    (
        "kill",
        "how soon 1,000 and 10,000 open orders are worked on again after kill -9",
        kill::run,
    ),
    (
        "hostile",
        "how much longer requests of an honest client take while others mean harm, and what memory that takes",
        hostile::run,
    ),
    (
        "replicas",
        "how many orders a second one and three replicas on one Redis accept, and how soon a dead one's are worked on again",
        replicas::run,
    ),
];

/// Far more than a benchmark takes; it only ends what hangs.
const DEADLINE: Duration = Duration::from_mins(30);

fn main() -> ExitCode {
    match run(std::env::args().nth(1).as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: Option<&str>) -> Result<()> {
    let chosen: Vec<_> = BENCHMARKS
        .iter()
        .filter(|(it, ..)| name.is_none_or(|name| *it == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHMARKS.iter().map(|(name, ..)| *name).collect();
        bail!(
            "expected one of `{}`, found `{}`",
            names.join("`, `"),
            name.unwrap_or_default()
        );
    }
    println!("{}", machine::describe());
    for (name, question, benchmark) in chosen {
        println!("\n{name}: {question}");
        tests::within(DEADLINE, benchmark)?;
    }
    Ok(())
}
