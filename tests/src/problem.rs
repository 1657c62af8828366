//! Problem documents (RFC 9457), and the pages that explain them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::{Response, repository};

const PAGES: &str = "docs/problems";

/// Asserts that an answer is the problem `code`, whole and explained by a page, and returns it.
#[track_caller]
pub fn assert_problem(answer: &Response, status: u16, code: &str) -> Value {
    answer.expect_status(status);
    let context = answer.describe();
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{context}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{context}");
    for member in ["type", "title", "detail"] {
        assert!(
            problem[member]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "no `{member}` in {context}"
        );
    }
    // Relative, so that it is the same wherever the service runs.
    assert_eq!(problem["type"], format!("/problems/{code}"), "{context}");
    assert!(
        problem_pages().contains(code),
        "expected a page `{PAGES}/{code}.md`, found none"
    );
    problem
}

/// The codes of all problems that have a page.
pub fn problem_pages() -> BTreeSet<String> {
    let directory = repository::path(PAGES);
    let entries =
        fs::read_dir(&directory).unwrap_or_else(|error| panic!("cannot read `{PAGES}`: {error}"));
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect()
}
