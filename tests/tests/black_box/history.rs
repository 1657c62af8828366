//! `GET /orders`: the list, newest first, in pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Host, Response, Setup, Test, assert_problem, journey, order_that, tests, uuid_in};

pub(crate) const TESTS: &[Test] = tests![
    the_newest_order_comes_first_and_each_is_there_once,
    orders_are_filtered_by_their_status,
    pages_have_no_gaps_or_repeats_while_orders_arrive,
    what_cannot_be_asked_for_is_a_problem,
];

fn the_newest_order_comes_first_and_each_is_there_once() {
    let host = Setup::controlled().start();
    assert_eq!(page(&host, "").json(), json!({"orders": []}));
    let submitted: BTreeSet<_> = (0..25).map(|_| submit(&host, 0)).collect();

    let first = page(&host, "");
    let all = page(&host, "?limit=100");

    assert_eq!(orders(&first).len(), 20, "the default");
    assert_eq!(ids(&all).into_iter().collect::<BTreeSet<_>>(), submitted);
    assert_eq!(orders(&all).len(), 25);
    assert_eq!(ids(&first), ids(&all)[..20]);
    let created: Vec<_> = orders(&all)
        .iter()
        .map(|order| order["createdAt"].to_string())
        .collect();
    assert!(created.is_sorted_by(|a, b| a >= b), "{created:?}");
    assert_eq!(all.json().get("nextCursor"), None, "there is no more");
    assert_eq!(all.header("link"), None);
}

fn orders_are_filtered_by_their_status() {
    let host = Setup::controlled().start();
    let ended = |outcome: &str| {
        let order = order_that(&json!({"ms": 0, "outcome": outcome}));
        journey(&host, &order).id
    };
    let completed = ended("complete");
    let failed = ended("fail");
    let cancelled = submit(&host, 600_000);
    host.request("DELETE", &format!("/orders/status/{cancelled}"))
        .send()
        .expect_status(200);
    let processing = submit(&host, 600_000);
    tests::until("an order to be processed", || {
        let document = host.get(&format!("/orders/status/{processing}")).send();
        (document.json()["status"] == "processing").then_some(())
    });

    for (status, expected) in [
        ("completed", vec![completed]),
        ("failed", vec![failed]),
        ("cancelled", vec![cancelled]),
        ("processing", vec![processing]),
        ("pending", vec![]),
    ] {
        let found = page(&host, &format!("?status={status}"));

        assert_eq!(ids(&found), expected, "{}", found.describe());
        assert!(orders(&found).iter().all(|order| order["status"] == status));
    }
}

fn pages_have_no_gaps_or_repeats_while_orders_arrive() {
    let host = Setup::controlled().start();
    for _ in 0..25 {
        submit(&host, 0);
    }
    let before = ids(&page(&host, "?limit=100"));

    let mut seen = Vec::new();
    let mut next = "/orders?limit=4".to_owned();
    loop {
        let answer = host.get(&next).send();
        let document = answer.expect_json(200);
        assert!(orders(&answer).len() <= 4, "{}", answer.describe());
        seen.extend(ids(&answer));
        // An order arrives between any two pages.
        submit(&host, 0);
        let Some(cursor) = document["nextCursor"].as_str() else {
            assert_eq!(answer.header("link"), None);
            break;
        };
        next = format!("/orders?limit=4&cursor={cursor}");
        let link = format!("<{next}>; rel=\"next\"");
        assert_eq!(answer.header("link"), Some(link.as_str()));
    }

    assert_eq!(seen, before);
}

fn what_cannot_be_asked_for_is_a_problem() {
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=",
        "limit=many",
        "limit=99999999999999999999",
        "status=open",
        "status=",
        "status=COMPLETED",
        "cursor=",
        "cursor=1",
        "cursor=%00",
        "cursor=%ff%fe",
        "cursor=00000000-0000-4000-8000-000000000000",
        "status=failed&cursor=last",
    ] {
        let answer = page(Host::shared(), &format!("?{query}"));

        assert_problem(&answer, 400, "invalid-query");
    }
    for query in ["limit=1", "limit=100", "other=1", "", "&&=&"] {
        page(Host::shared(), &format!("?{query}")).expect_json(200);
    }
}

fn page(host: &Host, query: &str) -> Response {
    host.get(&format!("/orders{query}")).send()
}

fn orders(page: &Response) -> Vec<Value> {
    let document = page.expect_json(200);
    document["orders"]
        .as_array()
        .expect("a page has orders")
        .clone()
}

fn ids(page: &Response) -> Vec<String> {
    let orders = orders(page);
    orders
        .iter()
        .map(|order| order["id"].as_str().expect("an order has an id").to_owned())
        .collect()
}

fn submit(host: &Host, ms: u64) -> String {
    uuid_in(&host.submit(order_that(&json!({"ms": ms}))).send())
}
