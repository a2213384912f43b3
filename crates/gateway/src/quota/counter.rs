//! One number counted per minute, day, month and in total, without a lock.
//!
//! Where several replicas count, each counts its own and is told now and then what the others have: their
//! part is added wherever a limit is checked.
//!
//! Each window is one atomic word that holds which window it is and how much was counted in it, so a
//! check and its count are one step, and a window that has passed is empty without anybody emptying
//! it. Minutes have two such words, this one's and the last one's, for the sliding estimate.
//!
//! Must not know: what is counted, or whose it is.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use waybill_model::{limits::Window, time::UnixMillis};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A number in every window.
#[derive(Debug, Default)]
pub struct Counter {
    own: Windows,
    /// What other replicas counted; nothing was ever heard of any before it is there.
    others: OnceLock<Box<Windows>>,
}

/// One part of it.
#[derive(Debug, Default)]
struct Windows {
    /// By the minute's last bit: a minute and the one before lie in different words.
    minutes: [AtomicU64; 2],
    day: AtomicU64,
    month: AtomicU64,
    total: AtomicU64,
}

/// A window that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Counted so far.
    pub used: u64,
    /// When there is room again, if nothing else is counted; `None`: never.
    pub until: Option<UnixMillis>,
}

impl Counter {
    /// Counts `n` in one window unless that makes more than `limit`. One atomic step. More than a whole
    /// limit fits into an empty window: it would fit nowhere else.
    pub fn take(&self, window: Window, n: u64, limit: u64, now: UnixMillis) -> Result<(), Full> {
        let besides = self
            .carried(window, now)
            .saturating_add(self.others(window, now));
        self.own
            .place(window, now)
            .change(|count| {
                fits(count.saturating_add(besides), n, limit).then_some(count.saturating_add(n))
            })
            .ok_or_else(|| self.full(window, n, limit, now))
    }

    /// Whether [`Counter::take`] would count `n` now.
    pub fn room(&self, window: Window, n: u64, limit: u64, now: UnixMillis) -> Result<(), Full> {
        if fits(self.used(window, now), n, limit) {
            return Ok(());
        }
        Err(self.full(window, n, limit, now))
    }

    /// Counts `n`, whatever it makes.
    pub fn add(&self, window: Window, n: u64, now: UnixMillis) {
        if n > 0 {
            self.own
                .place(window, now)
                .change(|count| Some(count.saturating_add(n)));
        }
    }

    /// Takes back `n` that was counted at `at`, unless that window has passed.
    pub fn take_back(&self, window: Window, n: u64, at: UnixMillis) {
        if n > 0 {
            self.own.place(window, at).reduce(n);
        }
    }

    /// What counts against a limit: of a minute the sliding estimate, of others the count.
    pub fn used(&self, window: Window, now: UnixMillis) -> u64 {
        self.counted(window, now)
            .saturating_add(self.carried(window, now))
    }

    /// What was counted here, in the window that holds `at`.
    pub fn own(&self, window: Window, at: UnixMillis) -> u64 {
        self.own.place(window, at).count()
    }

    /// Sets what others counted in the window that began at `started_at`.
    pub fn set_others(&self, window: Window, started_at: UnixMillis, count: u64) {
        if count == 0 && self.others.get().is_none() {
            return;
        }
        let others = self.others.get_or_init(Box::default);
        others.place(window, started_at).set(count);
    }

    /// Sets the count of the window that began at `started_at`.
    pub fn restore(&self, window: Window, started_at: UnixMillis, count: u64) {
        self.own.place(window, started_at).set(count);
    }

    /// Here and elsewhere, in the window that holds `at`.
    fn counted(&self, window: Window, at: UnixMillis) -> u64 {
        self.own(window, at).saturating_add(self.others(window, at))
    }

    fn others(&self, window: Window, at: UnixMillis) -> u64 {
        self.others
            .get()
            .map_or(0, |others| others.place(window, at).count())
    }

    /// The part of the last minute that still counts: the share of it that lies within sixty seconds
    /// of now, rounded up.
    fn carried(&self, window: Window, now: UnixMillis) -> u64 {
        match window {
            Window::Minute => {
                let left = MINUTE_MS - now.0.rem_euclid(MINUTE_MS);
                share(self.last_minute(now), left)
            }
            Window::Day | Window::Month | Window::Total => 0,
        }
    }

    fn last_minute(&self, now: UnixMillis) -> u64 {
        self.counted(Window::Minute, now.plus_ms(-MINUTE_MS))
    }

    fn full(&self, window: Window, n: u64, limit: u64, now: UnixMillis) -> Full {
        let until = match window {
            Window::Minute => Some(self.minute_frees(n, limit, now)),
            Window::Day | Window::Month | Window::Total => window.end(now),
        };
        Full {
            used: self.used(window, now),
            until,
        }
    }

    /// When the sliding estimate has come down far enough for `n` more.
    fn minute_frees(&self, n: u64, limit: u64, now: UnixMillis) -> UnixMillis {
        let start = Window::Minute.start(now);
        let counted = self.counted(Window::Minute, now);
        let room = limit.saturating_sub(n);
        let (from, falling, room) = if counted <= room {
            (start, self.last_minute(now), room - counted)
        } else {
            // Not within this minute; in the next one what was counted now goes down in turn.
            (start.plus_ms(MINUTE_MS), counted, room)
        };
        let until = from.plus_ms(MINUTE_MS - longest_share(falling, room));
        until.max(now.plus_ms(1))
    }
}

impl Windows {
    fn place(&self, window: Window, at: UnixMillis) -> Place<'_> {
        let days = |at: UnixMillis| at.0.max(0) as u64 / DAY_MS as u64;
        match window {
            Window::Minute => {
                let index = at.0.max(0) as u64 / MINUTE_MS as u64;
                let word = &self.minutes[(index & 1) as usize];
                Place::new(word, 36, index, 0)
            }
            Window::Day => Place::new(&self.day, 48, days(at), 1),
            Window::Month => Place::new(&self.month, 48, first_day_of_month(days(at), at), 31),
            Window::Total => Place::new(&self.total, 48, 0, 0),
        }
    }
}

/// The first day of the month of `at`, which lies on `day`. The calendar is asked once a month: this is
/// looked up several times for every request.
fn first_day_of_month(day: u64, at: UnixMillis) -> u64 {
    /// The month asked for last: its first day, and that of the next, in one word.
    static MONTH: AtomicU64 = AtomicU64::new(0);
    let known = MONTH.load(Ordering::Relaxed);
    let (first, next) = (known >> 32, known & u64::from(u32::MAX));
    if (first..next).contains(&day) {
        return first;
    }
    let to_days = |at: UnixMillis| at.0.max(0) as u64 / DAY_MS as u64;
    let first = to_days(Window::Month.start(at));
    let next = Window::Month.end(at).map_or(0, to_days);
    MONTH.store(first << 32 | next, Ordering::Relaxed);
    first
}

fn fits(used: u64, n: u64, limit: u64) -> bool {
    used.saturating_add(n) <= limit || (used == 0 && limit > 0)
}

/// `count` spread evenly over a minute: what falls into `ms` of it, rounded up.
fn share(count: u64, ms: i64) -> u64 {
    let part = (u128::from(count) * ms as u128).div_ceil(MINUTE_MS as u128);
    part as u64
}

/// The largest number of milliseconds whose [`share`] of `count` is at most `room`.
fn longest_share(count: u64, room: u64) -> i64 {
    (u128::from(room) * MINUTE_MS as u128)
        .checked_div(u128::from(count))
        .map_or(MINUTE_MS, |ms| ms.min(MINUTE_MS as u128) as i64)
}

/// One window of one counter. The word's upper bits say which window its count belongs to: a minute's
/// number, or the number of the day on which a day or a month begins.
struct Place<'a> {
    word: &'a AtomicU64,
    count_bits: u32,
    index: u64,
    /// How far ahead the word may be: another thread's clock was past the border already. Further
    /// ahead means that the clock was set back.
    slack: u64,
}

impl<'a> Place<'a> {
    fn new(word: &'a AtomicU64, count_bits: u32, index: u64, slack: u64) -> Self {
        Place {
            word,
            count_bits,
            index: index & (u64::MAX >> count_bits),
            slack,
        }
    }

    /// The index and the count that hold now: another window's count is not ours.
    fn read(&self, packed: u64) -> (u64, u64) {
        let held = packed >> self.count_bits;
        if held.wrapping_sub(self.index) <= self.slack {
            (held, packed & self.largest())
        } else {
            (self.index, 0)
        }
    }

    fn pack(&self, index: u64, count: u64) -> u64 {
        index << self.count_bits | count.min(self.largest())
    }

    fn largest(&self) -> u64 {
        (1 << self.count_bits) - 1
    }

    fn count(&self) -> u64 {
        self.read(self.word.load(Ordering::Relaxed)).1
    }

    /// Changes the count, unless `to` says no.
    fn change(&self, to: impl Fn(u64) -> Option<u64>) -> Option<()> {
        self.word
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
                let (index, count) = self.read(packed);
                to(count).map(|count| self.pack(index, count))
            })
            .ok()
            .map(drop)
    }

    /// Takes off the count of exactly this window.
    fn reduce(&self, n: u64) {
        // `None`: the window has passed, and with it what was counted.
        let _ = self
            .word
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
                let (held, count) = (packed >> self.count_bits, packed & self.largest());
                (held == self.index).then(|| self.pack(held, count.saturating_sub(n)))
            });
    }

    fn set(&self, count: u64) {
        self.word
            .store(self.pack(self.index, count), Ordering::Relaxed);
    }
}
