//! Upkeep: what is done to a store while no gateway needs to run: bringing it up to date, examining it, moving
//! it.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use waybill_store::Store;

use crate::{
    cli::{DoctorArgs, HomeArgs},
    clock::Clock,
    config::Config,
    doctor::{self, Finding, Health},
    home, run,
};

/// `waybill migrate`: brings the database of a configuration up to date.
pub fn migrate(args: HomeArgs) -> anyhow::Result<()> {
    let config = args.load()?;
    run::runtime()?.block_on(async {
        run::private_folder(&config.data_dir)?;
        let store = open(&config)?;
        store
            .migrate()
            .await
            .context("the database cannot be brought up to date")?;
        println!("the database is up to date");
        Ok(())
    })
}

/// `waybill doctor`: looks at everything and says what to do. Fails when something is bad.
pub fn examine(args: DoctorArgs) -> anyhow::Result<()> {
    let config = args.home.load()?;
    let findings = run::runtime()?.block_on(doctor::examine(&config, &Clock::System));
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &findings)?;
        writeln!(out)?;
    } else {
        findings
            .iter()
            .try_for_each(|finding| show(&mut out, finding))?;
    }
    out.flush()?;
    match doctor::worst(&findings) {
        Health::Bad => anyhow::bail!("something needs to be done"),
        Health::Doubtful | Health::Good => Ok(()),
    }
}

fn show(out: &mut impl io::Write, finding: &Finding) -> io::Result<()> {
    let Finding {
        check,
        health,
        seen,
        remedy,
    } = finding;
    writeln!(out, "{:<5}{check:<12} {seen}", health.as_str())?;
    match remedy {
        Some(remedy) => writeln!(out, "{:<18}→ {remedy}", ""),
        None => Ok(()),
    }
}

/// The store of a configuration, for tools.
fn open(config: &Config) -> anyhow::Result<Store> {
    match &config.database {
        None => home::embedded(config),
        Some(database) => home::behind_spool(config, database),
    }
}

impl HomeArgs {
    /// The configuration they name.
    pub fn load(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref(), &|name| std::env::var(name).ok())?;
        if let Some(folder) = &self.data_dir {
            config.data_dir = PathBuf::clone(folder);
        }
        Ok(config)
    }
}
