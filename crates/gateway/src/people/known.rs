//! Who a token or a session belongs to: asked of the store, remembered for a moment.
//!
//! Promises: what is revoked works nowhere after [`FRESH`]; here it ends at once; when something was last used
//! is written at most once a minute, by nobody who waits. Must not know: HTTP.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use waybill_model::{
    entity::Status,
    people::{AdminToken, AdminUser, Area, Role},
    time::UnixMillis,
};
use waybill_store::{Session, Store, StoreError};

/// For how long an answer of the store's is gone by.
pub const FRESH: Duration = Duration::from_secs(2);

/// Without use a session is over after this.
pub const IDLE_MS: i64 = 12 * 3_600_000;

/// However it is used, a session is over after this.
pub const LONGEST_MS: i64 = 7 * 24 * 3_600_000;

/// When something was last used is written this often at most.
const TOUCH_MS: i64 = 60_000;

/// Answers that are remembered at once.
const MOST: usize = 1_024;

/// What somebody is known through.
#[derive(Debug, Clone)]
pub enum Pass {
    /// A personal token.
    Token(AdminToken),
    /// A session.
    Session(Session),
}

/// Whom a pass belongs to.
#[derive(Debug, Clone)]
pub struct Found {
    /// Whose it is.
    pub user: AdminUser,
    /// What they are known through.
    pub pass: Pass,
    touched: Arc<AtomicBool>,
}

impl Found {
    /// Whether it still works.
    fn works(&self, now: UnixMillis) -> bool {
        let in_time = match &self.pass {
            Pass::Token(token) => token.expires_at.is_none_or(|at| now < at),
            Pass::Session(session) => {
                now < session.expires_at && now < session.seen_at.plus_ms(IDLE_MS)
            }
        };
        in_time && self.user.status == Status::Active
    }

    /// What whoever bears it may do.
    pub fn role(&self) -> Role {
        match &self.pass {
            Pass::Token(token) => token.role.min(self.user.role),
            Pass::Session(_) => self.user.role,
        }
    }

    /// The areas it is kept to.
    pub fn areas(&self) -> &[Area] {
        match &self.pass {
            Pass::Token(token) => &token.scopes,
            Pass::Session(_) => &[],
        }
    }
}

/// Which kind of pass a hash is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A personal token's.
    Token,
    /// A session's.
    Session,
}

/// Which pass, by what is kept of it: to look again whether it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassId {
    /// Of which kind.
    pub kind: Kind,
    /// Its keyed hash.
    pub hash: [u8; 32],
}

type Remembered = HashMap<(Kind, [u8; 32]), (Instant, Found)>;

/// Who is known.
#[derive(Debug, Default)]
pub struct Known(Mutex<Remembered>);

impl Known {
    /// Who was found a moment ago, if they were.
    pub fn remembered(&self, kind: Kind, hash: [u8; 32], now: UnixMillis) -> Option<Found> {
        let all = self.lock();
        let (at, found) = all.get(&(kind, hash))?;
        (at.elapsed() < FRESH && found.works(now)).then(|| found.clone())
    }

    /// Whose it is, if it works.
    pub async fn find(
        &self,
        store: &Store,
        kind: Kind,
        hash: [u8; 32],
        now: UnixMillis,
    ) -> Result<Option<Found>, StoreError> {
        if let Some(found) = self.remembered(kind, hash, now) {
            return Ok(Some(found));
        }
        // Taken before the store is asked: what is revoked meanwhile is asked for again in time.
        let asked = Instant::now();
        let found = match kind {
            Kind::Token => store
                .admin_token_by_hash(hash)
                .await?
                .map(|(token, user)| (Pass::Token(token), user)),
            Kind::Session => store
                .session_by_hash(hash)
                .await?
                .map(|(session, user)| (Pass::Session(session), user)),
        };
        let found = found.map(|(pass, user)| Found {
            user,
            pass,
            touched: Arc::default(),
        });
        let found = found.filter(|found| found.works(now));
        if let Some(found) = &found {
            let mut all = self.lock();
            if all.len() >= MOST {
                all.retain(|_, (at, _)| at.elapsed() < FRESH);
            }
            if all.len() < MOST {
                all.insert((kind, hash), (asked, found.clone()));
            }
        }
        Ok(found)
    }

    /// Something was changed or revoked here: the store is asked again at once.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that something was used, if that is worth a write; nobody waits for it.
pub fn touch(store: &Store, found: &Found, now: UnixMillis) {
    let last = match &found.pass {
        Pass::Token(token) => token.last_used_at,
        Pass::Session(session) => Some(session.seen_at),
    };
    let is_recent = last.is_some_and(|last| now.0 - last.0 < TOUCH_MS);
    if is_recent || found.touched.swap(true, Ordering::Relaxed) {
        return;
    }
    let (store, pass) = (store.clone(), found.pass.clone());
    tokio::spawn(async move {
        let written = match pass {
            Pass::Token(token) => store.admin_token_used(token.id, now).await,
            Pass::Session(session) => store.session_seen(session.id, now).await,
        };
        if let Err(error) = written {
            tracing::debug!(%error, "when a token was last used could not be written");
        }
    });
}
