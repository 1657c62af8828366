//! Modules form no cycle: of two that stand beside each other, at most one knows the other.
//!
//! Parents and their children are not beside each other: what a module has inside may name what
//! the module has. A name that a parent passes on counts as its child's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::code::Code;
use super::{Fault, Repository};

/// The names from a crate's root to a module; none for the root itself.
type Module = Vec<String>;

/// Where a module names another.
type Place = (String, usize);

/// Which modules a module names, of those beside it, and where.
type Siblings = BTreeMap<String, BTreeMap<String, Place>>;

/// The modules of one crate, and the paths in each.
#[derive(Default)]
struct Crate {
    paths: BTreeMap<Module, Vec<(Vec<String>, Place)>>,
}

/// No crate has modules that know each other in a circle.
pub(super) fn modules(repository: &Repository) -> Vec<Fault> {
    let mut crates: BTreeMap<&str, Crate> = BTreeMap::new();
    for (file, text) in repository.files_in("", "rs") {
        let Some((directory, module)) = module(file) else {
            continue;
        };
        // What is not Rust is another rule's.
        let code = Code::read(text).unwrap_or_default();
        let paths = code.paths.iter();
        let paths = paths.map(|path| (path.segments().to_vec(), (file.to_owned(), path.line)));
        let modules = &mut crates.entry(directory).or_default().paths;
        modules.entry(module).or_default().extend(paths);
    }
    crates.values().flat_map(Crate::circles).collect()
}

/// The crate's directory, and the module that a file is of it; none for what is no part of a
/// library or an executable.
fn module(file: &str) -> Option<(&str, Module)> {
    let (directory, path) = file.split_once("/src/")?;
    let mut module: Module = path
        .strip_suffix(".rs")?
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(module.last()?.as_str(), "mod" | "lib" | "main") {
        module.pop();
    }
    Some((directory, module))
}

impl Crate {
    fn circles(&self) -> Vec<Fault> {
        let mut groups: BTreeMap<Module, Siblings> = BTreeMap::new();
        for (from, paths) in &self.paths {
            for (segments, place) in paths {
                let Some(to) = self.resolve(from, segments) else {
                    continue;
                };
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                    let siblings = groups.entry(from[..shared].to_vec()).or_default();
                    let named = siblings.entry(one.clone()).or_default();
                    named.entry(other.clone()).or_insert_with(|| place.clone());
                }
            }
        }
        groups.values().flat_map(told).collect()
    }

    /// The module that has what a path in `from` names; none if it is not of this crate.
    fn resolve(&self, from: &Module, segments: &[String]) -> Option<Module> {
        let (mut module, mut rest) = self.base(from, segments)?;
        // A name may be passed on through as many modules as there are.
        for _ in 0..self.paths.len() {
            while let [first, after @ ..] = rest
                && self.child(&module, first).is_some()
            {
                module.push(first.clone());
                rest = after;
            }
            let passed_on = rest.first().and_then(|name| self.passed_on(&module, name));
            match passed_on {
                Some(child) => module = child,
                None => break,
            }
        }
        Some(module)
    }

    /// Where a path begins, and what of it is left.
    fn base<'a>(&self, from: &Module, segments: &'a [String]) -> Option<(Module, &'a [String])> {
        match segments {
            [first, rest @ ..] if first == "crate" => Some((Module::new(), rest)),
            [first, rest @ ..] if first == "self" => Some((from.clone(), rest)),
            [first, ..] if first == "super" => {
                let up = segments.iter().take_while(|name| *name == "super").count();
                let parent = &from[..from.len().checked_sub(up)?];
                Some((parent.to_vec(), &segments[up..]))
            }
            [first, _, ..] if self.child(from, first).is_some() => Some((from.clone(), segments)),
            _ => None,
        }
    }

    fn child(&self, module: &Module, name: &str) -> Option<Module> {
        let child = [module.as_slice(), &[name.to_owned()]].concat();
        self.paths.contains_key(&child).then_some(child)
    }

    /// The child from which a module has `name`.
    fn passed_on(&self, module: &Module, name: &str) -> Option<Module> {
        self.paths.get(module)?.iter().find_map(|(segments, _)| {
            let segments = match segments.as_slice() {
                [first, rest @ ..] if first == "self" => rest,
                all => all,
            };
            match segments {
                [child, its] if its == name => self.child(module, child),
                _ => None,
            }
        })
    }
}

/// A fault for each circle, where it begins.
fn told(siblings: &Siblings) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (module, named) in siblings {
        let Some(circle) = circle(siblings, module) else {
            continue;
        };
        // Once for all modules in it.
        if circle.iter().min() == Some(module) {
            let (file, line) = &named[&circle[1 % circle.len()]];
            let names = [circle.as_slice(), std::slice::from_ref(module)]
                .concat()
                .join("` -> `");
            faults.push(Fault::new(
                file,
                *line,
                format!("modules form a cycle, `{names}`: move what both need below them"),
            ));
        }
    }
    faults
}

/// The shortest way from a module back to itself, without the return.
fn circle(siblings: &Siblings, module: &String) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![module.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in siblings
            .get(way.last()?)
            .into_iter()
            .flat_map(BTreeMap::keys)
        {
            if next == module {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back([way.as_slice(), std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let faults = modules(&Repository::of(files));
        let faults = faults.iter();
        faults
            .map(|fault| format!("{}:{} {}", fault.path, fault.line, fault.sentence))
            .collect()
    }

    #[test]
    fn modules_that_know_each_other_are_a_fault_once() {
        let found = found(&[
            ("a/src/lib.rs", "mod one; mod two;"),
            ("a/src/one.rs", "\nuse super::two::Two;"),
            ("a/src/two/mod.rs", "mod inner;"),
            ("a/src/two/inner.rs", "fn f() { crate::one::g() }"),
        ]);
        let sentence =
            "modules form a cycle, `one` -> `two` -> `one`: move what both need below them";
        assert_eq!(found, [format!("a/src/one.rs:2 {sentence}")]);
    }

    #[test]
    fn a_name_that_the_root_passes_on_is_its_modules() {
        let lib = "mod one; mod two; pub use one::One; pub use self::two::Two;";
        let both = [
            ("a/src/lib.rs", lib),
            ("a/src/one.rs", "use crate::Two;"),
            ("a/src/two.rs", "use super::One;"),
        ];
        assert_eq!(found(&both).len(), 1);
        assert_eq!(found(&both[..2]), Vec::<String>::new());
    }

    #[test]
    fn a_module_may_name_what_it_is_inside_of() {
        let found = found(&[
            ("a/src/lib.rs", "mod one; struct Root;"),
            (
                "a/src/one/mod.rs",
                "mod inner; use self::inner::Inner; struct One;",
            ),
            ("a/src/one/inner.rs", "use super::One; use crate::Root;"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
