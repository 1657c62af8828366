//! Death inside a sweep: the next one does what it left undone.

use rusqlite::Connection;
use tests::{Kept, Test, store_file, tests, until};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": an_order_that_a_dying_sweep_was_to_find_is_found_by_the_next,
    "Spin has no named points": an_order_that_a_dying_sweep_was_to_move_is_moved_by_the_next,
];

/// The sweep's own record: taking the turn, and setting the time of the next.
const TURNS: [&str; 4] = [
    "swap:sweep:1:before",
    "swap:sweep:1:after",
    "swap:sweep:2:before",
    "swap:sweep:2:after",
];

fn an_order_that_a_dying_sweep_was_to_find_is_found_by_the_next() {
    prove("sweep, killed at each write of its turn", &TURNS, |point| {
        // Dies with a claim that nobody holds then.
        let service = Service::start(fast().crash_at("swap:open_:2:after"));
        let ledger = Ledger::default();
        let order = order_with("the order", 0, "complete");
        let answered = submission(&service.host(), &order, Some("key")).try_send();
        if let Ok(accepted) = answered {
            ledger.accept(&accepted, &order);
        }
        service.restart_after_crash();

        service.restart_twice(point);

        ledger.accept(
            &submission(&service.host(), &order, Some("key")).send(),
            &order,
        );
        Finding::of(&service, &ledger)
    });
}

fn an_order_that_a_dying_sweep_was_to_move_is_moved_by_the_next() {
    let points = [
        "set:order_:1:before",
        "set:order_:1:after",
        "delete:open_:1:before",
        "delete:open_:1:after",
    ];
    prove("sweep, killed at each write of a move", &points, |point| {
        let service = Service::start(fast());
        let ledger = Ledger::default();
        let order = order_with("the order", 0, "complete");
        let id = ledger.accept(&submission(&service.host(), &order, None).send(), &order);
        let kept = Kept::in_state_dir(service.host().state_dir());
        until("the order to end and to be moved", || {
            (ledger.look(&kept) == 0 && kept.unmoved().is_empty()).then_some(())
        });
        service.host().kill();
        move_back(&service, &id);

        service.restart_twice(point);

        Finding::of(&service, &ledger)
    });
}

/// Puts an ended order's record back among the open ones, as a death between its end and its move
/// leaves it. The host must not run.
fn move_back(service: &Service, id: &str) {
    let statement = "UPDATE spin_key_value SET key = 'open_' || ?1 WHERE key = 'order_' || ?1";
    let store = Connection::open(store_file(service.host().state_dir()));
    let written = store.and_then(|store| store.execute(statement, [id]));
    assert!(
        written.is_ok_and(|rows| rows == 1),
        "order `{id}` was not moved back"
    );
}
