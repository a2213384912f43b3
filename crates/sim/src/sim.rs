//! The simulator: listens, serves each connection, and breaks the ones it is told to break.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use waybill_model::time::UnixMillis;

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    allowance::{Allowances, LimitState},
    behaviour::Strictness,
    clock::SimClock,
    fast::{Fast, Prepared},
    fault::Rule,
    limit::Limit,
    line::{Control, Line, obey},
    provider::token::TokenEndpoint,
    received::{Counters, KeyCounters, Log, Received},
    script::{RuleState, Script},
    serve,
};

/// How a simulator behaves when no rule says otherwise.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Credentials that are accepted; others get the provider's 401. Empty (the default): any, and none.
    pub keys: Vec<String>,
    /// Which requests are checked as strictly as the real services check them.
    pub strictness: Strictness,
    /// Where the draws of [`Rule::share`] and the request ids begin. Default 1.
    pub seed: u64,
    /// Words in each frame of a stream. Default 3.
    pub chunk_words: usize,
    /// Rest between the content frames of a stream. Default none: what is ready goes out together.
    pub chunk_pause: Duration,
    /// Requests kept for [`Sim::received`], the newest. Default 1024; 0 keeps nothing.
    pub keep: usize,
    /// Answers prepared at start instead of made for each request. Limits do not apply to them.
    pub fast: Option<Fast>,
    /// What time it is. Default: the machine's.
    pub clock: SimClock,
}

impl Default for SimOptions {
    fn default() -> Self {
        SimOptions {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            keys: Vec::new(),
            strictness: Strictness::default(),
            seed: 1,
            chunk_words: 3,
            chunk_pause: Duration::ZERO,
            keep: 1024,
            fast: None,
            clock: SimClock::System,
        }
    }
}

/// What every request of one simulator shares.
pub(crate) struct Shared {
    pub options: SimOptions,
    pub script: Script,
    pub allowances: Allowances,
    pub log: Arc<Log>,
    pub tokens: TokenEndpoint,
    pub fast: Option<Prepared>,
    pub started: UnixMillis,
}

/// A running simulator. Dropping it closes every connection.
pub struct Sim {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sim {
    /// Starts listening on the current tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(options: SimOptions) -> io::Result<Sim> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Script::new(options.seed),
            log: Arc::new(Log::new(options.keep)),
            tokens: TokenEndpoint::default(),
            fast: options.fast.as_ref().map(Fast::prepare),
            allowances: Allowances::default(),
            started: options.clock.now(),
            options,
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(
            listener,
            Arc::clone(&shared),
            stop.clone(),
            tasks.clone(),
        ));
        Ok(Sim {
            shared,
            address,
            stop,
            tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for an account or an SDK, without a version segment or a final slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule behind the others; the first that matches a request decides.
    pub fn script(&self, rule: Rule) {
        self.shared.script.add(rule);
    }

    /// Removes every rule.
    pub fn clear_script(&self) {
        self.shared.script.clear();
    }

    /// Every rule and how often it hit.
    pub fn rules(&self) -> Vec<RuleState> {
        self.shared.script.states()
    }

    /// Adds a limit that accounts have. Rules come before limits.
    pub fn limit(&self, limit: Limit) {
        self.shared.allowances.add(limit);
    }

    /// Removes every limit.
    pub fn clear_limits(&self) {
        self.shared.allowances.clear();
    }

    /// Every limit and how often it refused a request.
    pub fn limits(&self) -> Vec<LimitState> {
        self.shared.allowances.states()
    }

    /// Its token endpoint, at `/token`.
    pub fn tokens(&self) -> &TokenEndpoint {
        &self.shared.tokens
    }

    /// The newest requests, oldest first; at most [`SimOptions::keep`].
    pub fn received(&self) -> Vec<Received> {
        self.shared.log.all()
    }

    /// Forgets what was received; the counters stay.
    pub fn clear_received(&self) {
        self.shared.log.clear();
    }

    /// How many requests were and are being served.
    pub fn counters(&self) -> Counters {
        self.shared.log.counters()
    }

    /// The same for each credential that was presented (empty: none). Not counted in [fast](Fast) mode.
    pub fn by_key(&self) -> BTreeMap<String, KeyCounters> {
        self.shared.log.keys()
    }

    /// Closes the listener and every connection, and waits until all are gone.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        // Out of file descriptors or a peer that left while queued: the next may do better.
        let Ok((tcp, _)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(connection(tcp, shared)).await;
        });
    }
}

async fn connection(tcp: TcpStream, shared: Arc<Shared>) {
    // Without it a paced stream stalls on delayed acknowledgements.
    let _ = tcp.set_nodelay(true);
    let tcp = Arc::new(tcp);
    let control = Arc::new(Control::default());
    let order = {
        let line = TokioIo::new(Line::new(Arc::clone(&tcp)));
        let service = service_fn(|request| {
            serve::request(request, Arc::clone(&shared), Arc::clone(&control))
        });
        let server = auto::Builder::new(TokioExecutor::new());
        let serving = server.serve_connection(line, service);
        tokio::select! {
            // How a peer ends its connection is its own affair.
            _ = serving => return,
            order = control.given() => order,
        }
    };
    obey(tcp, order).await;
}
