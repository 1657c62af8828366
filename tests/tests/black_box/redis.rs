//! A host that keeps its orders in Redis, and what it does when Redis is not there.

use serde_json::json;
use tests::{
    Host, Proxy, RedisServer, Setup, Test, assert_problem, journey, order_that, poll_to_the_end,
    retry_after_seconds, tests, until, uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    orders_are_kept_in_redis,
    an_order_that_was_accepted_survives_a_kill_of_redis_and_of_the_host,
    "Spin's store fails in its own way": while_redis_is_gone_nothing_is_accepted_and_all_is_well_after,
    "Spin opens stores at the first request": a_host_starts_before_its_redis,
    "Spin has its own Redis client": orders_go_to_the_new_primary_after_a_failover,
    "Spin has its own Redis client": a_host_is_ready_only_while_redis_takes_writes,
    "Spin refuses in its own words": a_wrong_password_stops_the_start,
    "Spin trusts other certificates": redis_is_spoken_to_over_tls,
];

fn setup(redis: &RedisServer) -> Setup {
    Setup::controlled()
        .variable("lease_seconds", "2")
        .variable("sweep_seconds", "1")
        .runtime_config(&redis.runtime_config())
}

fn orders_are_kept_in_redis() {
    let redis = RedisServer::start();
    let host = setup(&redis).start();

    let journey = journey(&host, &order_that(&json!({"ms": 100})));

    journey.result.expect_status(200);
}

fn an_order_that_was_accepted_survives_a_kill_of_redis_and_of_the_host() {
    let redis = RedisServer::start();
    let mut host = setup(&redis).start();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 1000}))).send());
    redis.kill();
    host.kill();
    redis.restart();
    host.restart();

    poll_to_the_end(&host, &format!("/orders/status/{id}"));
}

fn while_redis_is_gone_nothing_is_accepted_and_all_is_well_after() {
    let redis = RedisServer::start();
    let host = setup(&redis).start();
    let before = uuid_in(&host.submit(order_that(&json!({"ms": 3000}))).send());

    redis.kill();
    let refused = host.submit(order_that(&json!({"ms": 0}))).send();
    assert_problem(&refused, 503, "store-unavailable");
    retry_after_seconds(&refused);
    until("the host not to be ready", || {
        (host.get("/readyz").send().status == 503).then_some(())
    });
    host.get("/healthz").send().expect_status(200);

    redis.restart();
    wait_until_ready(&host);
    poll_to_the_end(&host, &format!("/orders/status/{before}"));
    // What was refused is not there.
    let listed = host.get("/orders").send().expect_json(200);
    assert_eq!(listed["orders"].as_array().map(Vec::len), Some(1));
}

fn a_host_starts_before_its_redis() {
    let redis = RedisServer::start();
    redis.kill();
    let host = setup(&redis).start();
    host.get("/readyz").send().expect_status(503);

    redis.restart();
    wait_until_ready(&host);
    journey(&host, &order_that(&json!({"ms": 0})));
}

fn orders_go_to_the_new_primary_after_a_failover() {
    let [first, second] = [RedisServer::start(), RedisServer::start()];
    second.follow(&first);
    let proxy = Proxy::to(first.port());
    let host = Setup::controlled()
        .runtime_config(&format!(
            "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:{}/0\"\n",
            proxy.port()
        ))
        .start();
    journey(&host, &order_that(&json!({"ms": 0})));

    second.take_over();
    first.follow(&second);
    proxy.lead_to(second.port());

    // The connection leads to the old one still; no client notices.
    let after = journey(&host, &order_that(&json!({"ms": 0})));
    after.result.expect_status(200);
    wait_until_ready(&host);
}

fn a_host_is_ready_only_while_redis_takes_writes() {
    let redis = RedisServer::start();
    let host = setup(&redis).start();
    wait_until_ready(&host);

    redis.set("maxmemory", "1");
    until("the host not to be ready", || {
        (host.get("/readyz").send().status == 503).then_some(())
    });
    let refused = host.submit(order_that(&json!({"ms": 0}))).send();
    assert_problem(&refused, 503, "store-unavailable");

    redis.set("maxmemory", "0");
    wait_until_ready(&host);
    journey(&host, &order_that(&json!({"ms": 0})));
}

fn a_wrong_password_stops_the_start() {
    let redis = RedisServer::start_with(&["--requirepass", "right"]);
    let config = format!(
        "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://:s3cret@127.0.0.1:{}\"\n",
        redis.port()
    );

    let refusal = Setup::new().runtime_config(&config).start_refused();

    assert_eq!(refusal.code, Some(2), "{}", refusal.message);
    assert!(
        refusal
            .message
            .contains("correct the user name and the password")
    );
    assert!(!refusal.message.contains("s3cret"), "{}", refusal.message);
}

fn redis_is_spoken_to_over_tls() {
    let redis = RedisServer::start_with_tls();
    let host = Setup::controlled()
        .runtime_config(&redis.runtime_config())
        .environment("SSL_CERT_FILE", &redis.certificate().display().to_string())
        .start();
    journey(&host, &order_that(&json!({"ms": 0})));

    // A server that nobody vouches for is not spoken to.
    let stranger = Setup::controlled()
        .runtime_config(&redis.runtime_config())
        .start();
    stranger.get("/readyz").send().expect_status(503);
}

fn wait_until_ready(host: &Host) {
    until("the host to be ready", || {
        (host.get("/readyz").send().status == 200).then_some(())
    });
}
