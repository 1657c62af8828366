//! The processor time that processes take, with all that they started.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// What a process has taken, with its children that have ended and been waited for.
struct Taken {
    parent: u32,
    ticks: u64,
}

/// The processor time of these processes and of all below them, so far.
///
/// # Errors
/// If one of them does not run any more.
pub fn of(process_ids: &[u32]) -> Result<Duration> {
    let all = all()?;
    for id in process_ids {
        ensure!(all.contains_key(id), "process {id} has ended");
    }
    let is_below = |id: &u32| {
        let mut ancestors = std::iter::successors(Some(*id), |id| Some(all.get(id)?.parent));
        ancestors.any(|id| process_ids.contains(&id))
    };
    let below = all.iter().filter(|(id, _)| is_below(id));
    let ticks: u64 = below.map(|(_, taken)| taken.ticks).sum();
    let nanoseconds = ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(nanoseconds))
}

/// All processes by their number.
fn all() -> Result<HashMap<u32, Taken>> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")? {
        let entry = entry?;
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end while the list is read.
        if let Ok(stat) = fs::read_to_string(entry.path().join("stat")) {
            let taken = parse(&stat).with_context(|| format!("found `{stat}`"))?;
            all.insert(id, taken);
        }
    }
    Ok(all)
}

/// Reads `/proc/PID/stat`, whose second field is a name in brackets that may hold anything.
fn parse(stat: &str) -> Option<Taken> {
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    // By proc_pid_stat(5), counted from the third field: `ppid`, then `utime` to `cstime`.
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Taken {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: (11..=14).map(number).sum::<Option<u64>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        let stat = "7 (a) b (c)) S 3 7 7 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7";
        let taken = parse(stat).expect("it is a process");
        assert_eq!((taken.parent, taken.ticks), (3, 127));
    }

    #[test]
    fn a_process_that_computes_takes_time() {
        let own = [std::process::id()];
        let before = of(&own).expect("this process runs");
        let mut sum = 0_u64;
        while of(&own).expect("this process runs") < before + Duration::from_millis(50) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
