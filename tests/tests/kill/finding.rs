//! What one run of a scenario found, and how the runs of one become a row of the proof's table.

use tests::{Row, is_long, together};

use crate::ledger::{Ledger, Verdict};
use crate::service::{Service, recovery_ms};

/// What one run found.
pub struct Finding {
    verdict: Verdict,
    kills: usize,
    pauses: usize,
    recovery_ms: Vec<u64>,
}

impl Finding {
    /// Waits until every accepted order of this run has ended, and judges.
    pub fn of(service: &Service, ledger: &Ledger) -> Self {
        let verdict = ledger.judge(&service.host(), &service.kept());
        let restarts = service.restarts();
        Self {
            verdict,
            kills: restarts.len(),
            pauses: service.pauses(),
            recovery_ms: recovery_ms(&service.records(), &restarts),
        }
    }
}

/// How many cases of a scenario go on at once: they wait more than they compute, but each start
/// of a host compiles the components.
const AT_ONCE: usize = 2;

/// How many cases of a scenario a bounded proof goes through.
const BOUNDED_CASES_MAX: usize = 3;

/// Runs a scenario once for each case, on a host of its own. A bounded proof takes cases from
/// all over the list, a long one all of them.
pub fn prove<C: Sync>(scenario: &str, cases: &[C], run: impl Fn(&C) -> Finding + Sync) {
    let step = if is_long() {
        1
    } else {
        cases.len().div_ceil(BOUNDED_CASES_MAX)
    };
    let chosen: Vec<&C> = cases.iter().step_by(step).collect();
    let found = together(AT_ONCE, |worker| {
        let share = chosen.iter().skip(worker).step_by(AT_ONCE);
        share.map(|case| run(case)).collect::<Vec<_>>()
    });
    conclude(scenario, &found.into_iter().flatten().collect::<Vec<_>>());
}

/// Makes a row of what the runs of a scenario found.
pub fn conclude(scenario: &str, found: &[Finding]) {
    let sum = |of: fn(&Finding) -> usize| found.iter().map(of).sum::<usize>();
    Row {
        scenario: scenario.to_owned(),
        kills: sum(|it| it.kills),
        pauses: sum(|it| it.pauses),
        accepted: sum(|it| it.verdict.accepted),
        lost: sum(|it| it.verdict.lost),
        duplicated: sum(|it| it.verdict.duplicated),
        refused: sum(|it| it.verdict.refused),
        recovery: found
            .iter()
            .flat_map(|it| it.recovery_ms.iter().copied())
            .collect(),
    }
    .conclude();
}
