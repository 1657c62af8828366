//! A process that is measured, with all that it starts: in a group of its own, which is killed as
//! a whole when it is dropped.

use std::io::{BufRead, BufReader, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// A running process.
pub struct Process(Child);

impl Process {
    /// Starts a process, and waits for the line by which it says that it is ready.
    ///
    /// # Errors
    /// If it cannot be started, or ends before: with what it printed.
    pub fn start(mut command: Command, ready: &str) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        let (reader, writer) = std::io::pipe()?;
        command.process_group(0).stdin(Stdio::null());
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn();
        // With it goes the end that would keep the pipe open when the process has ended.
        drop(command);
        let hint = "run `cargo xtask bench`, which installs what is needed";
        let process = Self(child.with_context(|| format!("cannot run `{name}`; {hint}"))?);
        let line = wait_for(BufReader::new(reader), ready);
        Ok((process, line.with_context(|| format!("`{name}` ended"))?))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

/// The first line that has this in it. What comes later is read and dropped, so that it never
/// fills the pipe.
fn wait_for(reader: BufReader<PipeReader>, ready: &str) -> Result<String> {
    let mut printed = Vec::new();
    let mut lines = reader.lines();
    for line in lines.by_ref() {
        let line = line?;
        if line.contains(ready) {
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(line);
        }
        printed.push(line);
    }
    bail!("found no line with `{ready}` in `{}`", printed.join("\n"));
}

impl Drop for Process {
    fn drop(&mut self) {
        // None can fail for a process that has not been waited for, and a drop must not panic.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}
