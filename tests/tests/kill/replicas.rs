//! Replicas on one Redis of which one is cut off from it, or stands still: the others take its
//! orders over, and when it is back it changes nothing. And a Redis that all are cut off from, in the
//! middle of sweeps: what was left undone is done when it is back, with nobody asking.

use std::time::Duration;

use tests::{
    Host, Kept, Proxy, RedisServer, Setup, StoredRecord, Test, pause, tests, together, until,
};

use crate::ledger::{Ledger, Verdict, order_with};
use crate::service::{fast, submission};

pub(crate) const TESTS: &[Test] = tests![
    "Spin's Redis store waits without a limit": a_replica_that_is_cut_off_from_redis_loses_and_doubles_nothing,
    "Spin's Redis store waits without a limit": sweeps_that_the_store_cuts_short_go_on_by_themselves,
    a_replica_that_stood_still_overwrites_nothing,
    replicas_sweep_once_in_an_interval_together,
];

fn a_replica_that_is_cut_off_from_redis_loses_and_doubles_nothing() {
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.port());
    let cut_off = replica_through(&proxy);
    let others = [(); 2].map(|()| replica(&redis));
    let ledger = Ledger::default();
    let ids = submit(&cut_off, &ledger, 20, 4000);
    let kept = Kept::in_redis(&redis);
    until("the orders to be worked on", || {
        all(&kept, &ids, |record| record.status() == "processing")
    });

    proxy.cut();
    until("the replica to notice", || {
        (cut_off.get("/readyz").send().status == 503).then_some(())
    });
    submission(&cut_off, &order_with("refused", 0, "complete"), None)
        .send()
        .expect_status(503);
    until("the others to take its orders over", || {
        all(&kept, &ids, |record| record.history().len() > 1)
    });
    proxy.mend();

    until("the replica to be back", || {
        (cut_off.get("/readyz").send().status == 200).then_some(())
    });
    let verdict = ledger.judge(&others[0], &kept);
    assert_eq!(verdict, all_is_well(20));
    submit(&cut_off, &ledger, 1, 0);
    assert_eq!(ledger.judge(&cut_off, &kept), all_is_well(21));
}

fn sweeps_that_the_store_cuts_short_go_on_by_themselves() {
    // Longer than a store is waited for, so that what was asked of it fails.
    const CUT: Duration = Duration::from_secs(6);
    const ORDERS: usize = 20;
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.port());
    let host = replica_through(&proxy);
    let ledger = Ledger::default();
    // Several times due again, which a sweep finds where the host's own timer died with a failure.
    together(ORDERS, |number| {
        let order = order_with(&format!("order {number}"), 300, "retry:3");
        ledger.accept(&submission(&host, &order, None).send(), &order)
    });
    let kept = Kept::in_redis(&redis);

    // At the first moment at which an order waits for its next attempt, and some sweeps later.
    for attempts in [1, 2] {
        until("an order to be due again", || {
            let records = kept.records();
            let mut waiting = records.iter().filter(|record| {
                record.status() == "pending" && record.history().len() >= attempts
            });
            waiting
                .next()
                .map(drop)
                .or_else(|| (ledger.look(&kept) == 0).then_some(()))
        });
        proxy.cut();
        pause(CUT, "what is under way to fail");
        proxy.mend();
    }

    // From beside, so that no request has the host do anything.
    until("every order to end with nobody asking", || {
        (ledger.look(&kept) == 0).then_some(())
    });
    assert_eq!(ledger.judge(&host, &kept), all_is_well(ORDERS));
}

fn a_replica_that_stood_still_overwrites_nothing() {
    let redis = RedisServer::start();
    let still = replica(&redis);
    let ledger = Ledger::default();
    let ids = submit(&still, &ledger, 20, 4000);
    let kept = Kept::in_redis(&redis);
    until("the orders to be worked on", || {
        all(&kept, &ids, |record| record.status() == "processing")
    });

    still.freeze();
    let other = replica(&redis);
    until("the other to end its orders", || {
        all(&kept, &ids, StoredRecord::has_ended)
    });
    ledger.look(&kept);
    let before: Vec<u64> = kept.records().iter().map(StoredRecord::revision).collect();
    still.thaw();

    // Its own attempts end now, and it is told that they are not its own any more.
    submit(&still, &ledger, 1, 0);
    assert_eq!(ledger.judge(&other, &kept), all_is_well(21));
    let after: Vec<u64> = kept
        .records()
        .iter()
        .filter(|record| ids.iter().any(|id| id == record.id()))
        .map(StoredRecord::revision)
        .collect();
    assert_eq!(sum(&before), sum(&after), "an outcome was written again");
}

fn replicas_sweep_once_in_an_interval_together() {
    /// Each sweep writes its record when it takes the turn and when it is done.
    const WRITES: usize = 10;
    let redis = RedisServer::start();
    let _replicas = [(); 3].map(|()| replica(&redis));
    let times: Vec<f64> = redis
        .monitor()
        .filter(|line| line.contains("lua") && line.contains("\"SET\" \"sweep\""))
        .filter_map(|line| line.trim_start_matches('+').split(' ').next()?.parse().ok())
        .take(WRITES)
        .collect();

    // Ten writes are of five sweeps or more, with four intervals of a second between them. Three
    // replicas that each swept for themselves would need a third of that.
    let elapsed = times[WRITES - 1] - times[0];
    assert!(
        elapsed >= 3.0,
        "expected at least 3 s, found {elapsed}: {times:?}"
    );
}

fn replica_through(proxy: &Proxy) -> Host {
    let config = format!(
        "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:{}\"\n",
        proxy.port()
    );
    fast().runtime_config(&config).start()
}

fn replica(redis: &RedisServer) -> Host {
    let setup: Setup = fast();
    setup.runtime_config(&redis.runtime_config()).start()
}

/// Submits orders and returns their ids.
fn submit(host: &Host, ledger: &Ledger, count: usize, ms: u64) -> Vec<String> {
    together(count, |number| {
        let order = order_with(&format!("{} {number}", ledger.accepted()), ms, "complete");
        ledger.accept(&submission(host, &order, None).send(), &order)
    })
}

fn all(kept: &Kept, ids: &[String], is_so: impl Fn(&StoredRecord) -> bool) -> Option<()> {
    let records = kept.records();
    let done = |id: &String| {
        records
            .iter()
            .any(|record| record.id() == id && is_so(record))
    };
    ids.iter().all(done).then_some(())
}

fn all_is_well(accepted: usize) -> Verdict {
    Verdict {
        accepted,
        lost: 0,
        duplicated: 0,
        refused: 0,
    }
}

fn sum(revisions: &[u64]) -> u64 {
    revisions.iter().sum()
}
