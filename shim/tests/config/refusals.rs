//! The executable, from the outside: what it prints and exits with when it does not start.

use crate::fixture::Fixture;
use std::net::TcpListener;
use std::process::{Command, Output};

/// What a command that was not started exits with.
const MISUSE: Option<i32> = Some(2);

fn shim(arguments: &[&str], fixture: &Fixture) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wasm-shim"))
        .args(arguments)
        .args(["--variable", "token=s3cret", "--from"])
        .arg(fixture.path("spin.toml"))
        .env_remove("ORDER_ID")
        .output()
        .expect("the executable runs")
}

/// Asserts that nothing was started, and that one line says why.
fn assert_refused(output: &Output, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), MISUSE, "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "expected `{part}` in `{said}`");
    }
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn an_address_that_is_none_or_is_taken_is_refused() {
    let fixture = Fixture::new();
    assert_refused(
        &shim(&["up", "--listen", "nowhere"], &fixture),
        &["`nowhere`", "HOST:PORT"],
    );
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").to_string();
    assert_refused(
        &shim(&["up", "--listen", &taken], &fixture),
        &[&taken, "--listen"],
    );
}

#[test]
fn a_port_in_use_is_called_in_use() {
    let fixture = Fixture::new();
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = holder.local_addr().expect("an address").to_string();
    assert_refused(
        &shim(&["up", "--listen", &address], &fixture),
        &["in use", "choose another"],
    );
}

#[test]
fn a_component_that_cannot_serve_is_refused() {
    let fixture = Fixture::new();
    fixture.component(
        "processor.wasm",
        r#"(component (import "acme:printer/print@1.0.0" (instance (export "print" (func)))))"#,
    );
    let output = shim(&["sweep"], &fixture);
    assert_refused(
        &output,
        &["`processor`", "acme:printer/print@1.0.0", "does not offer"],
    );
    fixture.component("processor.wasm", crate::fixture::EMPTY_COMPONENT);
    assert_refused(
        &shim(&["sweep"], &fixture),
        &["`processor`", "does not serve HTTP"],
    );
    std::fs::write(fixture.path("processor.wasm"), "no wasm").expect("a file");
    assert_refused(
        &shim(&["sweep"], &fixture),
        &["`processor`", "cargo xtask build"],
    );
}

#[test]
fn a_store_that_cannot_be_opened_is_refused() {
    let fixture = Fixture::new();
    std::fs::write(fixture.path(".spin"), "a file where a directory should be").expect("a file");
    assert_refused(
        &shim(&["up", "--listen", "127.0.0.1:0"], &fixture),
        &["cannot open", "sqlite_key_value.db"],
    );
}

#[test]
fn an_order_id_that_is_none_is_misuse() {
    let fixture = Fixture::new();
    assert_refused(
        &shim(&["job", "--order-id", "../sweep"], &fixture),
        &["`../sweep`", "--order-id"],
    );
}

#[test]
fn every_fault_has_a_line_of_its_own() {
    let fixture = Fixture::new().edited("[application]", "[application]\nsize = 1\ncolour = 2");
    let output = shim(&["up"], &fixture);
    assert_eq!(output.status.code(), MISUSE);
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 2);
}
