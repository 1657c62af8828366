//! Orders that are worked on in executions of a Container Apps job, each in a process of its own,
//! over one Redis.

use serde_json::json;
use tests::{
    FakeAzure, Host, RedisServer, Setup, Start, Test, order_that, poll_to_the_end, tests, until,
    uuid_in,
};

pub(crate) const TESTS: &[Test] = tests![
    "Spin starts no jobs": each_order_is_worked_on_by_an_execution_of_its_own,
    "Spin starts no jobs": an_order_that_fails_makes_its_execution_fail,
    "Spin starts no jobs": a_start_that_is_throttled_is_repeated_when_azure_allows_it,
    "Spin starts no jobs": a_start_that_is_only_accepted_is_asked_after,
    "Spin starts no jobs": a_start_whose_answer_is_lost_is_not_repeated_at_once,
    "Spin starts no jobs": an_order_whose_start_is_refused_waits_for_a_sweep,
    "Spin starts no jobs": a_token_that_is_refused_costs_time_and_no_order,
    "Spin starts no jobs": no_more_starts_than_configured_are_under_way,
    "Spin starts no jobs": an_order_survives_a_kill_before_its_start_was_answered,
    "Spin starts no jobs": an_environment_without_the_identity_is_told_in_the_log,
];

/// A host whose orders are worked on in executions, and all that it needs.
struct Service {
    host: Host,
    azure: FakeAzure,
    // Dropped last.
    _redis: RedisServer,
}

impl Service {
    fn start() -> Self {
        Self::start_with(FakeAzure::start(), "")
    }

    /// `processor` is added to the table of that name.
    fn start_with(azure: FakeAzure, processor: &str) -> Self {
        let redis = RedisServer::start();
        let config = format!(
            "{}{}{processor}",
            redis.runtime_config(),
            azure.runtime_config()
        );
        let mut setup = Setup::controlled()
            .variable("sweep_seconds", "1")
            .runtime_config(&config);
        for (name, value) in azure.environment() {
            setup = setup.environment(name, &value);
        }
        azure.run(setup.job(&redis.runtime_config()));
        Self {
            host: setup.start(),
            azure,
            _redis: redis,
        }
    }

    /// Submits an order and returns its id.
    fn submit(&self, outcome: &str) -> String {
        let order = order_that(&json!({"ms": 0, "outcome": outcome}));
        uuid_in(&self.host.submit(order).send())
    }

    /// Stays with an order until its result, and returns the result's status.
    fn result(&self, id: &str) -> u16 {
        let (_, redirect) = poll_to_the_end(&self.host, &format!("/orders/status/{id}"));
        let path = redirect.header("location").expect("a 303 has a location");
        self.host.get(path).send().status
    }
}

fn each_order_is_worked_on_by_an_execution_of_its_own() {
    let service = Service::start();
    let mut ids: Vec<String> = (0..5).map(|_| service.submit("complete")).collect();

    for id in &ids {
        assert_eq!(service.result(id), 200);
    }
    let mut executed = service.azure.executions();
    assert_eq!(service.azure.exit_codes(), vec![Some(0); 5]);
    executed.sort();
    ids.sort();
    assert_eq!(executed, ids);
}

fn an_order_that_fails_makes_its_execution_fail() {
    let service = Service::start();
    let id = service.submit("fail");

    assert_eq!(service.result(&id), 500);
    assert_eq!(service.azure.exit_codes(), [Some(1)]);
}

fn a_start_that_is_throttled_is_repeated_when_azure_allows_it() {
    let service = Service::start();
    service
        .azure
        .answer_starts([Start::Throttled, Start::Throttled]);
    let id = service.submit("complete");

    assert_eq!(service.result(&id), 200);
    assert_eq!(service.azure.posts(), 3);
    assert_eq!(service.azure.executions(), [id]);
}

fn a_start_that_is_only_accepted_is_asked_after() {
    let service = Service::start();
    service.azure.answer_starts([Start::Accepted]);
    let id = service.submit("complete");

    assert_eq!(service.result(&id), 200);
    until("the start to be asked after", || {
        (service.azure.asked_after() >= 2).then_some(())
    });
    assert_eq!(service.azure.executions(), [id]);
}

fn a_start_whose_answer_is_lost_is_not_repeated_at_once() {
    let service = Service::start();
    service.azure.answer_starts([Start::AnswerLost]);
    let id = service.submit("complete");

    assert_eq!(service.result(&id), 200);
    assert_eq!(service.azure.executions(), [id]);
}

fn an_order_whose_start_is_refused_waits_for_a_sweep() {
    let service = Service::start();
    service
        .azure
        .answer_starts([Start::Forbidden, Start::Forbidden]);
    let id = service.submit("complete");

    assert_eq!(service.result(&id), 200);
    let told = service
        .host
        .output()
        .lines_with("Microsoft.App/jobs/start/action");
    assert!(!told.is_empty(), "{}", service.host.output().text());
    assert_eq!(service.azure.executions(), [id]);
}

fn a_token_that_is_refused_costs_time_and_no_order() {
    let service = Service::start();
    service.azure.refuse_tokens(true);
    let id = service.submit("complete");
    until("the refusal to be told", || {
        let told = service.host.output().lines_with("The token is not valid");
        (!told.is_empty()).then_some(())
    });
    service.azure.refuse_tokens(false);

    assert_eq!(service.result(&id), 200);
    // No token is ever told.
    let leaks = service.host.output().lines_with("Bearer");
    assert!(leaks.is_empty(), "{leaks:?}");
}

fn no_more_starts_than_configured_are_under_way() {
    let service = Service::start_with(FakeAzure::start(), "max_concurrent = 2\n");
    service.azure.hold_starts();
    let ids: Vec<String> = (0..6).map(|_| service.submit("complete")).collect();
    service.azure.wait_for_starts_under_way(2);
    service.azure.let_go();

    for id in &ids {
        assert_eq!(service.result(id), 200);
    }
    assert_eq!(service.azure.starts_under_way_max(), 2);
}

fn an_order_survives_a_kill_before_its_start_was_answered() {
    let mut service = Service::start();
    service.azure.hold_starts();
    let id = service.submit("complete");
    service.azure.wait_for_posts(1);
    service.host.restart();
    service.azure.let_go();

    assert_eq!(service.result(&id), 200);
    // Executions may be two, but one of them had the order.
    let codes = service.azure.exit_codes();
    let completed = codes.iter().filter(|code| **code == Some(0)).count();
    assert_eq!(completed, 1, "{codes:?}");
}

fn an_environment_without_the_identity_is_told_in_the_log() {
    let redis = RedisServer::start();
    let azure = FakeAzure::start();
    let config = format!("{}{}", redis.runtime_config(), azure.runtime_config());
    let mut setup = Setup::controlled().runtime_config(&config);
    for (name, value) in azure.environment() {
        let wrong = if name == "IDENTITY_HEADER" {
            "wrong"
        } else {
            &value
        };
        setup = setup.environment(name, wrong);
    }
    let host = setup.start();
    let id = uuid_in(&host.submit(order_that(&json!({"ms": 0}))).send());

    until("the fix to be told", || {
        let told = host.output().lines_with("cannot get a token");
        (!told.is_empty()).then_some(())
    });
    host.get(&format!("/orders/status/{id}"))
        .send()
        .expect_status(200);
}
