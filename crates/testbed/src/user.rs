//! Who a server runs as. PostgreSQL refuses to run as root, and tests in containers often are root.

use std::{fs, io, os::unix::fs::MetadataExt as _, os::unix::process::CommandExt as _, path::Path};

use std::process::Command;

use crate::error::{Error, Result};

/// Accounts to take instead of root, in this order.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// An account of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Whom to be instead of ourselves: `None` unless we are root.
    pub fn instead_of_root() -> Result<Option<User>> {
        let read = Error::io("who we are cannot be read from /proc/self");
        if fs::metadata("/proc/self").map_err(read)?.uid() != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").map_err(Error::io("/etc/passwd"))?;
        let found = ACCOUNTS.iter().find_map(|name| named(&accounts, name));
        found.map(Some).ok_or_else(|| {
            Error::Argument(format!(
                "we are root, which PostgreSQL refuses to be, and none of the accounts {} is there",
                ACCOUNTS.join(", ")
            ))
        })
    }

    /// The command will be run as this user.
    pub fn runs(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// The file or folder will be this user's.
    pub fn owns(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }
}

/// The account of this name in the text of `/etc/passwd`.
fn named(accounts: &str, name: &str) -> Option<User> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\n\
                        postgres2:x:7:8::/:/bin/false\n\
                        broken\n\
                        postgres:x:106:114:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n";
        let (uid, gid) = (106, 114);
        assert_eq!(named(accounts, "postgres"), Some(User { uid, gid }));
        assert_eq!(named(accounts, "nobody"), None);
        assert_eq!(named(accounts, "broken"), None);
    }
}
