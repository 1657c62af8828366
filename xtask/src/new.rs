//! `cargo xtask new`: a project of one's own, from the template that `spin new` takes too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{native, workspace};

/// The template, relative to the root.
const TEMPLATE: &str = "templates/async-http/content";

/// What a new project is to be.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The directory to make
    directory: PathBuf,
    /// What the collection is called: `reports` is served at `/reports`
    #[arg(long)]
    collection: String,
    /// What one of the collection is called [default: the collection without its last `s`]
    #[arg(long)]
    name: Option<String>,
    /// The Git repository to take the pattern from [default: this working copy]
    #[arg(long, value_name = "URL")]
    git: Option<String>,
    /// A directory whose `src` and `example.json` take the place of the template's
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
}

impl Arguments {
    /// A project at `directory` that has the app of `app`, whose collection is called that.
    pub(crate) fn of_example(directory: PathBuf, collection: &str, app: Option<PathBuf>) -> Self {
        Self {
            directory,
            collection: collection.to_owned(),
            name: None,
            git: None,
            app,
        }
    }
}

/// Makes the project, and says what to do next.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments {
        directory,
        collection,
        ..
    } = arguments;
    let singular = collection.strip_suffix('s').unwrap_or(collection);
    let name = arguments.name.as_deref().unwrap_or(singular);
    for word in [collection, name] {
        ensure!(
            is_segment(word),
            "expected a name of lower-case letters, digits and hyphens, found `{word}`"
        );
    }
    ensure!(
        !directory.exists() || fs::read_dir(directory)?.next().is_none(),
        "`{}` is not empty; name a directory that is to be made",
        directory.display()
    );
    let source = match &arguments.git {
        Some(url) => format!("git = {url:?}"),
        None => format!("path = \"{}\"", workspace::root().join("pattern").display()),
    };
    let places = [
        ("{{collection}}", collection.as_str()),
        ("{{name}}", name),
        ("{{project-name}}", collection.as_str()),
        ("{{project-description}}", "An asynchronous HTTP API"),
        ("{% raw %}", ""),
        ("{% endraw %}", ""),
    ];
    copy(&workspace::root().join(TEMPLATE), directory, &|text| {
        let text = with_sources(text, &source);
        places
            .iter()
            .fold(text, |text, (place, value)| text.replace(place, value))
    })?;
    if let Some(app) = &arguments.app {
        for part in ["src", "example.json"] {
            copy(
                &app.join(part),
                &directory.join("app").join(part),
                &str::to_owned,
            )?;
        }
    }
    println!(
        "Made `{0}`. Next:\n  cd {0}\n  cargo test\n  cargo build --release --target wasm32-wasip2 --package api-component --package processor-component\n  {1} up",
        directory.display(),
        workspace::root().join(native::shim()).display(),
    );
    Ok(())
}

/// What a segment of a path may be without being encoded.
fn is_segment(word: &str) -> bool {
    let is_letter = |char: char| char.is_ascii_lowercase();
    word.starts_with(is_letter)
        && word
            .chars()
            .all(|char| is_letter(char) || char.is_ascii_digit() || char == '-')
}

/// `text` with where each of the pattern's packages is: a path leads to its directory.
fn with_sources(text: &str, source: &str) -> String {
    let lines = text.lines().map(|line| {
        let package = line.split(" = ").next().unwrap_or_default();
        let source = match source.strip_prefix("path = ") {
            Some(pattern) => format!("path = \"{}/{package}\"", pattern.trim_matches('"')),
            None => source.to_owned(),
        };
        line.replace("{{source}}", &source)
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// Copies a file, or a directory with all that is in it, each text as `change` makes it.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()), change)?;
        }
        return Ok(());
    }
    let text =
        fs::read_to_string(from).with_context(|| format!("cannot read `{}`", from.display()))?;
    fs::write(to, change(&text)).with_context(|| format!("cannot write `{}`", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_repository_or_each_package_s_directory() {
        let text = "api = { {{source}} }\nserde = \"1\"\n";
        assert_eq!(
            with_sources(text, "path = \"/a/pattern\""),
            "api = { path = \"/a/pattern/api\" }\nserde = \"1\"\n"
        );
        assert_eq!(
            with_sources(text, "git = \"https://a.example/b\""),
            "api = { git = \"https://a.example/b\" }\nserde = \"1\"\n"
        );
    }

    #[test]
    fn a_collection_is_a_segment_of_a_path() {
        for word in ["reports", "a", "a-1"] {
            assert!(is_segment(word), "`{word}`");
        }
        for word in ["", "Reports", "1", "-a", "a/b", "a b", "é"] {
            assert!(!is_segment(word), "`{word}`");
        }
    }
}
