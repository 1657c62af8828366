//! Benchmarks: each answers a question, by a ratio to a baseline that is measured in the same run.
//!
//! `cargo xtask bench [NAME]` builds and installs what they need and runs them; with `--quick` in less
//! time than good figures take ([`effort`]), with `--record` so that they are kept. Absolute numbers
//! are those of one machine on one day, which the head of the output names; the ratios are what
//! the targets speak of. Hosts and baselines are processes on the loopback address, and the load
//! comes from here ([`load`]), so all of them share the machine's cores.

mod baseline;
mod effort;
mod load;
mod machine;
mod orders;
mod process;
mod processor_time;
mod rounds;
mod seed;

mod computing;
mod hostile;
mod kill;
mod memory;
mod peers;
mod reads;
mod replicas;
mod submits;
mod sweep;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// A benchmark: its name, its question, and the function that prints the answer.
type Benchmark = (&'static str, &'static str, fn(&Options) -> Result<()>);

/// How they are run.
#[derive(Default)]
struct Options {
    name: Option<String>,
    is_quick: bool,
    /// Whether what is measured is kept, by the one benchmark that can.
    is_recorded: bool,
}

const BENCHMARKS: &[Benchmark] = &[
    (
        "peers",
        "what an order and a status cost, and what with what one would choose instead",
        |options| peers::run(options.is_recorded),
    ),
    (
        "submits",
        "how many orders a second are accepted, each durable before its 202",
        |_| submits::run(),
    ),
    (
        "reads",
        "how many statuses a second are read, and how long the slowest take",
        |_| reads::run(),
    ),
    (
        "computing",
        "how much longer requests take while orders compute on every core",
        |_| computing::run(),
    ),
    (
        "sweep",
        "how much more a sweep over 100 open orders costs with 1,000,000 retained ones than with 10,000, and how long requests take meanwhile",
        |_| sweep::run(),
    ),
    (
        "memory",
        "how much memory a host has resident, idle and with 1,000 open orders",
        |_| memory::run(),
    ),
    (
        "kill",
        "how soon 1,000 and 10,000 open orders are worked on again after kill -9",
        |_| kill::run(),
    ),
    (
        "hostile",
        "how much longer requests of an honest client take while others mean harm, and what memory that takes",
        |_| hostile::run(),
    ),
    (
        "replicas",
        "how many orders a second one and three replicas on one Redis accept, and how soon a dead one's are worked on again",
        |_| replicas::run(),
    ),
];

/// Far more than a benchmark takes; it only ends what hangs.
const DEADLINE: Duration = Duration::from_mins(30);

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        for argument in arguments {
            match &*argument {
                "--quick" => options.is_quick = true,
                "--record" => options.is_recorded = true,
                _ if argument.starts_with('-') || options.name.is_some() => {
                    bail!(
                        "expected a benchmark's name, `--quick` or `--record`, found `{argument}`"
                    )
                }
                _ => options.name = Some(argument),
            }
        }
        if options.is_recorded && (options.is_quick || options.name.as_deref() != Some("peers")) {
            bail!(
                "expected `--record` with `peers` and without `--quick`: figures that are kept are good ones"
            );
        }
        Ok(options)
    }
}

fn run(options: &Options) -> Result<()> {
    let name = options.name.as_deref();
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
    effort::choose(options.is_quick);
    println!("{}", machine::Machine::read().describe());
    for (name, question, benchmark) in chosen {
        println!("\n{name}: {question}");
        let began = Instant::now();
        tests::within(DEADLINE, || benchmark(options))?;
        println!("  in {:.0?}", began.elapsed());
    }
    Ok(())
}
