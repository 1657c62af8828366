//! What a proof found, as a row of the table that `cargo xtask prove` prints.

use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::json;

/// What a scenario found.
#[derive(Debug)]
pub struct Row {
    /// What was done.
    pub scenario: String,
    /// How often a host was killed meanwhile.
    pub kills: usize,
    /// How often one was stopped, and went on after others had given up on it.
    pub pauses: usize,
    /// Orders that were answered with `202`.
    pub accepted: usize,
    /// Those that have not ended, or not with what was sent.
    pub lost: usize,
    /// Those with more than one outcome, and those beside the one that a submission was told of.
    pub duplicated: usize,
    /// Requests that were refused although they were right.
    pub refused: usize,
    /// How long after a restart each open order was worked on again.
    pub recovery: Recovery,
}

/// Times from a restart to an open order's next attempt, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    times_ms: Vec<u64>,
}

impl Recovery {
    /// The longest time, if there is any.
    pub fn max_ms(&self) -> Option<u64> {
        self.times_ms.iter().max().copied()
    }

    fn median_ms(&self) -> Option<u64> {
        let mut sorted = self.times_ms.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

impl FromIterator<u64> for Recovery {
    fn from_iter<T: IntoIterator<Item = u64>>(times_ms: T) -> Self {
        Self {
            times_ms: times_ms.into_iter().collect(),
        }
    }
}

impl Row {
    /// Hands the row in, to the file that the variable `PROOF_REPORT` names, and asserts that
    /// nothing was lost, duplicated or wrongly refused.
    pub fn conclude(self) {
        let Self {
            scenario,
            kills,
            pauses,
            accepted,
            lost,
            duplicated,
            refused,
            recovery,
        } = &self;
        if let Some(file) = std::env::var_os("PROOF_REPORT") {
            let row = json!({
                "scenario": scenario,
                "kills": kills,
                "pauses": pauses,
                "accepted": accepted,
                "lost": lost,
                "duplicated": duplicated,
                "refused": refused,
                "recoveryMs": {"p50": recovery.median_ms(), "max": recovery.max_ms()},
            });
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(file)
                .expect("the report can be opened");
            // One write, so that rows of tests which run at once do not mix.
            file.write_all(format!("{row}\n").as_bytes())
                .expect("the report can be written");
        }
        assert_eq!(
            (*lost, *duplicated, *refused),
            (0, 0, 0),
            "expected none of {accepted} orders to be lost, duplicated or refused in `{scenario}`"
        );
    }
}
