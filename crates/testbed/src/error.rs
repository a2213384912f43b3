//! What can go wrong with a server.

use std::{error::Error as _, io, process::ExitStatus};

/// The result of most calls here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server does not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is not on this machine.
    #[error(
        "`{program}` is missing: install the package `{package}`, which `scripts/setup.sh services` does, \
         or say in {variable} in which folder it is"
    )]
    Missing {
        /// The program.
        program: &'static str,
        /// Debian's package that has it.
        package: &'static str,
        /// The environment variable that names another folder.
        variable: &'static str,
    },
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// Its answer.
        source: io::Error,
    },
    /// A program ended badly.
    #[error("{what} failed ({status}): {output}")]
    Failed {
        /// Which, and what for.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, or the end of its log.
        output: String,
    },
    /// A server did not get there in time.
    #[error("{what}, and has not in time; its log ends: {log}")]
    Late {
        /// What it was to do.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// What was asked for needs a server that runs.
    #[error("{0} is not running")]
    NotRunning(&'static str),
    /// An argument that cannot be meant.
    #[error("{0}")]
    Argument(String),
}

impl Error {
    /// What went wrong and why, in one line.
    pub fn with_source(&self) -> String {
        // Their causes are the operating system's, which have no further ones.
        match self.source() {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }

    /// For `map_err`: what was being done when the operating system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io {
            what: what.into(),
            source,
        }
    }
}
