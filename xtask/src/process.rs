//! Starts other programs: says what is run, lets its output through, and names it when it fails.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{native, workspace};

/// A command that runs in the workspace's root.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    // `spin.toml` and the tests name files in `target/`.
    command.env_remove("CARGO_TARGET_DIR");
    // What Cargo told this program of itself. Build scripts that ask for it would run anew, and all that
    // depends on them, whenever somebody calls Cargo by hand in between.
    for (name, _) in env::vars_os() {
        let own = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if own
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    native::tell(&mut command);
    command
}

/// Cargo, with these arguments.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = command("cargo");
    command.args(args);
    command
}

/// Runs a command whose output is shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command whose output is shown, and has every line of its standard output noted.
pub(crate) fn run_noting(command: &mut Command, mut note: impl FnMut(&str)) -> Result<()> {
    let line = line(command);
    eprintln!("$ {line}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{line}`"))?;
    // OK because it is piped and nobody else has taken it.
    let stdout = child.stdout.take().expect("standard output is piped");
    for printed in BufReader::new(stdout).lines() {
        let printed = printed.with_context(|| format!("expected `{line}` to print UTF-8"))?;
        println!("{printed}");
        note(&printed);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command and returns what it prints; its errors are shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("expected `{line}` to print UTF-8"))
}

/// Whether a command succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo it's"]);
        assert_eq!(line(&command), r"sh -c 'echo it'\''s'");
    }

    #[test]
    fn what_a_command_prints_is_noted_line_by_line() {
        let mut noted = Vec::new();
        run_noting(command("printf").arg("one\\ntwo"), |line| {
            noted.push(line.to_owned());
        })
        .expect("`printf` succeeds");
        assert_eq!(noted, ["one", "two"]);
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = run(&mut command("false")).expect_err("`false` fails");
        assert_eq!(error.to_string(), "`false` failed (exit status: 1)");
    }
}
