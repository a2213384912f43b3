//! PostgreSQL for tests: one server per process, one database per test.

use std::sync::OnceLock;

use waybill_testbed::Postgres;

use super::replica;

/// A database of its own, with the schema in place.
pub fn database() -> String {
    Postgres::shared().create_database_from(template()).unwrap()
}

/// A database of its own, with the schema in place, that goes when whoever has this has gone: hundreds of tests
/// would fill a disk.
pub struct Own(String);

impl Own {
    pub fn new() -> Own {
        Own(database())
    }

    pub fn url(&self) -> &str {
        &self.0
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // By itself, so that nobody waits for it. The server goes with the process in any case.
        let url = std::mem::take(&mut self.0);
        std::thread::spawn(move || Postgres::shared().drop_database(&url));
    }
}

/// A database of its own, with nothing in it.
pub fn empty_database() -> String {
    Postgres::shared().create_database("empty").unwrap()
}

/// Runs SQL; answers rows as lines.
pub fn sql(url: &str, statements: &str) -> String {
    Postgres::shared().sql(url, statements).unwrap()
}

/// Migrated once, copied for every test.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let url = Postgres::shared().create_database("template").unwrap();
        migrate_by_itself(&url);
        // A database that somebody is connected to cannot be copied.
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'template%'";
        let until = std::time::Instant::now() + super::DEADLINE;
        while sql(&Postgres::shared().url(), sessions) != "0" {
            assert!(std::time::Instant::now() < until, "the template is in use");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        url
    })
}

/// On a thread of its own: whoever asks may be on a runtime, where nothing may block.
fn migrate_by_itself(url: &str) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let folder = tempfile::tempdir().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let store = replica(folder.path(), url, |_, _| {});
            runtime.block_on(store.migrate()).unwrap();
        });
    });
}
