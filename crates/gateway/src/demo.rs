//! `waybill demo`: simulated providers with faults, a gateway before them, a trickle of traffic.
//!
//! Everything in front of the gateway is simulated; the gateway itself is the real one.

use std::{
    collections::BTreeMap, fmt::Write as _, fs::DirBuilder, os::unix::fs::DirBuilderExt as _,
    path::PathBuf, sync::Arc, time::Duration,
};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use waybill_model::{entity::Status, people::Role, protocol::Platform, secret::Secret};
use waybill_sim::{
    DEMO_ACCOUNTS, Sim, SimOptions, demo_limits, demo_rules,
    traffic::{self, Outcomes, TrafficOptions},
};
use waybill_store::NewAdminUser;

use crate::{
    cli::DemoArgs,
    config::Config,
    run::{self, Gateway},
    vault,
};

/// Two requests a second: enough to see every fault within a minute, little enough to read along.
const TRAFFIC_EVERY: Duration = Duration::from_millis(500);

/// Whom the console knows.
const ADMIN: &str = "demo";

/// Runs until SIGTERM or Ctrl-C.
pub fn run(args: DemoArgs, runtime: tokio::runtime::Runtime) -> anyhow::Result<()> {
    let folder = match &args.data_dir {
        Some(folder) => folder.clone(),
        None => new_folder().context("a temporary folder")?,
    };
    let temporary = args.data_dir.is_none();
    let result = runtime.block_on(async {
        let sim = Sim::start(SimOptions {
            keys: DEMO_ACCOUNTS
                .iter()
                .map(|account| account.key.to_owned())
                .collect(),
            chunk_pause: Duration::from_millis(40),
            ..SimOptions::default()
        })
        .await
        .context("the simulated providers")?;
        for rule in demo_rules() {
            sim.script(rule);
        }
        for limit in demo_limits() {
            sim.limit(limit);
        }
        let client_key = vault::new_client_key();
        let text = configuration(&sim.url(), client_key.expose());
        let mut config = Config::parse(&text, &|name| std::env::var(name).ok())?;
        config.data_dir = folder.clone();
        if let Some(listen) = args.listen {
            config.listen = listen;
        }
        let gateway = run::start(config).await?;
        let stop = CancellationToken::new();
        let outcomes = Arc::new(Outcomes::default());
        let options = TrafficOptions {
            gateway: gateway.running.address(),
            key: client_key.expose().to_owned(),
            interval: TRAFFIC_EVERY,
            concurrency: 16,
            seed: 7,
        };
        let traffic = tokio::spawn(traffic::run(options, outcomes, stop.clone()));
        let password = first_admin(&gateway).await?;
        announce(&gateway, client_key.expose(), password.as_deref());
        run::stop_signal().await?;
        stop.cancel();
        traffic.await?;
        gateway.stop().await;
        sim.stop().await;
        anyhow::Ok(())
    });
    if temporary && let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the demo's data is left behind");
    }
    result
}

/// A folder of our own among the temporary ones: nobody else can have made it or can look into it.
fn new_folder() -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("waybill-demo-{}", vault::random_text()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Makes the admin whose sign-in is printed, and says their password. `None`: the data folder has admins already.
async fn first_admin(gateway: &Gateway) -> anyhow::Result<Option<String>> {
    let shared = gateway.running.shared();
    let password = vault::random_text();
    let new = NewAdminUser {
        name: ADMIN.to_owned(),
        role: Role::Admin,
        status: Status::Active,
        password_hash: shared
            .people
            .passwords
            .hash(Secret::new(password.clone()))
            .await?,
    };
    let made = shared
        .store
        .create_first_admin_user(new, shared.clock.now())
        .await?;
    Ok(made.map(|_| password))
}

fn announce(gateway: &Gateway, client_key: &str, password: Option<&str>) {
    let sign_in = password.map_or_else(
        || "sign in as before".to_owned(),
        |password| format!("sign in as {ADMIN}, password {password}"),
    );
    let address = gateway.running.address();
    let token = gateway.running.shared().admin_token.expose();
    // As it was called, so that the lines below can be pasted.
    let waybill = std::env::args()
        .next()
        .unwrap_or_else(|| "waybill".to_owned());
    println!(
        "\n  Waybill demo: a gateway before simulated providers with faults, two requests a second\n\n  \
         console      http://{address}/console/   {sign_in}\n  gateway      http://{address}\n  client key   {client_key}\n  admin token  {token}\n\n  \
         failures     {waybill} errors list --url http://{address} --token {token}\n  \
         as they come {waybill} errors tail --url http://{address} --token {token}\n  \
         accounts     {waybill} accounts list --url http://{address} --token {token}\n  \
         one of them  {waybill} accounts show openai-expired --url http://{address} --token {token}\n  \
         availability curl -H 'authorization: Bearer {token}' \
         'http://{address}/api/v1/admin/ops/account-availability'\n  \
         hidden ones  curl -H 'authorization: Bearer {token}' \
         'http://{address}/api/v1/admin/ops/upstream-errors?recovered=true&time_range=5m'\n  \
         a request    curl http://{address}/v1/messages -H 'x-api-key: {client_key}' -H 'anthropic-version: 2023-06-01' \
         -d '{{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":64,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n\n  \
         Ctrl-C stops it.\n\nlistening on http://{address}"
    );
}

/// A file as an operator would write it.
fn configuration(providers: &str, client_key: &str) -> String {
    let mut text = String::new();
    let mut by_platform: BTreeMap<Platform, i32> = BTreeMap::new();
    for account in DEMO_ACCOUNTS {
        let priority = by_platform.entry(account.platform).or_default();
        *priority += 10;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "[[account]]\nname = \"{}\"\nplatform = \"{platform}\"\ngroups = [\"{platform}\"]\n\
             base_url = \"{providers}\"\ncredential = {{ api_key = \"{}\" }}\npriority = {priority}\nconcurrency = 8\n\n",
            account.name,
            account.key,
            platform = account.platform,
        );
    }
    for platform in by_platform.keys() {
        let _ = write!(
            text,
            "[[group]]\nname = \"{platform}\"\nplatform = \"{platform}\"\n\n"
        );
    }
    let groups: Vec<_> = by_platform
        .keys()
        .map(|platform| format!("\"{platform}\""))
        .collect();
    let _ = write!(
        text,
        "[[api_key]]\nname = \"demo\"\nkey = \"{client_key}\"\nuser = \"demo\"\ngroups = [{}]\n\n\
         [[user]]\nname = \"demo\"\n",
        groups.join(", "),
    );
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_demos_folder_is_new_and_closed_to_others() {
        let (one, other) = (new_folder().unwrap(), new_folder().unwrap());
        assert_ne!(one, other);
        for folder in [one, other] {
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            std::fs::remove_dir(folder).unwrap();
        }
    }
}
