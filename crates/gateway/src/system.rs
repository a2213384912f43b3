//! What the process takes of the machine: processor time and memory, as the kernel says.
//!
//! Promises: nothing is kept running for it; what the kernel does not say is absent. Must not know: who asks.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Ticks of `/proc/self/stat` per second: fixed for programs, whatever the kernel counts in.
const TICKS_PER_SECOND: u64 = 100;

/// Two looks at the processor are at least so far apart.
const BETWEEN: Duration = Duration::from_secs(1);

/// A look at the process.
#[derive(Debug)]
pub struct System {
    started: Instant,
    cpu: Mutex<Cpu>,
}

/// What was used up to when, and the share that was used before that.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    at: Instant,
    used: Duration,
    percent: Option<f64>,
}

impl Default for System {
    fn default() -> Self {
        let started = Instant::now();
        System {
            started,
            cpu: Mutex::new(Cpu {
                at: started,
                used: Duration::ZERO,
                percent: None,
            }),
        }
    }
}

impl System {
    /// Since when it runs.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Processor time between the last two looks, in per cent of one processor; at the first one, since the start.
    pub fn cpu_percent(&self) -> Option<f64> {
        let mut cpu = self.cpu.lock().unwrap_or_else(PoisonError::into_inner);
        let since = cpu.at.elapsed();
        if cpu.percent.is_none() || since >= BETWEEN {
            let used = cpu_time(&fs::read_to_string("/proc/self/stat").ok()?)?;
            let more = used.saturating_sub(cpu.used);
            *cpu = Cpu {
                at: Instant::now(),
                used,
                percent: Some(more.as_secs_f64() * 100.0 / since.as_secs_f64().max(0.001)),
            };
        }
        cpu.percent
    }

    /// Memory that it has in use, in bytes.
    pub fn memory_bytes(&self) -> Option<u64> {
        resident(&fs::read_to_string("/proc/self/status").ok()?)
    }
}

/// Processor time in user and system mode, of `/proc/self/stat`.
fn cpu_time(stat: &str) -> Option<Duration> {
    // The name of the program may hold anything but its closing parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1_000 / TICKS_PER_SECOND,
    ))
}

/// `VmRSS` of `/proc/self/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_any_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 1 1 1";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_time("nothing"), None);
    }

    #[test]
    fn memory_is_what_is_resident() {
        assert_eq!(
            resident("VmPeak:\t 9 kB\nVmRSS:\t   2048 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(resident("VmPeak:\t 9 kB\n"), None);
    }
}
