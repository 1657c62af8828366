//! The conditions that every test of the protocol is run under, and how often.

use std::fmt;

use super::fault::{Fault, Quirk};
use super::world::World;

/// What goes wrong in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// A fault that strikes operations at random.
    pub fault: Option<Fault>,
    /// A quirk that the store always has.
    pub quirk: Option<Quirk>,
    /// Whether processes stand still, between any two operations, for longer than anybody waits.
    pub pauses: bool,
    /// Whether each process has a clock of its own, which is wrong and jumps.
    pub clocks: bool,
}

impl Conditions {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        fault: None,
        quirk: None,
        pauses: false,
        clocks: false,
    };

    /// Nothing goes wrong but that the store has its quirk.
    pub fn of(quirk: Option<Quirk>) -> Self {
        Self {
            quirk,
            ..Self::CALM
        }
    }

    /// A plain store, and one with each quirk.
    pub fn quirks() -> Vec<Self> {
        let quirks = [None].into_iter().chain(Quirk::ALL.map(Some));
        quirks.map(Self::of).collect()
    }

    /// As [`all`](Self::all), where processes also pause and their clocks are wrong.
    pub fn harsh() -> Vec<Self> {
        let harsh = |conditions| Self {
            pauses: true,
            clocks: true,
            ..conditions
        };
        Self::all().into_iter().map(harsh).collect()
    }

    /// No fault, each fault and each quirk, one at a time.
    pub fn single() -> Vec<Self> {
        let single = |conditions: &Self| conditions.fault.is_none() || conditions.quirk.is_none();
        Self::all().into_iter().filter(single).collect()
    }

    /// No fault and each fault, on a plain store and on one with each quirk.
    pub fn all() -> Vec<Self> {
        let faults = [None].into_iter().chain(Fault::ALL.map(Some));
        faults
            .flat_map(|fault| {
                let with = move |conditions| Self {
                    fault,
                    ..conditions
                };
                Self::quirks().into_iter().map(with)
            })
            .filter(|conditions| conditions.can_be())
            .collect()
    }

    /// SQLite is a file in the host's own process: what it has reported as failed has been
    /// rolled back and does not happen later. With such a network between them, no store whose
    /// creating swap overwrites could tell one creator from two.
    fn can_be(self) -> bool {
        (self.fault, self.quirk)
            != (
                Some(Fault::AppliesAfterReportingFailure),
                Some(Quirk::SqliteSwapOfAbsentKeyOverwrites),
            )
    }

    /// Whether what is said of swaps can be believed.
    pub fn may_vouch_for_swaps(self) -> bool {
        let is_redis = matches!(
            self.quirk,
            Some(Quirk::RedisAbortedSwapReportsSuccess | Quirk::RedisSwapAlwaysReportsFailure)
        );
        self.fault != Some(Fault::RefusesAndReportsSuccess) && !is_redis
    }

    /// Whether a try may fail that would succeed on a sound store.
    pub fn may_fail(self) -> bool {
        !matches!(self.fault, None | Some(Fault::Delays | Fault::AppliesTwice)) || self.pauses
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.fault, self.quirk) {
            (None, None) => f.write_str("no fault"),
            (Some(fault), None) => write!(f, "{fault:?}"),
            (None, Some(quirk)) => write!(f, "{quirk:?}"),
            (Some(fault), Some(quirk)) => write!(f, "{fault:?} and {quirk:?}"),
        }?;
        if self.pauses {
            f.write_str(", with pauses")?;
        }
        if self.clocks {
            f.write_str(", with wrong clocks")?;
        }
        Ok(())
    }
}

/// How much longer than usual the proof takes: 1, or 20 with `ORDERS_PROVE=long`.
pub fn thoroughness() -> u64 {
    match std::env::var("ORDERS_PROVE").as_deref() {
        Ok("long") => 20,
        _ => 1,
    }
}

/// Runs `test` under all conditions, `seeds` times each, and more often in a long proof.
pub fn under_all_conditions(seeds: u64, test: impl Fn(&World)) {
    under(&Conditions::all(), seeds, test);
}

/// Runs `test` under the given conditions, `seeds` times each, and more often in a long proof.
pub fn under(conditions: &[Conditions], seeds: u64, test: impl Fn(&World)) {
    for conditions in conditions {
        for seed in 0..seeds * thoroughness() {
            let told = Told(*conditions, seed);
            test(&World::new(*conditions, seed));
            drop(told);
        }
    }
}

/// Tells under which conditions a test panicked.
struct Told(Conditions, u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("under these conditions: {}; seed {}", self.0, self.1);
        }
    }
}
