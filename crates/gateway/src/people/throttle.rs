//! Throttling of attempts: to sign in, to set up, to guess a code or a token.
//!
//! Promises: an attempt counts from its begin, so that many at once are no way around it; each failure beyond
//! the free ones doubles the wait, up to a limit; memory is bounded. Must not know: what is attempted; what time
//! it is, which is an argument.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use waybill_model::{id::AdminUserId, time::UnixMillis};

/// Names and addresses that are remembered at once.
const MOST: usize = 10_000;

/// What nobody tried for so long is forgotten.
const FORGET_MS: i64 = 3_600_000;

/// By what attempts are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// Sign-ins by the name that was given, as a hash of it.
    Name([u8; 32]),
    /// Codes of a second factor by whose it is.
    Code(AdminUserId),
    /// Sign-ins and set-ups by the address they came from.
    Address(IpAddr),
    /// Tokens by the address they came from.
    Token(IpAddr),
}

impl Key {
    /// Of a sign-in's name.
    pub fn of_name(name: &str) -> Self {
        Key::Name(*blake3::hash(name.as_bytes()).as_bytes())
    }

    /// Of an address that signs in or sets up.
    pub fn of_address(ip: IpAddr) -> Self {
        Key::Address(network(ip))
    }

    /// Of an address that presents tokens.
    pub fn of_tokens(ip: IpAddr) -> Self {
        Key::Token(network(ip))
    }

    /// Failures that cost nothing, and the longest wait, in seconds.
    const fn allows(&self) -> (u32, i64) {
        match self {
            Key::Name(_) | Key::Code(_) => (5, 900),
            Key::Address(_) => (20, 300),
            Key::Token(_) => (30, 300),
        }
    }
}

/// What one household or host has: an address of version 4, a /64 of version 6.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let kept = ip.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(kept.into())
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Tried {
    failures: u32,
    until: UnixMillis,
    last: UnixMillis,
    /// Refused without a look since the last look.
    refused: u64,
}

/// How often was tried, and until when nothing more is looked at.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Key, Tried>>);

/// Too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// For so many seconds.
    pub seconds: u64,
}

impl Throttle {
    /// Whether something may be tried now, without counting it.
    pub fn check(&self, key: &Key, now: UnixMillis) -> Result<(), Wait> {
        let tried = self.lock().get(key).copied();
        tried.map_or(Ok(()), |tried| wait(&tried, now))
    }

    /// Begins an attempt, which counts as failed until [`Throttle::succeeded`] says otherwise. Answers how many
    /// were refused since the last one that was looked at.
    pub fn attempt(&self, keys: &[Key], now: UnixMillis) -> Result<u64, Wait> {
        let mut all = self.lock();
        let mut longest: Option<Wait> = None;
        for key in keys {
            if let Some(tried) = all.get_mut(key)
                && let Err(wait) = wait(tried, now)
            {
                tried.refused += 1;
                longest = longest.max(Some(wait));
            }
        }
        if let Some(wait) = longest {
            return Err(wait);
        }
        let mut refused = 0;
        for key in keys {
            make_room(&mut all, now);
            let tried = all.entry(key.clone()).or_insert(Tried {
                failures: 0,
                until: now,
                last: now,
                refused: 0,
            });
            if now.0 - tried.last.0 > FORGET_MS {
                tried.failures = 0;
            }
            refused = tried.refused.max(refused);
            tried.refused = 0;
            tried.failures = tried.failures.saturating_add(1);
            tried.last = now;
            tried.until = now.plus_ms(delay_seconds(key, tried.failures) * 1_000);
        }
        Ok(refused)
    }

    /// The attempt that was begun last succeeded: its name, or its code, is forgotten, its address has one failure
    /// less.
    pub fn succeeded(&self, keys: &[Key]) {
        let mut all = self.lock();
        for key in keys {
            match key {
                Key::Name(_) | Key::Code(_) => drop(all.remove(key)),
                Key::Address(_) | Key::Token(_) => {
                    if let Some(tried) = all.get_mut(key) {
                        tried.failures = tried.failures.saturating_sub(1);
                        tried.until = tried.last;
                    }
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialOrd for Wait {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wait {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.seconds.cmp(&other.seconds)
    }
}

fn wait(tried: &Tried, now: UnixMillis) -> Result<(), Wait> {
    let left = tried.until.0 - now.0;
    if left <= 0 {
        return Ok(());
    }
    let seconds = u64::try_from((left + 999) / 1_000).unwrap_or(1);
    Err(Wait { seconds })
}

/// One second after the first failure that is not free, twice as long after each further one.
fn delay_seconds(key: &Key, failures: u32) -> i64 {
    let (free, longest) = key.allows();
    match failures.checked_sub(free) {
        None | Some(0) => 0,
        Some(beyond) => (1_i64 << (beyond - 1).min(20)).min(longest),
    }
}

/// Lets go what is old; where nothing is, what was tried longest ago.
fn make_room(all: &mut HashMap<Key, Tried>, now: UnixMillis) {
    if all.len() < MOST {
        return;
    }
    all.retain(|_, tried| now.0 - tried.last.0 <= FORGET_MS);
    if all.len() >= MOST {
        let mut ages: Vec<i64> = all.values().map(|tried| tried.last.0).collect();
        let (_, middle, _) = ages.select_nth_unstable(MOST / 10);
        let middle = *middle;
        all.retain(|_, tried| tried.last.0 > middle);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn the_wait_grows_with_each_failure_and_ends_with_a_success() {
        let throttle = Throttle::default();
        let keys = [Key::of_name("root")];
        for _ in 0..5 {
            throttle.attempt(&keys, NOW).unwrap();
        }
        throttle.attempt(&keys, NOW).unwrap();
        assert_eq!(throttle.attempt(&keys, NOW), Err(Wait { seconds: 1 }));
        let later = NOW.plus_ms(1_000);
        assert_eq!(throttle.attempt(&keys, later), Ok(1));
        assert_eq!(throttle.attempt(&keys, later), Err(Wait { seconds: 2 }));
        throttle.attempt(&keys, NOW.plus_ms(3_000)).unwrap();
        throttle.succeeded(&keys);
        assert_eq!(throttle.attempt(&keys, later), Ok(0));
    }

    #[test]
    fn many_at_once_are_no_way_around_it() {
        let throttle = Throttle::default();
        let keys = [Key::of_name("root")];
        let looked_at = (0..100)
            .filter(|_| throttle.attempt(&keys, NOW).is_ok())
            .count();
        assert_eq!(looked_at, 6);
    }

    #[test]
    fn addresses_of_one_network_are_one_and_what_was_long_ago_is_forgotten() {
        let key = |ip: &str| Key::of_address(ip.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        let throttle = Throttle::default();
        let keys = [key("10.0.0.1")];
        for _ in 0..21 {
            throttle.attempt(&keys, NOW).unwrap();
        }
        assert!(throttle.check(&keys[0], NOW).is_err());
        let later = NOW.plus_ms(FORGET_MS + 1);
        for _ in 0..20 {
            throttle.attempt(&keys, later).unwrap();
        }
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for number in 0..30_000_i64 {
            let key = Key::of_name(&number.to_string());
            throttle.attempt(&[key], NOW.plus_ms(number)).unwrap();
        }
        assert!(throttle.lock().len() <= MOST);
    }
}
