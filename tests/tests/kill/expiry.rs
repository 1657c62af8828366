//! Death, and standing still, in the removal of an order whose retention has ended: the next turn does
//! what was left undone, and nothing else is removed.

use redis::Commands as _;
use serde_json::Value;
use tests::{Kept, RedisServer, Test, tests, until, uuid_in};

use crate::finding::{Finding, prove};
use crate::ledger::{Ledger, order_with};
use crate::service::{Service, fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin has no named points": removal_that_dies_is_done_by_the_next,
    "Spin has no named points": removal_that_stands_still_removes_nothing_else_later,
];

/// Each write of a turn: taking it, the removals of what belongs to the key and of the order, and what is
/// left to the next turn.
const POINTS: [&str; 10] = [
    "swap:expiry:1:before",
    "swap:expiry:1:after",
    "delete:bid_:1:before",
    "delete:bid_:1:after",
    "delete:bids_:1:before",
    "delete:bids_:1:after",
    "delete:order_:1:before",
    "delete:order_:1:after",
    "swap:expiry:2:before",
    "swap:expiry:2:after",
];

fn removal_that_dies_is_done_by_the_next() {
    prove("expire, killed at each write", &POINTS, |point| {
        let (service, ledger) = start_with_two_orders();
        make_old(&service, "old");

        service.restart_twice(point);

        until_removed(&service, "old");
        // The key is free again, for any order.
        let again = order_with("old again", 0, "complete");
        ledger.accept(
            &submission(&service.host(), &again, Some("old")).send(),
            &again,
        );
        assert_key_still_stands(&service, &ledger, "young");
        Finding::of(&service, &ledger)
    });
}

fn removal_that_stands_still_removes_nothing_else_later() {
    prove("expire, stopped at each write", &POINTS, |point| {
        let (mut service, ledger) = start_with_two_orders();
        make_old(&service, "old");
        service.restart_to_stop(point);
        service.join(fast());

        service.serve_after_stop();

        until_removed(&service, "old");
        assert_key_still_stands(&service, &ledger, "young");
        Finding::of(&service, &ledger)
    });
}

/// A host that has been killed, on a Redis with two orders that have ended, `old` and `young`. The old
/// one is not in the ledger, as it is to go.
fn start_with_two_orders() -> (Service, Ledger) {
    let service = Service::start_replicas(RedisServer::start(), [fast()]);
    let ledger = Ledger::default();
    for note in ["old", "young"] {
        let order = order_with(note, 0, "complete");
        let accepted = submission(&service.host(), &order, Some(note)).send();
        match note {
            "old" => drop(uuid_in(&accepted)),
            _ => drop(ledger.accept(&accepted, &order)),
        }
    }
    let kept = service.kept();
    until("both orders to end and to be moved", || {
        let ended = kept.records().iter().filter(|it| it.has_ended()).count();
        (ended == 2 && kept.unmoved().is_empty()).then_some(())
    });
    service.host().kill();
    (service, ledger)
}

/// Makes the order with this note one of January 1970, by the time in its id and by that of its end,
/// and has the next turn be due.
fn make_old(service: &Service, note: &str) {
    let kept: Kept = service.kept();
    let records = kept.records();
    let record = records.iter().find(|record| record.order()["note"] == note);
    let id = record.expect("the order is kept").id();
    let old_id = format!("00000000-0001{}", &id[13..]);
    let mut redis = service.redis().connect();
    let mut rename = |key: String| {
        let value: String = redis.get(&key).expect("the server answers");
        if !value.contains(id) {
            return;
        }
        let mut value: Value = serde_json::from_str(&value.replace(id, &old_id)).expect("JSON");
        if let Some(at) = value.pointer_mut("/state/completed/at") {
            *at = 1000.into();
        }
        let _: () = redis.del(&key).expect("the server answers");
        let _: () = redis
            .set(key.replace(id, &old_id), value.to_string())
            .expect("the server answers");
    };
    rename(format!("order_{id}"));
    let bids: Vec<String> = service
        .redis()
        .connect()
        .keys("bid_*")
        .expect("the server answers");
    bids.into_iter().for_each(rename);
    let _: () = redis.del("expiry").expect("the server answers");
}

fn until_removed(service: &Service, note: &str) {
    let kept = service.kept();
    until("the old order to be removed", || {
        let records = kept.records();
        let is_there = records.iter().any(|record| record.order()["note"] == note);
        (!is_there).then_some(())
    });
}

/// The ledger counts another order for the same submission as one too many.
fn assert_key_still_stands(service: &Service, ledger: &Ledger, key: &str) {
    let order = order_with(key, 0, "complete");
    ledger.accept(
        &submission(&service.host(), &order, Some(key)).send(),
        &order,
    );
}
