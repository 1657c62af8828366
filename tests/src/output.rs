//! What a host prints, kept line by line while it prints.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::context::Context;

/// The standard output and the standard error of one process, in the order of arrival.
#[derive(Clone)]
pub struct Output(Arc<Shared>);

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    streams_open: usize,
}

impl Output {
    /// Collects all lines of the `streams` of the process called `name`.
    pub(crate) fn collect<const N: usize>(
        name: String,
        streams: [Box<dyn Read + Send>; N],
    ) -> Self {
        let state = State {
            lines: Vec::new(),
            streams_open: N,
        };
        let output = Self(Arc::new(Shared {
            name,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }));
        for stream in streams {
            let output = output.clone();
            thread::spawn(move || output.read(stream));
        }
        output
    }

    /// Waits for the first line for which `find` finds something; none if the process ended before.
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let context = Context::current();
        let mut state = self.state();
        let mut seen = 0;
        loop {
            if let Some(found) = state.lines[seen..].iter().find_map(|line| find(line)) {
                return Some(found);
            }
            seen = state.lines.len();
            if state.streams_open == 0 {
                return None;
            }
            let remaining = context.remaining(what);
            state = self
                .0
                .changed
                .wait_timeout(state, remaining)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the process has closed its output, which it does at the latest when it ends.
    pub fn wait_for_end(&self) {
        let nothing: Option<()> = self.wait_for("the end of a process", |_| None);
        debug_assert!(nothing.is_none());
    }

    /// The lines so far that contain `text`.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.state()
            .lines
            .iter()
            .filter(|line| line.contains(text))
            .cloned()
            .collect()
    }

    /// All lines so far, as one text.
    pub fn text(&self) -> String {
        self.state().lines.join("\n")
    }

    /// Shows what is printed from now on, if the test fails that runs.
    pub(crate) fn show_if_the_test_fails(&self) {
        let (output, from) = (self.clone(), self.state().lines.len());
        // OK as an id because what is kept keeps it alive.
        let id = Arc::as_ptr(&self.0).addr();
        let printed = move || {
            let lines = output.state().lines[from..].to_vec();
            (output.0.name.clone(), lines)
        };
        Context::current().watch(id, Box::new(printed));
    }

    fn read(&self, stream: Box<dyn Read + Send>) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        // A stream that can no longer be read has ended for us.
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned();
            self.state().lines.push(text);
            self.0.changed.notify_all();
            line.clear();
        }
        self.state().streams_open -= 1;
        self.0.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::Output;

    #[test]
    fn lines_are_found_in_either_stream_until_both_end() {
        let streams = ["one\ntwo\n", "three"].map(|text| Box::new(Cursor::new(text)) as _);
        let output = Output::collect("a process".to_owned(), streams);

        let two = output.wait_for("a line", |line| {
            line.starts_with("tw").then(|| line.to_owned())
        });

        assert_eq!(two.as_deref(), Some("two"));
        assert_eq!(
            output.wait_for("a line", |line| (line == "four").then_some(())),
            None
        );
        assert_eq!(output.lines_with("three"), ["three"]);
    }
}
