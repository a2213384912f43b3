//! Kinds of addresses that are no provider on the internet, as one table (IANA's registries of
//! special-purpose addresses), and host names that are known to lead there.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::range::Range;

/// What a special address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A cloud's service for its machines: it hands out the machine's own credentials.
    Metadata,
    /// This machine.
    Loopback,
    /// A private network, carrier-grade NAT included.
    Private,
    /// This network segment.
    LinkLocal,
    /// No address.
    Unspecified,
    /// Many machines.
    Multicast,
    /// All machines.
    Broadcast,
    /// For documentation, tests or the future.
    Reserved,
    /// A number or something like it that is no address in the usual spelling.
    Odd,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Range {
    Range::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits)
}

const fn v6(segments: [u16; 8], bits: u8) -> Range {
    let [a, b, c, d, e, f, g, h] = segments;
    Range::new(IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits)
}

/// The first range that an address lies in says what it is; in none, it is public.
const TABLE: &[(Range, Kind)] = &[
    (v4(169, 254, 169, 254, 32), Kind::Metadata),
    // Where containers and pods of Amazon find theirs.
    (v4(169, 254, 170, 2, 32), Kind::Metadata),
    (v4(169, 254, 170, 23, 32), Kind::Metadata),
    (v4(100, 100, 100, 200, 32), Kind::Metadata),
    (v4(192, 0, 0, 192, 32), Kind::Metadata),
    (v4(168, 63, 129, 16, 32), Kind::Metadata),
    (
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
        Kind::Metadata,
    ),
    (
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], 128),
        Kind::Metadata,
    ),
    (
        v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
        Kind::Metadata,
    ),
    (v4(0, 0, 0, 0, 8), Kind::Unspecified),
    (v4(10, 0, 0, 0, 8), Kind::Private),
    (v4(100, 64, 0, 0, 10), Kind::Private),
    (v4(127, 0, 0, 0, 8), Kind::Loopback),
    (v4(169, 254, 0, 0, 16), Kind::LinkLocal),
    (v4(172, 16, 0, 0, 12), Kind::Private),
    (v4(192, 0, 0, 0, 24), Kind::Reserved),
    (v4(192, 0, 2, 0, 24), Kind::Reserved),
    (v4(192, 88, 99, 0, 24), Kind::Reserved),
    (v4(192, 168, 0, 0, 16), Kind::Private),
    (v4(198, 18, 0, 0, 15), Kind::Reserved),
    (v4(198, 51, 100, 0, 24), Kind::Reserved),
    (v4(203, 0, 113, 0, 24), Kind::Reserved),
    (v4(224, 0, 0, 0, 4), Kind::Multicast),
    (v4(255, 255, 255, 255, 32), Kind::Broadcast),
    (v4(240, 0, 0, 0, 4), Kind::Reserved),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Kind::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Kind::Loopback),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Kind::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Kind::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Kind::Private),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Kind::Multicast),
    // Ways to IPv4 that only their owner can look into.
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Kind::Reserved),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Kind::Reserved),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Kind::Reserved),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Kind::Reserved),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Kind::Reserved),
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), Kind::Reserved),
];

/// Names that lead to such an address on most machines, by how they end.
const NAMES: &[(&str, Kind)] = &[
    ("localhost", Kind::Loopback),
    ("localhost.localdomain", Kind::Loopback),
    ("localhost6", Kind::Loopback),
    ("ip6-localhost", Kind::Loopback),
    ("ip6-loopback", Kind::Loopback),
    ("metadata.google.internal", Kind::Metadata),
    ("metadata.goog", Kind::Metadata),
    ("metadata", Kind::Metadata),
    ("instance-data", Kind::Metadata),
    ("instance-data.ec2.internal", Kind::Metadata),
];

impl Kind {
    /// What a public address is not.
    pub fn of(address: IpAddr) -> Option<Kind> {
        let address = canonical(address);
        TABLE
            .iter()
            .find(|(range, _)| range.contains(address))
            .map(|(_, kind)| *kind)
    }

    /// The same for a host as it is written: an address, or a name that needs no resolving to be known.
    pub fn of_host(host: &str) -> Option<Kind> {
        let host = plain(host);
        if let Ok(address) = host.parse() {
            return Kind::of(address);
        }
        let ends_with = |name: &str| {
            host.strip_suffix(name)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        NAMES
            .iter()
            .find(|(name, _)| ends_with(name))
            .map(|(_, kind)| *kind)
            .or_else(|| is_odd(&host).then_some(Kind::Odd))
    }

    /// Whether an address of this kind in the configuration file allows the others of its kind.
    pub fn may_be_implied(self) -> bool {
        match self {
            Kind::Loopback | Kind::Private | Kind::Reserved => true,
            Kind::Metadata
            | Kind::LinkLocal
            | Kind::Unspecified
            | Kind::Multicast
            | Kind::Broadcast
            | Kind::Odd => false,
        }
    }

    /// Where the names of this kind lead.
    pub(super) fn addresses_of_names(self) -> &'static [IpAddr] {
        const LOOPBACK: &[IpAddr] = &[
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        const METADATA: &[IpAddr] = &[
            IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
            IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
        ];
        match self {
            Kind::Loopback => LOOPBACK,
            Kind::Metadata => METADATA,
            Kind::Private
            | Kind::LinkLocal
            | Kind::Unspecified
            | Kind::Multicast
            | Kind::Broadcast
            | Kind::Reserved
            | Kind::Odd => &[],
        }
    }

    /// The rest of a sentence about an address.
    pub(super) fn describes(self) -> &'static str {
        match self {
            Kind::Metadata => "is a cloud's metadata service",
            Kind::Loopback => "is this machine (loopback)",
            Kind::Private => "is in a private network",
            Kind::LinkLocal => "is link-local",
            Kind::Unspecified => "is no address to connect to (unspecified)",
            Kind::Multicast => "is a multicast address",
            Kind::Broadcast => "is the broadcast address",
            Kind::Reserved => "is reserved (documentation, tests, future use)",
            Kind::Odd => "is an address in an unusual spelling",
        }
    }

    /// What to do about a refusal.
    pub(super) fn remedy(self, example: Option<&str>) -> String {
        match example {
            Some(range) => format!(
                "nothing is sent there unless `allow` in the configuration's `[egress]` has a range with it, \
                 such as \"{range}\""
            ),
            None => "write an IPv4 address as four decimal numbers".to_owned(),
        }
    }
}

/// A host without brackets, zone or final dot, in lower case.
pub(super) fn plain(host: &str) -> Cow<'_, str> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    // `fe80::1%eth0`: the zone says through which interface, not where.
    let bare = match bare.split_once('%') {
        Some((address, _)) if address.contains(':') => address,
        _ => bare,
    };
    match bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(bare.to_ascii_lowercase()),
        false => Cow::Borrowed(bare),
    }
}

/// An IPv4 address that is written, or reached, as an IPv6 one is judged as what it is.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else {
        return address;
    };
    let low = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => IpAddr::V6(address),
        // Mapped, translated (RFC 2765), and the compatible ones of old.
        [0, 0, 0, 0, 0, 0xffff | 0, g, h] | [0, 0, 0, 0, 0xffff, 0, g, h] => low(g, h),
        // NAT64 (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, g, h] => low(g, h),
        // 6to4 (RFC 3056).
        [0x2002, b, c, ..] => low(b, c),
        _ => IpAddr::V6(address),
    }
}

/// Resolvers read `127.1`, `0x7f000001` and `2130706433` as addresses: a host whose last part is a
/// number must be an address in the usual spelling.
fn is_odd(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_hex = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}
