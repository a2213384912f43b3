//! The command line: what can be asked of the `waybill` binary.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// LLM API gateway that can explain every failure.
#[derive(Debug, Parser)]
#[command(name = "waybill", version, about)]
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

/// How `waybill demo` is started.
#[derive(Debug, Clone, Default, Args)]
pub struct DemoArgs {
    /// Configuration file (TOML); its accounts are added to the simulated ones.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where the store lives; a temporary folder when absent.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Reads the command line, does what it says, and tells the shell how it went: 0 done, 1 failed,
/// 2 a command line that cannot be read.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
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
    }
}
