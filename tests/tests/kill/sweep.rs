//! Death inside a sweep: the next one does what it left undone.

use rusqlite::Connection;
use tests::{Kept, Test, store_file, tests, until};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": an_order_that_a_dying_sweep_was_to_find_is_found_by_the_next,
    "Spin has no named points": a_marker_that_a_dying_sweep_was_to_remove_goes_with_the_next,
    "Spin has no named points": retention_that_dies_goes_on_with_the_next_sweep,
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
        let service = Service::start(fast().crash_at("swap:order_:1:after"));
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

fn a_marker_that_a_dying_sweep_was_to_remove_goes_with_the_next() {
    let points = ["delete:open_:1:before", "delete:open_:1:after"];
    prove(
        "sweep, killed at the removal of a marker",
        &points,
        |point| {
            let service = Service::start(fast());
            let ledger = Ledger::default();
            let order = order_with("the order", 0, "complete");
            let id = ledger.accept(&submission(&service.host(), &order, None).send(), &order);
            let kept = Kept::in_state_dir(service.host().state_dir());
            until("the order to end", || {
                kept.marked().is_empty().then_some(())
            });
            service.host().kill();
            // As a death between the settled record and its marker leaves it.
            write(
                &service,
                "INSERT INTO spin_key_value VALUES ('default', 'open_' || ?1, x'31')",
                &id,
            );

            service.restart_twice(point);

            Finding::of(&service, &ledger)
        },
    );
}

fn retention_that_dies_goes_on_with_the_next_sweep() {
    let points = [
        "delete:order_:1:before",
        "delete:order_:1:after",
        "delete:pointer_:1:before",
        "delete:pointer_:1:after",
    ];
    prove(
        "sweep, killed at each removal of an old order",
        &points,
        |point| {
            let service = Service::start(fast());
            let ledger = Ledger::default();
            let [old, young] = ["old", "young"].map(|note| order_with(note, 0, "complete"));
            let accepted = submission(&service.host(), &old, Some("old")).send();
            let id = tests::uuid_in(&accepted);
            let kept = Kept::in_state_dir(service.host().state_dir());
            until("the order to end", || {
                (kept.records().first()?.has_ended() && kept.marked().is_empty()).then_some(())
            });
            ledger.accept(
                &submission(&service.host(), &young, Some("young")).send(),
                &young,
            );
            service.host().kill();
            make_old(&service, &id);

            service.restart_twice(point);

            until("the old order to be removed", || {
                let records = kept.records();
                records
                    .iter()
                    .all(|record| record.order()["note"] != "old")
                    .then_some(())
            });
            Finding::of(&service, &ledger)
        },
    );
}

/// Makes an order one of January 1970, by the time in its id.
fn make_old(service: &Service, id: &str) {
    let old = format!("00000000-0001{}", &id[13..]);
    let statement = format!(
        "UPDATE spin_key_value SET key = replace(key, ?1, '{old}'),
             value = CAST(replace(CAST(value AS TEXT), ?1, '{old}') AS BLOB)
         WHERE key = 'order_' || ?1 OR (key LIKE 'pointer%' AND instr(CAST(value AS TEXT), ?1))"
    );
    write(service, &statement, id);
}

/// Changes the store of a host that does not run.
fn write(service: &Service, statement: &str, id: &str) {
    let store = Connection::open(store_file(service.host().state_dir()));
    let written = store.and_then(|store| store.execute(statement, [id]));
    assert!(
        written.is_ok_and(|rows| rows > 0),
        "nothing was written for order `{id}`"
    );
}
