//! Refusals before auth, counted per minute, cause and source until they are written.
//!
//! Promises: a minute and cause never come to more than [`SOURCES`] lines and one that all further
//! sources share, however many addresses an attacker has and however often the counts are written.
//!
//! Must not know: queues, the store, what time it is.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use waybill_model::{cause::Cause, time::UnixMillis, view::NoiseCount};

use super::queue::Noise;

/// Sources told apart within a minute and cause.
const SOURCES: usize = 1024;

/// The line that all further sources share.
const OTHERS: Source = Source::V4(Ipv4Addr::UNSPECIFIED);

/// Minutes whose sources are remembered: the running one, and the one before for what comes late.
const MINUTES: usize = 2;

/// Request ids kept per line until it is written.
const SAMPLES: usize = 3;

/// Lines that may wait for a store that takes no writes.
const MAX_LINES: usize = 65_536;

const MINUTE_MS: i64 = 60_000;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct NoiseCounts {
    /// By minute: which sources have a line of their own. It outlives the writing of the lines.
    known: BTreeMap<i64, HashMap<Cause, HashSet<Source>>>,
    lines: HashMap<(i64, Cause, Source), NoiseCount>,
}

impl NoiseCounts {
    /// Counts one refusal; `false` if too many lines wait already.
    pub(super) fn add(&mut self, noise: &Noise) -> bool {
        let minute = noise.at.0 - noise.at.0.rem_euclid(MINUTE_MS);
        let source = self.line_of(minute, noise.cause, Source::of(noise.client_ip));
        let key = (minute, noise.cause, source);
        if self.lines.len() >= MAX_LINES && !self.lines.contains_key(&key) {
            return false;
        }
        let line = self.lines.entry(key).or_insert_with(|| NoiseCount {
            minute: UnixMillis(minute),
            client_ip: source.to_string(),
            cause: noise.cause,
            count: 0,
            samples: Vec::new(),
        });
        line.count += 1;
        if line.samples.len() < SAMPLES {
            line.samples.push(noise.request_id.to_string());
        }
        true
    }

    /// What is counted since the last time it was written.
    pub(super) fn unwritten(&self) -> Vec<NoiseCount> {
        self.lines.values().cloned().collect()
    }

    /// All lines are written. Which sources they were of stays known until their minute is over.
    pub(super) fn written(&mut self) {
        self.lines.clear();
    }

    /// The line a source is counted in. What comes later than its minute is remembered shares one.
    fn line_of(&mut self, minute: i64, cause: Cause, source: Source) -> Source {
        let oldest = self.known.first_key_value().map(|(oldest, _)| *oldest);
        if self.known.len() == MINUTES && oldest.is_some_and(|oldest| minute < oldest) {
            return OTHERS;
        }
        let sources = self
            .known
            .entry(minute)
            .or_default()
            .entry(cause)
            .or_default();
        let own = sources.contains(&source) || sources.len() < SOURCES && sources.insert(source);
        if self.known.len() > MINUTES {
            self.known.pop_first();
        }
        if own { source } else { OTHERS }
    }
}

/// Where a refusal is counted: an address, or the network of addresses that one IPv6 host may pick
/// from as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4(Ipv4Addr),
    V6Network([u16; 4]),
}

impl Source {
    fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V4(address) => Source::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Source::V6Network([a, b, c, d])
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Source::V4(address) => address.fmt(f),
            Source::V6Network([a, b, c, d]) => {
                write!(f, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use waybill_model::id::RequestId;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_760_000_040_000);

    fn noise(client_ip: IpAddr, cause: Cause, at: UnixMillis) -> Noise {
        Noise {
            client_ip,
            cause,
            request_id: RequestId::new(at, [7; 10]),
            at,
        }
    }

    /// Counts refusals, writing every so many of them; returns all lines that were written.
    fn written(
        all: impl Iterator<Item = Noise>,
        every: usize,
    ) -> HashMap<(i64, Cause, String), u64> {
        let mut counts = NoiseCounts::default();
        let mut table = HashMap::new();
        let mut write = |counts: &mut NoiseCounts| {
            for line in counts.unwritten() {
                let key = (line.minute.0, line.cause, line.client_ip);
                *table.entry(key).or_default() += line.count;
            }
            counts.written();
        };
        for (number, noise) in all.enumerate() {
            assert!(counts.add(&noise));
            if number % every == 0 {
                write(&mut counts);
            }
        }
        write(&mut counts);
        table
    }

    #[test]
    fn a_flood_of_addresses_leaves_a_bounded_number_of_lines_per_minute_and_cause() {
        let flood = (0..100_000_u32).map(|number| {
            let cause = [Cause::GatewayInvalidKey, Cause::GatewayKeyDisabled][number as usize % 2];
            let minute = i64::from(number % 4 / 2) * MINUTE_MS;
            noise(
                Ipv4Addr::from(number + 1).into(),
                cause,
                NOW.plus_ms(minute),
            )
        });
        let table = written(flood, 1_000);
        for minute in [NOW, NOW.plus_ms(MINUTE_MS)] {
            let minute = minute.0 - minute.0.rem_euclid(MINUTE_MS);
            for cause in [Cause::GatewayInvalidKey, Cause::GatewayKeyDisabled] {
                let lines = table.keys().filter(|key| (key.0, key.1) == (minute, cause));
                assert_eq!(lines.count(), SOURCES + 1);
            }
        }
        assert_eq!(table.values().sum::<u64>(), 100_000);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_source() {
        let flood = (0..1_000_u16).map(|number| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, number);
            noise(address.into(), Cause::GatewayInvalidKey, NOW)
        });
        let table = written(flood, 10);
        let (key, count) = table.iter().next().unwrap();
        assert_eq!(
            (table.len(), key.2.as_str(), *count),
            (1, "2001:db8:1:2::/64", 1_000)
        );
    }

    #[test]
    fn an_ipv4_address_is_the_same_source_on_either_kind_of_socket() {
        let v4 = Ipv4Addr::new(192, 0, 2, 7);
        let both = [v4.into(), v4.to_ipv6_mapped().into()]
            .map(|address| noise(address, Cause::GatewayInvalidKey, NOW));
        let table = written(both.into_iter(), 1);
        let (key, count) = table.iter().next().unwrap();
        assert_eq!((table.len(), key.2.as_str(), *count), (1, "192.0.2.7", 2));
    }

    #[test]
    fn what_comes_minutes_late_cannot_open_lines() {
        let late = (0..5_000_u32).map(|number| {
            let minute = NOW.plus_ms(-MINUTE_MS * i64::from(number % 5));
            noise(
                Ipv4Addr::from(number + 1).into(),
                Cause::GatewayInvalidKey,
                minute,
            )
        });
        let first = [2, 3].map(|minutes| {
            let at = NOW.plus_ms(MINUTE_MS * minutes);
            noise(Ipv4Addr::LOCALHOST.into(), Cause::GatewayInvalidKey, at)
        });
        let table = written(first.into_iter().chain(late), 100);
        assert_eq!(table.len(), 2 + 5);
    }
}
