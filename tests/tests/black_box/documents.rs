//! What the documents tell their readers, tried.

use tests::{Host, Setup, Test, Walkthrough, problem_pages, read_repository_file, tests};

pub(crate) const TESTS: &[Test] = tests![
    the_readme_s_commands_do_what_it_says,
    the_readme_s_app_is_one_of_the_examples,
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
