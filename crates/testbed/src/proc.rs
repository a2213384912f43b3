//! Processes of others: what the kernel says about them, and signals to them.
//!
//! A PostgreSQL server is many processes, each in a group of its own. So who is meant is found by asking
//! whose child it is.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a process stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It runs, or would if it had anything to do.
    Running,
    /// It was suspended.
    Suspended,
    /// There is none of this id, or nothing is left but its exit code.
    Gone,
}

/// How a process stands.
pub(crate) fn standing(pid: u32) -> Standing {
    match stat(pid) {
        Some(Stat { state: b'T', .. }) => Standing::Suspended,
        None | Some(Stat { state: b'Z', .. } | Stat { state: b'X', .. }) => Standing::Gone,
        Some(_) => Standing::Running,
    }
}

/// The processes it has started and that have not been taken over by another.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|candidate| stat(*candidate).is_some_and(|stat| stat.parent == pid))
        .collect()
}

/// Sends a signal to each; those that are gone are no error.
pub(crate) fn signal(signal: &str, pids: &[u32]) -> Result<()> {
    if pids.is_empty() {
        return Ok(());
    }
    // The shell's own: a program of this name is not everywhere.
    Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$@\"", signal])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(drop)
        .map_err(Error::io(format!("SIG{signal} to {pids:?}")))
}

/// Waits until the condition holds; says whether it did in time.
pub(crate) fn wait_until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

/// What matters of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    parent: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `PID (NAME) STATE PARENT …`; the name may contain anything, brackets too.
fn parse(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    Some(Stat {
        state: *fields.next()?.as_bytes().first()?,
        parent: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_name_may_look_like_the_rest_of_the_line() {
        let expected = Stat {
            state: b'S',
            parent: 41,
        };
        assert_eq!(parse("42 (a) Z 7) S 41 42 42 0 -1"), Some(expected));
        assert_eq!(parse("42 (a"), None);
    }

    #[test]
    fn we_run_and_know_our_children() {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "read -r line"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let us = std::process::id();
        assert_eq!(standing(us), Standing::Running);
        assert!(children(us).contains(&child.id()));
        child.kill().unwrap();
        let gone = || standing(child.id()) == Standing::Gone;
        assert!(
            wait_until(Duration::from_secs(20), gone),
            "an unreaped child is gone"
        );
        child.wait().unwrap();
        assert!(!children(us).contains(&child.id()));
    }
}
