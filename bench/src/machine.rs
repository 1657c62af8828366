//! Where and when a benchmark ran.

use std::fs;
use std::process::Command;

/// The date, the processor, its cores, the memory and the kernel, in one line.
pub fn describe() -> String {
    let cpu = line_of("/proc/cpuinfo", "model name");
    let memory = line_of("/proc/meminfo", "MemTotal");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}; {cpu}, {cores} cores, {memory}, Linux {}; commit {}; load {}",
        printed_by(&["date", "--utc", "+%Y-%m-%d %H:%M UTC"]),
        kernel.trim(),
        printed_by(&["git", "rev-parse", "--short", "HEAD"]),
        fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .split(' ')
            .next()
            .unwrap_or_default(),
    )
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

fn printed_by(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
