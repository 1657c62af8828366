//! What rules look at: the text of every file, and the workspace's packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::packages::{self, Package};
use crate::{process, workspace};

/// The repository as rules see it.
#[derive(Default)]
pub(super) struct Repository {
    /// Every text file by its path from the root.
    pub(super) files: BTreeMap<String, String>,
    /// The paths of all files, and of the directories that they are in.
    paths: BTreeSet<String>,
    /// Where this checkout is.
    pub(super) root: String,
    /// The workspace's packages.
    pub(super) packages: Vec<Package>,
}

impl Repository {
    /// Reads the files that Git tracks, and those that it would take.
    pub(super) fn read() -> Result<Self> {
        let mut git = process::command("git");
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listed = process::output(&mut git)?;
        let listed = listed
            .split_terminator('\0')
            .filter(|path| workspace::root().join(path).is_file());
        // What cannot be read as text is data, of which no rule speaks.
        let read = |path: &str| fs::read_to_string(workspace::root().join(path)).ok();
        let files = listed
            .clone()
            .filter_map(|path| Some((path.to_owned(), read(path)?)))
            .collect();
        Ok(Self {
            files,
            paths: with_directories(listed),
            root: workspace::root().to_string_lossy().into_owned(),
            packages: packages::packages()?,
        })
    }

    /// Whether there is such a file or directory.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The text files in a directory whose name has this extension.
    pub(super) fn files_in(
        &self,
        directory: &str,
        extension: &str,
    ) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(move |(path, text)| {
            let (_, its_extension) = path.rsplit_once('.')?;
            let is_in = path.starts_with(directory) && its_extension == extension;
            is_in.then_some((path.as_str(), text.as_str()))
        })
    }

    /// A repository of these files alone.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
            paths: with_directories(files.iter().map(|(path, _)| *path)),
            root: "/srv/checkout".to_owned(),
            packages: Vec::new(),
        }
    }
}

fn with_directories<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let ancestors = files.flat_map(|file| Path::new(file).ancestors());
    ancestors
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}
