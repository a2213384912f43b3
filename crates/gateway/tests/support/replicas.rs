//! Several gateways over one PostgreSQL, as processes.

use std::path::Path;

use tempfile::TempDir;
use waybill_sim::{Sim, SimOptions};
use waybill_testbed::Postgres;

use super::{Setup, binary::Binary, configuration, eventually};

/// What all replicas of a deployment have in common.
pub const SECRET_KEY: &str = "secret-key-for-tests-0123456789";

/// A database, providers, and a folder for each replica.
pub struct Deployment {
    pub sim: Sim,
    pub database: String,
    folder: TempDir,
    /// The configuration without what differs between replicas.
    configuration: String,
}

impl Deployment {
    /// One over a database of its own on the server that tests share.
    pub async fn new(setup: Setup) -> Deployment {
        let database = Postgres::shared().create_database("gateway").unwrap();
        Deployment::over(setup, database).await
    }

    /// The same over a given database.
    pub async fn over(setup: Setup, database: String) -> Deployment {
        let sim = Sim::start(SimOptions {
            keep: 0,
            ..setup.sim.clone()
        })
        .await
        .unwrap();
        Deployment {
            configuration: configuration(&setup, &sim.url()),
            sim,
            database,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Changes the configuration of replicas that are started from now on.
    pub fn change(&mut self, change: impl FnOnce(String) -> String) {
        self.configuration = change(std::mem::take(&mut self.configuration));
    }

    /// What a replica is configured with.
    pub fn configuration(&self, name: &str, database: &str) -> String {
        format!(
            "database_url = \"{database}\"\nsecret_key = \"{SECRET_KEY}\"\nreplica_name = \"{name}\"\n{}",
            self.configuration
        )
    }

    /// A replica's folder: stays when it ends.
    pub fn folder(&self, name: &str) -> std::path::PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Starts a replica.
    pub async fn replica(&self, name: &str) -> Binary {
        self.replica_by(name, &self.database).await
    }

    /// Starts a replica that reaches the database by another address.
    pub async fn replica_by(&self, name: &str, database: &str) -> Binary {
        let folder: &Path = &self.folder(name);
        Binary::serve(folder, &self.configuration(name, database), &[]).await
    }
}

/// Waits until as many records as were due, or more, are in the database, and none waits anywhere; answers
/// the books.
pub async fn all_stored(replica: &Binary, due: usize) -> serde_json::Value {
    eventually("everything due is stored", || async {
        let books = replica.ops("books").await;
        let done = books["due"] == books["stored"] && books["spooled"] == 0;
        (done && books["due"].as_u64()? >= due as u64).then_some(books)
    })
    .await
}
