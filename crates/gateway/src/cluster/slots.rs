//! The slots of accounts: what this replica may use of each, exchanged with the judge in Redis.
//!
//! In: what is in use and what waits, from [`routing`](crate::routing). Out: allotments.
//!
//! Promises: one exchange at a time; a renewal every second, more only where something is short here or
//! free that others are short of, and never more than a hundred a second for long; who lowers does so
//! before it says so. Must not know: why an account is chosen.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use redis::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use waybill_model::id::AccountId;

use super::{
    Place,
    link::{Away, Script, State, number_of, parts_of},
    member::Members,
    share::{Claim, Share, Verdict, own_part},
};
use crate::{
    app::Shared,
    routing::{Live, Snapshot},
};

/// Accounts judged in one call of the script, so that no call keeps Redis from others for long.
const PER_CALL: usize = 100;

/// Calls sent in one go.
const CALLS_AT_ONCE: usize = 10;

/// Exchanges that may follow one another at once, and then one every ten milliseconds.
const BURST: f64 = 8.0;
const PER_SECOND: f64 = 100.0;

/// A replica that asked for more in vain asks again after so long, unless it hears of some; doubled up to
/// the second.
const ASK_AGAIN_MS: [i64; 2] = [20, 250];

/// The shares of this replica.
pub struct Slots {
    place: Arc<Place>,
    shares: Mutex<Shares>,
}

struct Shares {
    by_account: HashMap<AccountId, Entry>,
    /// Grows with every call, over restarts, too.
    seq: u64,
    /// The beginning of the memory that was met first.
    first_memory: Option<String>,
    /// Whether the judge has ever answered, or is no longer waited for.
    has_begun: bool,
    /// Everything was given back: nothing is claimed any more.
    has_left: bool,
}

struct Entry {
    live: Arc<Live>,
    limit: u32,
    share: Share,
    /// Told to do something about it.
    is_named: bool,
    ask_again_at: i64,
    ask_again_in: i64,
}

/// One account's share, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareView {
    /// The account.
    pub account: AccountId,
    /// Its limit, over all replicas.
    pub limit: u32,
    /// How many of them are this replica's.
    pub allotment: u32,
    /// How many it uses.
    pub in_flight: u32,
    /// Whether it goes by its own view.
    pub is_own_view: bool,
    /// Whether other replicas are short of it.
    pub is_contested: bool,
}

/// Which accounts an exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// All: their leases are renewed.
    All,
    /// Those that there is something to say of.
    News,
}

/// A claim on its way.
struct Told {
    account: AccountId,
    limit: u32,
    claim: Claim,
}

impl Slots {
    pub(super) fn new(place: Arc<Place>) -> Slots {
        Slots {
            place,
            shares: Mutex::new(Shares {
                by_account: HashMap::new(),
                seq: micros_since_1970(),
                first_memory: None,
                has_begun: false,
                has_left: false,
            }),
        }
    }

    /// Takes up the accounts of a picture, before anybody can see it: who has a limit has no slot until
    /// some are granted.
    pub(super) fn adopt(&self, snapshot: &Snapshot, members: &Members) {
        let until = self.place.now() + self.place.timing.patience_ms;
        let mut shares = self.lock();
        let known = &mut shares.by_account;
        known.retain(|id, _| {
            snapshot
                .account(*id)
                .is_some_and(|account| account.concurrency.is_some())
        });
        for account in snapshot.accounts() {
            members.defer(account.id, &account.live);
            let Some(limit) = account.concurrency else {
                account.live.allot(None);
                account.live.contest(false);
                continue;
            };
            known
                .entry(account.id)
                .and_modify(|entry| entry.limit = limit)
                .or_insert_with(|| {
                    account.live.allot(Some(0));
                    // Its first slots are asked for at once.
                    Entry {
                        is_named: true,
                        ..Entry::new(Arc::clone(&account.live), limit, until)
                    }
                });
        }
    }

    /// Whether the judge has answered, or is no longer waited for.
    pub(super) fn has_begun(&self) -> bool {
        self.lock().has_begun
    }

    /// Every share, by account.
    pub(super) fn views(&self) -> Vec<ShareView> {
        let shares = self.lock();
        let mut views: Vec<_> = shares
            .by_account
            .iter()
            .map(|(account, entry)| ShareView {
                account: *account,
                limit: entry.limit,
                allotment: entry.share.allotment(),
                in_flight: entry.live.in_flight(),
                is_own_view: entry.share.is_own_view(),
                is_contested: entry.share.is_contested(),
            })
            .collect();
        views.sort_unstable_by_key(|view| view.account);
        views
    }

    /// Exchanges for as long as it is let. `news` are the judge's words to all.
    pub(super) async fn exchange(
        &self,
        shared: &Shared,
        members: &Members,
        mut news: mpsc::Receiver<String>,
    ) {
        let mut pace = Pace::new();
        let mut link = self.place.link.state();
        let every = Duration::from_millis(u64::try_from(self.place.timing.renew_ms).unwrap_or(1));
        let mut renewal = Instant::now();
        loop {
            let which = tokio::select! {
                () = sleep_until(renewal) => Which::All,
                () = shared.line.sharing().rung() => Which::News,
                Some(said) = news.recv() => {
                    self.hear(&said);
                    while let Ok(said) = news.try_recv() {
                        self.hear(&said);
                    }
                    Which::News
                }
                Ok(()) = link.changed() => match &*link.borrow_and_update() {
                    // A Redis that was emptied has to hear what is held.
                    State::Up { .. } => Which::All,
                    State::Away { .. } => Which::News,
                },
                () = sleep_until(self.next_asking()) => Which::News,
            };
            pace.wait().await;
            if which == Which::All {
                renewal = Instant::now() + every;
            }
            let wanted = shared.line.wanted(shared.clock.now());
            let told = self.claims(which, &wanted);
            // Its failure is on the link's record; what was held holds until it lapses.
            let result = self.tell(told).await;
            let counts = &self.place.counts;
            match result {
                Ok(0) => {}
                Ok(_) => counts.exchanges.add(1),
                Err(Away) => counts.exchanges_failed.add(1),
            }
            self.lapse(members);
            if self.has_to_give() {
                shared.line.sharing().ring();
            }
        }
    }

    /// Gives everything back.
    pub(super) async fn leave(&self) {
        let told = {
            let mut shares = self.lock();
            let told = shares.by_account.iter().map(|(account, entry)| Told {
                account: *account,
                limit: entry.limit,
                claim: Claim { hold: 0, demand: 0 },
            });
            let told = told.collect::<Vec<_>>();
            shares.by_account.clear();
            shares.has_left = true;
            told
        };
        // Whatever is not heard of ends with its lease.
        let _ = self.send(&told, true).await;
    }

    /// The judge's word to all: an account, and who has which part of it.
    fn hear(&self, said: &str) {
        let mut words = said.split(' ');
        let Some(account) = words.next().and_then(|id| id.parse().ok()) else {
            return;
        };
        let mine = words
            .filter_map(|word| word.rsplit_once('='))
            .find(|(replica, _)| *replica == self.place.replica.id);
        let Some(target) = mine.and_then(|(_, target)| target.parse().ok()) else {
            return;
        };
        let mut shares = self.lock();
        if let Some(entry) = shares.by_account.get_mut(&account) {
            entry.is_named |= entry.share.told(target);
            entry.show();
        }
    }

    /// What there is to say.
    fn claims(&self, which: Which, wanted: &HashMap<AccountId, u32>) -> Vec<Told> {
        let now = self.place.now();
        let mut shares = self.lock();
        let entries = shares.by_account.iter_mut();
        entries
            .filter_map(|(account, entry)| {
                let missed = u32::from(entry.live.take_missed());
                let wanted = wanted.get(account).copied().unwrap_or(0).max(missed);
                // Read after the allotment was lowered, if it was.
                let taken = entry.live.in_flight();
                let claim = entry.share.claim(entry.limit, taken, wanted);
                let is_named = std::mem::take(&mut entry.is_named);
                let asks = entry.asks(claim, is_named, now);
                let is_due =
                    which == Which::All || is_named || asks || entry.share.has_to_give(claim);
                is_due.then_some(Told {
                    account: *account,
                    limit: entry.limit,
                    claim,
                })
            })
            .collect()
    }

    /// Tells the judge, and does as it says. How many accounts it was about.
    async fn tell(&self, told: Vec<Told>) -> Result<usize, Away> {
        let count = told.len();
        for told in told.chunks(PER_CALL * CALLS_AT_ONCE) {
            let sent_at = self.place.now();
            let answers = self.send(told, false).await?;
            let verdicts = self.verdicts(answers);
            let mut shares = self.lock();
            for (told, verdict) in told.iter().zip(verdicts) {
                if let (Some(verdict), Some(entry)) =
                    (verdict, shares.by_account.get_mut(&told.account))
                {
                    entry
                        .share
                        .judged(told.claim, verdict, sent_at, &self.place.timing);
                    entry.show();
                }
            }
            shares.has_begun = true;
        }
        Ok(count)
    }

    async fn send(&self, told: &[Told], leaves: bool) -> Result<Vec<Value>, Away> {
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let place = &self.place;
        let mut ask = place.link.ask()?;
        for told in told.chunks(PER_CALL) {
            let mut keys = vec![place.keys.memory()];
            keys.extend(told.iter().map(|told| place.keys.slots(told.account)));
            let (seq, first) = {
                let mut shares = self.lock();
                if shares.has_left && !leaves {
                    return Ok(Vec::new());
                }
                shares.seq += 1;
                (shares.seq, shares.first_memory.clone())
            };
            let call = ask
                .script(Script::Slots, &keys)
                .arg(&place.replica.id)
                .arg(place.replica.number)
                .arg(seq)
                .arg(place.timing.lease_ms)
                .arg(place.timing.tenure_ms)
                .arg(first.unwrap_or_default())
                .arg(place.keys.slots_channel());
            for told in told {
                call.arg(told.account.0).arg(told.limit);
                if leaves {
                    call.arg(0).arg("leave");
                } else {
                    call.arg(told.claim.hold).arg(told.claim.demand);
                }
            }
        }
        place.link.answers(ask).await
    }

    /// One for each account; `None`: the call was overtaken, or its answer makes no sense.
    fn verdicts(&self, answers: Vec<Value>) -> Vec<Option<Verdict>> {
        let mut verdicts = Vec::new();
        for answer in answers {
            let numbers: Vec<i64> = parts_of(answer).iter().filter_map(number_of).collect();
            let [_, began, judged @ ..] = &*numbers else {
                continue;
            };
            let mut shares = self.lock();
            shares.first_memory.get_or_insert_with(|| began.to_string());
            for one in judged.chunks_exact(3) {
                let number = |at: usize| u32::try_from(one[at]).ok();
                if one[0] < 0 {
                    // Another clock was ahead when this replica ran last.
                    let known = u64::try_from(one[1]).unwrap_or(0);
                    shares.seq = shares.seq.max(known);
                }
                verdicts.push(number(0).zip(number(1)).map(|(grant, target)| Verdict {
                    grant,
                    target,
                    contested: one[2] == 1,
                }));
            }
        }
        verdicts
    }

    /// Where the judge's word no longer holds, this replica goes by its own view.
    fn lapse(&self, members: &Members) {
        let now = self.place.now();
        let replicas = members.last_alive();
        let mut shares = self.lock();
        let mut lapsed = 0;
        for entry in shares.by_account.values_mut() {
            if now >= entry.share.relied_on_until() {
                let own = own_part(entry.limit, replicas);
                lapsed += u64::from(entry.share.lapse(own, now));
                entry.show();
            }
        }
        if lapsed > 0 {
            shares.has_begun = true;
            drop(shares);
            self.place.counts.own_views.add(lapsed);
            tracing::warn!(
                accounts = lapsed,
                replicas,
                "slots: without Redis this replica uses its part of each account's limit"
            );
        }
    }

    /// Whether the judge's answer left something to be given back at once.
    fn has_to_give(&self) -> bool {
        let shares = self.lock();
        shares.by_account.values().any(|entry| {
            let claim = entry.share.claim(entry.limit, entry.live.in_flight(), 0);
            entry.share.owes(claim)
        })
    }

    /// When to look again: somebody is to be asked once more, or a lease ends.
    fn next_asking(&self) -> Instant {
        let shares = self.lock();
        let at = shares
            .by_account
            .values()
            .flat_map(|entry| {
                let lapses = (!entry.share.is_own_view()).then(|| entry.share.relied_on_until());
                let asks = (entry.ask_again_in > 0).then_some(entry.ask_again_at);
                [lapses, asks]
            })
            .flatten()
            .min();
        self.place.instant(at.unwrap_or(i64::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(live: Arc<Live>, limit: u32, until: i64) -> Entry {
        Entry {
            live,
            limit,
            share: Share::nothing(until),
            is_named: false,
            ask_again_at: 0,
            ask_again_in: 0,
        }
    }

    /// Lets requests see what may be used.
    fn show(&self) {
        self.live.allot(Some(self.share.allotment()));
        self.live.contest(self.share.is_contested());
    }

    /// Whether more is to be asked for now. Whoever asks in vain waits longer and longer before it asks
    /// again, unless it was told that it would be worth it.
    fn asks(&mut self, claim: Claim, is_named: bool, now: i64) -> bool {
        if claim.demand <= self.share.allotment() {
            (self.ask_again_at, self.ask_again_in) = (0, 0);
            return false;
        }
        if !is_named && now < self.ask_again_at {
            return false;
        }
        self.ask_again_in = (self.ask_again_in * 2).clamp(ASK_AGAIN_MS[0], ASK_AGAIN_MS[1]);
        self.ask_again_at = now + self.ask_again_in;
        true
    }
}

/// Where this run's calls begin to be counted: beyond those of every earlier run.
fn micros_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0))
}

/// So many exchanges at once, and then so many a second.
struct Pace {
    left: f64,
    at: Instant,
}

impl Pace {
    fn new() -> Pace {
        Pace {
            left: BURST,
            at: Instant::now(),
        }
    }

    async fn wait(&mut self) {
        let now = Instant::now();
        let earned = now.duration_since(self.at).as_secs_f64() * PER_SECOND;
        self.left = (self.left + earned).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            let rest = Duration::from_secs_f64((1.0 - self.left) / PER_SECOND);
            tokio::time::sleep(rest).await;
        }
        self.left -= 1.0;
    }
}
