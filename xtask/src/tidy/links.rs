//! Links between Markdown files lead to files and headings that are there.

use super::{Fault, Repository};

/// Each relative link in a Markdown file resolves.
pub(super) fn targets(repository: &Repository) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in repository.files_in("", "md") {
        for (number, line) in prose(text) {
            let broken = links(&line)
                .into_iter()
                .filter_map(|link| fault(repository, path, link));
            faults.extend(broken.map(|sentence| Fault::new(path, number, sentence)));
        }
    }
    faults
}

fn fault(repository: &Repository, from: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        resolve(from, file)
    };
    if !repository.contains(&target) {
        return Some(format!("links to `{link}`, which is not there"));
    }
    let text = repository
        .files
        .get(&target)
        .filter(|_| !anchor.is_empty())?;
    let is_there = prose(text)
        .iter()
        .any(|(_, line)| heading(line).is_some_and(|heading| heading == anchor));
    (!is_there).then(|| format!("links to `{link}`, but that file has no such heading"))
}

/// The numbered lines outside code blocks, without code spans.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    // A heading keeps its code spans, as its anchor is made of them too.
    let without_code = |line: &str| line.split('`').step_by(2).collect::<String>();
    lines
        .map(|(number, line)| {
            (
                number,
                if line.starts_with('#') {
                    line.to_owned()
                } else {
                    without_code(line)
                },
            )
        })
        .collect()
}

/// What a line links to: `[text](target)`, or the definition `[name]: target`.
fn links(line: &str) -> Vec<&str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .map(|(_, target)| target.trim());
    inline
        .chain(definition)
        .filter(|target| !target.is_empty())
        .collect()
}

/// The path, from the root, of what a file calls `relative`.
fn resolve(from: &str, relative: &str) -> String {
    let mut segments: Vec<_> = from.split('/').collect();
    segments.pop();
    for segment in relative.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}

/// The anchor of a heading, made as forges make it.
fn heading(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(readme: &str) -> Vec<usize> {
        let guide = "# Guide\n## The `lease`, explained\n";
        let files = [
            ("README.md", readme),
            ("docs/guide.md", guide),
            ("docs/up.md", "[readme](../README.md)"),
        ];
        targets(&Repository::of(&files))
            .into_iter()
            .map(|fault| fault.line)
            .collect()
    }

    #[test]
    fn links_to_files_directories_and_headings_resolve() {
        let readme = "# Title\n[a](docs/guide.md#the-lease-explained) [b](docs/) [c](#title)\n[d]: docs/guide.md\n";
        assert!(lines(readme).is_empty());
    }

    #[test]
    fn a_link_to_nothing_is_a_fault() {
        assert_eq!(
            lines("[a](docs/gide.md)\n[b]: ./docs/none.md\n[c](docs/guide.md#leases)\n[d](#none)"),
            [1, 2, 3, 4]
        );
    }

    #[test]
    fn code_and_other_sites_are_not_followed() {
        assert!(
            lines("```md\n[a](none.md)\n```\n`[b](none.md)`\n[c](https://example.org/none.md)")
                .is_empty()
        );
    }
}
