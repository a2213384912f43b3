//! The exact request, packed and sealed for sending again.
//!
//! Promises: what is opened is what was sealed, to the byte: the body, and of the head what a provider is sent;
//! no credential of the client's is in it. What was sealed by older programs opens, too.
//!
//! Must not know: where it rests, who sends it again.
//!
//! What is sealed begins with a byte that says how the rest is packed ([`Packing`]). Large bodies are cut into parts,
//! each named by what is in it, and stored once however many copies have it.

use std::{
    collections::HashSet,
    io::Read as _,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, uri::PathAndQuery};
use waybill_model::{
    entity::Sealed,
    protocol::{Endpoint, Protocol},
    record::{PartName, ReplayCopy, ReplayPart, ReplayRow, SealPart},
    waybill::Arrival,
};

use super::cut::{AVERAGE, Cutter, MAX};
use crate::{
    ingress::without_credentials,
    upstream::passed_on,
    vault::{Purpose, Vault},
};

/// Smaller bodies are kept as they are: the tables of a compressor cost more than it saves.
const MIN_COMPRESSED_BYTES: usize = 4096;

/// Smaller bodies are kept by themselves: what they share is less than what parts cost.
const MIN_SHARED_BYTES: usize = 8 << 10;

/// Names of parts that are remembered at least; twice as many at most: a few hundred conversations.
const RECENT_PARTS: usize = 32 << 10;

/// Largest head that is kept: twice what is accepted unless an operator says otherwise.
const MAX_HEAD_BYTES: usize = 128 << 10;

/// Largest body that is unpacked; no configuration accepts more.
const MAX_BODY_BYTES: u64 = 4 << 30;

/// How a copy, or a part of one, is packed: its first byte. A number is never used for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// A body alone, as it is: older copies, and parts.
    BodyPlain = 0,
    /// A body alone, compressed: older copies, and parts.
    BodyZstd = 1,
    /// The length of the head, the head, the body as it is.
    Plain = 2,
    /// The length of the head, the head, the body compressed.
    Zstd = 3,
    /// The length of the body and a sum of the parts' names; the head is the first part, the body the others.
    Parts = 4,
}

impl Packing {
    fn of(byte: u8) -> Option<Packing> {
        [
            Packing::BodyPlain,
            Packing::BodyZstd,
            Packing::Plain,
            Packing::Zstd,
            Packing::Parts,
        ]
        .into_iter()
        .find(|packing| *packing as u8 == byte)
    }
}

/// What a provider is sent of a request's head, and what it was recognised as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Path and query as they came, without credentials.
    pub path: PathAndQuery,
    /// The client's language.
    pub protocol: Protocol,
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The headers that are passed on, in their order.
    pub headers: HeaderMap,
}

impl Head {
    /// That of a request that was recognised; `None` for a path that is none of ours.
    pub fn of(arrival: &Arrival) -> Option<Head> {
        Some(Head {
            method: arrival.method.clone(),
            path: without_credentials(&arrival.path),
            protocol: arrival.protocol,
            endpoint: arrival.endpoint?,
            headers: passed_on(&arrival.headers),
        })
    }
}

/// What was kept of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The head; `None`: it was kept by a program that did not keep heads.
    pub head: Option<Head>,
    /// The body, as it came.
    pub body: Bytes,
}

/// How copies rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// Each by itself.
    Whole,
    /// In parts, which they share: agents send all of a conversation again with every turn.
    InParts,
}

/// Packs and seals, with tables of its own.
pub struct Packer {
    sealer: Arc<Sealer>,
    copies: Copies,
    cutter: Cutter,
    recent: Recent,
}

impl Packer {
    /// A packer.
    pub fn new(vault: Vault, copies: Copies) -> Self {
        Packer {
            copies,
            cutter: Cutter::new(vault.cuts()),
            sealer: Arc::new(Sealer::new(vault)),
            recent: Recent::default(),
        }
    }

    /// Packs a request; `None` where its head is larger than any that should be kept.
    pub fn pack(&mut self, head: &Head, body: &Bytes) -> Option<ReplayRow> {
        let head = write(head);
        if head.len() > MAX_HEAD_BYTES {
            return None;
        }
        Some(match self.copies {
            Copies::InParts if body.len() >= MIN_SHARED_BYTES => self.in_parts(head, body),
            Copies::InParts | Copies::Whole => self.whole(&head, body),
        })
    }

    fn whole(&self, head: &[u8], body: &[u8]) -> ReplayRow {
        let compressed = match body.len() {
            0..MIN_COMPRESSED_BYTES => None,
            _ => self.sealer.compress(body),
        };
        let (packing, packed_body) = match &compressed {
            Some(compressed) => (Packing::Zstd, &compressed[..]),
            None => (Packing::Plain, body),
        };
        let mut packed = Vec::with_capacity(1 + 4 + head.len() + packed_body.len());
        packed.push(packing as u8);
        put(&mut packed, head);
        packed.extend_from_slice(packed_body);
        ReplayRow {
            sealed: self.sealer.vault.seal(Purpose::Replay, &packed),
            body_bytes: body.len() as u64,
            parts: Vec::new(),
        }
    }

    fn in_parts(&mut self, head: Vec<u8>, body: &Bytes) -> ReplayRow {
        let mut parts = Vec::with_capacity(2 + body.len() / AVERAGE);
        let mut names = blake3::Hasher::new();
        let mut add = |plain: Bytes| {
            let part = self.sealer.part(plain);
            names.update(part.name());
            if self.recent.note(part.name()) {
                // Sealed now rather than in the store's transaction, where others wait.
                part.sealed();
            }
            parts.push(part);
        };
        add(head.into());
        let mut at = 0;
        while at < body.len() {
            let end = at + self.cutter.first(&body[at..]);
            add(body.slice(at..end));
            at = end;
        }
        let mut packed = vec![Packing::Parts as u8];
        packed.extend_from_slice(&(body.len() as u64).to_be_bytes());
        packed.extend_from_slice(names.finalize().as_bytes());
        ReplayRow {
            sealed: self.sealer.vault.seal(Purpose::Replay, &packed),
            body_bytes: body.len() as u64,
            parts,
        }
    }
}

/// Seals parts.
struct Sealer {
    vault: Vault,
    compressor: Mutex<Option<zstd::bulk::Compressor<'static>>>,
}

impl Sealer {
    fn new(vault: Vault) -> Self {
        // Level 1: this runs for every failed request.
        let compressor = zstd::bulk::Compressor::new(1)
            .inspect_err(|error| tracing::error!(%error, "no compressor: replay copies are large"))
            .ok();
        Sealer {
            vault,
            compressor: Mutex::new(compressor),
        }
    }

    fn part(self: &Arc<Self>, plain: Bytes) -> ReplayPart {
        let sealer: Arc<dyn SealPart> = self.clone();
        ReplayPart::new(self.vault.name_part(&plain), plain, sealer)
    }

    fn compress(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut compressor = self.compressor.lock().unwrap_or_else(|e| e.into_inner());
        compressor
            .as_mut()?
            .compress(bytes)
            .inspect_err(|error| tracing::warn!(%error, "a replay copy could not be compressed"))
            .ok()
    }
}

impl SealPart for Sealer {
    fn seal_part(&self, plain: &[u8]) -> Sealed {
        let compressed = self
            .compress(plain)
            .filter(|small| small.len() < plain.len());
        let (packing, bytes) = match &compressed {
            Some(compressed) => (Packing::BodyZstd, &compressed[..]),
            None => (Packing::BodyPlain, plain),
        };
        let packed = [&[packing as u8], bytes].concat();
        self.vault.seal(Purpose::ReplayPart, &packed)
    }
}

/// Names of parts that were made not long ago. It is a guess at what the store has, and only decides when a part is
/// sealed: what is not there is sealed when the store finds that out, whatever became of earlier copies.
#[derive(Default)]
struct Recent {
    newer: HashSet<PartName>,
    older: HashSet<PartName>,
}

impl Recent {
    /// Notes a name; whether it is a new one.
    fn note(&mut self, name: &PartName) -> bool {
        if self.newer.contains(name) {
            return false;
        }
        let is_new = !self.older.contains(name);
        if self.newer.len() >= RECENT_PARTS {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(*name);
        is_new
    }
}

/// Why a copy does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// It was sealed with another instance key, or packed by a newer program.
    Key,
    /// It is not what was packed.
    Damaged,
}

/// Opens what [`Packer::pack`] made.
///
/// # Errors
/// Nothing but what was packed, to the byte, is ever answered.
pub fn open(vault: &Vault, copy: &ReplayCopy) -> Result<Kept, Unopened> {
    let packed = vault
        .open(Purpose::Replay, &copy.sealed)
        .map_err(|_| Unopened::Key)?;
    match packed.split_first() {
        Some((packing, rest)) if *packing == Packing::Parts as u8 => {
            put_together(vault, rest, copy).ok_or(Unopened::Damaged)
        }
        _ => unpack(packed).ok_or(Unopened::Key),
    }
}

/// `told`: the length of the body and the sum of the names of all parts.
fn put_together(vault: &Vault, told: &[u8], copy: &ReplayCopy) -> Option<Kept> {
    let (length, sum) = told.split_first_chunk::<8>()?;
    let length = u64::from_be_bytes(*length);
    if length > MAX_BODY_BYTES {
        return None;
    }
    let mut names = blake3::Hasher::new();
    let mut open = |part: &Sealed| {
        let plain = open_part(vault, part)?;
        names.update(&vault.name_part(&plain));
        Some(plain)
    };
    let (head, parts) = copy.parts.split_first()?;
    let head = open(head)?;
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(&open(part)?);
    }
    let is_whole = body.len() as u64 == length && names.finalize().as_bytes()[..] == *sum;
    is_whole.then_some(Kept {
        head: Some(read(&head)?),
        body: body.into(),
    })
}

fn open_part(vault: &Vault, part: &Sealed) -> Option<Vec<u8>> {
    let packed = vault.open(Purpose::ReplayPart, part).ok()?;
    let (packing, rest) = packed.split_first()?;
    match Packing::of(*packing)? {
        Packing::BodyPlain => Some(rest.to_vec()),
        Packing::BodyZstd => zstd::bulk::decompress(rest, MAX_HEAD_BYTES.max(MAX)).ok(),
        Packing::Plain | Packing::Zstd | Packing::Parts => None,
    }
}

fn unpack(packed: Vec<u8>) -> Option<Kept> {
    let packed = Bytes::from(packed);
    let packing = Packing::of(*packed.first()?)?;
    let mut rest = &packed[1..];
    let head = match packing {
        Packing::BodyPlain | Packing::BodyZstd => None,
        Packing::Plain | Packing::Zstd => Some(read(take(&mut rest)?)?),
        Packing::Parts => return None,
    };
    let body = match packing {
        Packing::BodyPlain | Packing::Plain => packed.slice_ref(rest),
        Packing::BodyZstd | Packing::Zstd | Packing::Parts => {
            let mut body = Vec::new();
            let decoder = zstd::stream::read::Decoder::new(rest).ok()?;
            decoder.take(MAX_BODY_BYTES).read_to_end(&mut body).ok()?;
            body.into()
        }
    };
    Some(Kept { head, body })
}

/// A head as a list of fields, each behind its length.
fn write(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for field in [
        head.method.as_str(),
        head.path.as_str(),
        head.protocol.as_str(),
        head.endpoint.as_str(),
    ] {
        put(&mut out, field.as_bytes());
    }
    for (name, value) in &head.headers {
        put(&mut out, name.as_str().as_bytes());
        put(&mut out, value.as_bytes());
    }
    out
}

fn read(mut rest: &[u8]) -> Option<Head> {
    let method = Method::from_bytes(take(&mut rest)?).ok()?;
    let path = PathAndQuery::try_from(take(&mut rest)?).ok()?;
    let protocol = std::str::from_utf8(take(&mut rest)?).ok()?.parse().ok()?;
    let endpoint = std::str::from_utf8(take(&mut rest)?).ok()?.parse().ok()?;
    let mut headers = HeaderMap::new();
    while !rest.is_empty() {
        let name = HeaderName::from_bytes(take(&mut rest)?).ok()?;
        headers.append(name, HeaderValue::from_bytes(take(&mut rest)?).ok()?);
    }
    Some(Head {
        method,
        path,
        protocol,
        endpoint,
        headers,
    })
}

fn put(out: &mut Vec<u8>, field: &[u8]) {
    // No field comes near the limit: heads are bounded.
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
}

fn take<'r>(rest: &mut &'r [u8]) -> Option<&'r [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use waybill_model::secret::Secret;

    use super::*;

    fn vault() -> Vault {
        Vault::new(&Secret::new("instance"))
    }

    fn head() -> Head {
        let mut headers = HeaderMap::new();
        headers.append("anthropic-version", HeaderValue::from_static("2023-06-01"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_bytes(b"\xff2").unwrap());
        Head {
            method: Method::POST,
            path: PathAndQuery::from_static("/antigravity/v1/messages?beta=true"),
            protocol: Protocol::Anthropic,
            endpoint: Endpoint::Messages,
            headers,
        }
    }

    fn packer() -> Packer {
        Packer::new(vault(), Copies::InParts)
    }

    /// As if it had been stored.
    fn stored(row: &ReplayRow) -> ReplayCopy {
        ReplayCopy {
            sealed: row.sealed.clone(),
            body_bytes: row.body_bytes,
            parts: row.parts.iter().map(|part| part.sealed().clone()).collect(),
        }
    }

    fn alone(copy: &[u8]) -> ReplayCopy {
        ReplayCopy {
            sealed: vault().seal(Purpose::Replay, copy),
            body_bytes: 0,
            parts: Vec::new(),
        }
    }

    fn text(words: std::ops::Range<u32>) -> Bytes {
        let words = words.map(|n| format!("{} said word {n:x}; ", n.wrapping_mul(2_654_435_761)));
        Bytes::from(words.collect::<String>())
    }

    fn names(row: &ReplayRow) -> Vec<PartName> {
        row.parts.iter().map(|part| *part.name()).collect()
    }

    proptest! {
        #[test]
        fn what_is_opened_is_what_was_packed(
            unit in proptest::collection::vec(any::<u8>(), 0..200), times in 0..400_usize, whole: bool,
        ) {
            let body = Bytes::from(unit.repeat(times));
            let copies = if whole { Copies::Whole } else { Copies::InParts };
            let row = Packer::new(vault(), copies).pack(&head(), &body).unwrap();
            prop_assert_eq!(row.parts.is_empty(), whole || body.len() < MIN_SHARED_BYTES);
            let kept = open(&vault(), &stored(&row)).unwrap();
            prop_assert_eq!(kept.head, Some(head()));
            prop_assert_eq!(kept.body, body);
        }

        #[test]
        fn what_is_damaged_is_refused_and_nothing_else_happens(packed in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack(packed.clone());
            let _ = put_together(&vault(), &packed, &alone(&packed));
        }
    }

    #[test]
    fn what_two_requests_have_in_common_has_the_same_names() {
        let mut packer = packer();
        let shorter = packer.pack(&head(), &text(0..5_000)).unwrap();
        let longer = packer.pack(&head(), &text(0..5_100)).unwrap();
        let known = names(&shorter);
        let fresh = names(&longer)
            .into_iter()
            .filter(|name| !known.contains(name))
            .count();
        assert!(known.len() > 40 && fresh <= 5, "{fresh} of {}", known.len());
    }

    #[test]
    fn a_copy_whose_parts_are_not_its_own_is_refused() {
        let row = packer().pack(&head(), &text(0..2_000)).unwrap();
        let whole = stored(&row);
        let other = stored(&packer().pack(&head(), &text(9..2_000)).unwrap());
        assert!(open(&vault(), &whole).is_ok());
        let change = |change: fn(&mut Vec<Sealed>, &ReplayCopy)| {
            let mut changed = whole.clone();
            change(&mut changed.parts, &other);
            open(&vault(), &changed).map(|kept| kept.body.len())
        };
        let missing = change(|parts, _| drop(parts.remove(2)));
        let swapped = change(|parts, _| parts.swap(1, 2));
        let doubled = change(|parts, _| parts.push(parts[1].clone()));
        let strange = change(|parts, other| parts[1] = other.parts[1].clone());
        let flipped = change(|parts, _| parts[1].0[40] ^= 1);
        let none = change(|parts, _| parts.clear());
        for refused in [missing, swapped, doubled, strange, flipped, none] {
            assert_eq!(refused, Err(Unopened::Damaged));
        }
    }

    #[test]
    fn a_part_is_sealed_when_it_is_new_or_asked_for() {
        let mut recent = Recent::default();
        let name = |n: usize| -> PartName { (n as u128).to_be_bytes() };
        assert!(recent.note(&name(1)) && !recent.note(&name(1)));
        for n in 2..RECENT_PARTS + 5 {
            assert!(recent.note(&name(n)));
        }
        assert!(!recent.note(&name(1)), "it was among the older ones");
        for n in 0..2 * RECENT_PARTS {
            recent.note(&name(n + 1_000_000));
        }
        assert!(recent.note(&name(1)), "it was long ago");
    }

    #[test]
    fn what_older_programs_sealed_opens_without_a_head() {
        let body = b"{}".repeat(5000);
        for (packing, packed) in [
            (0, body.clone()),
            (1, zstd::bulk::compress(&body, 1).unwrap()),
        ] {
            let kept = open(&vault(), &alone(&[&[packing], &packed[..]].concat())).unwrap();
            assert_eq!((kept.head, &kept.body[..]), (None, &body[..]));
        }
    }

    #[test]
    fn another_instance_key_opens_nothing_and_a_newer_packing_is_not_guessed() {
        for body in [Bytes::from_static(b"{}"), text(0..2_000)] {
            let copy = stored(&packer().pack(&head(), &body).unwrap());
            let other = Vault::new(&Secret::new("other"));
            assert_eq!(open(&other, &copy), Err(Unopened::Key));
        }
        assert_eq!(open(&vault(), &alone(&[200, 1, 2])), Err(Unopened::Key));
    }

    #[test]
    fn a_head_beyond_all_bounds_is_not_kept() {
        let mut large = head();
        let value = HeaderValue::from_bytes(&vec![b'a'; MAX_HEAD_BYTES]).unwrap();
        large.headers.insert("x-large", value);
        assert!(packer().pack(&large, &text(0..9)).is_none());
    }
}
