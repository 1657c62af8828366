//! The problems that clients can get: declared in one file, each explained on a page of its own.

use super::code::{Code, Literal};
use super::{Fault, Repository};

const PROBLEMS: &str = "pattern/api/src/problem.rs";
const PAGES: &str = "docs/problems/";

/// A row of the table in [`PROBLEMS`].
struct Kind<'a> {
    code: &'a str,
    status: u16,
    title: &'a str,
}

/// Each kind of problem has a page that begins with its title, path and status, and each page a kind.
pub(super) fn pages(repository: &Repository) -> Vec<Fault> {
    let source = repository.files.get(PROBLEMS).map_or("", String::as_str);
    let code = match Code::read(source) {
        Ok(code) => code,
        Err(error) => {
            return vec![Fault::file(
                PROBLEMS,
                format!("cannot be read as Rust: {error}"),
            )];
        }
    };
    let kinds: Vec<_> = code.literals.windows(3).filter_map(Kind::read).collect();
    if kinds.is_empty() {
        return vec![Fault::file(
            PROBLEMS,
            "expected rows of `code, status, title`, found none",
        )];
    }

    let mut faults: Vec<_> = kinds
        .iter()
        .filter_map(|kind| kind.unexplained(repository))
        .collect();
    for (page, _) in repository.files_in(PAGES, "md") {
        if !kinds.iter().any(|kind| kind.page() == page) {
            let sentence = format!("explains a problem that `{PROBLEMS}` does not know");
            faults.push(Fault::file(page, sentence));
        }
    }
    faults
}

impl<'a> Kind<'a> {
    /// Three literals in a row that are a kind's code, status and title.
    fn read(literals: &'a [Literal]) -> Option<Self> {
        let [code, status, title] = literals else {
            return None;
        };
        let is_code = |text: &&str| text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        Some(Self {
            code: string(code).filter(is_code)?,
            status: status.text.parse().ok()?,
            title: string(title)?,
        })
    }

    fn page(&self) -> String {
        format!("{PAGES}{}.md", self.code)
    }

    fn unexplained(&self, repository: &Repository) -> Option<Fault> {
        let Self {
            code,
            status,
            title,
        } = self;
        let beginning = format!("# {title}\n\n`/problems/{code}` · status `{status}`\n");
        let page = repository.files.get(&self.page());
        if page.is_some_and(|text| text.starts_with(&beginning)) {
            return None;
        }
        let sentence = format!("expected a page that begins with {beginning:?}");
        Some(Fault::file(&self.page(), sentence))
    }
}

fn string(literal: &Literal) -> Option<&str> {
    literal.text.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &str = r#"kinds! { NotFound = "not-found", 404, "There is nothing here"; }"#;
    const PAGE: &str = "# There is nothing here\n\n`/problems/not-found` · status `404`\n\nMore.\n";

    fn faults(files_of_pages: &[(&str, &str)]) -> Vec<String> {
        let files = [&[(PROBLEMS, KINDS)], files_of_pages].concat();
        pages(&Repository::of(&files))
            .into_iter()
            .map(|fault| fault.path)
            .collect()
    }

    #[test]
    fn each_problem_has_its_page_and_each_page_its_problem() {
        let good = ("docs/problems/not-found.md", PAGE);
        assert_eq!(faults(&[good]), Vec::<String>::new());
        assert_eq!(faults(&[]), ["docs/problems/not-found.md"]);
        assert_eq!(
            faults(&[good, ("docs/problems/gone.md", PAGE)]),
            ["docs/problems/gone.md"]
        );
        let stale = PAGE.replace("404", "410");
        assert_eq!(
            faults(&[("docs/problems/not-found.md", &stale)]),
            ["docs/problems/not-found.md"]
        );
    }
}
