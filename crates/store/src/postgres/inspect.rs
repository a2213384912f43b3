//! What can be found out about a shared store without changing it: for whoever looks for what is wrong.

use waybill_model::time::UnixMillis;

use super::{
    connect::Server,
    migrate::{self, Version},
};
use crate::{jobs::CLOCK, sql::Result};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// The server's version, as it says it.
    pub server_version: String,
    /// The same as a number: 150004 is 15.4.
    pub server_version_number: i64,
    /// The last step of the schema that was taken; 0 for an empty database.
    pub schema_version: u32,
    /// The oldest step that a program must know to run on it.
    pub schema_needs: u32,
    /// The last step that this program knows.
    pub schema_known: u32,
    /// It takes no changes: a standby, or switched so.
    pub read_only: bool,
    /// Whether this user may make tables.
    pub can_create: bool,
    /// Whether the tables are this user's, so that it can make days and drop them; also where there are none.
    pub owns_tables: bool,
    /// Whether text can be searched by an index: the extension is there, or can be made.
    pub has_trigrams: bool,
    /// The server's clock.
    pub now: UnixMillis,
    /// Connections the server takes, and those it has.
    pub connections: (i64, i64),
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// Bytes of the database.
    pub bytes: i64,
    /// What the deployment's instance key is told by, if one was ever used.
    pub key_check: Option<String>,
}

pub(super) async fn inspect(server: &Server, limit: std::time::Duration) -> Result<DatabaseFacts> {
    let client = server.connect(limit).await?;
    let Version { version, needs } = migrate::read(&client).await?;
    let sql = format!(
        "SELECT version(), CAST(current_setting('server_version_num') AS BIGINT),
         pg_is_in_recovery() OR CAST(current_setting('transaction_read_only') AS BOOLEAN),
         coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
         (SELECT count(*) = 2 FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')),
         {CLOCK}, CAST(current_setting('max_connections') AS BIGINT),
         (SELECT count(*) FROM pg_stat_activity),
         coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
         pg_database_size(current_database()),
         coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('errors')), true)"
    );
    let row = client.query_one(&sql, &[]).await?;
    let key_check = match version {
        0 => None,
        _ => client
            .query_one("SELECT key_check FROM deployment", &[])
            .await?
            .try_get(0)?,
    };
    Ok(DatabaseFacts {
        server_version: row.try_get(0)?,
        server_version_number: row.try_get(1)?,
        schema_version: version,
        schema_needs: needs,
        schema_known: migrate::known(),
        read_only: row.try_get(2)?,
        can_create: row.try_get(3)?,
        has_trigrams: row.try_get(4)?,
        now: UnixMillis(row.try_get(5)?),
        connections: (row.try_get(6)?, row.try_get(7)?),
        encrypted: row.try_get(8)?,
        bytes: row.try_get(9)?,
        owns_tables: row.try_get(10)?,
        key_check,
    })
}
