//! The commands that a document tells its readers to type, and the answers it promises.
//!
//! A fenced block that begins with `sh tested` is a command; a block of `http` or `json` that
//! comes next is what it answers. Commands are run in order, by one shell, so that a later
//! one can use what an earlier one has set. A block that begins with another language and `tested`
//! is a program by itself.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::repository;

/// The address at which documents say that the host serves.
const DOCUMENTED_ADDRESS: &str = "127.0.0.1:3000";

/// Separates the outputs of two commands.
const SEPARATOR: &str = "-- end of a command --";

/// The commands of one document.
pub struct Walkthrough(Vec<Exchange>);

/// A command and what the document says that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The command, as it is written.
    pub command: String,
    /// The promised answer; none if the document shows none.
    pub answer: Option<String>,
}

impl Walkthrough {
    /// Finds the commands in a Markdown text.
    pub fn parse(markdown: &str) -> Self {
        let mut exchanges: Vec<Exchange> = Vec::new();
        let mut lines = markdown.lines();
        // Whether the last block was a command, so that the next one may be its answer.
        let mut asked = false;
        while let Some(line) = lines.next() {
            let Some(language) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            match (language, exchanges.last_mut()) {
                ("sh tested", _) => exchanges.push(Exchange {
                    command: block,
                    answer: None,
                }),
                ("http" | "json", Some(exchange)) if asked => exchange.answer = Some(block),
                _ => {}
            }
            asked = language == "sh tested";
        }
        Self(exchanges)
    }

    /// The commands and their promised answers.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.0
    }

    /// Runs the commands against the host at `address` and returns what each printed.
    pub fn run(&self, address: &str) -> Vec<String> {
        let found = Command::new("curl")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "cannot run `curl`, which the walk-through needs"
        );
        let separator = format!("\nprintf '\\n%s\\n' '{SEPARATOR}'\n");
        let commands: Vec<_> = self
            .0
            .iter()
            .map(|exchange| exchange.command.as_str())
            .collect();
        let script = commands
            .join(&separator)
            .replace(DOCUMENTED_ADDRESS, address);
        let output = Command::new("sh")
            .args(["-euc", &script])
            // Where readers are, who have just cloned it.
            .current_dir(repository::path(""))
            .output()
            .expect("`sh` can be run");
        let printed = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "a command failed: {printed}\n{complaints}"
        );
        printed
            .split(SEPARATOR)
            .map(|text| text.trim().to_owned())
            .collect()
    }
}

/// The first program in this language that a document has its readers run.
pub fn program<'a>(markdown: &'a str, language: &str) -> &'a str {
    let begin = format!("\n```{language} tested\n");
    let (_, program) = markdown
        .split_once(&begin)
        .unwrap_or_else(|| panic!("expected a block that begins with {begin:?}"));
    // OK because a block that begins ends.
    let (program, _) = program.split_once("\n```").expect("the block ends");
    program
}

/// Runs a program of a document by `command`, against the host at `address`; returns what it printed.
pub fn run_program(program: &str, command: &[&str], address: &str) -> String {
    let name = command[0];
    let mut child = Command::new(name)
        .args(&command[1..])
        .current_dir(repository::path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run `{name}`, which the document needs: {error}"));
    // OK because it is piped and nobody else has taken it. Dropped then, so that the program ends.
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let text = program.replace(DOCUMENTED_ADDRESS, address);
    stdin
        .write_all(text.as_bytes())
        .expect("the program is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it can be waited for");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{name}` failed: {complaints}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Exchange {
    /// Asserts that what the command printed is of the promised form: the same status line, at least
    /// the same headers, and JSON with the same members, unless the document leaves the content out.
    /// Values differ from one run to the next.
    pub fn assert_kept(&self, printed: &str) {
        let Some(promised) = &self.answer else { return };
        let (promised_head, promised_body) = split(promised);
        let (head, body) = split(printed);
        assert_eq!(
            promised_head.first(),
            head.first(),
            "the status line of `{}`: {printed}",
            self.command
        );
        for header in promised_head.iter().skip(1).map(|line| name(line)) {
            let found = head.iter().skip(1).any(|line| name(line) == header);
            assert!(
                found,
                "expected header `{header}` in the answer to `{}`, found {printed}",
                self.command
            );
        }
        if let Some(promised) = form(promised_body) {
            let command = &self.command;
            assert_eq!(
                Some(promised),
                form(body),
                "the content of `{command}`: {printed}"
            );
        }
    }
}

/// The lines of an answer's head, of which there are none if it is JSON alone, and its content.
fn split(answer: &str) -> (Vec<&str>, &str) {
    if !answer.starts_with("HTTP/") {
        return (Vec::new(), answer);
    }
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .or_else(|| answer.split_once("\n\n"))
        .unwrap_or((answer, ""));
    (head.lines().map(str::trim_end).collect(), body)
}

fn name(header: &str) -> String {
    header
        .split(':')
        .next()
        .unwrap_or(header)
        .to_ascii_lowercase()
}

/// The JSON text of `body` with its member names only; nothing if there is no content.
fn form(body: &str) -> Option<Value> {
    fn blank(value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(blank),
            Value::Array(values) => values.iter_mut().for_each(blank),
            other => *other = Value::Null,
        }
    }
    let mut value = serde_json::from_str(body.trim()).ok()?;
    blank(&mut value);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{Exchange, Walkthrough, program};

    #[test]
    fn a_program_is_the_block_of_its_language() {
        let text = "a\n```js\nno\n```\n```js tested\nyes\nmore\n```\n";
        assert_eq!(program(text, "js"), "yes\nmore");
    }

    #[test]
    fn an_answer_belongs_to_the_command_right_before_it() {
        let text = "```sh\nignored\n```\n```json\n{}\n```\n```sh tested\nask\n```\nand\n```http\nHTTP/1.1 200 OK\n```\n";
        let expected = Exchange {
            command: "ask".to_owned(),
            answer: Some("HTTP/1.1 200 OK".to_owned()),
        };
        assert_eq!(Walkthrough::parse(text).exchanges(), [expected]);
    }

    #[test]
    fn values_may_differ_from_what_is_promised() {
        let promised = "HTTP/1.1 200 OK\nretry-after: 1\n\n{\"id\": \"a\"}";
        let exchange = Exchange {
            command: "ask".to_owned(),
            answer: Some(promised.to_owned()),
        };
        exchange
            .assert_kept("HTTP/1.1 200 OK\r\nRetry-After: 7\r\ndate: today\r\n\r\n{\"id\":\"b\"}");
    }

    #[test]
    #[should_panic(expected = "expected header `retry-after`")]
    fn a_header_may_not_be_missing() {
        let promised = "HTTP/1.1 200 OK\nretry-after: 1\n";
        Exchange {
            command: "ask".to_owned(),
            answer: Some(promised.to_owned()),
        }
        .assert_kept("HTTP/1.1 200 OK\r\n\r\n");
    }
}
