//! What was measured, as it is kept in a file; and what of it is compared.
//!
//! Ratios are medians of the ratios of each round, and not ratios of medians: what slows a round
//! slows both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::system::System;
use super::systems::{BULLMQ, BY_HAND_REDIS, FLOOR, HELLO, OURS_SQLITE, RESTATE_SERVER};
use crate::machine::Machine;
use crate::rounds::{Target, median};

/// A run.
#[derive(Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    pub method: Method,
    pub versions: BTreeMap<String, String>,
    pub systems: Vec<Row>,
    pub skipped: Vec<Skipped>,
}

/// How it was measured.
#[derive(Serialize, Deserialize)]
pub struct Method {
    pub connections: usize,
    pub rounds: usize,
    pub submit_ms: u128,
    pub read_ms: u128,
}

/// What was measured of a system, round by round.
#[derive(Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// What it keeps through a crash.
    pub keeps: String,
    pub orders: Vec<OrdersRound>,
    pub reads: Vec<ReadsRound>,
}

#[derive(Serialize, Deserialize)]
pub struct OrdersRound {
    pub accepted_per_second: f64,
    /// From the first submission until the last order had ended.
    pub completed_per_second: f64,
    /// Processor time an order in that time, in microseconds.
    pub work_us: f64,
    /// The same, with the status that says that it has ended, and the result.
    pub whole_us: f64,
    /// Orders that had not ended when those had that were accepted last.
    pub late: usize,
}

#[derive(Serialize, Deserialize)]
pub struct ReadsRound {
    pub per_second: f64,
    /// Processor time a read, in microseconds.
    pub us: f64,
}

/// A system that could not be measured.
#[derive(Serialize, Deserialize)]
pub struct Skipped {
    pub name: String,
    pub why: String,
}

/// A figure of a round.
#[derive(Clone, Copy)]
pub enum Figure {
    Orders(fn(&OrdersRound) -> f64),
    Reads(fn(&ReadsRound) -> f64),
}

pub const ACCEPTED: Figure = Figure::Orders(|round| round.accepted_per_second);
pub const COMPLETED: Figure = Figure::Orders(|round| round.completed_per_second);
pub const WORK_US: Figure = Figure::Orders(|round| round.work_us);
pub const WHOLE_US: Figure = Figure::Orders(|round| round.whole_us);
pub const READS: Figure = Figure::Reads(|round| round.per_second);
pub const READ_US: Figure = Figure::Reads(|round| round.us);

/// A ratio, and what it should be.
pub struct Outcome {
    pub what: &'static str,
    pub ratio: f64,
    pub bound: Target,
}

/// What is to be: the figure of one system, to that of another.
type Aim = (&'static str, &'static str, &'static str, Figure, Target);

const AIMS: &[Aim] = &[
    (
        "processor time an order on SQLite, to BullMQ",
        OURS_SQLITE,
        BULLMQ,
        WORK_US,
        Target::AtMost(0.7),
    ),
    (
        "processor time an order on SQLite, to the native floor",
        OURS_SQLITE,
        FLOOR,
        WORK_US,
        Target::AtMost(5.0),
    ),
    (
        "completed a second on SQLite, to BullMQ",
        OURS_SQLITE,
        BULLMQ,
        COMPLETED,
        Target::AtLeast(1.0),
    ),
    (
        "accepted a second on SQLite, to BullMQ",
        OURS_SQLITE,
        BULLMQ,
        ACCEPTED,
        Target::AtLeast(1.5),
    ),
    (
        "accepted a second on SQLite, to Fastify on Redis",
        OURS_SQLITE,
        BY_HAND_REDIS,
        ACCEPTED,
        Target::AtLeast(1.0),
    ),
    (
        "processor time a status on SQLite, to Restate",
        OURS_SQLITE,
        RESTATE_SERVER,
        READ_US,
        Target::AtMost(1.0),
    ),
    (
        "processor time a status on SQLite, to the hello component",
        OURS_SQLITE,
        HELLO,
        READ_US,
        Target::AtMost(1.25),
    ),
];

impl Row {
    /// Nothing of this system yet.
    pub fn of(system: &System) -> Self {
        Self {
            name: system.name.to_owned(),
            keeps: system.keeps.as_text().to_owned(),
            orders: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// The median of a figure; none if it was not measured of this system.
    pub fn median(&self, figure: Figure) -> Option<f64> {
        middle(self.rounds(figure))
    }

    /// The median of a figure as it is read: thousands apart, and of small ones a digit more.
    pub fn text(&self, figure: Figure) -> Option<String> {
        let value = self.median(figure)?;
        let decimals = usize::from(value < 100.0);
        let digits = format!("{value:.decimals$}");
        let whole = digits.split('.').next().map_or(0, str::len);
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index < whole && (whole - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        Some(text)
    }

    fn rounds(&self, figure: Figure) -> Vec<f64> {
        match figure {
            Figure::Orders(of) => self.orders.iter().map(of).collect(),
            Figure::Reads(of) => self.reads.iter().map(of).collect(),
        }
    }
}

impl Results {
    /// How a figure of one system is to that of another.
    pub fn ratio(&self, name: &str, to: &str, figure: Figure) -> Option<f64> {
        let rounds = |name: &str| {
            let row = self.systems.iter().find(|row| row.name == name)?;
            Some(row.rounds(figure))
        };
        let (ours, theirs) = (rounds(name)?, rounds(to)?);
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs);
        middle(ratios.collect())
    }

    /// What is to be, and what is, of what was measured.
    pub fn targets(&self) -> impl Iterator<Item = Outcome> {
        AIMS.iter().filter_map(|(what, of, to, figure, bound)| {
            Some(Outcome {
                what,
                ratio: self.ratio(of, to, *figure)?,
                bound: *bound,
            })
        })
    }
}

fn middle(values: Vec<f64>) -> Option<f64> {
    (!values.is_empty()).then(|| median(values.into_iter()))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A system of these figures, in two rounds of which the second is twice as slow.
    fn row(name: &str, us: f64) -> Row {
        let order = |slower: f64| OrdersRound {
            accepted_per_second: 1e6 / us / slower,
            completed_per_second: 5e5 / us / slower,
            work_us: us * slower,
            whole_us: us * 1.5 * slower,
            late: 0,
        };
        let read = |slower: f64| ReadsRound {
            per_second: 4e6 / us / slower,
            us: us / 4.0 * slower,
        };
        Row {
            name: name.to_owned(),
            keeps: "order and work".to_owned(),
            orders: vec![order(1.0), order(2.0)],
            reads: vec![read(1.0), read(2.0)],
        }
    }

    /// Made-up results.
    pub fn sample() -> Results {
        Results {
            machine: Machine::read(),
            method: Method {
                connections: 64,
                rounds: 2,
                submit_ms: 2000,
                read_ms: 2000,
            },
            versions: BTreeMap::from([("bullmq".to_owned(), "6.7.0".to_owned())]),
            systems: vec![
                row(OURS_SQLITE, 100.0),
                row(BULLMQ, 150.0),
                row(FLOOR, 20.0),
                Row {
                    orders: Vec::new(),
                    ..row(HELLO, 80.0)
                },
            ],
            skipped: vec![Skipped {
                name: "Restate".to_owned(),
                why: "cannot run `node`".to_owned(),
            }],
        }
    }

    #[test]
    fn a_ratio_is_that_of_the_same_round() {
        let ratio = sample().ratio(OURS_SQLITE, FLOOR, WORK_US);
        assert!(ratio.is_some_and(|ratio| (ratio - 5.0).abs() < 1e-9));
    }

    #[test]
    fn a_figure_is_read_with_its_thousands_apart() {
        let text = |us| row("", us).text(WORK_US);
        assert_eq!(text(0.5).as_deref(), Some("1.0"));
        assert_eq!(text(50.0).as_deref(), Some("100"));
        assert_eq!(text(617_283.5).as_deref(), Some("1,234,567"));
    }

    #[test]
    fn what_was_not_measured_has_no_ratio() {
        let results = sample();
        assert_eq!(results.ratio(OURS_SQLITE, HELLO, WORK_US), None);
        assert_eq!(results.ratio(OURS_SQLITE, RESTATE_SERVER, READ_US), None);
        assert_eq!(results.targets().count(), 5);
    }
}
