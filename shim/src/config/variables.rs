//! Variables of the app: where their values come from, and the templates that use them.
//!
//! What `--variable` takes is what Spin takes: `NAME=VALUE`; `NAME=@FILE`, for a file that holds the
//! value, as it is, with the line break that it may end with; and `@FILE.json` or `@FILE.toml`, for
//! one that holds the values of several.

use super::manifest;
use crate::fault::Fault;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

/// A value for each variable that the app declares.
#[derive(Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Option<String>>,
}

impl Variables {
    /// Takes each declared variable from the command line, the environment or its default, in
    /// this order.
    pub(super) fn resolve(
        declared: &BTreeMap<String, manifest::Variable>,
        arguments: &[String],
        environment: impl Fn(&str) -> Option<String>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut given = BTreeMap::new();
        for argument in arguments {
            let read = read_argument(argument).unwrap_or_else(|problem| {
                faults.push(Fault::new(problem));
                BTreeMap::new()
            });
            for (name, value) in read {
                if declared.contains_key(&name) {
                    given.insert(name, value);
                } else {
                    faults.push(Fault::new(format!(
                        "--variable sets `{name}`, which the manifest does not declare; declare it in [variables], or correct its name"
                    )));
                }
            }
        }
        let mut values = BTreeMap::new();
        for (name, variable) in declared {
            if let Err(problem) = check_name(name) {
                faults.push(Fault::new(format!(
                    "variable `{name}` {problem}; rename it"
                )));
            }
            let value = given
                .remove(name.as_str())
                .or_else(|| environment(&environment_name(name)))
                .or_else(|| variable.default.clone());
            if value.is_none() {
                let fix = if variable.required {
                    format!(
                        "set it with --variable {name}=VALUE or {}",
                        environment_name(name)
                    )
                } else {
                    "give it a `default`, or say `required = true` and set it".to_owned()
                };
                faults.push(Fault::new(format!("variable `{name}` has no value; {fix}")));
            }
            values.insert(name.clone(), value);
        }
        Self { values }
    }

    /// Fills in a template, in which `{{ name }}` stands for a variable's value.
    ///
    /// A variable that is declared and has no value was reported already, so it is left empty.
    pub(super) fn fill(&self, template: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((literal, expression)) = rest.split_once("{{") {
            let (name, after) = expression
                .split_once("}}")
                .ok_or_else(|| "has `{{` without `}}`".to_owned())?;
            let name = name.trim();
            let value = self
                .values
                .get(name)
                .ok_or_else(|| format!("uses the undeclared variable `{name}`"))?;
            filled.push_str(literal);
            filled.push_str(value.as_deref().unwrap_or_default());
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// The variables that an argument sets.
fn read_argument(argument: &str) -> Result<BTreeMap<String, String>, String> {
    if let Some(path) = argument.strip_prefix('@') {
        return read_values(Path::new(path));
    }
    let (name, value) = argument.split_once('=').ok_or_else(|| {
        // The argument is not shown: it may be a secret whose name was forgotten.
        "--variable has no `=`; write it as NAME=VALUE, NAME=@FILE, @FILE.json or @FILE.toml"
            .to_owned()
    })?;
    let value = match value.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => value.to_owned(),
    };
    Ok(BTreeMap::from([(name.to_owned(), value)]))
}

/// The values in a file, by name.
fn read_values(path: &Path) -> Result<BTreeMap<String, String>, String> {
    // What cannot be parsed is not shown: it may be a secret.
    let unparsed = |format| {
        format!(
            "--variable names `{}`, which is no {format} of strings by name; correct it",
            path.display()
        )
    };
    match path.extension().and_then(OsStr::to_str) {
        Some("json") => {
            serde_json::from_str(&read_text(path)?).map_err(|_| unparsed("JSON object"))
        }
        Some("toml") => toml::from_str(&read_text(path)?).map_err(|_| unparsed("TOML table")),
        _ => Err(format!(
            "--variable names `{}`, which is neither `.json` nor `.toml`; name such a file, or write NAME=@FILE",
            path.display()
        )),
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| {
        format!(
            "--variable names `{}`, which cannot be read: {error}; correct its path",
            path.display()
        )
    })
}

/// What is wrong with a variable's name by Spin's rules, which both hosts must share.
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(allowed) {
        Err("may hold only lower-case letters, digits and underscores")
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        Err("must start with a lower-case letter")
    } else if name.ends_with('_') || name.contains("__") {
        Err("must not end with an underscore or hold two in a row")
    } else {
        Ok(())
    }
}

fn environment_name(name: &str) -> String {
    format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())
}
