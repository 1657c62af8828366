//! [`Fault`]: what a person is told when nothing is started.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// What a command exits with that was not started because of how it was called or configured.
const MISUSE: u8 = 2;

/// Why nothing was started: one sentence that ends with the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault in words, which are put on one line: some come from errors of many.
    pub fn new(sentence: impl AsRef<str>) -> Self {
        let lines: Vec<_> = sentence.as_ref().lines().map(str::trim).collect();
        Self(lines.join(" "))
    }

    /// A text, by its file or its variable, that is not the TOML that was expected.
    pub(crate) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count())
            .map(|line| format!(" line {line}"))
            .unwrap_or_default();
        let message = error.message().replace('\n', "; ");
        Self::new(format!("`{}`{line}: {message}; correct it", path.display()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says why nothing is started, one line for each fault.
pub(crate) fn refuse(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        eprintln!("wasm-shim: {fault}");
    }
    ExitCode::from(MISUSE)
}

/// [`refuse`] for one fault in words.
pub(crate) fn misuse(sentence: &str) -> ExitCode {
    refuse(&[Fault::new(sentence)])
}
