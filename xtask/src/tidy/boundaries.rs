//! Who may name what: the invariants about absence that ARCHITECTURE.md states.

use super::code::{Code, Literal};
use super::{Fault, Repository};

/// Code in `within` does not name `names`, except in files whose path begins with `except`.
struct Boundary {
    within: &'static str,
    except: Option<&'static str>,
    names: &'static [&'static str],
    why: &'static str,
}

const BOUNDARIES: &[Boundary] = &[
    Boundary {
        within: "pattern/protocol/src/",
        except: None,
        names: &["SystemTime", "Instant", "Timestamp::now", "Zoned::now"],
        why: "the protocol reads no clock; the time is an argument",
    },
    Boundary {
        within: "pattern/protocol/src/",
        except: None,
        names: &[
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::process",
            "std::thread",
        ],
        why: "the protocol does no I/O; its storage is a port",
    },
    Boundary {
        within: "pattern/protocol/src/",
        except: None,
        names: &["::http", "::spin_sdk", "::wasmtime"],
        why: "the protocol knows neither HTTP nor a host",
    },
    Boundary {
        within: "pattern/api/src/",
        except: None,
        names: &[
            "::spin_sdk",
            "::wasi",
            "::wasip3",
            "guest::sdk",
            "StatusCode",
        ],
        why: "only `guest` knows the host's interfaces, so that another host costs one crate",
    },
    Boundary {
        within: "pattern/processor/src/",
        except: None,
        names: &[
            "::spin_sdk",
            "::wasi",
            "::wasip3",
            "guest::sdk",
            "StatusCode",
        ],
        why: "only `guest` knows the host's interfaces, so that another host costs one crate",
    },
    Boundary {
        within: "orders/src/",
        except: None,
        names: &["::guest", "::protocol", "::spin_sdk", "::wasmtime"],
        why: "an app knows its work and the trait in `work`: neither the store, nor leases, nor hosts",
    },
    Boundary {
        within: "shim/",
        except: Some("shim/kv/"),
        names: &[
            "::rusqlite",
            "::redis",
            "::azure_data_cosmos",
            "RedisAddress",
            "CosmosSettings",
        ],
        why: "only `shim/kv` knows a back end; the rest speaks to any store",
    },
];

/// Each file keeps within its [`BOUNDARIES`].
pub(super) fn names(repository: &Repository) -> Vec<Fault> {
    let mut faults = Vec::new();
    for Boundary {
        within,
        except,
        names,
        why,
    } in BOUNDARIES
    {
        for (file, text) in repository.files_in(within, "rs") {
            if except.is_some_and(|except| file.starts_with(except)) {
                continue;
            }
            faults.extend(read(file, text, |code| {
                let named = code.paths.iter().filter_map(|path| {
                    let name = names
                        .iter()
                        .find(|name| path.names(name))?
                        .trim_start_matches("::");
                    Some(Fault::new(
                        file,
                        path.line,
                        format!("names `{name}`: {why}"),
                    ))
                });
                named.collect()
            }));
        }
    }
    faults
}

/// The files of components that know the statuses of errors.
const KNOW_ERROR_STATUSES: [&str; 3] = [
    "pattern/api/src/problem.rs",
    "pattern/processor/src/problem.rs",
    // It reads the statuses that a user's worker answers with.
    "orders/src/worker/answer.rs",
];

/// In each component, only [`KNOW_ERROR_STATUSES`] have the number of an error's status.
pub(super) fn error_statuses(repository: &Repository) -> Vec<Fault> {
    let components = ["pattern/api/src/", "pattern/processor/src/"];
    let files = components
        .iter()
        .flat_map(|component| repository.files_in(component, "rs"));
    let files = files.filter(|(file, _)| !KNOW_ERROR_STATUSES.contains(file));
    let faults = |(file, text)| {
        read(file, text, |code| {
            let errors = code
                .literals
                .iter()
                .filter(|literal| is_error_status(&literal.text));
            let fault = |literal: &Literal| {
                let sentence = format!(
                    "`{}` looks like an error's status: only `problem.rs` knows those, so that an \
                     error is one kind of problem everywhere",
                    literal.text
                );
                Fault::new(file, literal.line, sentence)
            };
            errors.map(fault).collect()
        })
    };
    files.flat_map(faults).collect()
}

fn is_error_status(literal: &str) -> bool {
    literal
        .parse::<u16>()
        .is_ok_and(|number| (400..600).contains(&number))
}

/// What `rule` finds in a file's code; that it is not Rust, if it is not.
fn read(file: &str, text: &str, rule: impl FnOnce(&Code) -> Vec<Fault>) -> Vec<Fault> {
    match Code::read(text) {
        Ok(code) => rule(&code),
        Err(error) => vec![Fault::file(
            file,
            format!("cannot be read as Rust: {error}"),
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;

    fn places(rule: Rule, files: &[(&str, &str)]) -> Vec<(String, usize)> {
        let faults = rule(&Repository::of(files));
        faults
            .into_iter()
            .map(|fault| (fault.path, fault.line))
            .collect()
    }

    #[test]
    fn a_clock_in_the_domain_is_a_fault() {
        let source = "use std::time::Duration;\nuse std::time::{Instant};";
        let found = places(names, &[("pattern/protocol/src/a.rs", source)]);
        assert_eq!(found, [("pattern/protocol/src/a.rs".to_owned(), 2)]);
    }

    #[test]
    fn the_hosts_interfaces_are_named_by_guest_alone() {
        let source = "use spin_sdk::key_value::Store;";
        let files = [
            ("pattern/guest/src/store.rs", source),
            ("pattern/api/src/submit.rs", source),
        ];
        assert_eq!(
            places(names, &files),
            [("pattern/api/src/submit.rs".to_owned(), 1)]
        );
    }

    #[test]
    fn back_ends_are_named_under_kv_alone() {
        let source = "use rusqlite::Connection;";
        let files = [
            ("shim/kv/src/sqlite.rs", source),
            ("shim/src/serve.rs", source),
        ];
        assert_eq!(places(names, &files), [("shim/src/serve.rs".to_owned(), 1)]);
    }

    #[test]
    fn an_error_status_is_written_in_problem_rs_alone() {
        let source = "status: 200,\nstatus: 404,\n#[cfg(test)] mod tests { fn a() { 503 } }";
        let cancel = "pattern/api/src/cancel.rs";
        let found = places(
            error_statuses,
            &[("pattern/api/src/problem.rs", source), (cancel, source)],
        );
        assert_eq!(found, [(cancel.to_owned(), 2)]);
    }

    #[test]
    fn a_file_that_is_not_rust_is_a_fault() {
        let file = "pattern/api/src/a.rs";
        assert_eq!(places(names, &[(file, "fn (")]), [(file.to_owned(), 0)]);
    }
}
