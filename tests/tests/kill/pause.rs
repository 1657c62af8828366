//! A host that stands still between two writes for longer than anybody waits for it, and then goes on,
//! while another on the same store goes on serving: as a machine does that is starved or moved.

use tests::{RedisServer, Test, tests, together, until};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": an_order_whose_host_stands_still_anywhere_is_one_order_with_one_outcome,
    "Spin has no named points": an_order_whose_host_stands_still_beside_another_on_its_file_is_one_order_with_one_outcome,
    "Spin has no named points": a_sweep_that_stands_still_keeps_nobody_from_sweeping,
];

/// Where a host stops, and how long the work of the order takes that it accepts there.
type Case = (&'static str, u64);

/// Each write of one order's life, before and after it.
const CASES: [Case; 20] = [
    // The candidate, the number of its bid, and the bid.
    ("set:open_:1:before", 0),
    ("set:open_:1:after", 0),
    ("increment:bids_:2:before", 0),
    ("increment:bids_:2:after", 0),
    ("swap:bid_:1:before", 0),
    ("swap:bid_:1:after", 0),
    // The choice.
    ("swap:open_:1:before", 0),
    ("swap:open_:1:after", 0),
    // The claim.
    ("swap:open_:2:before", 0),
    ("swap:open_:2:after", 0),
    // The first renewal.
    ("swap:open_:3:before", 2500),
    ("swap:open_:3:after", 2500),
    // The end.
    ("swap:open_:3:before", 0),
    ("swap:open_:3:after", 0),
    ("swap:open_:4:before", 2500),
    ("swap:open_:4:after", 2500),
    // The move.
    ("set:order_:1:before", 0),
    ("set:order_:1:after", 0),
    ("delete:open_:1:before", 0),
    ("delete:open_:1:after", 0),
];

fn an_order_whose_host_stands_still_anywhere_is_one_order_with_one_outcome() {
    prove(
        "an order, stopped at each write, two replicas on Redis",
        &CASES,
        |(point, work_ms)| {
            let setups = [fast().pause_at(point), fast()];
            go_on_late(
                &Service::start_replicas(RedisServer::start(), setups),
                *work_ms,
            )
        },
    );
}

fn an_order_whose_host_stands_still_beside_another_on_its_file_is_one_order_with_one_outcome() {
    prove(
        "an order, stopped at each write, two hosts on one file",
        &CASES,
        |(point, work_ms)| {
            go_on_late(
                &Service::start_pair(fast().pause_at(point), fast()),
                *work_ms,
            )
        },
    );
}

/// Lets the host go on whatever happens: who waits for its answer would wait for ever.
struct Thawed<'a>(&'a Service);

impl Drop for Thawed<'_> {
    fn drop(&mut self) {
        self.0.host().thaw();
    }
}

/// Submits an order to a host that stops on the way, and to another meanwhile.
fn go_on_late(service: &Service, work_ms: u64) -> Finding {
    let ledger = Ledger::default();
    let order = order_with("the order", work_ms, "complete");
    let submit_to = |number| {
        // By 503 a client is asked to come again, as where those who bid for a key gave way to each other.
        let answer = until("an answer that is not to come again", || {
            let answer = submission(&service.replica(number), &order, Some("key")).send();
            (answer.status != 503).then_some(answer)
        });
        ledger.accept(&answer, &order);
    };
    together(2, |client| {
        if client == 0 {
            // Answered before the host stops, or after it went on.
            submit_to(0);
        } else {
            service.host().wait_until_stopped();
            let _thawed = Thawed(service);
            submit_to(1);
            service.go_on_after_stop();
        }
    });
    submit_to(0);
    submit_to(1);
    Finding::of(service, &ledger)
}

fn a_sweep_that_stands_still_keeps_nobody_from_sweeping() {
    // A later one than the first, which comes before the host says that it serves.
    let points = [
        "swap:sweep:3:before",
        "swap:sweep:3:after",
        "swap:sweep:4:before",
        "swap:sweep:4:after",
    ];
    prove(
        "sweep, stopped at each write of its turn",
        &points,
        |point| {
            let mut service =
                Service::start_replicas(RedisServer::start(), [fast().pause_at(point)]);
            service.host().wait_until_stopped();
            service.join(fast());
            let ledger = Ledger::default();
            // Only a sweep finds the second attempt of an order that is to be retried, or the timer of a
            // host; and only a sweep the one of a host that died.
            let order = order_with("the order", 0, "retry:1");
            ledger.accept(
                &submission(&service.replica(1), &order, None).send(),
                &order,
            );

            service.go_on_after_stop();

            Finding::of(&service, &ledger)
        },
    );
}
