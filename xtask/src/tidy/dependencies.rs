//! Which package may depend on which, and that all obey the same lints.

use super::{Fault, Repository};
use crate::packages::Package;

/// What a package depends on among ours: all of these, and no other.
struct Direction {
    package: &'static str,
    depends_on: &'static [&'static str],
    why: &'static str,
}

const DIRECTIONS: &[Direction] = &[
    Direction {
        package: "protocol",
        depends_on: &[],
        why: "the protocol depends on nothing of ours, so that it is tested and checked by itself",
    },
    Direction {
        package: "guest",
        depends_on: &["protocol"],
        why: "it gives the protocol's port a store, and knows neither component",
    },
    Direction {
        package: "work",
        depends_on: &["guest", "protocol"],
        why: "it is what an app sees of the pattern",
    },
    Direction {
        package: "api",
        depends_on: &["guest", "protocol", "work"],
        why: "it serves any app, and knows none",
    },
    Direction {
        package: "processor",
        depends_on: &["guest", "protocol", "work"],
        why: "it runs the work of any app, and knows none",
    },
    Direction {
        package: "orders",
        // The last for its tests.
        depends_on: &["work", "guest"],
        why: "an app knows its work, and of the pattern what `work` shows",
    },
    Direction {
        package: "api-component",
        depends_on: &["api", "guest", "orders"],
        why: "a component joins the app to the pattern",
    },
    Direction {
        package: "processor-component",
        depends_on: &["guest", "orders", "processor"],
        why: "a component joins the app to the pattern",
    },
    Direction {
        package: "wasm-shim",
        depends_on: &["azure", "host", "kv"],
        why: "the host knows the components by their `.wasm` and by `spin.toml` alone",
    },
    Direction {
        package: "host",
        depends_on: &["kv"],
        why: "it runs any component: it knows no order, and a store by its trait alone",
    },
    Direction {
        package: "kv",
        // The first is for a back end's identity, the second for tests.
        depends_on: &["azure", "redis-server"],
        why: "stores know nobody who uses them",
    },
    Direction {
        package: "azure",
        depends_on: &[],
        why: "it knows neither who asks for an identity nor what an execution is for",
    },
    Direction {
        package: "rustls-native-certs",
        depends_on: &[],
        why: "it has the place of a crate that knows certificates and nothing else",
    },
    Direction {
        package: "redis-server",
        depends_on: &[],
        why: "it starts a server that is nobody's here",
    },
    Direction {
        package: "tests",
        depends_on: &["redis-server"],
        why: "black-box tests know the contract, so that they hold for any host",
    },
    Direction {
        package: "bench",
        depends_on: &["tests"],
        why: "benchmarks start hosts as tests do, and know the contract alone",
    },
    Direction {
        package: "bench-floor",
        depends_on: &[],
        why: "the floor is what one would write without any of ours",
    },
    Direction {
        package: "bench-hello",
        depends_on: &["guest"],
        why: "the ceiling costs what a component costs that does nothing",
    },
    Direction {
        package: "xtask",
        depends_on: &[],
        why: "it must build while everything else is broken",
    },
];

/// What only `guest` depends on, so that another host costs one crate.
const SDKS: [&str; 3] = ["spin-sdk", "wasi", "wit-bindgen"];

/// Each package depends on what [`DIRECTIONS`] says.
pub(super) fn directions(repository: &Repository) -> Vec<Fault> {
    let packages = &repository.packages;
    let ours: Vec<_> = packages.iter().map(|package| &*package.name).collect();
    let sentences = packages.iter().flat_map(|package| against(package, &ours));
    sentences
        .map(|sentence| Fault::file("Cargo.toml", sentence))
        .collect()
}

/// What a package does against its direction.
fn against(package: &Package, ours: &[&str]) -> Vec<String> {
    let name = &package.name;
    let Some(direction) = DIRECTIONS
        .iter()
        .find(|direction| direction.package == name)
    else {
        let sentence = "is new; say in `xtask/src/tidy/dependencies.rs` what it may depend on";
        return vec![format!("package `{name}` {sentence}")];
    };
    let Direction {
        depends_on, why, ..
    } = direction;
    let dependencies: Vec<_> = package.dependencies.iter().map(|it| &*it.name).collect();
    let mut sentences = Vec::new();
    for dependency in &dependencies {
        if ours.contains(dependency) && !depends_on.contains(dependency) {
            sentences.push(format!("package `{name}` depends on `{dependency}`: {why}"));
        }
    }
    for expected in *depends_on {
        if !dependencies.contains(expected) {
            sentences.push(format!(
                "package `{name}` does not depend on `{expected}`: {why}"
            ));
        }
    }
    for sdk in SDKS {
        if dependencies.contains(&sdk) && name != "guest" {
            sentences.push(format!(
                "package `{name}` depends on `{sdk}`, as only `guest` may"
            ));
        }
    }
    sentences
}

/// Each package takes the workspace's lints.
pub(super) fn lints(repository: &Repository) -> Vec<Fault> {
    let manifests = repository
        .files_in("", "toml")
        // What becomes somebody else's project is not ours to police.
        .filter(|(path, _)| path.ends_with("/Cargo.toml") && !path.starts_with("templates/"));
    let inherits = |text: &str| {
        let manifest: toml::Table = toml::from_str(text).ok()?;
        manifest.get("lints")?.get("workspace")?.as_bool()
    };
    manifests
        .filter(|(_, text)| inherits(text) != Some(true))
        .map(|(path, _)| {
            Fault::file(
                path,
                "expected `[lints] workspace = true`: one set of lints holds everywhere",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Dependency;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|name| Dependency {
                name: (*name).to_owned(),
            })
            .collect();
        Package {
            name: name.to_owned(),
            dependencies,
        }
    }

    fn sentences(packages: Vec<Package>) -> Vec<String> {
        let mut repository = Repository::default();
        repository.packages = packages;
        directions(&repository)
            .into_iter()
            .map(|fault| fault.sentence)
            .collect()
    }

    #[test]
    fn the_directions_of_the_design_hold() {
        let packages = vec![
            package("protocol", &["serde"]),
            package("guest", &["protocol", "spin-sdk"]),
            package("api-component", &["api", "guest", "orders"]),
            package("wasm-shim", &["azure", "host", "kv", "wasmtime"]),
        ];
        assert_eq!(sentences(packages), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_against_the_direction_is_a_fault() {
        let found = sentences(vec![
            package("protocol", &["wasm-shim"]),
            package("wasm-shim", &["azure", "host", "kv"]),
        ]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("package `protocol` depends on `wasm-shim`: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_component_without_the_app_is_a_fault() {
        let found = sentences(vec![package("api-component", &["api", "guest"])]);
        assert!(
            found[0].starts_with("package `api-component` does not depend on `orders`: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_component_that_depends_on_the_sdk_is_a_fault() {
        let found = sentences(vec![package(
            "api-component",
            &["api", "guest", "orders", "spin-sdk"],
        )]);
        assert!(
            found[0].starts_with("package `api-component` depends on `spin-sdk`, "),
            "{found:?}"
        );
    }

    #[test]
    fn a_package_without_a_direction_is_a_fault() {
        let found = sentences(vec![package("newcomer", &[])]);
        assert!(
            found[0].starts_with("package `newcomer` is new; "),
            "{found:?}"
        );
    }

    #[test]
    fn a_package_with_lints_of_its_own_is_a_fault() {
        let inheriting = "[package]\n[lints]\nworkspace = true\n";
        let repository = Repository::of(&[
            ("Cargo.toml", "[workspace]\n"),
            ("good/Cargo.toml", inheriting),
            ("bad/Cargo.toml", "[package]\n"),
        ]);
        let found: Vec<_> = lints(&repository)
            .into_iter()
            .map(|fault| fault.path)
            .collect();
        assert_eq!(found, ["bad/Cargo.toml"]);
    }
}
