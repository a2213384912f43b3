//! What a process and its children cost: CPU time and peak memory, read from `/proc`.
//!
//! It promises to count every thread of every given process. It knows nothing of what they do.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// The kernel's unit in `/proc/PID/stat`: a hundredth of a second on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// The processes that make up one subject.
#[derive(Debug, Clone, Default)]
pub struct Processes(pub Vec<u32>);

/// CPU time so far.
#[derive(Debug)]
pub struct Sample {
    /// User and system time of the processes, threads that have ended included.
    ticks: u64,
    /// Nanoseconds by thread.
    threads: BTreeMap<u32, u64>,
}

impl Processes {
    /// A process and its children, as they are now.
    pub fn family(pid: u32) -> Self {
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        Processes(std::iter::once(pid).chain(children).collect())
    }

    /// Reads the CPU time.
    pub fn sample(&self) -> Sample {
        let ticks = self.0.iter().filter_map(|pid| ticks_of(*pid)).sum();
        Sample {
            ticks,
            threads: self.0.iter().flat_map(|pid| threads_of(*pid)).collect(),
        }
    }

    /// Forgets the peak so far.
    pub fn reset_peak(&self) {
        for pid in &self.0 {
            // Without the right to do so the peak is that of the whole run: higher, never lower.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
    }

    /// Peak resident memory of all together, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let of = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        };
        self.0.iter().filter_map(of).sum::<u64>() * 1024
    }
}

impl Sample {
    /// CPU time since. Exact to the nanosecond while the threads stay the same; when some have ended
    /// between, their time is only in the tick counters, and those are used.
    pub fn until(&self, later: &Sample) -> Duration {
        let same = self
            .threads
            .keys()
            .all(|tid| later.threads.contains_key(tid));
        if same && !self.threads.is_empty() {
            let sum = |sample: &Sample| sample.threads.values().sum::<u64>();
            Duration::from_nanos(sum(later).saturating_sub(sum(self)))
        } else {
            TICK * u32::try_from(later.ticks.saturating_sub(self.ticks)).unwrap_or(u32::MAX)
        }
    }
}

/// CPU time so far of everything that runs on this machine.
pub fn of_the_machine() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let fields = first.split_whitespace().skip(1);
    // User, nice, system; idle, waiting for the disk; interrupts, both kinds.
    let busy = fields
        .map(|field| field.parse::<u32>().unwrap_or(0))
        .enumerate()
        .filter(|(at, _)| matches!(at, 0..=2 | 5..=6));
    TICK * busy.map(|(_, ticks)| ticks).sum::<u32>()
}

/// A server that we started and that starts a process per connection.
#[derive(Debug, Clone)]
pub struct Server {
    /// What its first process is called.
    name: &'static str,
}

impl Server {
    /// The one of our children that is called so; started again, it is still the same server.
    pub const fn called(name: &'static str) -> Self {
        Server { name }
    }

    /// CPU time so far of its processes, those that have ended included, to the hundredth of a second.
    /// Nothing while it is stopped.
    pub fn cpu(&self) -> Duration {
        let stats: Vec<Stat> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| Stat::of(entry.ok()?.file_name().to_str()?.parse().ok()?))
            .collect();
        let own = std::process::id();
        let first = |stat: &&Stat| stat.parent == own && stat.name == self.name;
        let Some(first) = stats.iter().find(first) else {
            return Duration::ZERO;
        };
        let children = stats.iter().filter(|stat| stat.parent == first.pid);
        let ticks = first.ended_ticks + first.ticks + children.map(|stat| stat.ticks).sum::<u64>();
        TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

/// What is used of `/proc/PID/stat`.
struct Stat {
    pid: u32,
    name: String,
    parent: u32,
    ticks: u64,
    /// Of children that have ended.
    ended_ticks: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold blanks and brackets.
        let (begin, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Stat {
            pid,
            name: begin.split_once('(')?.1.to_owned(),
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
            ended_ticks: number(13)? + number(14)?,
        })
    }
}

fn ticks_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name may hold blanks; it ends with the last parenthesis.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn threads_of(pid: u32) -> Vec<(u32, u64)> {
    let Ok(tasks) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")) else {
        return Vec::new();
    };
    let of = |task: fs::DirEntry| {
        let tid = task.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        Some((tid, stat.split_whitespace().next()?.parse().ok()?))
    };
    tasks.filter_map(Result::ok).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_cpu_of_a_server_counts_children_that_have_ended() {
        let script = "sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'; read -r line";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while Server::called("sh").cpu() < 2 * TICK {
            assert!(std::time::Instant::now() < deadline, "no CPU time was seen");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_busy_process_is_seen_to_use_cpu_and_memory() {
        let own = Processes::family(std::process::id());
        let before = own.sample();
        let mut sum = 0_u64;
        let mut later = own.sample();
        while before.until(&later) < Duration::from_millis(30) {
            sum = (0..1_000_000_u64).fold(sum, |a, b| std::hint::black_box(a ^ b));
            later = own.sample();
        }
        assert!(own.peak_bytes() > 64 * 1024);
    }
}
