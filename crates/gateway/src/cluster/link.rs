//! The link to Redis: one connection, for commands and for what others publish.
//!
//! Promises: nothing waits for it longer than [`PATIENCE`]; whatever goes wrong, a network that swallows
//! everything included, it is *away*, since when and why, and comes back by itself; an answer is never
//! taken for another's, since a connection of which one is missing is given up. Must not know: what is
//! exchanged.

use std::{
    collections::HashMap,
    fmt::Display,
    sync::{Arc, PoisonError, RwLock, Weak},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Pipeline, ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo,
    Value,
    aio::{ConnectionLike as _, MultiplexedConnection},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{mpsc, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};
use waybill_model::time::UnixMillis;

use super::{address::RedisUrl, counts::Counts};
use crate::clock::Clock;

/// Longest wait for an answer. A Redis in the same network takes less than a millisecond.
const PATIENCE: Duration = Duration::from_millis(250);

/// For a connection: name, TCP, TLS, sign-in, scripts, subscriptions together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// Rest before the next try: doubled up to the second, so that after a restart everyone says what they
/// hold well within a lease.
const REST: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(800)];

/// Messages that may wait to be read; beyond, they are lost, counted, and what was missed is read up.
const INBOX: usize = 8192;

/// Redis cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis is away")]
pub struct Away;

/// How it stands with Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It answers. The number grows with every connection.
    Up {
        /// Since when.
        since: UnixMillis,
        /// Which connection it is.
        connection: u64,
    },
    /// It does not.
    Away {
        /// Since when.
        since: UnixMillis,
        /// What was said, or that nothing was.
        reason: String,
    },
}

/// A script, known to Redis by the digest of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Script {
    /// The judge of slots.
    Slots,
    /// Who is there.
    Member,
}

impl Script {
    const ALL: [Script; 2] = [Script::Slots, Script::Member];

    const fn text(self) -> &'static str {
        match self {
            Script::Slots => include_str!("slots.lua"),
            Script::Member => include_str!("member.lua"),
        }
    }
}

/// What all tasks ask Redis through.
pub struct Link {
    url: RedisUrl,
    tls: Arc<ClientConfig>,
    /// Channels, and where their messages go.
    inboxes: HashMap<String, mpsc::Sender<String>>,
    connected: RwLock<Option<Arc<Connected>>>,
    state: watch::Sender<State>,
    clock: Clock,
    counts: Arc<Counts>,
}

/// A connection that stands. Dropping the last reference closes it.
struct Connected {
    number: u64,
    connection: MultiplexedConnection,
    scripts: HashMap<Script, String>,
    driver: AbortHandle,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What is asked in one go.
pub struct Ask {
    pipeline: Pipeline,
    connected: Arc<Connected>,
}

impl Ask {
    /// A command.
    pub fn command(&mut self, name: &str) -> &mut Pipeline {
        self.pipeline.cmd(name)
    }

    /// A script's call with its keys; its arguments are to follow.
    pub fn script(&mut self, script: Script, keys: &[String]) -> &mut Pipeline {
        let digest = self.connected.scripts.get(&script);
        let call = self.pipeline.cmd("EVALSHA");
        call.arg(digest.map_or("", String::as_str))
            .arg(keys.len())
            .arg(keys)
    }

    /// Commands so far.
    pub fn len(&self) -> usize {
        self.pipeline.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Link {
    /// A link that is away until [`Link::keep`] has connected it; and what is published on `channels`.
    pub fn new(
        url: RedisUrl,
        tls: Arc<ClientConfig>,
        channels: &[String],
        clock: Clock,
        counts: Arc<Counts>,
    ) -> (Arc<Link>, Vec<mpsc::Receiver<String>>) {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            channels.iter().map(|_| mpsc::channel(INBOX)).unzip();
        let state = State::Away {
            since: clock.now(),
            reason: "not connected yet".to_owned(),
        };
        let link = Link {
            url,
            tls,
            inboxes: channels.iter().cloned().zip(senders).collect(),
            connected: RwLock::new(None),
            state: watch::Sender::new(state),
            clock,
            counts,
        };
        (Arc::new(link), receivers)
    }

    /// Where it leads, without a password.
    pub fn address(&self) -> String {
        self.url.to_string()
    }

    /// How it stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Whether it stands.
    pub fn is_up(&self) -> bool {
        matches!(*self.state.borrow(), State::Up { .. })
    }

    /// Something to be asked.
    pub fn ask(&self) -> Result<Ask, Away> {
        let connected = self.current().ok_or(Away)?;
        Ok(Ask {
            pipeline: redis::pipe(),
            connected,
        })
    }

    /// Asks, and waits for every answer, but not long. An error that Redis answers with makes it away,
    /// too: it says why, and is tried again.
    pub async fn answers(&self, ask: Ask) -> Result<Vec<Value>, Away> {
        let Ask {
            pipeline,
            connected,
        } = ask;
        let count = pipeline.len();
        let mut connection = connected.connection.clone();
        let asked = connection.req_packed_commands(&pipeline, 0, count);
        let reason = match timeout(PATIENCE, asked).await {
            Ok(Ok(values)) => match values.iter().find_map(error_in) {
                None => return Ok(values),
                Some(error) => error,
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", PATIENCE.as_millis()),
        };
        self.lost(connected.number, reason);
        Err(Away)
    }

    /// Connects, and connects again, for as long as it is let.
    pub async fn keep(self: Arc<Self>) {
        let mut state = self.state();
        let mut rest = REST[0];
        for number in 1.. {
            match timeout(CONNECT_PATIENCE, self.connect(number)).await {
                Ok(Ok(())) => rest = REST[0],
                Ok(Err(reason)) => self.is_away(reason),
                Err(_) => {
                    let waited = CONNECT_PATIENCE.as_millis();
                    self.is_away(format!("no connection within {waited} ms"));
                }
            }
            // Never while the sender is here.
            let _ = state
                .wait_for(|state| matches!(state, State::Away { .. }))
                .await;
            sleep(rest).await;
            rest = (rest * 2).min(REST[1]);
        }
    }

    async fn connect(self: &Arc<Self>, number: u64) -> Result<(), String> {
        let tcp = TcpStream::connect((&*self.url.host, self.url.port))
            .await
            .map_err(|error| format!("connecting: {error}"))?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        if !self.url.tls {
            return self.sign_in(tcp, number).await;
        }
        let name = ServerName::try_from(self.url.host.clone())
            .map_err(|_| "its host is no name that a certificate can have".to_owned())?;
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await
            .map_err(|error| format!("TLS: {error}"))?;
        self.sign_in(stream, number).await
    }

    async fn sign_in<S>(self: &Arc<Self>, stream: S, number: u64) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let text = |error: redis::RedisError| error.to_string();
        let mut info = RedisConnectionInfo::default()
            // Answers and messages over one connection.
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("waybill", env!("CARGO_PKG_VERSION"))
            .set_db(self.url.database);
        if let Some(user) = &self.url.user {
            info = info.set_username(user);
        }
        if let Some(password) = &self.url.password {
            info = info.set_password(password.expose());
        }
        let link = Arc::downgrade(self);
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_push_sender(move |push| {
                receive(&link, push);
                Ok::<(), redis::aio::SendError>(())
            });
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(&info, stream, config)
                .await
                .map_err(text)?;
        let link = Arc::downgrade(self);
        let driver = tokio::spawn(async move {
            driver.await;
            if let Some(link) = link.upgrade() {
                link.lost(number, "the connection was closed".to_owned());
            }
        })
        .abort_handle();
        let mut connected = Connected {
            number,
            connection: connection.clone(),
            scripts: HashMap::new(),
            driver,
        };
        for script in Script::ALL {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(script.text());
            let digest = load.query_async(&mut connection).await.map_err(text)?;
            connected.scripts.insert(script, digest);
        }
        let channels: Vec<&String> = self.inboxes.keys().collect();
        connection.subscribe(&channels).await.map_err(text)?;
        self.is_connected(connected);
        Ok(())
    }

    fn is_connected(&self, connected: Connected) {
        let number = connected.number;
        *self
            .connected
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connected));
        tracing::info!(redis = %self.url, "Redis is there");
        self.state.send_replace(State::Up {
            since: self.clock.now(),
            connection: number,
        });
    }

    /// A connection is of no use any more. A newer one is none of its business.
    fn lost(&self, number: u64, reason: String) {
        let lost = {
            let mut connected = self
                .connected
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            connected.take_if(|connected| connected.number == number)
        };
        if lost.is_some() {
            self.counts.losses.add(1);
            self.is_away(reason);
        }
    }

    /// Notes why it is away; since when stays what it was.
    fn is_away(&self, reason: String) {
        let now = self.clock.now();
        self.state.send_modify(|state| {
            let (since, known) = match state {
                State::Up { .. } => (now, None),
                State::Away { since, reason } => (*since, Some(&*reason)),
            };
            if known != Some(&reason) {
                tracing::warn!(redis = %self.url, %reason, "Redis is away; this replica goes on with its own view");
            }
            *state = State::Away { since, reason };
        });
    }

    fn current(&self) -> Option<Arc<Connected>> {
        self.connected
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A message goes to who reads its channel. Called by the connection's task: it must not wait.
fn receive(link: &Weak<Link>, push: PushInfo) {
    let (PushKind::Message, Some(link)) = (push.kind, link.upgrade()) else {
        return;
    };
    let mut parts = push.data.into_iter().map(text_of);
    let (Some(Some(channel)), Some(Some(message))) = (parts.next(), parts.next()) else {
        return;
    };
    if let Some(inbox) = link.inboxes.get(&channel)
        && inbox.try_send(message).is_err()
    {
        link.counts.messages_lost.add(1);
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn error_in(value: &Value) -> Option<String> {
    match value {
        Value::ServerError(error) => Some(error.to_string()),
        _ => None,
    }
}

/// An answer's number.
pub fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

/// An answer's parts.
pub fn parts_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(parts) | Value::Set(parts) => parts,
        Value::Map(pairs) => pairs.into_iter().flat_map(|(k, v)| [k, v]).collect(),
        _ => Vec::new(),
    }
}

/// An answer's text.
pub fn string_of(value: Value) -> Option<String> {
    text_of(value)
}

impl Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Up { since, .. } => write!(f, "up since {since}"),
            State::Away { since, reason } => write!(f, "away since {since}: {reason}"),
        }
    }
}
