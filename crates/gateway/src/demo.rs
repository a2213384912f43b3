//! `waybill demo`: simulated providers with faults, a gateway before them, a trickle of traffic.
use crate::cli::DemoArgs;

/// Runs until it is stopped.
pub fn run(args: DemoArgs, runtime: tokio::runtime::Runtime) -> anyhow::Result<()> {
    let _ = (args, runtime);
    Ok(())
}
