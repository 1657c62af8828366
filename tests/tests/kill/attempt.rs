//! Death inside an attempt: at its claim, its renewals and its end, by whatever it ends.

use std::time::Duration;

use tests::{Kept, Setup, Test, is_long, pause, tests, until};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": an_order_whose_attempt_dies_anywhere_is_completed_once,
    "Spin has no named points": an_order_that_is_cancelled_through_a_death_stays_cancelled,
    "Spin does not hand attempts back": an_attempt_whose_release_dies_is_made_again,
];

/// An attempt that dies.
struct Case {
    /// Where.
    point: &'static str,
    /// How long the work takes, and how it goes.
    work: (u64, &'static str),
    /// How the order's attempts ended.
    history: &'static [&'static str],
}

const DIED: &str = "leaseExpired";
const DONE: &str = "completed";

/// The swaps of one record: after the choice of the order for its key comes the claim, and after it come
/// renewals while the work takes its time, and then the end; then the record is set and deleted, by which it moves.
const CASES: [Case; 12] = [
    // The claim. One that was not written was none.
    case("swap:open_:2:before", (0, "complete"), &[DONE]),
    case("swap:open_:2:after", (0, "complete"), &[DIED, DONE]),
    // The first renewal, while the work goes on.
    case("swap:open_:3:before", (2500, "complete"), &[DIED, DONE]),
    case("swap:open_:3:after", (2500, "complete"), &[DIED, DONE]),
    // The end. One that was written holds.
    case("swap:open_:3:before", (0, "complete"), &[DIED, DONE]),
    case("swap:open_:3:after", (0, "complete"), &[DONE]),
    // The move of the record to where those of ended orders are.
    case("set:order_:1:before", (0, "complete"), &[DONE]),
    case("set:order_:1:after", (0, "complete"), &[DONE]),
    case("delete:open_:1:before", (0, "complete"), &[DONE]),
    case("delete:open_:1:after", (0, "complete"), &[DONE]),
    // The end of an attempt that is to be retried, and the claim of the retry.
    case("swap:open_:3:after", (0, "retry:1"), &["retryable", DONE]),
    case(
        "swap:open_:4:after",
        (0, "retry:1"),
        &["retryable", DIED, DONE],
    ),
];

const fn case(
    point: &'static str,
    work: (u64, &'static str),
    history: &'static [&'static str],
) -> Case {
    Case {
        point,
        work,
        history,
    }
}

fn an_order_whose_attempt_dies_anywhere_is_completed_once() {
    prove(
        "claim, renew, settle, killed at each write",
        &CASES,
        |case| {
            let service = Service::start(fast().crash_at(case.point));
            let ledger = Ledger::default();
            let order = order_with("the order", case.work.0, case.work.1);
            // The death may come before the answer does, so the submission is one to be repeated.
            let answered = submission(&service.host(), &order, Some("key")).try_send();
            if let Ok(accepted) = answered {
                ledger.accept(&accepted, &order);
            }

            service.restart_after_crash();

            ledger.accept(
                &submission(&service.host(), &order, Some("key")).send(),
                &order,
            );
            let finding = Finding::of(&service, &ledger);
            assert_history(&service, case);
            finding
        },
    );
}

/// A slow machine may let a lease run out that a fast one keeps; nothing else may come between.
fn assert_history(service: &Service, case: &Case) {
    let records = service.records();
    let mut history = records[0].history();
    // A host that has its store for itself knows sooner than by a lease that its predecessor died.
    for outcome in &mut history {
        if *outcome == "interrupted" {
            *outcome = DIED;
        }
    }
    let unexpected = history.len().saturating_sub(case.history.len());
    for _ in 0..unexpected {
        let index = history.iter().rposition(|outcome| *outcome == DIED);
        index.map(|index| history.remove(index));
    }
    assert_eq!(history, case.history, "{}: {:?}", case.point, records[0]);
}

fn an_order_that_is_cancelled_through_a_death_stays_cancelled() {
    // The write of the cancellation, and the two of the record's move after it. A lease of its
    // default length is not renewed before.
    let points = [
        "swap:open_:2:before",
        "swap:open_:2:after",
        "set:order_:1:before",
        "set:order_:1:after",
        "delete:open_:1:before",
        "delete:open_:1:after",
    ];
    // A cancelled order does not end with what was sent, so this makes no row of the table.
    for point in points.iter().step_by(if is_long() { 1 } else { 2 }) {
        cancel_through_a_death(point);
    }
}

fn cancel_through_a_death(point: &str) {
    let setup = Setup::controlled().variable("sweep_seconds", "1");
    let service = Service::start(setup.variable("progress_seconds", "60").crash_at(point));
    let order = order_with("the order", 600_000, "complete");
    let accepted = submission(&service.host(), &order, None).send();
    let status = accepted
        .header("location")
        .expect("a 202 has a location")
        .to_owned();
    until("an order to be processed", || {
        (service.records()[0].status() == "processing").then_some(())
    });

    let unanswered = service.host().request("DELETE", &status).try_send();

    assert!(unanswered.is_err(), "{point}: {unanswered:?}");
    service.restart_after_crash();
    let again = service.host().request("DELETE", &status).send();
    // A cancellation that was written holds, and then there is nothing left to cancel.
    assert!(
        [200, 409].contains(&again.status),
        "{point}: {}",
        again.describe()
    );
    let kept = Kept::in_state_dir(service.host().state_dir());
    until("the order to be moved", || {
        kept.unmoved().is_empty().then_some(())
    });
    let record = kept.records().remove(0);
    assert_eq!(record.status(), "cancelled", "{point}");
    let history = record.history();
    // Where nothing was written, the host that comes next may have taken the order up before it is asked.
    let was_taken_up = point == "swap:open_:2:before" && history == ["interrupted", "cancelled"];
    assert!(
        was_taken_up || history == ["cancelled"],
        "{point}: {history:?}"
    );
}

fn an_attempt_whose_release_dies_is_made_again() {
    let points = ["swap:open_:2:before", "swap:open_:2:after"];
    prove(
        "hand an attempt back, killed at each write",
        &points,
        |point| {
            let config = "[processor]\ntype = \"in-process\"\ndrain_seconds = 1\n";
            let setup = fast()
                .variable("lease_seconds", "5")
                .variable("progress_seconds", "60");
            let service = Service::start(setup.runtime_config(config).crash_at(point));
            let ledger = Ledger::default();
            // Longer than the drain takes, and shorter than the test.
            let order = order_with("the order", 4000, "complete");
            ledger.accept(&submission(&service.host(), &order, None).send(), &order);
            until("an order to be processed", || {
                (service.records()[0].status() == "processing").then_some(())
            });

            service.host().terminate();

            service.restart_after_crash();
            pause(Duration::from_secs(1), "an order to be worked on");
            Finding::of(&service, &ledger)
        },
    );
}
