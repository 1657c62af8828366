//! What a host refuses at start; the shim with exit code 2, and one sentence that says what to do.

use std::fs;
use std::net::TcpListener;

use tests::{HostKind, Refusal, Setup, Test, lock_store, store_file, tests};

pub(crate) const TESTS: &[Test] = tests![
    a_port_in_use_is_refused,
    an_unknown_key_in_the_manifest_is_refused,
    a_manifest_that_is_not_toml_is_refused,
    an_unknown_key_in_the_runtime_config_is_refused,
    a_missing_component_file_is_refused,
    a_component_file_that_is_no_component_is_refused,
    an_undeclared_store_is_refused,
    "Spin takes variables that the app does not declare": an_undeclared_variable_is_refused,
    an_undeclared_variable_in_a_template_is_refused,
    "Spin opens its store at the first request": a_store_that_is_no_database_is_refused,
    "Spin opens its store at the first request": a_locked_store_is_refused,
];

fn a_port_in_use_is_refused() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = holder
        .local_addr()
        .expect("a listener has an address")
        .to_string();

    let refusal = Setup::new().listen(&address).start_refused();

    assert_refused(&refusal, &[&address, "in use"]);
}

fn an_unknown_key_in_the_manifest_is_refused() {
    let setup = Setup::new()
        .manifest(|toml| toml.replace("[component.api]\n", "[component.api]\ncolour = \"red\"\n"));

    assert_refused(&setup.start_refused(), &["spin.toml", "colour"]);
}

fn a_manifest_that_is_not_toml_is_refused() {
    let setup = Setup::new().manifest(|toml| format!("{toml}\n= 1\n"));

    assert_refused(&setup.start_refused(), &["spin.toml"]);
}

fn an_unknown_key_in_the_runtime_config_is_refused() {
    let setup =
        Setup::new().runtime_config("[processor]\ntype = \"in-process\"\ncolour = \"red\"\n");

    assert_refused(&setup.start_refused(), &["runtime-config.toml", "colour"]);
}

fn a_missing_component_file_is_refused() {
    let setup = Setup::new().manifest(|toml| toml.replace("api_component.wasm", "missing.wasm"));

    assert_refused(
        &setup.start_refused(),
        &["missing.wasm", "cargo xtask build"],
    );
}

fn a_component_file_that_is_no_component_is_refused() {
    let setup = Setup::new();
    let file = setup.state_dir().join("text.wasm");
    fs::write(&file, "no component").expect("a file can be written to a temporary directory");
    let source = |line: &str| {
        let is_api = line.ends_with("/api_component.wasm\"");
        is_api.then(|| format!("source = \"{}\"", file.display()))
    };

    let setup = setup.manifest(|toml| {
        let lines = toml.lines();
        let lines = lines.map(|line| source(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    });

    assert_refused(&setup.start_refused(), &["text.wasm"]);
}

fn an_undeclared_store_is_refused() {
    let stores = "key_value_stores = [\"default\"]";
    let setup = Setup::new()
        .manifest(|toml| toml.replacen(stores, "key_value_stores = [\"elsewhere\"]", 1));

    assert_refused(&setup.start_refused(), &["elsewhere"]);
}

fn an_undeclared_variable_is_refused() {
    let setup = Setup::new().variable("colour", "red");

    assert_refused(&setup.start_refused(), &["colour"]);
}

fn an_undeclared_variable_in_a_template_is_refused() {
    let setup = Setup::new()
        .manifest(|toml| toml.replacen("\"{{ lease_seconds }}\"", "\"{{ colour }}\"", 1));

    assert_refused(&setup.start_refused(), &["colour"]);
}

fn a_store_that_is_no_database_is_refused() {
    let setup = Setup::new();
    let file = store_file(setup.state_dir());
    fs::write(
        &file,
        "this is no database, and it is long enough to have a header ".repeat(20),
    )
    .expect("a file can be written to a temporary directory");

    assert_refused(&setup.start_refused(), &[&file.display().to_string()]);
}

fn a_locked_store_is_refused() {
    let setup = Setup::new();
    let file = store_file(setup.state_dir());
    let _held = lock_store(setup.state_dir());

    assert_refused(
        &setup.start_refused(),
        &[&file.display().to_string(), "locked"],
    );
}

/// Asserts that the host said no: the shim by exit code 2 and a single line that has all `parts`, what
/// is wrong and where; Spin in its own words.
fn assert_refused(refusal: &Refusal, parts: &[&str]) {
    let Refusal { code, message } = refusal;
    if HostKind::current() == HostKind::Spin {
        assert!(code.is_some_and(|code| code != 0), "{code:?}: {message}");
        return;
    }
    assert_eq!(*code, Some(2), "{message}");
    assert_eq!(
        message.lines().count(),
        1,
        "expected one sentence, found:\n{message}"
    );
    for part in parts {
        assert!(
            message.contains(part),
            "expected `{part}` in the refusal, found: {message}"
        );
    }
}
