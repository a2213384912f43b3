//! The way to a server: addresses, TLS, and the settings that every connection has.
//!
//! Promises: an address is never shown with its password; connecting takes no longer than a few seconds;
//! a server that loses its client's machine or network notices within half a minute.

use std::{sync::Arc, time::Duration};

use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::{PostgresOptions, StoreError, sql::Result};

/// Longest time to connect, over all addresses of the server's name.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Silence after which the network is asked whether the server is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);

/// Bytes that are not acknowledged for so long are on a network that is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// The same for the other side, on every connection: a server waits for hours for a client whose machine or
/// network is gone, and holds for it what it locked.
const SERVER_LOOKS_AFTER_US: &str = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; \
     SET tcp_keepalives_count = 3; SET tcp_user_timeout = '20s'";

/// A server, and how to get there. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    config: Arc<Config>,
    tls: MakeRustlsConnect,
}

impl Server {
    /// # Errors
    /// [`StoreError::BadAddress`] for an address or a file of certificates that cannot be read.
    pub(crate) fn new(options: &PostgresOptions) -> Result<Server> {
        let bad = |error: &dyn std::fmt::Display| StoreError::BadAddress(error.to_string());
        let mut config = address(options)?;
        config
            .application_name("waybill")
            .connect_timeout(CONNECT_LIMIT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .tcp_user_timeout(UNACKNOWLEDGED);
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &options.ca {
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
                .map_err(|error| bad(&error))?;
            roots.add_parsable_certificates(certificates);
        }
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Server {
            config: Arc::new(config),
            tls: MakeRustlsConnect::new(tls),
        })
    }

    /// A connection whose statements take no longer than `statement_limit`. Its other half runs on the
    /// runtime of whoever awaits this.
    pub(crate) async fn connect(&self, statement_limit: Duration) -> Result<Client> {
        let connecting = self.config.connect(self.tls.clone());
        let (client, connection) = tokio::time::timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_| StoreError::Away)??;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = why(&error), "a connection to the database ended");
            }
        });
        // Plans for each set of values: a rare value and a common one want different indexes, and the
        // days of a window are known. Compiling them costs more than such short questions ever take.
        let settings = format!(
            "SET statement_timeout = {}; SET plan_cache_mode = force_custom_plan; SET jit = off; \
             SET client_min_messages = warning; SET max_parallel_workers_per_gather = 0; \
             SET random_page_cost = 1.1; SET enable_partitionwise_join = on; \
             SET idle_in_transaction_session_timeout = '60s'; {SERVER_LOOKS_AFTER_US}",
            statement_limit.as_millis()
        );
        tokio::time::timeout(CONNECT_LIMIT, client.batch_execute(&settings))
            .await
            .map_err(|_| StoreError::Away)??;
        Ok(client)
    }

    /// The same, with its other half still to be driven: for whoever listens.
    pub(crate) async fn connect_to_listen(&self) -> Result<(Client, Listening)> {
        let connecting = self.config.connect(self.tls.clone());
        Ok(tokio::time::timeout(CONNECT_LIMIT, connecting)
            .await
            .map_err(|_| StoreError::Away)??)
    }

    /// Asks the server to stop what runs on a connection.
    pub(crate) async fn cancel(&self, token: CancelToken) {
        let cancelling = token.cancel_query(self.tls.clone());
        if !matches!(
            tokio::time::timeout(CONNECT_LIMIT, cancelling).await,
            Ok(Ok(()))
        ) {
            tracing::debug!("a query could not be stopped; it ends at its own limit");
        }
    }
}

/// Reads an address.
pub(crate) fn address(options: &PostgresOptions) -> Result<Config> {
    let read: std::result::Result<Config, tokio_postgres::Error> = options.url.expose().parse();
    read.map_err(|error| StoreError::BadAddress(why(&error)))
}

/// The half of a connection that receives.
pub(crate) type Listening = tokio_postgres::Connection<
    tokio_postgres::Socket,
    <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream,
>;

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("hosts", &self.config.get_hosts())
            .field("dbname", &self.config.get_dbname())
            .finish_non_exhaustive()
    }
}

/// What went wrong, with what was behind it: the library's own words leave that out.
pub(crate) fn why(error: &tokio_postgres::Error) -> String {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}
