//! Rounds: each contender in turn, several times, so that whatever else the machine does meanwhile
//! hits all of them; and the median of each.

use std::time::Duration;

use anyhow::Result;

use crate::effort::Effort;
use crate::load::{CONNECTIONS, Load, Measured, Pace};

/// How often each contender is measured, and for how long.
const ROUNDS: Effort<usize> = Effort { full: 5, quick: 2 };
const ROUND: Effort<Duration> = Effort {
    full: Duration::from_secs(4),
    quick: Duration::from_secs(1),
};

/// Who is measured.
pub struct Contender {
    pub name: &'static str,
    pub load: Load,
}

/// The medians of a contender's rounds.
pub struct Median {
    pub name: &'static str,
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

/// Measures all contenders in rounds and prints a line for each.
pub fn race(contenders: &[Contender]) -> Result<Vec<Median>> {
    let mut rounds: Vec<Vec<Measured>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS.now() {
        for (contender, measured) in contenders.iter().zip(&mut rounds) {
            let load = Load {
                connections: CONNECTIONS,
                pace: Pace::Closed(ROUND.now()),
                ..contender.load.clone()
            };
            measured.push(load.send()?);
        }
    }
    let medians: Vec<_> = contenders
        .iter()
        .zip(&rounds)
        .map(|(contender, measured)| Median {
            name: contender.name,
            per_second: median(measured.iter().map(Measured::per_second)),
            p50: median(measured.iter().map(|it| it.percentile(50))),
            p99: median(measured.iter().map(|it| it.percentile(99))),
        })
        .collect();
    for Median {
        name,
        per_second,
        p50,
        p99,
    } in &medians
    {
        println!("  {name:<40} {per_second:>8.0}/s  p50 {p50:>9.2?}  p99 {p99:>9.2?}");
    }
    Ok(medians)
}

/// Prints a ratio and whether it is what it should be.
pub fn compare(what: &str, ratio: f64, target: Target) {
    let (is_met, sign, bound) = match target {
        Target::AtLeast(bound) => (ratio >= bound, "≥", bound),
        Target::AtMost(bound) => (ratio <= bound, "≤", bound),
    };
    let verdict = if is_met { "met" } else { "MISSED" };
    println!("  {what:<58} {ratio:>7.2}×  target {sign} {bound}×: {verdict}");
}

/// What a ratio should be.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// The middle one of these, which are not none.
pub fn median<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("measurements compare"));
    sorted[sorted.len() / 2]
}
