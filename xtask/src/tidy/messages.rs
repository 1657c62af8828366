//! The messages that `docs/troubleshooting.md` explains are those of the code.

use super::{Fault, Repository};

const PAGE: &str = "docs/troubleshooting.md";

/// The first cell of the head of a table of messages.
const HEAD: &str = "message";

/// What stands for the part of a message that differs.
const ELLIPSIS: char = '…';

/// Each message in a table of the page is in some file of the code, but for what differs.
pub(super) fn explained(repository: &Repository) -> Vec<Fault> {
    let page = repository.files.get(PAGE).map_or("", String::as_str);
    let code = ["orders/", "pattern/", "shim/"];
    let sources: Vec<_> = code
        .iter()
        .flat_map(|directory| repository.files_in(directory, "rs"))
        .map(|(_, text)| text)
        .collect();
    let is_said = |message: &str| {
        let parts: Vec<_> = message.split(ELLIPSIS).map(str::trim).collect();
        let says_it = |source: &&str| parts.iter().all(|part| source.contains(part));
        parts.iter().any(|part| !part.is_empty()) && sources.iter().any(says_it)
    };
    messages(page)
        .into_iter()
        .filter(|(_, message)| !is_said(message))
        .map(|(number, message)| {
            let sentence = format!("explains `{message}`, which no code says");
            Fault::new(PAGE, number, sentence)
        })
        .collect()
}

/// The messages in the first cells of tables of messages, with their lines.
fn messages(page: &str) -> Vec<(usize, &str)> {
    let mut is_table = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(page.lines()) {
        let cell = line
            .strip_prefix("| ")
            .and_then(|row| row.split(" | ").next());
        match cell {
            None => is_table &= line.starts_with('|'),
            Some(HEAD) => is_table = true,
            // Every other part is between backticks.
            Some(cell) if is_table => {
                found.extend(
                    cell.split('`')
                        .skip(1)
                        .step_by(2)
                        .map(|message| (number, message)),
                );
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "warn!(\"the store was lost\"); format!(\"`{a}` is {b}; correct it\")";

    fn lines(page: &str) -> Vec<usize> {
        let files = [("shim/src/lib.rs", CODE), (PAGE, page)];
        explained(&Repository::of(&files))
            .into_iter()
            .map(|fault| fault.line)
            .collect()
    }

    #[test]
    fn what_the_code_says_may_be_explained() {
        let page =
            "| message | means |\n|---|---|\n| `the store was lost`, `is …; correct it` | `x` |\n";
        assert!(lines(page).is_empty());
    }

    #[test]
    fn what_no_code_says_is_a_fault() {
        let page = "| message | means |\n|---|---|\n| `the store is lost` | x |\n| `…` | x |\n";
        assert_eq!(lines(page), [3, 4]);
    }

    #[test]
    fn other_tables_are_passed_over() {
        assert!(lines("| what | why |\n|---|---|\n| `the store is lost` | x |\n").is_empty());
        assert!(lines("| message |\n|---|\n\n| other | x |\n|---|---|\n| `no` | x |\n").is_empty());
    }
}
