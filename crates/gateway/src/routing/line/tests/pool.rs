//! A group of accounts, a line before them, and requests of any key.

use std::{pin::Pin, sync::atomic::AtomicI64};

use waybill_model::{
    entity::{Account, ApiKey, Group, HttpVersion, Sealed, Status, Sticky, User},
    id::{AccountEventId, AccountId, GroupId, UserId},
    limits::{Limits, Quota},
    protocol::{Platform, Protocol},
    secret::Secret,
    state::{AccountEvent, AccountEventKind, Scope},
};
use waybill_wire::translate::tongue::Tongues;

use super::super::*;
use crate::{
    egress::{CustomHeaders, Opened},
    routing::{Live, Snapshot, plan::Wanted},
};

const KEY_HASH: [u8; 32] = [7; 32];

pub type Asked = Pin<Box<dyn Future<Output = Routed> + Send>>;

#[derive(Clone, Copy)]
pub struct Settings {
    pub slots: Option<u32>,
    pub quota: Quota,
}

impl Settings {
    pub fn slots(slots: u32) -> Settings {
        Settings {
            slots: Some(slots),
            quota: Quota::default(),
        }
    }
}

/// Its accounts have the ids 1, 2, 3, …; its clock stands at 0.
pub struct Pool {
    pub line: Arc<Line>,
    pub clock: Clock,
    time: Arc<AtomicI64>,
    snapshot: Snapshot,
}

impl Pool {
    pub fn new(accounts: &[Settings]) -> Pool {
        Pool::with(LineSettings::default(), accounts)
    }

    pub fn with(settings: LineSettings, accounts: &[Settings]) -> Pool {
        Pool::before(Line::new(settings), accounts)
    }

    /// Of accounts that are shared with other replicas.
    pub fn shared(accounts: &[Settings]) -> Pool {
        Pool::before(Line::shared(LineSettings::default()), accounts)
    }

    fn before(line: Arc<Line>, accounts: &[Settings]) -> Pool {
        let time = Arc::new(AtomicI64::new(0));
        Pool {
            clock: Clock::Manual(Arc::clone(&time)),
            snapshot: picture(accounts, &line, &Snapshot::default()),
            line,
            time,
        }
    }

    /// The accounts are others from now on.
    pub fn change(&mut self, accounts: &[Settings]) {
        self.snapshot = picture(accounts, &self.line, &self.snapshot);
    }

    pub fn set_time(&self, at: i64) {
        self.time.store(at, Ordering::Relaxed);
    }

    pub fn plan(&self, model: &str, tokens: u64) -> Plan {
        let wanted = Wanted {
            protocol: Protocol::Anthropic,
            only: None,
            open: Tongues::ALL,
            model: Some(&Arc::from(model)),
            sticky: None,
            tokens,
            request_id: None,
        };
        Plan::new(self.snapshot.key(&KEY_HASH).unwrap(), wanted).unwrap()
    }

    pub fn ask(&self, key: i64) -> Asked {
        self.ask_until(key, 600_000)
    }

    pub fn ask_for(&self, key: i64, tokens: u64) -> Asked {
        self.ask_with(key, self.plan("m", tokens))
    }

    pub fn ask_model(&self, key: i64, model: &str) -> Asked {
        self.ask_with(key, self.plan(model, 0))
    }

    pub fn ask_with(&self, key: i64, plan: Plan) -> Asked {
        self.asked(key, plan, 600_000)
    }

    pub fn ask_until(&self, key: i64, give_up_ms: u64) -> Asked {
        self.asked(key, self.plan("m", 0), give_up_ms)
    }

    fn asked(&self, key: i64, plan: Plan, give_up_ms: u64) -> Asked {
        let (line, clock) = (Arc::clone(&self.line), self.clock.clone());
        let give_up_at = Instant::now() + Duration::from_millis(give_up_ms);
        Box::pin(async move { line.choose(plan, ApiKeyId(key), &clock, give_up_at).await })
    }

    pub fn live(&self, account: i64) -> &Arc<Live> {
        &self.snapshot.account(AccountId(account)).unwrap().live
    }

    pub fn in_flight(&self) -> u32 {
        self.snapshot.accounts().map(|a| a.live.in_flight()).sum()
    }

    /// Applies an event to the first account.
    pub fn happens(&self, event: &AccountEvent) {
        let account = self.snapshot.account(AccountId(1)).unwrap();
        account.live.change(|state| state.apply(event));
    }

    pub fn recovers(&self) {
        self.happens(&AccountEvent {
            kind: AccountEventKind::Recovered,
            until: None,
            ..limited(1_000_000, Scope::Account, 0)
        });
    }
}

/// A limit of the first account.
pub fn limited(id: i64, scope: Scope, until: i64) -> AccountEvent {
    AccountEvent {
        id: AccountEventId(id),
        at: UnixMillis(0),
        account_id: AccountId(1),
        kind: AccountEventKind::RateLimited,
        scope,
        since: None,
        until: Some(UnixMillis(until)),
        source: None,
        strikes: 1,
        cause: None,
        status_code: Some(429),
        reason: String::new(),
        request_id: None,
        attempt: None,
        actor: None,
        undoes: None,
    }
}

/// Nobody waits, no slot is lost, everyone who joined has had one fate.
#[track_caller]
pub fn is_at_rest(pool: &Pool) {
    let counts = pool.line.counts();
    assert_eq!(pool.in_flight(), 0, "{counts:?}");
    assert!(!pool.line.is_waiting() && counts.waiting == 0 && counts.groups.is_empty());
    assert!(
        pool.line
            .crowds
            .iter()
            .all(|crowd| crowd.load(Ordering::Relaxed) == 0)
    );
    assert_eq!(
        pool.line.asked.load(Ordering::Relaxed),
        0,
        "nobody is at it"
    );
    assert_eq!(
        counts.joined,
        counts.served + counts.timed_out + counts.left + counts.given_up,
        "{counts:?}"
    );
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn picture(accounts: &[Settings], line: &Arc<Line>, previous: &Snapshot) -> Snapshot {
    let zero = UnixMillis(0);
    let group = Group {
        id: GroupId(1),
        name: "group".into(),
        platform: Platform::Anthropic,
        protocols: vec![Protocol::Anthropic],
        model_mapping: Vec::new(),
        sticky: Sticky::Off,
        state_rules: Vec::new(),
        status: Status::Active,
        created_at: zero,
        updated_at: zero,
    };
    let user = User {
        id: UserId(1),
        name: "user".into(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
        created_at: zero,
        updated_at: zero,
    };
    let key = ApiKey {
        id: ApiKeyId(1),
        name: "key".into(),
        hash: KEY_HASH,
        prefix: "k".into(),
        user_id: user.id,
        group_ids: vec![group.id],
        limits: Limits::default(),
        status: Status::Active,
        expires_at: None,
        created_at: zero,
        updated_at: zero,
    };
    let accounts: Vec<_> = (1..)
        .zip(accounts)
        .map(|(id, settings)| Account {
            id: AccountId(id),
            name: format!("account-{id}"),
            platform: Platform::Anthropic,
            base_url: "https://provider.test".into(),
            fallback_urls: Vec::new(),
            apis: Vec::new(),
            project: None,
            group_ids: vec![group.id],
            priority: 0,
            concurrency: settings.slots,
            models: Vec::new(),
            model_mapping: Vec::new(),
            http_version: HttpVersion::Auto,
            credential: Sealed(Vec::new()),
            quota: settings.quota,
            counted_statuses: None,
            state_rules: Vec::new(),
            probe: None,
            proxy: None,
            headers: None,
            status: Status::Active,
            created_at: zero,
            updated_at: zero,
        })
        .collect();
    let opened = |_: &Account| {
        Some(Opened {
            credential: crate::credential::AtRest::new(crate::credential::Definition::ApiKey(
                Secret::new("sk-test"),
            )),
            proxy: None,
            headers: CustomHeaders::default(),
        })
    };
    Snapshot::build(&[group], &accounts, &[user], &[key], opened, line, previous)
}
