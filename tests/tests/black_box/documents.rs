//! What the documents tell their readers, tried.

use serde_json::Value;
use tests::{
    Host, Setup, Test, Walkthrough, problem_pages, program, read_repository_file, run_program,
    tests,
};

use crate::rust_client;

pub(crate) const TESTS: &[Test] = tests![
    the_readme_s_commands_do_what_it_says,
    the_readme_s_app_is_one_of_the_examples,
    each_client_gets_its_order_completed,
    the_client_in_rust_gets_its_order_completed,
    each_problem_s_type_leads_to_its_page
];

fn the_readme_s_commands_do_what_it_says() {
    let walkthrough = Walkthrough::parse(&read_repository_file("README.md"));
    assert!(
        walkthrough.exchanges().len() >= 4,
        "expected from submission to result, found fewer commands"
    );
    // Work that takes a moment, so that the reader sees it run before it is done.
    let host = Setup::new()
        .variable("simulate_min_ms", "3000")
        .variable("simulate_max_ms", "4000")
        .start();

    let printed = walkthrough.run(&host.address().to_string());

    for (exchange, printed) in walkthrough.exchanges().iter().zip(printed) {
        exchange.assert_kept(&printed);
    }
}

/// The example itself is built and driven by the tests in `apps`.
fn the_readme_s_app_is_one_of_the_examples() {
    let example = read_repository_file("examples/reports/src/lib.rs");
    let (app, _tests) = example
        .split_once("\n#[cfg(test)]")
        .expect("the example has tests");
    let readme = read_repository_file("README.md");
    assert!(readme.contains(&format!("```rust\n{app}```")), "{app}");
}

/// What the languages of `docs/clients.md` are run by. That in Rust is part of this program.
const CLIENTS: [(&str, &[&str]); 3] = [
    ("sh", &["sh", "-eu"]),
    ("js", &["node", "--input-type=module"]),
    ("python", &["python3", "-"]),
];

fn each_client_gets_its_order_completed() {
    let page = read_repository_file("docs/clients.md");
    let host = quick_host();

    for (language, command) in CLIENTS {
        let program = program(&page, language);
        let printed = run_program(program, command, &host.address().to_string());

        assert_completed(&printed);
    }
}

fn the_client_in_rust_gets_its_order_completed() {
    let source = read_repository_file("tests/tests/black_box/rust_client.rs");
    let (_introduction, source) = source
        .split_once("\n\n")
        .expect("the file begins with its role");
    let page = read_repository_file("docs/clients.md");
    assert!(page.contains(&format!("```rust\n{source}```")), "{source}");
    let host = quick_host();
    let service = format!("http://{}", host.address());

    let result = rust_client::place(
        &service,
        &read_repository_file("orders/example.json"),
        "one",
    );

    assert_completed(&result.expect("the order is completed"));
}

/// Work that takes a moment, so that a client has something to wait for.
fn quick_host() -> Host {
    Setup::new()
        .variable("simulate_min_ms", "1000")
        .variable("simulate_max_ms", "1500")
        .start()
}

fn assert_completed(result: &str) {
    let result: Value = serde_json::from_str(result).expect("the result is JSON");
    assert!(result["order"]["completedAt"].is_string(), "{result}");
}

fn each_problem_s_type_leads_to_its_page() {
    for code in problem_pages() {
        let answer = Host::shared().get(&format!("/problems/{code}")).send();

        answer.expect_status(200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/markdown; charset=utf-8"),
            "{}",
            answer.describe()
        );
        assert_eq!(
            answer.text(),
            read_repository_file(&format!("docs/problems/{code}.md"))
        );
    }
}
