//! What every file's text owes its reader, whatever it is about.
//!
//! This file spells out what it forbids, so [`unfinished`] and [`machines`] pass it over.

use super::{Fault, Repository};

const SELF: &str = "xtask/src/tidy/text.rs";

/// Each Rust file begins by saying its role.
pub(super) fn introductions(repository: &Repository) -> Vec<Fault> {
    let files = repository.files_in("", "rs");
    files
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| {
            Fault::new(
                path,
                1,
                "expected a `//!` paragraph first: its role, and what is not here",
            )
        })
        .collect()
}

/// The longest file in lines. Most are far shorter; at this length a file has two subjects.
const LINES_MAX: usize = 500;

/// Files that are longer, and how long. A number here may only fall, and no file may be added.
const LONG_FILES: &[(&str, usize)] = &[];

/// The extensions of files that are written by hand and read as code.
const CODE: [&str; 9] = ["rs", "js", "mjs", "ts", "css", "html", "sh", "py", "bicep"];

/// No file is longer than [`LINES_MAX`], and those that were only get shorter.
pub(super) fn lengths(repository: &Repository) -> Vec<Fault> {
    CODE.iter()
        .flat_map(|extension| repository.files_in("", extension))
        .filter_map(|(path, text)| {
            Some(Fault::file(
                path,
                length_fault(path, text.lines().count(), LONG_FILES)?,
            ))
        })
        .collect()
}

fn length_fault(path: &str, lines: usize, long_files: &[(&str, usize)]) -> Option<String> {
    match long_files.iter().find(|(long, _)| *long == path) {
        None if lines > LINES_MAX => Some(format!(
            "expected at most {LINES_MAX} lines, found {lines}: split it by noun or verb"
        )),
        Some((_, lines_max)) if lines > *lines_max => Some(format!(
            "expected at most {lines_max} lines, found {lines}: a long file may only get shorter"
        )),
        Some((_, lines_max)) if lines < *lines_max => Some(format!(
            "has only {lines} lines left: lower its number in `{SELF}` to that"
        )),
        _ => None,
    }
}

/// No file has a note to do later: what is unfinished is tracked elsewhere, or finished.
pub(super) fn unfinished(repository: &Repository) -> Vec<Fault> {
    const NOTES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];
    each_line(repository, |line| {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let note = words.into_iter().find(|word| NOTES.contains(word))?;
        Some(format!(
            "found `{note}`: finish it, or say in a comment why it is so"
        ))
    })
}

/// No file names a place on one person's machine, such as this checkout's.
pub(super) fn machines(repository: &Repository) -> Vec<Fault> {
    let checkout = format!("{}/", repository.root);
    let places = ["/root/", "/home/", "/Users/", &checkout];
    each_line(repository, |line| {
        let place = places.iter().find(|place| {
            // A path that begins there, and not one that leads through it.
            let leads_on = |c: char| c.is_alphanumeric() || "._-}$".contains(c);
            line.match_indices(**place)
                .any(|(at, _)| !line[..at].ends_with(leads_on))
        })?;
        Some(format!(
            "found a path in `{place}`: it is not there on another machine"
        ))
    })
}

/// No file chooses a package registry, so that whoever builds can use a mirror.
pub(super) fn registries(repository: &Repository) -> Vec<Fault> {
    const HOSTS: [&str; 6] = [
        "index.crates.io",
        "static.crates.io",
        "registry.npmjs.org",
        "files.pythonhosted.org",
        "pypi.org/simple",
        "deb.debian.org",
    ];
    each_line(repository, |line| {
        // What npm itself writes into a lock file; a mirror takes this host's place there.
        if line
            .trim_start()
            .starts_with("\"resolved\": \"https://registry.npmjs.org/")
        {
            return None;
        }
        let host = HOSTS.iter().find(|host| line.contains(*host)).copied();
        let host = host.or_else(|| {
            line.trim_start()
                .starts_with("\"resolved\": \"http")
                .then_some("a mirror")
        });
        Some(format!(
            "names the registry `{}`: a machine's own settings choose it",
            host?
        ))
    })
}

fn each_line(repository: &Repository, rule: impl Fn(&str) -> Option<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in repository.files.iter().filter(|(path, _)| *path != SELF) {
        let lines = (1..).zip(text.lines());
        faults
            .extend(lines.filter_map(|(number, line)| Some(Fault::new(path, number, rule(line)?))));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: super::super::Rule, text: &str) -> Vec<usize> {
        rule(&Repository::of(&[("a.rs", text)]))
            .into_iter()
            .map(|fault| fault.line)
            .collect()
    }

    #[test]
    fn code_without_an_introduction_is_a_fault() {
        assert!(lines(introductions, "//! Says its role.\n").is_empty());
        assert_eq!(lines(introductions, "use std::fs;\n//! Too late.\n"), [1]);
    }

    #[test]
    fn a_file_that_is_too_long_is_a_fault() {
        assert!(lines(lengths, &"\n".repeat(500)).is_empty());
        assert_eq!(lines(lengths, &"\n".repeat(501)), [0]);
    }

    #[test]
    fn a_long_file_may_only_get_shorter_and_its_number_with_it() {
        let long_files = [("a.rs", 600)];
        assert_eq!(length_fault("a.rs", 600, &long_files), None);
        assert!(length_fault("a.rs", 601, &long_files).is_some());
        assert!(length_fault("a.rs", 599, &long_files).is_some());
    }

    #[test]
    fn a_note_to_do_later_is_a_fault() {
        assert_eq!(
            lines(unfinished, "// done\n// TODO: more\nlet XXXL = 1;\n"),
            [2]
        );
    }

    #[test]
    fn a_path_on_a_machine_is_a_fault() {
        let text = "http://host/home/1\n${DIR}/root/x\n'/home/me/x'\nin /srv/checkout/target\n";
        assert_eq!(lines(machines, text), [3, 4]);
    }

    #[test]
    fn a_registry_is_a_fault() {
        let text = "https://crates.io/crates/x\nindex.crates.io\n\"resolved\": \"https://registry.npmjs.org/x\"\n\
                    \"resolved\": \"http://mirror/x\"\n";
        assert_eq!(lines(registries, text), [2, 4]);
    }
}
