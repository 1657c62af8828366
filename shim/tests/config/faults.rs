//! Apps that do not fit together: what is said about each.

use crate::fixture::{Fixture, MANIFEST};

/// The one fault of a fixture.
fn fault(fixture: &Fixture) -> String {
    let faults = fixture.faults();
    assert_eq!(faults.len(), 1, "expected one fault, found {faults:#?}");
    faults[0].clone()
}

fn assert_says(fault: &str, parts: &[&str]) {
    for part in parts {
        assert!(fault.contains(part), "expected `{part}` in `{fault}`");
    }
    assert!(!fault.contains('\n'), "expected one line, found `{fault}`");
}

#[test]
fn all_faults_are_listed_at_once() {
    let broken = MANIFEST
        .replace("name = \"shop\"", "name = \"shop\"\ncolour = \"red\"")
        .replace(r#"["default"]"#, r#"["defualt"]"#)
        .replace("{{ region }}.example.com", "{{ regoin }}.example.com")
        .replace("source = \"processor.wasm\"", "source = \"nowhere.wasm\"");
    let mut fixture = Fixture::new().manifest(&broken);
    fixture.arguments.variables.clear();
    let faults = fixture.faults();
    let expected = [
        "`colour`",
        "`token` has no value",
        "`defualt`",
        "`regoin`",
        "nowhere.wasm",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for part in expected {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "`{part}` is not in {faults:#?}"
        );
    }
}

#[test]
fn an_unreadable_manifest_is_named() {
    let mut fixture = Fixture::new();
    fixture.arguments.from = Some(fixture.path("absent.toml"));
    assert_says(&fault(&fixture), &["absent.toml", "--from"]);
}

#[test]
fn text_that_is_no_toml_is_located() {
    let fixture = Fixture::new().edited("name = \"shop\"", "name = shop");
    assert_says(&fault(&fixture), &["spin.toml", "line 5"]);
}

#[test]
fn unknown_keys_are_named_with_their_table() {
    let unknown = [
        (
            "[application]",
            "[application]\nsize = 1",
            "`size` in [application]",
        ),
        (
            "source = \"processor.wasm\"",
            "source = \"processor.wasm\"\nfiles = []",
            "`files` in [component.processor]",
        ),
        (
            "route = \"/...\"",
            "route = \"/...\"\nexecutor = { type = \"wagi\" }",
            "`executor` in [[trigger.http]]",
        ),
        (
            "[[trigger.http]]\nroute = \"/...\"",
            "[[trigger.redis]]\n[[trigger.http]]\nroute = \"/...\"",
            "`redis` in [trigger]",
        ),
    ];
    for (from, to, part) in unknown {
        let fixture = Fixture::new().edited(from, to);
        assert_says(&fault(&fixture), &[part, "remove it"]);
    }
}

#[test]
fn sources_that_are_not_files_are_refused() {
    let url = r#"source = { url = "https://example.com/a.wasm", digest = "sha256:0" }"#;
    let fixture = Fixture::new().edited("source = \"processor.wasm\"", url);
    assert_says(&fault(&fixture), &["`processor`", "local files"]);
    let fixture = Fixture::new().edited("processor.wasm", "absent.wasm");
    assert_says(
        &fault(&fixture),
        &["`processor`", "absent.wasm", "cargo xtask build"],
    );
}

#[test]
fn references_to_what_is_not_declared_are_refused() {
    let fixture = Fixture::new().edited("component = \"api\"", "component = \"apy\"");
    assert_says(&fault(&fixture), &["apy", "[component]"]);
    let fixture = Fixture::new().edited(
        "http://processor.spin.internal",
        "http://worker.spin.internal",
    );
    assert_says(&fault(&fixture), &["`worker`", "[component]"]);
    let fixture = Fixture::new().edited(r#"["default"]"#, r#"["cache"]"#);
    assert_says(&fault(&fixture), &["`cache`", "[key_value_store.cache]"]);
    let mut fixture = Fixture::new();
    fixture.arguments.variables.push("regoin=east".to_owned());
    assert_says(&fault(&fixture), &["`regoin`", "[variables]"]);
}

#[test]
fn a_fault_never_shows_a_variables_value() {
    let mut fixture = Fixture::new().edited("{{ region }}.example.com", "{{ token }}");
    fixture.arguments.variables = vec!["token=s3cret/".to_owned(), "s3cret".to_owned()];
    for fault in fixture.faults() {
        assert!(!fault.contains("s3cret"), "`{fault}`");
    }
}

#[test]
fn runtime_configs_that_this_host_does_not_know_are_refused() {
    let unknown = [
        (
            "[key_value_store.default]\ntype = \"etcd\"\nurl = \"http://localhost\"",
            "`etcd`",
        ),
        ("[key_value_store.default]\ntype = \"redis\"", "`url`"),
        (
            "[key_value_store.default]\ntype = \"redis\"\nurl = \"http://localhost\"",
            "no Redis URL",
        ),
        ("[key_value_store.default]\ntype = \"spin\"", "`path`"),
        (
            "[key_value_store.default]\ntype = \"memory\"\nsize = 1",
            "`size`",
        ),
        ("[key_value_store.default]\npath = \"kv.db\"", "`type`"),
        (
            "[processor]\ntype = \"container-apps-job\"",
            "`subscription`",
        ),
        ("[processor]\ntype = \"lambda\"", "`lambda`"),
        (
            "[processor]\ntype = \"in-process\"\nmax_concurrent = 0",
            "`max_concurrent = 0`",
        ),
        ("[limits]\nheader_bytes_max = 10", "`header_bytes_max = 10`"),
        ("[limits]\nconections_max = 10", "`conections_max`"),
        (
            "[sqlite_database.default]\ntype = \"spin\"",
            "`sqlite_database`",
        ),
    ];
    for (text, part) in unknown {
        let fixture = Fixture::new().runtime_config(text);
        assert_says(&fault(&fixture), &[part, "runtime-config.toml"]);
    }
}

#[test]
fn a_runtime_config_of_the_environment_is_named_and_is_the_only_one() {
    let fixture = Fixture::new().environment("RUNTIME_CONFIG", "[limits]\nconections_max = 10");
    assert_says(
        &fault(&fixture),
        &["`RUNTIME_CONFIG` line 2", "`conections_max`"],
    );
    let fixture = Fixture::new()
        .environment("RUNTIME_CONFIG", "")
        .runtime_config("");
    assert_says(
        &fault(&fixture),
        &["`RUNTIME_CONFIG`", "runtime-config.toml", "unset one"],
    );
}

#[test]
fn variables_follow_spins_names_and_need_a_value() {
    let fixture = Fixture::new().edited("region = {", "Region__ = {");
    assert!(
        fixture
            .faults()
            .iter()
            .any(|fault| fault.contains("`Region__` may hold only"))
    );
    let fixture = Fixture::new().edited("{ default = \"north\" }", "{ }");
    assert_says(&fault(&fixture), &["`region`", "`default`"]);
    let fixture = Fixture::new().edited("{{token}}", "{{token");
    assert_says(&fault(&fixture), &["`greeting`", "`{{` without `}}`"]);
}

#[test]
fn settings_of_cosmos_db_are_checked_and_no_key_is_shown() {
    let table = |settings: &str| {
        let table = format!("[key_value_store.default]\ntype = \"azure_cosmos\"\n{settings}");
        fault(&Fixture::new().runtime_config(&table))
    };
    let named = "account = \"a\"\ndatabase = \"d\"\ncontainer = \"c\"\n";
    assert_says(
        &table("account = \"a\"\ndatabase = \"d\""),
        &["has no `container` in [key_value_store.default]; add one"],
    );
    assert_says(
        &table(&format!("{named}region = \"r\"")),
        &[
            "has `region`",
            "type `azure_cosmos` does not know; remove it",
        ],
    );
    assert_says(
        &table(&format!("{named}endpoint = \"http://example.com\"")),
        &[
            "`http://example.com`",
            "in [key_value_store.default]; begin it with `https://`",
        ],
    );
    let number = table(&format!("{named}key = 123456"));
    assert_says(&number, &["has `key`", "put it in quotes"]);
    assert!(!number.contains("123456"), "{number}");
}
