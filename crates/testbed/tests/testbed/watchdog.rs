//! Servers whose owner ends without a word.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::support::{is_closed, wait_until};

/// A process that owns servers.
struct Owner {
    process: Child,
    servers: Vec<(SocketAddr, PathBuf)>,
}

impl Owner {
    fn of(names: &[&str]) -> Owner {
        let mut process = command(names).spawn().unwrap();
        let mut urls = BufReader::new(process.stdout.take().unwrap());
        let mut folders = BufReader::new(process.stderr.take().unwrap());
        let servers = names.iter().map(|_| {
            let folder = line_after("files in ", &mut folders);
            let url = line_after("=", &mut urls);
            let host = url.rsplit(['@', '/']).find(|part| part.contains(':'));
            (host.unwrap().parse().unwrap(), PathBuf::from(folder))
        });
        Owner {
            servers: servers.collect(),
            process,
        }
    }

    /// `kill -9`; then waits until nothing is left.
    fn end(mut self) {
        for (address, folder) in &self.servers {
            assert!(!is_closed(*address) && folder.is_dir());
        }
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        for (address, folder) in self.servers {
            wait_until("the port is closed", || is_closed(address));
            wait_until("the folder is gone", || !folder.exists());
        }
    }
}

#[test]
fn servers_go_with_an_owner_that_was_killed() {
    Owner::of(&["postgres", "redis", "redis"]).end();
}

#[test]
fn servers_go_with_their_owner_when_nothing_can_tell_them() {
    let owner = Owner::of(&["postgres"]);
    suspend(&owner.servers[0].1);
    owner.end();
}

#[test]
fn a_server_that_is_already_gone_leaves_no_folder() {
    let owner = Owner::of(&["postgres"]);
    let (address, folder) = owner.servers[0].clone();
    signal("KILL", &folder);
    wait_until("the server is gone", || is_closed(address));
    let mut process = owner.process;
    process.kill().unwrap();
    process.wait().unwrap();
    wait_until("the folder is gone", || !folder.exists());
}

#[test]
fn a_program_that_is_missing_is_named_with_its_package() {
    let cases = [
        ("postgres", "WAYBILL_PG_BIN", "`postgresql`"),
        ("redis", "WAYBILL_REDIS_BIN", "`redis-server`"),
    ];
    for (name, variable, package) in cases {
        let nowhere = tempfile::tempdir().unwrap();
        let done = command(&[name])
            .env(variable, nowhere.path())
            .output()
            .unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("install the package {package}")),
            "{said}"
        );
        assert!(said.contains(variable), "{said}");
    }
}

#[test]
fn a_command_line_that_cannot_be_read_starts_nothing() {
    for names in [&[][..], &["mysql"], &["--help"]] {
        let done = command(names).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        assert!(
            String::from_utf8(done.stderr)
                .unwrap()
                .starts_with("usage: ")
        );
        assert!(done.stdout.is_empty());
    }
}

fn command(names: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waybill-testbed"));
    command
        .args(names)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn line_after(mark: &str, lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let after = line.split_once(mark).map(|(_, after)| after.trim());
    after
        .unwrap_or_else(|| panic!("no `{mark}`: {line}"))
        .to_owned()
}

/// Sends a signal to the PostgreSQL server of this folder, behind its owner's back.
fn signal(signal: &str, folder: &Path) {
    let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let pid = lock.lines().next().unwrap();
    let sent = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", signal, pid])
        .status();
    assert!(sent.unwrap().success());
}

fn suspend(folder: &Path) {
    signal("STOP", folder);
}
