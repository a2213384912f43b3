//! The machine: the data folder, its disk, and the secrets in it.

use std::{io, os::unix::fs::PermissionsExt as _, path::Path};

use super::Finding;
use crate::config::Config;

/// With less left on its disk a gateway has little time before records degrade.
const LITTLE_SPACE: u64 = 1 << 30;

/// With less it may not even start.
const NO_SPACE: u64 = 64 << 20;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let folder = &config.data_dir;
    let mut findings = vec![data_dir(folder)];
    findings.extend(disk(folder, config));
    findings.extend(secret("instance.key", config.secret_key.is_some(), folder));
    findings.extend(secret("admin.token", config.admin_token.is_some(), folder));
    findings
}

fn data_dir(folder: &Path) -> Finding {
    const CHECK: &str = "data_dir";
    let shown = folder.display();
    let mode = match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            return Finding::bad(
                CHECK,
                format!("{shown} is no folder"),
                "name a folder in data_dir",
            );
        }
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::good(
                CHECK,
                format!("{shown} is not there yet: it is made at start"),
            );
        }
        Err(error) => {
            let remedy = "run the gateway as a user that may read and write its data folder";
            return Finding::bad(CHECK, format!("{shown}: {error}"), remedy);
        }
    };
    // Asked, not tried: nothing is changed here.
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    if let Err(error) = rustix::fs::access(folder, access) {
        let remedy = format!("let the gateway's user write to {shown}");
        return Finding::bad(
            CHECK,
            format!("nothing can be written to {shown}: {error}"),
            remedy,
        );
    }
    if mode & 0o077 != 0 {
        let remedy = format!("chmod 700 {shown}: prompts of failed requests rest in it");
        return Finding::doubtful(
            CHECK,
            format!("{shown} is open to others (mode {mode:o})"),
            remedy,
        );
    }
    Finding::good(
        CHECK,
        format!("{shown} can be written to, by its owner alone"),
    )
}

fn disk(folder: &Path, config: &Config) -> Option<Finding> {
    const CHECK: &str = "disk";
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let stat = match rustix::fs::statvfs(there) {
        Ok(stat) => stat,
        Err(error) => {
            let seen = format!("{}: {error}", there.display());
            return Some(Finding::doubtful(CHECK, seen, "look at the disk by hand"));
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let wanted = match &config.database {
        Some(database) => database.spool_max_bytes,
        None => config.settings.retention.max_bytes,
    };
    let seen = format!(
        "{} MiB are free, {} MiB may be used",
        free >> 20,
        wanted >> 20
    );
    Some(if free < NO_SPACE {
        Finding::bad(
            CHECK,
            seen,
            "make room: without it records are kept in part, then only counted",
        )
    } else if free < LITTLE_SPACE || free < wanted / 4 {
        let remedy =
            "make room, or lower retention.max_bytes (spool.max_bytes with a shared database)";
        Finding::doubtful(CHECK, seen, remedy)
    } else {
        Finding::good(CHECK, seen)
    })
}

/// A secret that is kept in the data folder must be its owner's alone.
fn secret(name: &'static str, is_given: bool, folder: &Path) -> Option<Finding> {
    const CHECK: &str = "secrets";
    if is_given {
        return Some(Finding::good(
            CHECK,
            format!("{name}: from the configuration"),
        ));
    }
    let path = folder.join(name);
    let found = std::fs::metadata(&path).ok()?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Some(Finding::good(
            CHECK,
            format!("{name}: readable by its owner alone"),
        ));
    }
    let remedy = format!("chmod 600 {}", path.display());
    Some(Finding::bad(
        CHECK,
        format!("{name} is open to others (mode {mode:o})"),
        remedy,
    ))
}
