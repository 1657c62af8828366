//! Where this repository's files are.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of a file, given relative to the repository's root.
pub fn path(relative: &str) -> PathBuf {
    // OK because the manifest of this package is in a directory of the root.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package has a parent directory");
    root.join(relative)
}

/// The text of a file, given relative to the repository's root.
pub fn read(relative: &str) -> String {
    let path = path(relative);
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}
