//! Compiled components are kept from one start to the next, by Wasmtime's cache and Spin's flags for it.

use std::fs;
use std::path::Path;

use tests::{Setup, Test, tests};

pub(crate) const TESTS: &[Test] = tests![
    "Spin asks for more of its cache's configuration": compiled_components_are_kept_where_the_configuration_says,
    "Spin has another sentence for it": a_cache_configuration_that_is_none_is_refused,
];

/// Where a cache is to be, and the file that says so.
fn cache() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("cache.toml");
    let kept = directory.path().join("kept");
    let text = format!("[cache]\ndirectory = {:?}\n", kept.display().to_string());
    fs::write(&file, text).expect("a file can be written");
    (directory, file.display().to_string())
}

fn keeps_something(directory: &Path) -> bool {
    fs::read_dir(directory.join("kept")).is_ok_and(|mut entries| entries.next().is_some())
}

fn compiled_components_are_kept_where_the_configuration_says() {
    for (is_disabled, expected) in [("true", false), ("false", true)] {
        let (directory, file) = cache();
        let setup = || {
            Setup::new()
                .environment("WASMTIME_CACHE_FILE", &file)
                .environment("DISABLE_WASMTIME_CACHE", is_disabled)
        };

        setup().start().get("/healthz").send().expect_status(200);
        assert_eq!(keeps_something(directory.path()), expected, "{is_disabled}");

        // What was kept serves as well.
        setup().start().get("/healthz").send().expect_status(200);
    }
}

fn a_cache_configuration_that_is_none_is_refused() {
    let (directory, file) = cache();
    fs::write(&file, "[cache]\ncolour = \"red\"\n").expect("a file can be written");

    let refusal = Setup::new()
        .environment("WASMTIME_CACHE_FILE", &file)
        .start_refused();

    assert_eq!(refusal.code, Some(2), "{}", refusal.message);
    assert!(refusal.message.contains(&file), "{}", refusal.message);
    drop(directory);
}
