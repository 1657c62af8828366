//! `docs/SUMMARY.md` is the table of contents, for readers and for the site that is made of the pages.
//!
//! That its links lead somewhere is held with all other links.

use super::{Fault, Repository};

const DIRECTORY: &str = "docs/";
const CONTENTS: &str = "docs/SUMMARY.md";

/// Each page is in the contents.
pub(super) fn listed(repository: &Repository) -> Vec<Fault> {
    let contents = repository.files.get(CONTENTS).map_or("", String::as_str);
    repository
        .files_in(DIRECTORY, "md")
        .filter(|(path, _)| *path != CONTENTS)
        .filter(|(path, _)| !contents.contains(&format!("]({})", &path[DIRECTORY.len()..])))
        .map(|(path, _)| Fault::file(path, format!("is not in `{CONTENTS}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_listed_is_a_fault() {
        let files = [
            (CONTENTS, "- [A](a.md)\n- [B](b/c.md)\n"),
            ("docs/a.md", ""),
            ("docs/b/c.md", ""),
            ("docs/d.md", ""),
        ];
        let faults = listed(&Repository::of(&files));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "docs/d.md");
    }
}
