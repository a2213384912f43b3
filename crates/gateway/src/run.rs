//! Starting and stopping: what `waybill serve`, `demo` and `check-config` do.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use waybill_model::secret::Secret;
use waybill_store::ForwarderThread;

use crate::{
    admin,
    app::{Parts, Shared},
    cli::{DemoArgs, ServeArgs},
    clock::Clock,
    cluster::{self, Cluster},
    config::Config,
    console, credential, folder,
    home::{self, Home},
    jobs,
    live::Live,
    notify, people,
    record::{self, Composer, Recorder, RulesInForce, capture::Copies},
    replay, replication,
    secrets::Secrets,
    seed, server,
    telemetry::{self, Telemetry},
    upstream::Tls,
    vault::{self, Vault},
};

/// How often the store's log is folded into its database, away from the commits that clients wait for.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// A gateway that runs, and what was made for it at start.
pub struct Gateway {
    /// The server.
    pub running: server::Running,
    /// Client keys made at this start, by name: shown once.
    pub new_keys: Vec<(String, Secret)>,
    /// Makes the first admin user, if there is none and this start made it: shown once.
    pub setup_token: Option<Secret>,
    /// Where the admin token was read from or put.
    pub admin_token_from: String,
    upkeep: Vec<tokio::task::JoinHandle<()>>,
    /// Rings for those who wait for a deadline, also while running requests are let end.
    line: tokio::task::JoinHandle<()>,
    forwarder: Option<ForwarderThread>,
    /// Sends what was counted and the spans of what was recorded, until after the last record.
    exporter: telemetry::Exporter,
    shared: Arc<Shared>,
    /// What is shared with other replicas, and the tasks that do; also while running requests are let end.
    cluster: Option<(Arc<Cluster>, cluster::Tasks)>,
    /// Nobody else uses the data folder meanwhile.
    _held: folder::Held,
}

/// `waybill serve`: runs until SIGTERM or Ctrl-C.
pub fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let mut config = Config::load(args.config.as_deref(), &|name| std::env::var(name).ok())?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if let Some(data_dir) = args.data_dir {
        config.data_dir = data_dir;
    }
    runtime()?.block_on(async {
        let gateway = start(config).await?;
        announce(&gateway)?;
        stop_signal().await?;
        tracing::info!("stopping: running requests may end");
        gateway.stop().await;
        Ok(())
    })
}

/// `waybill check-config FILE`: says every mistake, or what the file comes to.
pub fn check_config(file: PathBuf) -> anyhow::Result<()> {
    let config = Config::load(Some(&file), &|name| std::env::var(name).ok())?;
    println!(
        "{}: good. {} groups, {} accounts, {} users, {} client keys; listens on {}, keeps its data in {}",
        file.display(),
        config.groups.len(),
        config.accounts.len(),
        config.users.len(),
        config.api_keys.len(),
        config.listen,
        config.data_dir.display(),
    );
    Ok(())
}

/// Starts a gateway: opens the store, brings it up to the configuration, listens.
pub async fn start(config: Config) -> anyhow::Result<Gateway> {
    start_at(config, Clock::System).await
}

/// The same by a clock of one's own.
pub async fn start_at(config: Config, clock: Clock) -> anyhow::Result<Gateway> {
    start_in(config, clock, None).await
}

/// The same as one of several replicas.
pub async fn start_in(
    config: Config,
    clock: Clock,
    cluster: Option<cluster::Settings>,
) -> anyhow::Result<Gateway> {
    let held = folder::hold(&config.data_dir)?;
    let instance_key = secret_file(
        &config.data_dir.join("instance.key"),
        config.secret_key.clone(),
    )?
    .0;
    let token_file = config.data_dir.join("admin.token");
    let (admin_token, token_kept) = secret_file(&token_file, config.admin_token.clone())?;
    let admin_token_from = if token_kept {
        token_file.display().to_string()
    } else {
        "the configuration".to_owned()
    };

    let vault = Vault::new(&instance_key);
    let Home {
        store,
        shared: home,
    } = home::open(&config, &vault, clock.now()).await?;
    let cluster = match (cluster, &config.database, &home) {
        (None, Some(database), Some(home)) => replication::meeting_place(database, home).await?,
        (given, _, _) => given,
    };
    let mut is_reached = home.as_ref().is_none_or(|home| home.is_reached);
    let seeded = match is_reached {
        true => seed::apply(&store, &vault, &config, clock.now()).await,
        // What the file names is in the picture, or comes with the next start.
        false => Ok(Vec::new()),
    };
    let new_keys = match seeded {
        Ok(made) => made,
        Err(error) if home.is_some() && replication::is_of_the_moment(&error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "what is configured could not be brought into the shared database; the next start does it"
            );
            is_reached = false;
            Vec::new()
        }
        Err(error) => return Err(error),
    };

    let setup_token = match is_reached {
        true => people::setup::open(&store, &vault).await?,
        // The next start opens it; the admin token does meanwhile.
        false => None,
    };

    let mut own_secrets = vec![instance_key, admin_token.clone()];
    own_secrets.extend(setup_token.clone());
    own_secrets.extend(config.api_keys.iter().filter_map(|key| key.key.clone()));
    own_secrets.extend(new_keys.iter().map(|(_, key)| key.clone()));
    own_secrets.extend(config.settings.telemetry.secrets());

    let secrets = Arc::new(Secrets::new(own_secrets));
    let tls = tls(&config)?;
    let settings = config.settings;
    let (recorder, queues) =
        Recorder::new(store.clone(), settings.capture.clone(), settings.requests);
    let composer = Composer::new(
        Arc::clone(&secrets),
        vault.clone(),
        settings.capture.clone(),
        match store.takes_parts() {
            true => Copies::InParts,
            false => Copies::Whole,
        },
    );
    let rules = RulesInForce::default();
    let composer = composer.judged_by(Arc::clone(&rules));
    let (telemetry, outbox) = Telemetry::new(settings.telemetry.clone(), clock.now());
    let recorder_thread = record::spawn(
        store.journal()?,
        store.clone(),
        composer,
        queues,
        Arc::clone(&telemetry),
    )?;
    let cluster = cluster
        .map(|settings| Cluster::new(settings, tls.of_no_protocol(), &clock))
        .transpose()
        .map_err(anyhow::Error::msg)?;
    let shared = Arc::new(Shared::new(Parts {
        clock,
        settings,
        vault,
        store,
        recorder,
        telemetry,
        tls,
        secrets,
        admin_token,
        home,
        cluster,
        rules,
    }));
    if let Ok(books) = shared.recorder.books().await {
        shared.telemetry.begins_with(books);
    }
    let begun = replication::begin(&shared, is_reached).await?;
    if is_reached {
        replay::take_over(&shared).await;
    }
    notify::take_over(&shared).await;
    let cluster = join(&shared).await;

    let listener =
        server::listen(config.listen).with_context(|| format!("listen {}", config.listen))?;
    let router = admin::router(Arc::clone(&shared)).merge(console::router());
    let running = server::start(
        listener,
        Arc::clone(&shared),
        router,
        recorder_thread,
        config.workers,
    )?;
    let line = tokio::spawn(Arc::clone(&shared.line).keep_time(shared.clock.clone()));
    let mut upkeep = jobs::start(&shared);
    upkeep.push(tokio::spawn(tidy(Arc::clone(&shared))));
    upkeep.push(tokio::spawn(credential::keep_tokens(Arc::clone(&shared))));
    upkeep.push(tokio::spawn(Live::follow(Arc::clone(&shared))));
    upkeep.extend(replication::follow(&shared, begun));
    Ok(Gateway {
        running,
        new_keys,
        setup_token,
        admin_token_from,
        upkeep,
        line,
        forwarder: home::start_forwarding(&shared.store)?,
        exporter: telemetry::start(&shared, outbox),
        shared,
        cluster,
        _held: held,
    })
}

/// Takes part in what replicas share. Returns when this one has its share, or goes by its own view.
async fn join(shared: &Arc<Shared>) -> Option<(Arc<Cluster>, cluster::Tasks)> {
    let cluster = Arc::clone(shared.cluster.as_ref()?);
    let tasks = cluster.start(shared);
    cluster.has_begun().await;
    Some((cluster, tasks))
}

impl Gateway {
    /// What its parts share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops in order: says that it is not ready and goes on for the time of notice, lets running requests
    /// end, writes every record, moves what is spooled, and leaves. Every record is written before this
    /// returns.
    pub async fn stop(self) {
        let Gateway {
            running,
            upkeep,
            line,
            forwarder,
            exporter,
            shared,
            cluster,
            _held,
            ..
        } = self;
        shared.begin_leaving();
        tokio::time::sleep(shared.settings.timeouts.notice).await;
        // Readers of the live stream stay for as long as they are let.
        shared.live.close();
        running.stop().await;
        upkeep.iter().for_each(tokio::task::JoinHandle::abort);
        let longest = shared.settings.notifications.timeout;
        shared.notifier.close(longest).await;
        line.abort();
        // After the last record, and while what is spooled moves.
        let exported = tokio::spawn(exporter.stop());
        shared.tokens.settle().await;
        if let Some((cluster, tasks)) = cluster {
            cluster.leave(tasks).await;
        }
        if let Some(forwarder) = forwarder
            && let Err(error) = tokio::task::spawn_blocking(|| forwarder.stop()).await
        {
            tracing::error!(%error, "the forwarder did not stop in order");
        }
        if let Err(error) = exported.await {
            tracing::error!(%error, "the exporter did not stop in order");
        }
        replication::leave(&shared).await;
    }
}

/// Folds the store's log, for as long as it is let.
async fn tidy(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(TIDY_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = shared.store.tidy().await {
            tracing::warn!(%error, "the store's log could not be folded; it is tried again");
        }
    }
}

fn announce(gateway: &Gateway) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, key) in &gateway.new_keys {
        writeln!(
            out,
            "new client key `{name}` (shown once): {}",
            key.expose()
        )?;
    }
    if let Some(token) = &gateway.setup_token {
        let shown = token.expose();
        writeln!(
            out,
            "set-up token for the first admin user (shown once): {shown}"
        )?;
    }
    writeln!(out, "admin token: from {}", gateway.admin_token_from)?;
    writeln!(out, "listening on http://{}", gateway.running.address())?;
    out.flush()
}

/// A secret that is given, or else kept in a file that only its owner can read; made when it is not
/// there. Says whether it is the file's.
fn secret_file(path: &Path, given: Option<Secret>) -> anyhow::Result<(Secret, bool)> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(given) = given {
        return Ok((given, false));
    }
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok((Secret::new(text.trim()), true)),
        Ok(_) => anyhow::bail!(
            "{} is empty: restore it, or delete it to have a new one made",
            path.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    let secret = vault::random_text();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    Ok((Secret::new(secret), true))
}

/// TLS towards providers, as it is configured.
pub(crate) fn tls(config: &Config) -> anyhow::Result<Tls> {
    Ok(Tls::new(&extra_roots(config.upstream_ca.as_deref())?))
}

fn extra_roots(
    file: Option<&Path>,
) -> anyhow::Result<Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>>> {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .with_context(|| format!("upstream_ca {}", file.display()))
}

/// The runtime of everything that is not a request: accepting, the admin API's jobs, signals.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
}

/// Waits for SIGTERM or Ctrl-C.
pub(crate) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        result = tokio::signal::ctrl_c() => result,
    }
}

/// `waybill demo`: the gateway before simulated providers with faults, and a trickle of traffic.
pub fn demo(args: DemoArgs) -> anyhow::Result<()> {
    crate::demo::run(args, runtime()?)
}
