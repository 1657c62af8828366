//! The application's variables: `spin.toml` declares them, components read them, docs/settings.md explains them.

use super::{Fault, Repository};
use crate::workspace::{Component, SpinManifest};

const MANIFEST: &str = "spin.toml";
const PAGE: &str = "docs/settings.md";

/// Each variable of the application is used, read and documented, with its true default.
pub(super) fn declared(repository: &Repository) -> Vec<Fault> {
    let text = repository.files.get(MANIFEST).map_or("", String::as_str);
    let manifest = match SpinManifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => return vec![Fault::file(MANIFEST, format!("{error:#}"))],
    };
    let mut faults = unused(&manifest);
    for component in manifest.component.values() {
        faults.extend(unread(repository, component));
    }
    faults.extend(undocumented(repository, &manifest));
    faults
}

/// The application's variables that are given to no component.
fn unused(manifest: &SpinManifest) -> Vec<Fault> {
    let is_used = |name: &str| {
        let template = format!("{{{{ {name} }}}}");
        let mut components = manifest.component.values();
        components.any(|component| {
            let given = component.variables.values();
            given
                .chain(&component.allowed_outbound_hosts)
                .any(|value| value.contains(&template))
        })
    };
    let unused = manifest.variables.keys().filter(|name| !is_used(name));
    let fault =
        |name| format!("no component uses variable `{name}`: setting it would change nothing");
    unused
        .map(|name| Fault::file(MANIFEST, fault(name)))
        .collect()
}

/// Where a component's code may be: its own, the app's, and that of the part of the pattern which it joins
/// to the app.
fn code_of(component: &Component) -> [String; 3] {
    let crate_name = component.source.file_stem().unwrap_or_default();
    let package = crate_name.to_string_lossy().replace('_', "-");
    let part = package.strip_suffix("-component").unwrap_or(&package);
    [
        format!("{package}/src/"),
        "orders/src/".to_owned(),
        format!("pattern/{part}/src/"),
    ]
}

/// The variables that a component is given and does not read.
fn unread(repository: &Repository, component: &Component) -> Vec<Fault> {
    let directories = code_of(component);
    let is_read = |name: &str| {
        let literal = format!("\"{name}\"");
        let mut files = directories
            .iter()
            .flat_map(|directory| repository.files_in(directory, "rs"));
        files.any(|(_, text)| text.contains(&literal))
    };
    let unread = component.variables.keys().filter(|name| !is_read(name));
    let fault = |name| {
        format!(
            "nothing in `{}` reads variable `{name}`",
            directories.join("`, `")
        )
    };
    unread
        .map(|name| Fault::file(MANIFEST, fault(name)))
        .collect()
}

/// Where the page's table of variables and the manifest differ.
fn undocumented(repository: &Repository, manifest: &SpinManifest) -> Vec<Fault> {
    let rows = table_of_variables(repository.files.get(PAGE).map_or("", String::as_str));
    let mut faults = Vec::new();
    let mut fault = |sentence: String| faults.push(Fault::file(PAGE, sentence));
    for (name, variable) in &manifest.variables {
        let expected = variable.default.as_deref().unwrap_or("(required)");
        match rows.iter().find(|(row, _)| row == name) {
            None => fault(format!(
                "expected variable `{name}` in the table `| variable | default | … |`"
            )),
            Some((_, default)) if *default != expected => {
                fault(format!(
                    "expected the default of variable `{name}` to be `{expected}`, found `{default}`"
                ));
            }
            Some(_) => {}
        }
    }
    for (name, _) in rows {
        if !manifest.variables.contains_key(name) {
            fault(format!(
                "explains variable `{name}`, which `{MANIFEST}` does not declare"
            ));
        }
    }
    faults
}

/// The names and defaults in the table whose first two columns are `variable` and `default`.
fn table_of_variables(markdown: &str) -> Vec<(&str, &str)> {
    let mut lines = markdown.lines();
    let header = lines
        .by_ref()
        .find(|line| first_cells(line) == Some(("variable", "default")));
    if header.is_none() {
        return Vec::new();
    }
    // After the line under the header.
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.filter_map(first_cells).collect()
}

fn first_cells(row: &str) -> Option<(&str, &str)> {
    let mut cells = row
        .strip_prefix('|')?
        .split('|')
        .map(|cell| cell.trim().trim_matches('`'));
    Some((cells.next()?, cells.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
        [variables]
        lease_seconds = { default = "30" }
        api_key = { required = true }
        origins = { default = "" }
        [component.api]
        source = "target/wasm32-wasip2/release/api_component.wasm"
        variables = { lease_seconds = "{{ lease_seconds }}", api_key = "{{ api_key }}", origins = "{{ origins }}" }
        build = { command = "true" }
    "#;

    const SOURCE: &str = r#"variable("lease_seconds"); variable("api_key"); variable("origins");"#;

    const TABLE: &str = "| variable | default | meaning |\n|---|---|---|\n| `lease_seconds` | `30` | time |\n\
                         | `api_key` | (required) | key |\n| `origins` | | none |\n";

    fn faults_of_variables(manifest: &str, source: &str, page: &str) -> Vec<String> {
        let files = [
            ("spin.toml", manifest),
            ("api-component/src/lib.rs", source),
            (PAGE, page),
        ];
        declared(&Repository::of(&files))
            .into_iter()
            .map(|fault| fault.sentence)
            .collect()
    }

    #[test]
    fn variables_that_are_used_read_and_documented_are_no_fault() {
        assert_eq!(
            faults_of_variables(SAMPLE, SOURCE, TABLE),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_variable_that_no_component_uses_is_a_fault() {
        let manifest = SAMPLE.replace("{{ api_key }}", "constant");
        let found = faults_of_variables(&manifest, SOURCE, TABLE);
        assert_eq!(
            found,
            ["no component uses variable `api_key`: setting it would change nothing"]
        );
    }

    #[test]
    fn a_variable_that_no_code_reads_is_a_fault() {
        let found = faults_of_variables(SAMPLE, &SOURCE.replace("lease", "rent"), TABLE);
        assert_eq!(
            found,
            [
                "nothing in `api-component/src/`, `orders/src/`, `pattern/api/src/` reads variable `lease_seconds`"
            ]
        );
    }

    #[test]
    fn a_table_that_differs_from_the_manifest_is_a_fault() {
        let found = faults_of_variables(SAMPLE, SOURCE, &TABLE.replace("`30`", "`60`"));
        assert_eq!(
            found,
            ["expected the default of variable `lease_seconds` to be `30`, found `60`"]
        );
        assert_eq!(
            faults_of_variables(SAMPLE, SOURCE, &TABLE.replace("api_key", "api_kye")).len(),
            2
        );
    }
}
