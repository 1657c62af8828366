//! `spin.wasi02.toml` is `spin.toml` but for what a build for WASI 0.2 takes; and the template for other
//! apps has the pattern's variables as `spin.toml` has them.

use std::collections::BTreeMap;

use super::{Fault, Repository};
use crate::wasi::Wasi;

/// What stands above the copy.
const INTRODUCTION: &str = "\
# `spin.toml` for hosts that know nothing newer than WASI 0.2. They differ in this comment, in where the components
# are, and in how they are built; `cargo xtask tidy` sees to it.
";

/// What is replaced in it, and by what: `[component.*]` names files, `[component.*.build]` commands.
const CHANGES: [(&str, &str); 2] = [
    ("\"target/wasm32-wasip2/", "\"target/wasi02/wasm32-wasip2/"),
    // In a directory of its own, so that neither build takes the other's place.
    (
        "--release --package ",
        "--release --target-dir target/wasi02 --no-default-features --features wasi02 --package ",
    ),
];

/// The manifests are the same but for that.
pub(super) fn alike(repository: &Repository) -> Vec<Fault> {
    let text = |wasi: Wasi| {
        let file = repository.files.get(wasi.manifest());
        file.map_or("", String::as_str)
    };
    let changed = CHANGES
        .iter()
        .fold(text(Wasi::V03).to_owned(), |text, (from, to)| {
            text.replace(from, to)
        });
    let expected = format!("{INTRODUCTION}{changed}");
    let found = text(Wasi::V02);
    if expected == found {
        return Vec::new();
    }
    let alike = expected
        .lines()
        .zip(found.lines())
        .take_while(|(expected, found)| expected == found)
        .count();
    let sentence = match expected.lines().nth(alike) {
        Some(line) => format!("expected `{line}`, as `{}` has it", Wasi::V03.manifest()),
        None => format!("expected to end as `{}` does", Wasi::V03.manifest()),
    };
    vec![Fault::new(Wasi::V02.manifest(), alike + 1, sentence)]
}

/// The manifest of projects that are made from the template.
const TEMPLATE: &str = "templates/async-http/content/spin.toml";

/// The template declares each variable that the pattern reads, with the comment and the default that it
/// has here.
pub(super) fn template(repository: &Repository) -> Vec<Fault> {
    let text = |file: &str| repository.files.get(file).map_or("", String::as_str);
    let (ours, template) = (
        declarations(text("spin.toml")),
        declarations(text(TEMPLATE)),
    );
    let pattern: String = repository
        .files_in("pattern/", "rs")
        .map(|(_, text)| text)
        .collect();
    let expected = ours
        .iter()
        .filter(|(name, _)| pattern.contains(&format!("\"{name}\"")));
    expected
        .filter(|(name, declaration)| template.get(*name) != Some(declaration))
        .map(|(_, declaration)| {
            Fault::file(
                TEMPLATE,
                format!("expected `{declaration}`, as `spin.toml` has it"),
            )
        })
        .collect()
}

/// The declaration of each variable in a manifest, with the comment above it.
fn declarations(manifest: &str) -> BTreeMap<&str, String> {
    let lines = manifest.lines().skip_while(|line| *line != "[variables]");
    let lines = lines.skip(1).take_while(|line| !line.is_empty());
    let mut declarations = BTreeMap::new();
    let mut declaration = String::new();
    for line in lines {
        declaration.push_str(line);
        match line.split_once(" = ") {
            Some((name, _)) if !line.starts_with('#') => {
                declarations.insert(name, std::mem::take(&mut declaration));
            }
            _ => declaration.push(' '),
        }
    }
    declarations
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "a = 1\nsource = \"target/wasm32-wasip2/release/a.wasm\"\n\
                            command = \"cargo build --release --package a\"\n";

    const COPY: &str = "a = 1\nsource = \"target/wasi02/wasm32-wasip2/release/a.wasm\"\n\
                        command = \"cargo build --release --target-dir target/wasi02 \
                        --no-default-features --features wasi02 --package a\"\n";

    fn faults(copy: &str) -> Vec<Fault> {
        let copy = format!("{INTRODUCTION}{copy}");
        alike(&Repository::of(&[
            ("spin.toml", ORIGINAL),
            ("spin.wasi02.toml", &copy),
        ]))
    }

    #[test]
    fn a_copy_that_differs_in_its_build_alone_is_no_fault() {
        assert_eq!(faults(COPY), Vec::new());
    }

    #[test]
    fn the_template_has_the_variables_that_the_pattern_reads_as_they_are_here() {
        const OURS: &str = "[variables]\n# A.\na = { default = \"1\" }\nb = {}\n\n";
        let found = |template: &str| {
            template_faults(&[
                ("spin.toml", OURS),
                ("pattern/a.rs", "read(\"a\")"),
                (TEMPLATE, template),
            ])
        };
        assert_eq!(found(OURS), 0);
        assert_eq!(found(&OURS.replace("b = {}\n", "c = {}\n")), 0);
        assert_eq!(found(&OURS.replace('1', "2")), 1);
        assert_eq!(found(&OURS.replace("A.", "B.")), 1);
        assert_eq!(found(""), 1);
    }

    fn template_faults(files: &[(&str, &str)]) -> usize {
        template(&Repository::of(files)).len()
    }

    #[test]
    fn another_difference_is_a_fault_where_it_begins() {
        let found = faults(&COPY.replace("a = 1", "a = 2"));
        assert_eq!((found.len(), found[0].line), (1, 3));
        let found = faults(&format!("{COPY}b = 1\n"));
        assert_eq!((found.len(), found[0].line), (1, 6));
        assert_eq!(faults(ORIGINAL)[0].line, 4);
    }
}
