//! Where PostgreSQL's programs are, and how they are run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::error::{Error, Result};

/// Names the folder to take the programs from, before all others.
const VARIABLE: &str = "WAYBILL_PG_BIN";

/// Where Debian and its like put each version: `VERSION/bin`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The programs of one version.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The folder that is named, or else the newest version that is installed, or else that of the path.
    pub fn find() -> Result<Programs> {
        let named = env::var_os(VARIABLE)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        let found = match named {
            Some(folder) => whole(folder),
            None => newest(Path::new(VERSIONS)).or_else(|| {
                let path = env::var_os("PATH").unwrap_or_default();
                env::split_paths(&path).find_map(whole)
            }),
        };
        let folder = found.ok_or(Error::Missing {
            program: "postgres",
            package: "postgresql",
            variable: VARIABLE,
        })?;
        Ok(Programs { folder })
    }

    /// One of them.
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// Runs SQL, as one of nobody's settings but the server's.
    pub fn psql(&self, url: &str, statements: &str) -> Result<String> {
        let mut command = Command::new(self.path("psql"));
        command
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--no-password"])
            .args(["--dbname", url, "--command", statements])
            // What is said in one language can be understood by a test.
            .env("LC_ALL", "C");
        let first_line = statements.lines().next().unwrap_or_default();
        run(command, &format!("`{first_line}`"))
    }
}

/// Runs a program to its end, without the settings for PostgreSQL in our environment, and answers what
/// it printed.
pub(super) fn run(mut command: Command, what: &str) -> Result<String> {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    let done = command.stdin(Stdio::null()).output();
    let done = done.map_err(Error::io(what))?;
    if !done.status.success() {
        let said = [done.stdout, done.stderr].concat();
        return Err(Error::Failed {
            what: what.to_owned(),
            status: done.status,
            output: String::from_utf8_lossy(&said).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned())
}

/// The folder of the highest version of which everything is there.
fn newest(versions: &Path) -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(versions)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, whole(entry.path().join("bin"))?))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// The folder, if every program that is used is there.
fn whole(folder: PathBuf) -> Option<PathBuf> {
    let programs = ["postgres", "initdb", "psql"];
    let there = |program| folder.join(program).is_file();
    programs.into_iter().all(there).then_some(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_whole_version_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let install = |version: &str, programs: &[&str]| {
            let bin = root.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
        };
        let all = ["postgres", "initdb", "psql"];
        install("9", &all);
        install("15", &all);
        install("17", &["psql"]);
        install("current", &all);
        assert_eq!(newest(root.path()), Some(root.path().join("15/bin")));
        assert_eq!(newest(&root.path().join("none")), None);
    }
}
