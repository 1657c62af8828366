//! Death inside a submission: what was not answered may be sent again, what was answered stays.

use tests::{Test, tests, until};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": a_submission_that_dies_anywhere_can_be_made_again,
    "Spin has no named points": a_submission_with_a_key_that_dies_anywhere_is_made_once,
];

/// Each write of the second submission, before and after it; the first is accepted before.
const POINTS: [&str; 2] = ["set:open_:2:before", "set:open_:2:after"];

/// The writes that come with a key: the number of the bid, the bid, and the choice of the order that it is
/// for. Each submission also asks twice how many bids there are, which counts as an increment; and each
/// order before has been chosen, claimed and settled.
const POINTS_WITH_A_KEY: [&str; 6] = [
    "increment:bids_:5:before",
    "increment:bids_:5:after",
    "swap:bid_:2:before",
    "swap:bid_:2:after",
    "swap:open_:4:before",
    "swap:open_:4:after",
];

fn a_submission_that_dies_anywhere_can_be_made_again() {
    prove("submit, killed at each write", &POINTS, |point| {
        submit_through_a_death(point, [None, None, None])
    });
}

fn a_submission_with_a_key_that_dies_anywhere_is_made_once() {
    let points = [&POINTS[..], &POINTS_WITH_A_KEY].concat();
    prove(
        "submit with a key, killed at each write",
        &points,
        |point| submit_through_a_death(point, [Some("first"), Some("second"), Some("second")]),
    );
}

/// Submits an order, then one that dies at `point`, then that one again, with a key each.
fn submit_through_a_death(point: &str, keys: [Option<&str>; 3]) -> Finding {
    let service = Service::start(fast().crash_at(point));
    let ledger = Ledger::default();
    let [first, second] = ["first", "second"].map(|note| order_with(note, 0, "complete"));
    // Without a key a repeated submission is another order, so it gets a note of its own.
    let again = match keys[2] {
        Some(_) => second.clone(),
        None => order_with("again", 0, "complete"),
    };
    ledger.accept(&submission(&service.host(), &first, keys[0]).send(), &first);
    let kept = service.kept();
    until("the first order to end and to be moved", || {
        (ledger.look(&kept) == 0 && kept.unmoved().is_empty()).then_some(())
    });

    let unanswered = submission(&service.host(), &second, keys[1]).try_send();

    assert!(unanswered.is_err(), "{point}: {unanswered:?}");
    service.restart_after_crash();
    ledger.accept(&submission(&service.host(), &again, keys[2]).send(), &again);
    Finding::of(&service, &ledger)
}
