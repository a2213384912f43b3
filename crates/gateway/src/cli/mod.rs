//! The command line: what can be asked of the `waybill` binary.
//!
//! `serve`, `demo` and `check-config` are the gateway itself; everything else is a client of a running
//! gateway's admin API. Promises: 0 done, 1 failed, 2 a command line that cannot be read; a reader
//! that goes away ends it quietly. Must not know: the store.

mod accounts;
mod alerts;
mod columns;
mod configured;
mod differences;
mod errors;
mod flags;
mod http;
mod issues;
mod notifications;
mod overview;
mod people;
mod replays;
mod reports;
mod retries;
mod rules;
mod settings;
mod standing;
mod story;
mod table;
mod tail;
mod upstream_errors;
mod waterfall;
mod what_if;

use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use waybill_model::secret::Secret;

use self::http::Remote;

/// LLM API gateway that can explain every failure.
#[derive(Debug, Parser)]
#[command(name = "waybill", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway.
    Serve(ServeArgs),
    /// Run the gateway against simulated providers, with a mix of faults and a trickle of traffic.
    Demo(DemoArgs),
    /// Read a configuration file and report every mistake in it.
    CheckConfig {
        /// The configuration file.
        file: PathBuf,
    },
    /// Bring the database up to date: at start the gateway does so by itself, if it may.
    Migrate(HomeArgs),
    /// Write everything that is stored into a file. Stop the gateway first, so that nothing is missing.
    Export(MoveArgs),
    /// Read what `export` wrote into a store that is empty: another kind of it, or another place.
    Import(MoveArgs),
    /// Look at the machine, the database and everything else a gateway needs, and say what to do.
    Doctor(DoctorArgs),
    /// How the service did: health, service level, errors, throughput, durations.
    Overview(overview::Ask),
    /// Failed requests of a running gateway.
    #[command(subcommand)]
    Errors(errors::Errors),
    /// Failed upstream attempts, also those that failover hid.
    #[command(subcommand)]
    UpstreamErrors(upstream_errors::UpstreamErrors),
    /// Issues: failures of one kind as one thing.
    #[command(subcommand)]
    Issues(issues::Issues),
    /// Replays: many failed requests sent again.
    #[command(subcommand)]
    Replays(replays::Replays),
    /// What recorded requests would have come to under other cool-downs or priorities.
    WhatIf(what_if::Ask),
    /// Classification rules: what failures are taken for, old and new.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Alerts of a running gateway: what fires, what did, and the rules.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// What is promised, and what was reached.
    #[command(subcommand)]
    Objectives(alerts::Objectives),
    /// Accounts of a running gateway.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// API keys of a running gateway.
    #[command(subcommand)]
    Keys(configured::Keys),
    /// Admin users of a running gateway: who uses its admin API by name.
    #[command(subcommand)]
    Admins(people::Admins),
    /// Personal tokens for a running gateway's admin API.
    #[command(subcommand)]
    Tokens(people::Tokens),
    /// Who is told of something by a running gateway.
    #[command(subcommand)]
    Channels(notifications::Channels),
    /// What was told to whom, and how that went.
    #[command(subcommand)]
    Notifications(notifications::Notifications),
    /// Reports that come by themselves.
    #[command(subcommand)]
    Reports(reports::Reports),
    /// Settings of a running gateway: what is watched, what is well, what is left out of numbers, what is kept.
    #[command(subcommand)]
    Settings(settings::Settings),
    /// The audit log of a running gateway.
    #[command(subcommand)]
    Audit(people::Audit),
}

/// How `waybill serve` is started.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "WAYBILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address to listen on; overrides the file.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where the store and the instance's keys live; overrides the file.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Which store a tool is for.
#[derive(Debug, Clone, Default, Args)]
pub struct HomeArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "WAYBILL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the store and the instance's keys live; overrides the file.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// `waybill export` and `waybill import`.
#[derive(Debug, Clone, Args)]
pub struct MoveArgs {
    /// Whose store.
    #[command(flatten)]
    pub home: HomeArgs,
    /// The file; `-` for standard output or input. A name that ends in `.zst` is compressed.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `waybill doctor`.
#[derive(Debug, Clone, Default, Args)]
pub struct DoctorArgs {
    /// What is examined.
    #[command(flatten)]
    pub home: HomeArgs,
    /// Print JSON instead of text for people.
    #[arg(long)]
    pub json: bool,
}

/// How `waybill demo` is started.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where the store lives; a temporary folder when absent.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// What every client command takes.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// Address of the running gateway.
    #[arg(
        long,
        value_name = "URL",
        env = "WAYBILL_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub url: String,
    /// Admin token of the running gateway, or a personal one.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WAYBILL_ADMIN_TOKEN",
        hide_env_values = true,
        value_parser = |text: &str| Ok::<_, Infallible>(Secret::new(text))
    )]
    pub token: Secret,
    /// Print JSON instead of text for people.
    #[arg(long)]
    pub json: bool,
}

/// Reads the command line, does what it says, and tells the shell how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("waybill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => crate::run::serve(args),
        Command::Demo(args) => crate::run::demo(args),
        Command::CheckConfig { file } => crate::run::check_config(file),
        Command::Migrate(args) => crate::upkeep::migrate(args),
        Command::Export(args) => crate::upkeep::export(args),
        Command::Import(args) => crate::upkeep::import(args),
        Command::Doctor(args) => crate::upkeep::examine(args),
        Command::Overview(args) => overview::run(&args),
        Command::Errors(command) => errors::run(command),
        Command::UpstreamErrors(command) => upstream_errors::run(command),
        Command::Issues(command) => issues::run(command),
        Command::Replays(command) => replays::run(command),
        Command::WhatIf(args) => what_if::run(&args),
        Command::Rules(command) => rules::run(command),
        Command::Alerts(command) => alerts::alerts(command),
        Command::Objectives(command) => alerts::objectives(command),
        Command::Accounts(command) => accounts::run(command),
        Command::Keys(command) => configured::keys(command),
        Command::Admins(command) => people::admins(command),
        Command::Tokens(command) => people::tokens(command),
        Command::Channels(command) => notifications::channels(command),
        Command::Notifications(command) => notifications::notifications(command),
        Command::Reports(command) => reports::run(command),
        Command::Settings(command) => settings::run(command),
        Command::Audit(command) => people::audit(command),
    }
}

/// Logs go to standard error, for standard output is what was asked for. `RUST_LOG` says how much.
fn log() {
    use io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

/// The reader of our output has gone: `waybill errors list | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// What does not ask a running gateway.
    const OF_THE_GATEWAY: [&str; 7] = [
        "serve",
        "demo",
        "check-config",
        "migrate",
        "export",
        "import",
        "doctor",
    ];

    #[test]
    fn the_page_of_the_api_names_every_command() {
        let page = include_str!("../../../../docs/API.md");
        let line = Cli::command();
        for command in line.get_subcommands() {
            let name = command.get_name();
            if OF_THE_GATEWAY.contains(&name) {
                continue;
            }
            let start = format!("`waybill {name}");
            let named = page.lines().flat_map(|line| line.split(&start).skip(1));
            let named: String = named
                .filter_map(|rest| rest.split('`').next())
                .collect::<Vec<_>>()
                .join("|");
            assert!(page.contains(&start), "docs/API.md lacks {name}");
            for part in command.get_subcommands() {
                let mut words = named.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let is_named = words.any(|word| word == part.get_name());
                assert!(is_named, "docs/API.md lacks {name} {}", part.get_name());
            }
        }
    }

    #[test]
    fn every_filter_of_the_api_is_a_flag() {
        let line = [
            "waybill",
            "errors",
            "list",
            "--token",
            "t",
            "--time-range",
            "1h",
            "--status",
            "429,529",
            "--recovered",
            "true",
        ];
        let Ok(Cli {
            command: Command::Errors(errors::Errors::List(list)),
        }) = Cli::try_parse_from(line)
        else {
            unreachable!("the line is well formed");
        };
        let expected = [
            ("time_range", "1h"),
            ("status_codes", "429,529"),
            ("recovered", "true"),
        ];
        assert_eq!(
            list.filter.pairs(),
            expected.map(|(name, value)| (name, value.to_owned()))
        );
        let wrong = [
            "waybill",
            "errors",
            "list",
            "--token",
            "t",
            "--time-range",
            "2h",
        ];
        assert!(Cli::try_parse_from(wrong).is_err());
    }
}
