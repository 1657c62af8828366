//! Apps that fit together.

use crate::fixture::Fixture;
use http::Uri;
use kv::Backend;
use std::time::Duration;

#[test]
fn an_app_is_what_its_manifest_says() {
    let fixture = Fixture::new();
    let app = fixture.app();
    assert_eq!(
        (
            app.name.as_str(),
            app.version.as_str(),
            app.description.as_str()
        ),
        ("shop", "1.2.3", "sells")
    );
    let routes: Vec<_> = app
        .routes
        .iter()
        .map(|route| (route.to_string(), &*route.component))
        .collect();
    assert_eq!(routes, [("/...".to_owned(), "api")]);
    let api = &app.components["api"];
    assert_eq!(
        api.source.to_string(),
        format!("`{}`", fixture.path("api.wasm").display())
    );
    assert_eq!(api.stores, ["default"]);
    assert_eq!(api.environment, [("LANG".to_owned(), "C".to_owned())]);
    assert_eq!(api.variables["greeting"], "hello north, s3cret");
    assert!(app.components["processor"].stores.is_empty());
}

#[test]
fn hosts_are_granted_after_their_variables_are_filled_in() {
    let app = Fixture::new()
        .environment("SPIN_VARIABLE_REGION", "south")
        .app();
    let allows = |uri| {
        app.components["api"]
            .outbound
            .allows(&Uri::from_static(uri))
    };
    assert!(allows("https://south.example.com/"));
    assert!(!allows("https://north.example.com/"));
    assert!(allows("http://processor.spin.internal/orders/1"));
    assert!(
        !app.components["processor"]
            .outbound
            .allows(&Uri::from_static("http://processor.spin.internal/"))
    );
}

#[test]
fn a_variable_comes_from_the_command_line_then_the_environment_then_its_default() {
    let greeting =
        |fixture: &Fixture| fixture.app().components["api"].variables["greeting"].clone();
    let mut fixture = Fixture::new();
    assert_eq!(greeting(&fixture), "hello north, s3cret");
    fixture = fixture.environment("SPIN_VARIABLE_REGION", "east");
    assert_eq!(greeting(&fixture), "hello east, s3cret");
    fixture
        .arguments
        .variables
        .extend(["region=west".to_owned(), "token=a=b".to_owned()]);
    assert_eq!(greeting(&fixture), "hello west, a=b");
}

#[test]
fn the_default_store_is_a_file_in_the_state_directory_without_configuration() {
    let mut fixture = Fixture::new();
    let sqlite = |path| Backend::Sqlite { path };
    assert_eq!(
        fixture.app().stores["default"],
        sqlite(fixture.path(".spin/sqlite_key_value.db"))
    );
    fixture.arguments.state_dir = Some(fixture.path("state"));
    assert_eq!(
        fixture.app().stores["default"],
        sqlite(fixture.path("state/sqlite_key_value.db"))
    );
    // Spin takes relative paths from the state directory.
    let fixture =
        fixture.runtime_config("[key_value_store.default]\ntype = \"spin\"\npath = \"kv.db\"");
    assert_eq!(
        fixture.app().stores["default"],
        sqlite(fixture.path("state/kv.db"))
    );
}

#[test]
fn a_label_needs_configuration_unless_it_is_the_default() {
    let fixture = Fixture::new()
        .edited(r#"["default"]"#, r#"["default", "cache"]"#)
        .runtime_config("[key_value_store.cache]\ntype = \"memory\"");
    let stores = fixture.app().stores;
    assert_eq!(stores["cache"], Backend::Memory);
    assert_eq!(stores.len(), 2);
}

#[test]
fn the_runtime_config_sets_how_much_runs_at_once() {
    let app = Fixture::new()
        .runtime_config("[processor]\ntype = \"in-process\"\nmax_concurrent = 7\ndrain_seconds = 3\n[limits]\nconnections_max = 5")
        .app();
    assert_eq!(app.processor.max_concurrent, 7);
    assert_eq!(app.processor.drain, Duration::from_secs(3));
    assert_eq!(app.processor.per_instance(), 16);
    assert_eq!(app.limits.connections_max, 5);
    assert_eq!(app.limits.request_seconds_max, 90);
}

#[test]
fn the_runtime_config_may_come_by_the_environment() {
    let text = "[processor]\ntype = \"in-process\"\nmax_concurrent = 7";
    let app = Fixture::new().environment("RUNTIME_CONFIG", text).app();
    assert_eq!(app.processor.max_concurrent, 7);
}

#[test]
fn the_apps_own_manifest_is_accepted() {
    let fixture = Fixture::new().manifest(include_str!("../../../spin.toml"));
    for name in ["api_component.wasm", "processor_component.wasm"] {
        let directory = fixture.path("target/wasm32-wasip2/release");
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join(name), b"").expect("a file");
    }
    let mut fixture = fixture;
    fixture.arguments.variables.clear();
    assert_eq!(fixture.app().name, "async-orders");
}
