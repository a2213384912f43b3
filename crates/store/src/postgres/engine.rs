//! PostgreSQL as an engine: connections that take the common statements.
//!
//! Promises: no wait is without a bound, whatever becomes of the server or the network; a connection on
//! which something was stopped, or that may still be in a transaction, is not used again.
//!
//! Must not know: which tables there are.

use std::{
    cell::{Cell as Slot, RefCell},
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::{Handle, Runtime};
use tokio_postgres::{
    Client, Statement,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::connect::Server;
use crate::{
    StoreError,
    sql::{
        Access, Canceller, Cell, Cells, Connection, Db, Dialect, Engine, Result, Row, Value,
        storable,
    },
};

/// Statements kept prepared per connection. Filters make new ones; beyond, all are forgotten.
const MOST_STATEMENTS: usize = 256;

/// Longer than a statement may take at the server: whoever is still waiting then waits for a network that
/// is gone.
const GRACE: Duration = Duration::from_secs(2);

/// A server, and the thread on which its connections live.
#[derive(Debug)]
pub(crate) struct Postgres {
    server: Server,
    query_limit: Duration,
    runtime: Option<Runtime>,
}

impl Postgres {
    pub(crate) fn new(server: Server, query_limit: Duration) -> std::io::Result<Postgres> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        Ok(Postgres {
            server,
            query_limit,
            runtime: Some(runtime),
        })
    }

    fn handle(&self) -> Result<Handle> {
        let runtime = self.runtime.as_ref().ok_or(StoreError::Closed)?;
        Ok(runtime.handle().clone())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Whoever drops the last store may be on another runtime, where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine for Postgres {
    fn open(&self, _access: Access) -> Result<Box<dyn Connection>> {
        let handle = self.handle()?;
        let client = handle.block_on(self.server.connect(self.query_limit))?;
        Ok(Box::new(Link {
            client,
            handle,
            server: self.server.clone(),
            patience: self.query_limit + GRACE,
            statements: RefCell::default(),
            in_transaction: Slot::new(false),
            spoilt: Arc::default(),
        }))
    }
}

/// One connection.
struct Link {
    client: Client,
    handle: Handle,
    server: Server,
    patience: Duration,
    statements: RefCell<HashMap<String, Statement>>,
    in_transaction: Slot<bool>,
    /// Something was stopped on it: the word to stop may still be on its way.
    spoilt: Arc<AtomicBool>,
}

impl Link {
    fn wait<T>(
        &self,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let bounded = async { tokio::time::timeout(self.patience, answer).await };
        match self.handle.block_on(bounded) {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                self.spoilt.store(true, Ordering::Release);
                Err(StoreError::Away)
            }
        }
    }

    fn prepared(&self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(&Dialect::Postgres.places(sql)))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Connection for Link {
    fn db(&self) -> &dyn Db {
        self
    }

    fn begin(&self, access: Access) -> Result<()> {
        self.in_transaction.set(true);
        self.wait(self.client.batch_execute(match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // One change of the configuration at a time, over all replicas.
            Access::Write => "BEGIN; SELECT pg_advisory_xact_lock(1466005858, 4)",
        }))
    }

    fn commit(&self) -> Result<()> {
        self.wait(self.client.batch_execute("COMMIT"))?;
        self.in_transaction.set(false);
        Ok(())
    }

    fn roll_back(&self) -> Result<()> {
        if self.in_transaction.get() && self.is_connected() {
            self.wait(self.client.batch_execute("ROLLBACK"))?;
            self.in_transaction.set(false);
        }
        Ok(())
    }

    fn canceller(&self) -> Canceller {
        let (token, handle) = (self.client.cancel_token(), self.handle.clone());
        let (server, spoilt) = (self.server.clone(), Arc::clone(&self.spoilt));
        Box::new(move || {
            spoilt.store(true, Ordering::Release);
            let (token, server) = (token.clone(), server.clone());
            // Whether it arrives is the server's affair: the statement has a limit of its own.
            handle.spawn(async move { server.cancel(token).await });
        })
    }

    fn is_usable(&self) -> bool {
        self.is_connected() && !self.in_transaction.get()
    }
}

impl Link {
    fn is_connected(&self) -> bool {
        !self.client.is_closed() && !self.spoilt.load(Ordering::Acquire)
    }
}

impl Db for Link {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64> {
        let statement = self.prepared(sql)?;
        self.wait(self.client.execute(&statement, &parameters(values)))
    }

    fn each(
        &self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(&mut Cells<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.prepared(sql)?;
        let rows = self.wait(self.client.query(&statement, &parameters(values)))?;
        for row in &rows {
            each(&mut Cells::of(row))?;
        }
        Ok(())
    }
}

pub(super) fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

impl Row for tokio_postgres::Row {
    fn cell(&self, at: usize) -> Result<Cell<'_>> {
        let unreadable = StoreError::Unreadable { column: "type" };
        let column = self.columns().get(at).ok_or(StoreError::Unreadable {
            column: "missing column",
        })?;
        let cell = match *column.type_() {
            Type::INT8 => self.try_get::<_, Option<i64>>(at)?.map(Cell::Int),
            Type::INT4 => self
                .try_get::<_, Option<i32>>(at)?
                .map(|number| Cell::Int(number.into())),
            Type::BOOL => self.try_get::<_, Option<bool>>(at)?.map(Cell::Flag),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                self.try_get::<_, Option<&str>>(at)?.map(Cell::Text)
            }
            Type::BYTEA => self.try_get::<_, Option<&[u8]>>(at)?.map(Cell::Bytes),
            _ => return Err(unreadable),
        };
        Ok(cell.unwrap_or(Cell::Null))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(ty, out),
            (Value::Int(number), _) => number.to_sql(&Type::INT8, out),
            (Value::Flag(flag), _) => flag.to_sql(&Type::BOOL, out),
            (Value::Text(text), _) => storable(text).as_ref().to_sql(ty, out),
            (Value::Bytes(bytes), _) => bytes.to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
