//! The access token of one account while the gateway runs.
//!
//! One [`Bearer`] lives over snapshots, for as long as its account's credential is the same. It is changed by the
//! account's flight alone, of which there is one at a time. Promises: whoever finds a valid token takes no lock
//! and waits for nothing. Must not know: how a token is had.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use waybill_model::{
    state::{AccountState, Mark},
    time::UnixMillis,
};

use super::{
    answer::NoToken,
    definition::Source,
    rest::Grant,
    runway::Runway,
    when::{self, YOUNG_MS},
};

/// Stands for "the provider has refused none".
const NONE: i64 = i64::MIN;

/// An account's access token, and how it was last had.
#[derive(Debug)]
pub struct Bearer {
    /// What it is had for.
    source: Arc<Source>,
    held: ArcSwapOption<Held>,
    trouble: ArcSwapOption<Trouble>,
    /// When the token was had that the provider refused before its end.
    refused: AtomicI64,
    /// The token is not on record yet.
    is_unwritten: AtomicBool,
    runway: Arc<Runway>,
}

/// A token.
#[derive(Debug)]
pub struct Held {
    /// `Bearer …`, marked sensitive.
    pub header: HeaderValue,
    /// What was given.
    pub grant: Grant,
}

/// The last flight brought nothing.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Why.
    pub why: NoToken,
    /// When that was.
    pub at: UnixMillis,
    /// How often in a row.
    pub in_a_row: u32,
    /// Not to be tried again before.
    pub retry_at: UnixMillis,
    /// The account was marked for it. Whoever takes the mark away, on whichever replica, says that it is worth
    /// another try.
    pub is_marked: bool,
}

impl Trouble {
    /// Whether it is not to be tried again yet, on an account that is in this state.
    pub(super) fn rests(&self, now: UnixMillis, state: &AccountState) -> bool {
        let stands = |mark: &Mark| mark.cause == Some(self.why.cause);
        now < self.retry_at && (!self.is_marked || state.marks().iter().any(stands))
    }
}

impl Bearer {
    /// One that begins with what is on record.
    pub fn new(source: Arc<Source>, grant: Option<Grant>) -> Bearer {
        let bearer = Bearer {
            source,
            held: ArcSwapOption::empty(),
            trouble: ArcSwapOption::empty(),
            refused: AtomicI64::new(NONE),
            is_unwritten: AtomicBool::new(false),
            runway: Arc::default(),
        };
        bearer.adopt(grant);
        bearer
    }

    /// What it is had for.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The token, be it valid or not.
    pub fn held(&self) -> Option<Arc<Held>> {
        self.held.load_full()
    }

    /// What is sent to the provider.
    pub fn header(&self) -> Option<HeaderValue> {
        self.held.load().as_ref().map(|held| held.header.clone())
    }

    /// Why the last flight brought none.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.trouble.load_full()
    }

    /// Whether a request may be sent with it.
    pub fn is_valid(&self, now: UnixMillis) -> bool {
        self.held
            .load()
            .as_ref()
            .is_some_and(|held| held.grant.expires_at > now && !self.is_refused(held))
    }

    /// Whether a new one is to be had; `share` moves the moment, from 0 to 1.
    pub fn is_due(
        &self,
        now: UnixMillis,
        state: &AccountState,
        share: impl Fn(UnixMillis) -> f64,
    ) -> bool {
        if self.rests(now, state) {
            return false;
        }
        self.held.load().as_ref().is_none_or(|held| {
            let Grant {
                obtained_at,
                expires_at,
                ..
            } = held.grant;
            self.is_refused(held)
                || now >= when::refresh_at(obtained_at, expires_at, share(obtained_at))
        })
    }

    /// Whether nobody is at it, nor will be for a while.
    pub fn is_given_up(&self, now: UnixMillis, state: &AccountState) -> bool {
        !self.runway.is_flying() && self.rests(now, state)
    }

    fn rests(&self, now: UnixMillis, state: &AccountState) -> bool {
        let trouble = self.trouble.load();
        trouble
            .as_ref()
            .is_some_and(|trouble| trouble.rests(now, state))
    }

    /// The provider refused it, though it should be valid. Says whether a new one is worth having: the one that
    /// was sent is no longer the newest, or old enough that it may have ended early.
    pub fn refuse(&self, sent: &HeaderValue, now: UnixMillis) -> bool {
        let held = self.held.load();
        let Some(held) = held.as_ref() else {
            return false;
        };
        if held.header != *sent {
            return true;
        }
        if held.grant.obtained_at.plus_ms(YOUNG_MS) > now {
            return false;
        }
        self.refused
            .store(held.grant.obtained_at.0, Ordering::Release);
        true
    }

    fn is_refused(&self, held: &Held) -> bool {
        self.refused.load(Ordering::Acquire) == held.grant.obtained_at.0
    }

    /// What is on record: taken over if it is newer than what is held. If it is older, what is held was never
    /// written, or overwritten, and is to be written again.
    pub fn adopt(&self, on_record: Option<Grant>) {
        let held = self.held.load();
        let held_at = held.as_ref().map(|held| held.grant.obtained_at);
        let record_at = on_record.as_ref().map(|grant| grant.obtained_at);
        if record_at > held_at
            && let Some(grant) = on_record
        {
            self.hold(grant);
        }
        self.is_unwritten
            .store(held_at > record_at, Ordering::Release);
    }

    /// From now on this is the token, unless there is a newer one.
    pub fn hold(&self, grant: Grant) {
        let Ok(mut header) =
            HeaderValue::from_str(&format!("Bearer {}", grant.access_token.expose()))
        else {
            return;
        };
        header.set_sensitive(true);
        let new = Arc::new(Held { header, grant });
        self.held.rcu(|held| {
            let is_newer = |held: &&Arc<Held>| held.grant.obtained_at > new.grant.obtained_at;
            Some(Arc::clone(held.as_ref().filter(is_newer).unwrap_or(&new)))
        });
        self.trouble.store(None);
    }

    /// A flight brought nothing.
    pub fn fail(&self, trouble: Trouble) {
        self.trouble.store(Some(Arc::new(trouble)));
    }

    /// An operator says that it is worth another try.
    pub fn forgive(&self) {
        self.trouble.store(None);
    }

    /// Whether what is held is to be written.
    pub fn is_unwritten(&self) -> bool {
        self.is_unwritten.load(Ordering::Acquire)
    }

    /// What is held is on record, or is not.
    pub fn written(&self, is_written: bool) {
        self.is_unwritten.store(!is_written, Ordering::Release);
    }

    /// Where its flights begin and end.
    pub fn runway(&self) -> &Arc<Runway> {
        &self.runway
    }
}
