//! Where and when a benchmark ran.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, and what of this repository ran on it.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    /// In UTC.
    pub date: String,
    pub processor: String,
    pub cores: usize,
    pub memory: String,
    pub kernel: String,
    pub commit: String,
    /// The load average when the run began: of others, as nothing of it had.
    pub load: String,
}

impl Machine {
    /// This machine, now.
    pub fn read() -> Self {
        let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let kernel = text("/proc/sys/kernel/osrelease");
        let load = text("/proc/loadavg");
        Self {
            date: printed_by(&["date", "--utc", "+%Y-%m-%d %H:%M UTC"]),
            processor: line_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: gib(&line_of("/proc/meminfo", "MemTotal")),
            kernel: kernel.trim().to_owned(),
            commit: printed_by(&["git", "rev-parse", "--short", "HEAD"]),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// In one line.
    pub fn describe(&self) -> String {
        let Self {
            date,
            processor,
            cores,
            memory,
            kernel,
            commit,
            load,
        } = self;
        format!(
            "{date}; {processor}, {cores} cores, {memory}, Linux {kernel}; commit {commit}; load {load}"
        )
    }

    /// The date and the processor, as the name of a file.
    pub fn file_name(&self) -> String {
        let day = self.date.split(' ').next().unwrap_or_default();
        let plain = |c: char| match c {
            'a'..='z' | '0'..='9' => c,
            'A'..='Z' => c.to_ascii_lowercase(),
            _ => '-',
        };
        let processor: String = self.processor.chars().map(plain).collect();
        let words: Vec<_> = processor.split('-').filter(|it| !it.is_empty()).collect();
        format!("{day}-{}", words.join("-"))
    }
}

/// The resident memory of a process now, in KiB; 0 if it has ended.
pub fn resident_kib(process_id: u32) -> u64 {
    let line = line_of(&format!("/proc/{process_id}/status"), "VmRSS");
    let number = line.split(' ').next().and_then(|kib| kib.parse().ok());
    number.unwrap_or(0)
}

/// What a file of `name: value` lines says of `name`.
fn line_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// What is told as `24684092 kB`, as it is read.
fn gib(kib: &str) -> String {
    let number = kib
        .split(' ')
        .next()
        .and_then(|kib| kib.parse::<f64>().ok());
    number.map_or_else(String::new, |kib| {
        format!("{:.1} GiB", kib / 1024.0 / 1024.0)
    })
}

/// The first line of what a command prints; nothing if it cannot be run.
pub fn printed_by(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output();
    output.map_or_else(
        |_| String::new(),
        |output| {
            let text = String::from_utf8_lossy(&output.stdout);
            text.lines().next().unwrap_or_default().trim().to_owned()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_names_a_file() {
        let mut machine = Machine::read();
        machine.date = "2026-11-30 20:00 UTC".to_owned();
        machine.processor = "Intel(R) Xeon(R) CPU @ 2.20GHz".to_owned();
        assert_eq!(machine.file_name(), "2026-11-30-intel-r-xeon-r-cpu-2-20ghz");
    }
}
