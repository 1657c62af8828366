//! `cargo xtask tidy`: habits of this repository that no compiler, lint or formatter holds.
//!
//! A rule is a function from the [`Repository`] to its [`Fault`]s; a fault says where, what,
//! and why that matters. Each rule is tested on a sample that breaks it.

mod boundaries;
mod code;
mod contents;
mod cycles;
mod dependencies;
mod links;
mod manifests;
mod messages;
mod problems;
mod repository;
mod text;
mod variables;

use anyhow::{Result, bail};

use repository::Repository;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    path: String,
    /// Zero if the fault is the file's.
    line: usize,
    sentence: String,
}

type Rule = fn(&Repository) -> Vec<Fault>;

const RULES: &[Rule] = &[
    dependencies::directions,
    dependencies::lints,
    boundaries::names,
    boundaries::error_statuses,
    cycles::modules,
    text::introductions,
    text::lengths,
    text::unfinished,
    text::machines,
    text::registries,
    links::targets,
    contents::listed,
    messages::explained,
    problems::pages,
    variables::declared,
    manifests::alike,
    manifests::template,
];

/// Applies all rules to the files that are, or could be, committed.
pub(crate) fn run() -> Result<()> {
    let repository = Repository::read()?;
    let mut faults: Vec<Fault> = RULES.iter().flat_map(|rule| rule(&repository)).collect();
    faults.sort();
    for Fault {
        path,
        line,
        sentence,
    } in &faults
    {
        match line {
            0 => eprintln!("{path}: {sentence}"),
            _ => eprintln!("{path}:{line}: {sentence}"),
        }
    }
    match faults.len() {
        0 => {
            eprintln!(
                "tidy: {} rules hold in {} files",
                RULES.len(),
                repository.files.len()
            );
            Ok(())
        }
        count => {
            bail!("the house rules are broken in {count} places; CONTRIBUTING.md explains them")
        }
    }
}

impl Fault {
    fn new(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            sentence: sentence.into(),
        }
    }

    /// A fault of no line in particular.
    fn file(path: &str, sentence: impl Into<String>) -> Self {
        Self::new(path, 0, sentence)
    }
}
