//! `waybill-testbed`: servers to try things with, until it is ended; as a process of its own.
//!
//! Prints a line `VARIABLE=ADDRESS` for each, in the words of the gateway's configuration.
//!
//!     waybill-testbed postgres redis

use std::{env, io::Write as _, process::ExitCode, thread};

use waybill_testbed::{Error, Postgres, PostgresOptions, Redis};

const USAGE: &str = "usage: waybill-testbed [postgres] [redis] (Ctrl-C stops them)";

/// What was started, for as long as it is to run.
enum Started {
    Postgres(Postgres),
    Redis(Redis),
}

fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    if wanted.is_empty() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut started = Vec::new();
    for name in &wanted {
        let server = match name.as_str() {
            "postgres" => Postgres::new(PostgresOptions::default()).map(Started::Postgres),
            "redis" => Redis::new().map(Started::Redis),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        };
        match server.and_then(announce) {
            Ok(server) => started.push(server),
            Err(error) => {
                eprintln!("waybill-testbed: {}", error.with_source());
                return ExitCode::FAILURE;
            }
        }
    }
    // Whatever ends us ends them.
    loop {
        thread::park();
    }
}

fn announce(server: Started) -> Result<Started, Error> {
    let (variable, url, folder) = match &server {
        Started::Postgres(server) => ("WAYBILL_DATABASE_URL", server.url(), server.folder()),
        Started::Redis(server) => ("WAYBILL_REDIS_URL", server.url(), server.folder()),
    };
    eprintln!("{variable}: files in {}", folder.display());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{variable}={url}")
        .and_then(|()| out.flush())
        .map_err(|source| Error::Io {
            what: "standard output".to_owned(),
            source,
        })?;
    Ok(server)
}
