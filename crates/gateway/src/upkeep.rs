//! Upkeep: what is done to a store while no gateway needs to run: bringing it up to date, examining it, moving
//! it.
//!
//! Promises: what changes something in the data folder holds it, and is refused while a gateway does; everything
//! else leaves the folder as it is, and may be done beside one.

use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use waybill_model::entity::Account;
use waybill_store::{Store, Transferred};

use crate::{
    cli::{DoctorArgs, HomeArgs, MoveArgs},
    clock::Clock,
    config::Config,
    doctor::{self, Finding, Health},
    folder::{self, Held},
    home::{self, Purpose},
    run,
};

/// `waybill migrate`: brings the database of a configuration up to date. A shared one while replicas run, too.
pub fn migrate(args: HomeArgs) -> anyhow::Result<()> {
    let config = args.load()?;
    run::runtime()?.block_on(async {
        let _held = match &config.database {
            None => Some(folder::hold(&config.data_dir)?),
            Some(_) => None,
        };
        migrated(&config).await?;
        println!("the database is up to date");
        Ok(())
    })
}

/// `waybill export`: writes everything that a store holds.
pub fn export(args: MoveArgs) -> anyhow::Result<()> {
    let config = args.home.load()?;
    run::runtime()?.block_on(async {
        let (store, _held) = whole(&config).await?;
        let key = key_of(&config, &store).await?;
        let shown = args.file.display().to_string();
        let to = writer(&args.file).with_context(|| shown.clone())?;
        let written = store.export(to, key).await.with_context(|| shown)?;
        eprintln!("exported {}", counts(&written));
        eprintln!("what is sealed in it opens with the same secret_key alone: keep the two apart");
        Ok(())
    })
}

/// `waybill import`: reads that into a store that is empty.
pub fn import(args: MoveArgs) -> anyhow::Result<()> {
    let config = args.home.load()?;
    run::runtime()?.block_on(async {
        let _held = folder::hold(&config.data_dir)?;
        let store = migrated(&config).await?;
        let shown = args.file.display().to_string();
        let from = reader(&args.file).with_context(|| shown.clone())?;
        let key = home::known_vault(&config).map(|vault| vault.check_text());
        let read = store.import(from, key).await.with_context(|| shown)?;
        eprintln!("imported {}", counts(&read));
        Ok(())
    })
}

/// The store of a configuration, up to date. What is in the spool of a shared one is left where it is.
async fn migrated(config: &Config) -> anyhow::Result<Store> {
    let store = match &config.database {
        None => home::embedded(config, Purpose::Use)?,
        Some(database) => home::behind_spool(config, database, Purpose::Look)?,
    };
    store
        .migrate()
        .await
        .context("the database cannot be brought up to date")?;
    Ok(store)
}

/// The store of a configuration, and everything in it: what is still in a spool is moved first.
async fn whole(config: &Config) -> anyhow::Result<(Store, Option<Held>)> {
    let Some(database) = &config.database else {
        let file = home::embedded_file(config);
        anyhow::ensure!(file.exists(), "{} is not there", file.display());
        return Ok((home::embedded(config, Purpose::Look)?, None));
    };
    if !home::spool_file(config).exists() {
        return Ok((home::behind_spool(config, database, Purpose::Look)?, None));
    }
    let held = folder::hold(&config.data_dir)?;
    let store = home::behind_spool(config, database, Purpose::Use)?;
    if let Some(mut forwarder) = store.forwarder()? {
        forwarder
            .drain()
            .await
            .context("what waits in the spool cannot be moved to the database")?;
    }
    Ok((store, Some(held)))
}

/// What tells the instance key that the accounts of a store are sealed with: an import takes no other. A shared
/// store knows it by itself.
async fn key_of(config: &Config, store: &Store) -> anyhow::Result<Option<String>> {
    if config.database.is_some() {
        return Ok(None);
    }
    let Some(vault) = home::known_vault(config) else {
        return Ok(None);
    };
    let accounts = store.accounts().await?;
    let opens = |account: &Account| vault.open_credential(&account.credential).is_ok();
    anyhow::ensure!(
        accounts.is_empty() || accounts.iter().any(opens),
        "secret_key opens none of the accounts: it is not the key of this store"
    );
    Ok(Some(vault.check_text()))
}

fn counts(moved: &Transferred) -> String {
    let rows = moved.rows.iter().filter(|(_, count)| **count > 0);
    let counts: Vec<String> = rows
        .map(|(table, count)| format!("{count} {table}"))
        .collect();
    match counts.as_slice() {
        [] => "nothing: it was empty".to_owned(),
        some => some.join(", "),
    }
}

fn is_compressed(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "zst")
}

fn writer(file: &Path) -> io::Result<Box<dyn io::Write + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    Ok(if is_compressed(file) {
        Box::new(zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?.auto_finish())
    } else {
        Box::new(io::BufWriter::new(out))
    })
}

fn reader(file: &Path) -> io::Result<Box<dyn io::BufRead + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::BufReader::new(io::stdin())));
    }
    let input = std::fs::File::open(file)?;
    Ok(if is_compressed(file) {
        Box::new(io::BufReader::new(zstd::Decoder::new(input)?))
    } else {
        Box::new(io::BufReader::new(input))
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
